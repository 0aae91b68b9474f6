"""Synthetic records: generate, check by program, drop near-duplicates, look for leaks.

    teacher = synthetic_data.teach(model, tokenizer, seeds)             learns to write whole records
    records = synthetic_data.generate_records(teacher, tokenizer, 1000)
    kept = synthetic_data.deduplicated(synthetic_data.valid(records, seeds), seeds)

A synthetic record has its "generation" (that of its teacher's data, plus 1) and its "parents": the
records of that data which its message and its reply are nearest to. Taught in lesson 06. Left out: a
model as the checker (course_utils.ai_feedback.llm_judge), instructions that ask for a topic. Sources:
Wang et al. 2022, "Self-Instruct"; Lee et al. 2022, "Deduplicating training data makes language models
better".
"""

from rapidfuzz import fuzz, process

from course_utils import generation, training
from course_utils.prompts.few_shot import bare
from course_utils.tasks.toy_desk.synthetic_checks import problems, rules, sums_right

__all__ = ["deduplicated", "generate_records", "leaks", "problems", "rules", "sums_right", "teach", "valid"]
START, MIDDLE, ROOM = "Message:", "\nRecord:", 110  # of a record; its most tokens
ALIKE, LEAK = 97.0, 92.0  # similarity of messages, from 0 to 100
STEPS, RATE = 120, 2e-3


def whole(records):
    """The records with the message in the completion: it counts in the loss, too."""
    return [
        record | {"prompt": START, "completion": record["prompt"].removeprefix(START) + record["completion"]}
        for record in records
    ]


def teach(model, tokenizer, records, steps=STEPS, lr=RATE, seed=0, progress=False):
    """Train all weights of the model on whole records; returns it: it can reply, and write records."""
    training.fit(model, tokenizer, whole(records), lr, steps, seed=seed, progress=progress)
    return model


def generate_records(teacher, tokenizer, count, seed=0, temperature=1.0, level=1, middle=MIDDLE, room=ROOM):
    """`count` texts that continue START, cut into {"id", "prompt", "completion", "generation"}.

    middle: what stands between message and reply; room: the most tokens. A text without a reply gets an empty
    completion, which is not `valid`.
    """
    texts = generation.generate(
        teacher, tokenizer, [START] * count, room, temperature=temperature, seed=seed, batch_size=128
    )
    records = []
    for number, text in enumerate(texts, 1):
        message, separator, reply = text.partition(middle)
        records.append(
            {
                "id": f"g{level}-{seed}-{number:04}",
                "prompt": START + message + middle,
                "completion": reply.split("\n")[0] if separator else "",
                "generation": level,
            }
        )
    return records


def valid(records, seeds, known=None, checker=None):
    """The records without problems. Teams and priorities are those of the seeds; known: {key: statement}.

    checker(seeds) -> check(record) -> problems, by default the toy desk's (toy_desk.synthetic_checks).
    """
    if checker is None:
        allowed = rules(seeds, known)
        return [record for record in records if not problems(record, *allowed)]
    check = checker(seeds)
    return [record for record in records if not check(record)]


def nearest(records, others):
    """[(similarity from 0 to 100, index in others)] of the message nearest to each record's.

    Source: normalized indel distance, rapidfuzz's fuzz.ratio.
    """
    if not others:
        return [(0.0, None) for _ in records]
    mine, theirs = ([bare(r["prompt"]) for r in group] for group in (records, others))
    scores = process.cdist(mine, theirs, scorer=fuzz.ratio)  # (records, others)
    return [(float(row.max()), int(row.argmax())) for row in scores]


def deduplicated(records, seeds=(), alike=ALIKE):
    """The records whose messages are no near-duplicates of a seed's or of an earlier record's, in order."""
    kept, texts = [], [bare(record["prompt"]) for record in seeds]
    for record in records:
        text = bare(record["prompt"])
        if not texts or process.extractOne(text, texts, scorer=fuzz.ratio, score_cutoff=alike) is None:
            kept.append(record)
            texts.append(text)
    return kept


def leaks(records, held_out, alike=LEAK):
    """[(record, the held-out record, similarity)] for near-duplicates of held-out messages."""
    rows = zip(records, nearest(records, held_out))
    return [(record, held_out[i], score) for record, (score, i) in rows if score >= alike]


def with_parents(records, ancestors):
    """The records with "parents": ids of the ancestors whose message and whose reply are nearest to theirs.

    This is similarity, no proof of origin: a model learns from all its data at once.
    """
    answers = process.cdist(
        [r["completion"] for r in records], [a["completion"] for a in ancestors], scorer=fuzz.ratio
    )
    by_reply = [int(row.argmax()) for row in answers]
    by_message = [i for _, i in nearest(records, ancestors)]
    return [
        record | {"parents": sorted({ancestors[one]["id"], ancestors[two]["id"]})}
        for record, one, two in zip(records, by_message, by_reply)
    ]


def pseudo_labeled(model, tokenizer, prompts, level=1):
    """Records with the model's own replies to messages, each with "confidence", the reply's probability.

    Source: Lee 2013, "Pseudo-Label".
    """
    texts = generation.generate(model, tokenizer, prompts, ROOM, stop="\n")
    replies = [f" {text.strip()}" if text.strip() else " -" for text in texts]
    probabilities = generation.logps(model, tokenizer, prompts, replies).exp().tolist()
    return [
        {"prompt": prompt, "completion": reply, "confidence": probability, "generation": level}
        for prompt, reply, probability in zip(prompts, replies, probabilities)
    ]
