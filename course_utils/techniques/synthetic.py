"""Few real records and synthetic ones beside them: filtered, unfiltered, or real ones in their place.

A teacher is trained on some real records and writes new ones; the student is then trained on the real
ones and more beside them. Only the source of those differs: synthetic records that a program has passed,
those that the teacher wrote without a filter, or real ones. Taught in lesson 06. Left out: several rounds.
"""

import copy
import time
from typing import NamedTuple

from course_utils.ai_feedback import synthetic_data
from course_utils.techniques.base import CONTROL, Technique
from course_utils.techniques.finetune import full
from course_utils.techniques.peft import grid


class Sizes(NamedTuple):
    """How many: real records, those added, those that the teacher writes, steps of the student's training."""

    seeds: int = 200
    added: int = 600
    written: int = 1600
    steps: int | None = None  # None: the task's budget


USUAL = Sizes()


def synthetic_filtered(model, tokenizer, train, seed, task, lr=2e-3, temperature=1.0, sizes=USUAL):
    """Synthetic records that the program passes, without near-duplicates."""

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature, sizes.written)
        return synthetic_data.deduplicated(synthetic_data.valid(records, seeds), seeds)[: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def synthetic_unfiltered(model, tokenizer, train, seed, task, lr=2e-3, temperature=1.0, sizes=USUAL):
    """Synthetic records without a filter, except those without a reply."""

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature, sizes.written)
        return [record for record in records if record["completion"].strip()][: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def synthetic_real_control(model, tokenizer, train, seed, task, lr=2e-3, sizes=USUAL):
    """Real records in place of synthetic ones: the control."""

    def choose(_, others):
        return others[: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def written(model, tokenizer, seeds, seed, temperature, count=USUAL.written):
    """The records that a teacher writes, trained on the seeds alone."""
    teacher = synthetic_data.teach(copy.deepcopy(model), tokenizer, seeds, seed=seed)
    return synthetic_data.generate_records(teacher, tokenizer, count, seed, temperature)


def student(model, tokenizer, train, seed, task, lr, choose, sizes=USUAL):
    """Full fine-tuning on the seeds and what choose(seeds, other real records) adds to them.

    examples counts the real records alone: nobody wrote the others.
    """
    started = time.perf_counter()
    seeds = task.sample(train, min(sizes.seeds, len(train) // 2), seed)
    names = {record["prompt"] for record in seeds}
    others = [record for record in train if record["prompt"] not in names]
    added = choose(seeds, task.sample(others, len(others), seed))
    result = full(model, tokenizer, seeds + added, seed, task, lr, sizes.steps)
    result.examples = sum("generation" not in record for record in seeds + added)
    result.train_seconds = time.perf_counter() - started
    result.choice = {"seeds": seeds, "added": added}
    return result


NEEDS = frozenset(("fields", "facts"))
SYNTHETIC = grid(lr=(1e-3, 2e-3, 4e-3), temperature=(0.8, 1.0))
REAL = grid(lr=(7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 4e-3))
TECHNIQUES = (
    Technique(
        "synthetic_filtered",
        "synthetic data",
        "06",
        synthetic_filtered,
        {"toy_desk": SYNTHETIC},
        NEEDS,
        data="few",
    ),
    Technique(
        "synthetic_unfiltered",
        "synthetic data",
        "06",
        synthetic_unfiltered,
        {"toy_desk": SYNTHETIC},
        NEEDS,
        data="few",
    ),
    Technique(
        "synthetic_real_control", CONTROL, "06", synthetic_real_control, {"toy_desk": REAL}, NEEDS, data="few"
    ),
)
