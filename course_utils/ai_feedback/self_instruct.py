"""Self-instruct: a dozen labeled texts become many, by prompting alone, and the doubtful ones are left out.

    records = self_instruct.write(model, tokenizer, seeds, each=60)       label first, then a text for it
    sound = [r for r in records if self_instruct.is_sound(r)]             a program looks
    agreed = self_instruct.verified(model, tokenizer, sound, seeds)       the model itself looks again

seeds and records: {"prompt": a text, "completion": its label}. Copies and leaks are looked for by
course_utils.ai_feedback.synthetic_data. Taught in lesson 06. Left out: new tasks, and texts before labels,
which the paper recommends where answers are open. Source: Wang et al. 2022, "Self-Instruct", section 2.2.
"""

import random

from course_utils import generation
from course_utils.prompts.templates import arrow

HEAD = "Reviews by customers."
SHOTS, ROOM, TOP_K = 8, 32, 50  # seeds in a prompt; tokens of a text; tokens it is sampled from


def prompt(shots, label):
    """A prompt that shows records, label first, and leaves the text for `label` open."""
    shown = "".join(f"\n\nOpinion: {r['completion']}\nReview: {r['prompt']}" for r in shots)
    return f"{HEAD}{shown}\n\nOpinion: {label}\nReview:"


def write(model, tokenizer, seeds, each, seed=0, temperature=0.9, groups=5):
    """`each` sampled records for each label of the seeds, with "id", "generation" 1, and the label asked for.

    The prompts of a group show the same seeds in the same order, so that the model reads them once. Raises
    ValueError unless `each` is a multiple of `groups`.
    """
    if each % groups:
        raise ValueError(f"{each} records for each label cannot be parted into {groups} equal groups")
    rng, records = random.Random(f"self-instruct {seed}"), []
    labels = sorted({record["completion"] for record in seeds}) * (each // groups)
    for group in range(groups):
        shots = rng.sample(seeds, min(SHOTS, len(seeds)))
        options = dict(stop="\n", temperature=temperature, top_k=TOP_K, seed=1000 * seed + group)
        texts = generation.generate(model, tokenizer, [prompt(shots, x) for x in labels], ROOM, **options)
        records += [{"prompt": text.strip(), "completion": x} for text, x in zip(texts, labels)]
    return [record | {"id": f"s{seed}-{i:03}", "generation": 1} for i, record in enumerate(records, 1)]


def is_sound(record):
    """Is it a text of 4 to 25 words that begins with a capital and ends as a sentence does?"""
    text = record["prompt"]
    return 4 <= len(text.split()) <= 25 and text[0].isupper() and text[-1] in ".!?"


def verified(model, tokenizer, records, seeds):
    """The records whose label the model gives, too, when it is shown the seeds and asked for the label.

    It wrote the text for the label; now it goes the other way round, and where the two differ one is wrong.
    """
    shots = [(record["prompt"], record["completion"]) for record in seeds]
    labels = sorted({label for _, label in shots})
    prompts = [arrow(shots, record["prompt"]) for record in records]
    chosen = generation.choose(model, tokenizer, prompts, labels)
    return [record for record, i in zip(records, chosen) if labels[i] == record["completion"]]
