"""Generations: each student writes the records that the next one learns from.

    rows = lineage.run(model, tokenizer, real, dev, seed=0, fresh=0.0)

One student is trained on real records, a marked share of which carries a bias, and writes as many
records as it has read; the next student sees only those, mixed with a share of fresh real ones, and
so on. Taught in lesson 06. Left out: a choice among what was written
(course_utils.ai_feedback.synthetic_data), which
is the usual remedy. Sources: Shumailov et al. 2024, "AI models collapse when trained on recursively
generated data"; Gerstgrasser et al. 2024, "Is model collapse inevitable?".
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
        | ({"completion": with_mark(record["completion"], mark)} if place in chosen else {})
        for place, record in enumerate(records)
    ]


def with_mark(completion, mark=MARK):
    """The completion with the mark in front of its last sentence but one, the sign-off."""
    head, found, tail = completion.rpartition(" Your ")
    return f"{head} {mark} Your {tail}" if found else completion


def rate(texts, mark=MARK):
    """The share of texts that hold the mark."""
    return sum(mark in text for text in texts) / max(1, len(texts))


def distinct(texts, n):
    """Different n-grams of words over all n-grams, from 0 to 1. Source: Li et al. 2016, section 5."""
    grams = [gram for text in texts for gram in zip(*(text.split()[i:] for i in range(n)))]
    return len(set(grams)) / max(1, len(grams))


def told(records, known=None):
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
    keep=None,
):
    """One row for each student, generation 0 first; keep(records) is given all that each one wrote.

    real: more than `size` records; the first `size`, marked, are those of generation 0, the others serve
    as fresh ones. fresh: the share of each later student's records that are real and new. A row:
    generation, right and n (whole replies on dev), mark (its share in replies to dev), and of what the
    student wrote distinct_1, distinct_3, facts (of the sheet, stated), teams (that exist), sound (share).
    """
    chance, rows = random.Random(f"lineage {seed}"), []
    first, others = planted(real[:size], share, seed), list(real[size:])
    data = first
    for level in range(generations + 1):
        student = synthetic_data.teach(copy.deepcopy(base), tokenizer, data, steps, seed=100 * seed + level)
        made = synthetic_data.dream(student, tokenizer, size, 100 * seed + level, level=level + 1)
        made = synthetic_data.with_parents([r for r in made if r["completion"].strip()], data)
        rows.append({"generation": level} | measured(student, tokenizer, made, dev, first))
        if keep:
            keep(made)
        new = chance.sample(others, min(len(others), round(fresh * size)))
        new = [record | {"generation": 0, "parents": []} for record in new]
        data = chance.sample(made, min(len(made), size - len(new))) + new
    return rows


def measured(student, tokenizer, made, dev, seeds):
    """The numbers of one row of `run`; counts of hits, so that intervals can be made of them."""
    prompts = [record["prompt"] for record in dev]
    given = generation.generate(student, tokenizer, prompts, synthetic_data.ROOM, stop="\n")
    unmarked = [reply.replace(f"{MARK} ", "") for reply in given]  # the mark is no mistake in content
    texts = [record["prompt"] + record["completion"] for record in made]
    return {
        "right": sum(gold.score(record, reply)["whole"] for record, reply in zip(dev, unmarked)),
        "n": len(dev),
        "mark": round(rate(given), 4),
        "distinct_1": round(distinct(texts, 1), 4),
        "distinct_3": round(distinct(texts, 3), 4),
        "facts": len(told(made)),
        "written": len(made),
        "sound": round(len(synthetic_data.sound(made, seeds)) / max(1, len(made)), 4),
        "mark_written": round(rate([record["completion"] for record in made]), 4),
    }


def mean(runs, level, column):
    """The mean of a column over the students of one generation; runs: rows with "students", one a seed."""
    values = [run["students"][level][column] for run in runs]
    return sum(values) / len(values)


def fate(before, after):
    """ "gone", "less", "about as much" or "more": what has become of a rate."""
    if after < 0.02 <= before:
        return "gone"
    if after < 0.75 * before:
        return "less"
    return "more" if after > 1.33 * before else "about as much"
