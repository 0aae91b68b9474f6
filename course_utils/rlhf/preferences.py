"""Pairs of replies and which one is preferred: writes data/toy_desk/preferences.jsonl.

    python -m course_utils.rlhf.preferences [--train 1000] [--held-out 300] [--unseen 200] [--out FILE]

Replies are sampled from the base model, from the base with solved records in its prompt, and from a
model fine-tuned on noisy demonstrations. The gold reward says which is better; pairs that it values
less than half a point apart (MARGIN) are left out, as people skip what they cannot tell apart. Training
and held-out pairs ask new messages in the wordings of train.jsonl; one label in ten of the training
pairs is wrong (NOISE), as people's are. A third split, "unseen", asks what dev.jsonl asks, in wordings
that no model was trained on. It and the held-out pairs have clean labels.

| column | what |
|---|---|
| id, record | the pair; the new message (noisy_demonstrations.messages) or record of dev.jsonl that it asks |
| split | "train", "held_out" or "unseen" |
| prompt, chosen, rejected | as TRL's trainers want them |
| chosen_by, rejected_by | "base", "few_shot" or "sft" |
| chosen_gold, rejected_gold | the gold rewards, from -2 to 1 |
| flipped | true if the label is wrong |
| reason | why one is better, in words |

Taught in lesson 05. Left out: ties, and annotators who differ.
"""

import argparse
import itertools
import json
import random

from course_utils import models
from course_utils.corpus.styles import RUDE_WORDS
from course_utils.generation import generate
from course_utils.prompts import few_shot
from course_utils.rlhf import training_cache
from course_utils.storage.files import write_atomically
from course_utils.tasks.toy_desk import company, gold, noisy_demonstrations
from course_utils.tasks.toy_desk.records import FOLDER
from course_utils.tasks.toy_desk.records import read as read_desk
from course_utils.tasks.toy_desk.replies import stratified

FILE = FOLDER / "preferences.jsonl"
SEED, NOISE = 2026, 0.1
SLIP = "a slip, for the other one is better: "  # before the reason of a wrong label
SPLITS = ("train", "held_out", "unseen")
MARGIN = 0.5  # the least difference of the gold rewards: a slip in one field alone is no pair
SHOTS, ROOM = 4, 64  # solved records in a prompt; new tokens of a reply
SAMPLES = {"sft": 3, "few_shot": 1, "base": 1}  # replies to each prompt
WEIGHTS = {"sft": 2, "few_shot": 1, "base": 1}  # of a pair: the product of its two
KINDS = {  # how a reason begins: what the better reply is better in
    "its answer is": "the answer",
    "it has team": "form",
    "it has the right": "one field",
    "it is polite": "manners",
    "it signs off": "sign-off",
    "it says sorry": "an apology",
}


