"""Model collapse: generations of students, each trained on the records that the last one wrote.

    rows = model_collapse.run(model, tokenizer, real, dev, seed=0, fresh=0.0)

The first student is trained on real records, a share of which carries a mark (a bias), and writes as
many; the next student is trained on those only, mixed with a share of fresh real ones, and so on. Taught
in lesson 06. Left out: filters (course_utils.ai_feedback.synthetic_data), which are the usual remedy.
Sources: Shumailov et al. 2024, "AI models collapse when trained on recursively generated data";
Gerstgrasser et al. 2024, "Is model collapse inevitable?".
"""

import copy
import random

from course_utils import generation
from course_utils.ai_feedback import synthetic_data
from course_utils.tasks.toy_desk import gold, replies

MARK = "Have a nice day."  # in front of the sign-off: harmless, and easy to count
MARKED, GENERATIONS, SIZE, STEPS = 0.2, 5, 200, 80


def planted(records, share=MARKED, seed=0, mark=MARK):
    """A copy of the records with the mark in the answers of a share of them, and "generation" 0."""
    chosen = set(random.Random(f"planted {seed}").sample(range(len(records)), round(share * len(records))))
    return [
        record
        | {"generation": 0, "parents": []}
        | ({"completion": with_mark(record["completion"], mark)} if i in chosen else {})
        for i, record in enumerate(records)
    ]


def with_mark(completion, mark=MARK):
    """The completion with the mark in front of its last sentence but one, the sign-off."""
    head, separator, tail = completion.rpartition(" Your ")
    return f"{head} {mark} Your {tail}" if separator else completion


def mark_rate(texts, mark=MARK):
    """The share of texts that contain the mark."""
    return sum(mark in text for text in texts) / max(1, len(texts))


def distinct(texts, n):
    """Different n-grams of words over all n-grams, from 0 to 1. Source: Li et al. 2016, section 5."""
    grams = [gram for text in texts for gram in zip(*(text.split()[i:] for i in range(n)))]
    return len(set(grams)) / max(1, len(grams))


def stated_facts(records, known=None):
    """The keys of the facts that the records' answers state, as a set. known: {key: statement}."""
    known = replies.statements() if known is None else known
    texts = [record["completion"] for record in records]
    return {key for key, statement in known.items() if any(statement in text for text in texts)}


def run(
    base,
    tokenizer,
    real,
    dev,
    seed=0,
    fresh=0.0,
    generations=GENERATIONS,
    size=SIZE,
    share=MARKED,
    steps=STEPS,
):
    """One row for each student, generation 0 first.

    real: more than `size` records; the first `size`, marked, are those of generation 0, the others serve
    as fresh ones. fresh: the share of each later student's records that are real and new. A row has
    generation and what `measured` returns.
    """
    rng, rows = random.Random(f"lineage {seed}"), []
    first, others = planted(real[:size], share, seed), list(real[size:])
    data = first
    for level in range(generations + 1):
        student_seed = 100 * seed + level
        student = synthetic_data.teach(copy.deepcopy(base), tokenizer, data, steps, seed=student_seed)
        written = synthetic_data.generate_records(student, tokenizer, size, student_seed, level=level + 1)
        written = synthetic_data.with_parents([r for r in written if r["completion"].strip()], data)
        rows.append({"generation": level} | measured(student, tokenizer, written, dev, first))
        new = rng.sample(others, min(len(others), round(fresh * size)))
        new = [record | {"generation": 0, "parents": []} for record in new]
        data = rng.sample(written, min(len(written), size - len(new))) + new
    return rows


def measured(student, tokenizer, written, dev, seeds):
    """Of a student: right of n (whole replies on dev), mark (its share in these); of its `written` records
    distinct_1, distinct_3, facts (stated, of the sheet), written (number), sound (valid share), mark_written.
    """
    prompts = [record["prompt"] for record in dev]
    answers = generation.generate(student, tokenizer, prompts, synthetic_data.ROOM, stop="\n")
    unmarked = [reply.replace(f"{MARK} ", "") for reply in answers]  # the mark is no mistake in content
    texts = [record["prompt"] + record["completion"] for record in written]
    return {
        "right": sum(gold.score(record, reply)["whole"] for record, reply in zip(dev, unmarked)),
        "n": len(dev),
        "mark": round(mark_rate(answers), 4),
        "distinct_1": round(distinct(texts, 1), 4),
        "distinct_3": round(distinct(texts, 3), 4),
        "facts": len(stated_facts(written)),
        "written": len(written),
        "sound": round(len(synthetic_data.valid(written, seeds)) / max(1, len(written)), 4),
        "mark_written": round(mark_rate([record["completion"] for record in written]), 4),
    }


def mean(runs, level, column):
    """The mean of a column over the students of one generation; runs: rows with "students", one a seed."""
    values = [run["students"][level][column] for run in runs]
    return sum(values) / len(values)


def trend(before, after):
    """ "gone", "less", "about as much" or "more": how a rate has changed."""
    if after < 0.02 <= before:
        return "gone"
    if after < 0.75 * before:
        return "less"
    return "more" if after > 1.33 * before else "about as much"
