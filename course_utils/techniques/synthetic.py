"""Few real records and synthetic ones beside them: filtered, unfiltered, or real ones in their place.

A teacher is trained on SEEDS real records and writes new ones; the student is then trained on the real
ones and COUNT more. Only the source of those differs: synthetic records that a program has passed, those
that the teacher wrote without a filter, or real records. Taught in lesson 06. Left out: several rounds.
"""

import copy
import time

from course_utils.ai_feedback import synthetic_data
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.techniques.base import Rung
from course_utils.techniques.finetune import full
from course_utils.techniques.peft import STEPS

SEEDS, COUNT, WRITTEN = 200, 600, 1600  # real records, those added, and those that the teacher writes


def synthetic_filtered(model, tokenizer, train, seed, lr=2e-3, temperature=1.0, steps=STEPS):
    """Synthetic records that the program passes, without near-duplicates."""

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature)
        return synthetic_data.deduplicated(synthetic_data.valid(records, seeds), seeds)[:COUNT]

    return student(model, tokenizer, train, seed, lr, choose, steps)


def synthetic_unfiltered(model, tokenizer, train, seed, lr=2e-3, temperature=1.0, steps=STEPS):
    """Synthetic records without a filter, except those without a reply."""

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature)
        return [record for record in records if record["completion"].strip()][:COUNT]

    return student(model, tokenizer, train, seed, lr, choose, steps)


def synthetic_real_control(model, tokenizer, train, seed, lr=2e-3, steps=STEPS):
    """Real records in place of synthetic ones: the control."""

    def choose(_, others):
        return others[:COUNT]

    return student(model, tokenizer, train, seed, lr, choose, steps)


def written(model, tokenizer, seeds, seed, temperature, count=None):
    """The records that a teacher writes, trained on the seeds alone."""
    teacher = synthetic_data.teach(copy.deepcopy(model), tokenizer, seeds, seed=seed)
    return synthetic_data.generate_records(teacher, tokenizer, count or WRITTEN, seed, temperature)


def student(model, tokenizer, train, seed, lr, choose, steps):
    """Full fine-tuning on the seeds and what choose(seeds, other real records) adds to them.

    examples counts the real records alone: nobody wrote the others.
    """
    started = time.perf_counter()
    seeds = stratified(train, min(SEEDS, len(train) // 2), seed)
    names = {record["prompt"] for record in seeds}
    others = [record for record in train if record["prompt"] not in names]
    added = choose(seeds, stratified(others, len(others), seed))
    result = full(model, tokenizer, seeds + added, seed, lr, steps)
    result.examples = sum("generation" not in record for record in seeds + added)
    result.train_seconds = time.perf_counter() - started
    result.choice = {"seeds": seeds, "added": added}
    return result


RATES = [{"lr": r, "temperature": t} for r in (1e-3, 2e-3, 4e-3) for t in (0.8, 1.0)]
RUNGS = {
    "synthetic_filtered": Rung(synthetic_filtered, "06", RATES),
    "synthetic_unfiltered": Rung(synthetic_unfiltered, "06", RATES),
    "synthetic_real_control": Rung(
        synthetic_real_control, "06", [{"lr": r} for r in (7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 4e-3)]
    ),
}