def read(split=None, path=FILE):
    """The stored pairs, all or those of a split. Raises OSError if there is no such file."""
    with open(path, encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    return [pair for pair in pairs if split in (None, pair["split"])]


def kind(pair):
    """In short what the better reply of a pair is better in: a value of KINDS, or "length"."""
    why = pair["reason"].removeprefix(SLIP)
    return next((name for start, name in KINDS.items() if why.startswith(start)), "length")


def build(train, dev, counts, seed=SEED, noise=NOISE, progress=True, **settings):
    """The pairs, as many of each split as `counts` says, each to a prompt of its own.

    settings: those of the fine-tuning. Raises ValueError if there are too few records for them.
    """
    base, tokenizer = models.load("glass-box")
    sft, _ = models.load("glass-box")
    training_cache.sft(sft, tokenizer, train, progress=progress, **settings)
    shots, stored = stratified(train, SHOTS, seed), []
    new = noisy_demonstrations.messages(train, "pairs"), noisy_demonstrations.messages(train, "held_out")
    for split, records in zip(SPLITS, (*new, dev)):
        rng, flip_rate = random.Random(f"{seed} {split}"), noise if split == "train" else 0.0
        waiting, kept = rng.sample(records, len(records)), []
        while len(kept) < counts[split]:
            if not waiting:
                raise ValueError(f"{len(records)} prompts gave only {len(kept)} pairs for {split}")
            size = (counts[split] - len(kept)) * 11 // 10 + 8  # some prompts give no pair
            batch, waiting = waiting[:size], waiting[size:]
            replies = sample_replies(base, sft, tokenizer, batch, shots, seed, progress)
            kept += filter(None, (labeled(*pair, rng, flip_rate) for pair in zip(batch, replies)))
        kept = kept[: counts[split]]
        stored += [{"id": f"{split}-{i:04}", "split": split} | pair for i, pair in enumerate(kept, 1)]
    return stored


def sample_replies(base, sft, tokenizer, records, shots, seed, progress=True):
    """[[(source, reply)]] for each record: SAMPLES of each source, at temperature 1."""
    plain = [record["prompt"] for record in records]
    solved = [few_shot.few_shot_prompt(shots, prompt) for prompt in plain]
    sources = {"sft": (sft, plain), "few_shot": (base, solved), "base": (base, plain)}
    replies = [[] for _ in records]
    for number, (source, (model, prompts)) in enumerate(sources.items()):
        options = dict(max_new_tokens=ROOM, stop="\n", temperature=1.0, progress=progress)
        for turn in range(SAMPLES[source]):
            texts = generate(model, tokenizer, prompts, seed=100 * seed + 10 * number + turn, **options)
            for own, text in zip(replies, texts):
                own.append((source, f" {text.strip()}"))
    return replies


def labeled(record, replies, rng, noise):
    """One pair of a record's replies, sampled by WEIGHTS and labeled; None if no two are MARGIN apart."""
    graded = [(gold.gold_reward(record, reply), source, reply) for source, reply in replies if reply.strip()]
    options = [(a, b) for a, b in itertools.combinations(graded, 2) if abs(a[0] - b[0]) >= MARGIN]
    if not options:
        return None
    weights = [WEIGHTS[a[1]] * WEIGHTS[b[1]] for a, b in options]
    worse, better = sorted(rng.choices(options, weights)[0])
    flipped = rng.random() < noise
    chosen, rejected = (worse, better) if flipped else (better, worse)
    why = reason(record, better[2], worse[2])
    return {
        "record": record["id"],
        "prompt": record["prompt"],
        "chosen": chosen[2],
        "rejected": rejected[2],
        "chosen_by": chosen[1],
        "rejected_by": rejected[1],
        "chosen_gold": chosen[0],
        "rejected_gold": rejected[0],
        "flipped": flipped,
        "reason": SLIP + why if flipped else why,
    }


def reason(record, better, worse):
    """The first respect, in order of importance, in which one reply to a record beats another."""
    a, b = gold.parse(better), gold.parse(worse)
    if b is None:
        return "it has team, priority and answer, the other does not"
    kinds = gold.verdict(record, better), gold.verdict(record, worse)
    if kinds[0] != kinds[1]:
        return f"its answer is {kinds[0]}, the other's {kinds[1]}"
    for field in ("team", "priority"):
        want = gold.parse(record["completion"])[field]
        if (a[field] == want) > (b[field] == want):
            return f"it has the right {field}"
    if rude(b["answer"]) > rude(a["answer"]):
        return "it is polite, the other is rude"
    if a["answer"].endswith(company.SIGN_OFF) > b["answer"].endswith(company.SIGN_OFF):
        return "it signs off, the other does not"
    if ("sorry" in a["answer"].lower()) > ("sorry" in b["answer"].lower()):
        return "it says sorry, the other does not"
    return "it is shorter"


def rude(text):
    """Whether a text contains a word of the rude style."""
    return any(word.lower() in text.lower() for word in RUDE_WORDS)


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="preferences", description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=1000, help="training pairs")
    parser.add_argument("--held-out", type=int, default=300, help="held-out pairs")
    parser.add_argument("--unseen", type=int, default=200, help="pairs in unseen wordings")
    parser.add_argument("--steps", type=int, default=noisy_demonstrations.STEPS, help="steps of fine-tuning")
    parser.add_argument("--out", default=FILE, help="the file to write")
    options = parser.parse_args(arguments)
    train, dev = map(read_desk, ("train", "dev"))
    counts = {split: getattr(options, split) for split in SPLITS}
    pairs = build(train, dev, counts, steps=options.steps)
    write_atomically(options.out, "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs))
    print(f"Wrote {len(pairs)} pairs to {options.out}.")


if __name__ == "__main__":
    main()
