"""Few real records and synthetic ones beside them: filtered, unfiltered, or real ones in their place.

A teacher is trained on some real records and writes new ones; the student is then trained on the real
ones and more beside them. Only the source of those differs: synthetic records that a program has passed,
those that the teacher wrote without a filter, or real ones. Taught in lesson 06. Left out: several rounds.
"""

import copy
import time

from course_utils.ai_feedback import synthetic_data
from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy
from course_utils.techniques.base import CONTROL, Technique
from course_utils.techniques.finetune import full
from course_utils.techniques.peft import grid, lora_last

TEACHER = "teacher"


def synthetic_filtered(model, tokenizer, train, seed, task, lr=2e-3, temperature=1.0, sizes=None):
    """Synthetic records that the program passes, without near-duplicates."""
    sizes = sizes or task.synthesis

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature, task, sizes)
        records = synthetic_data.valid(records, seeds, checker=task.problems)
        return synthetic_data.deduplicated(records, seeds)[: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def synthetic_unfiltered(model, tokenizer, train, seed, task, lr=2e-3, temperature=1.0, sizes=None):
    """Synthetic records without a filter, except those without a reply."""
    sizes = sizes or task.synthesis

    def choose(seeds, _):
        records = written(model, tokenizer, seeds, seed, temperature, task, sizes)
        return [record for record in records if record["completion"].strip()][: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def synthetic_real_control(model, tokenizer, train, seed, task, lr=2e-3, sizes=None):
    """Real records in place of synthetic ones: the control."""
    sizes = sizes or task.synthesis

    def choose(_, others):
        return others[: sizes.added]

    return student(model, tokenizer, train, seed, task, lr, choose, sizes)


def written(model, tokenizer, seeds, seed, temperature, task, sizes):
    """The records that a teacher writes, trained on the seeds alone. The model stays as it is."""
    middle = "\n" + seeds[0]["prompt"].rpartition("\n")[2]
    options = dict(seed=seed, temperature=temperature, middle=middle, room=sizes.room)
    if not sizes.lora:
        teacher = synthetic_data.teach(copy.deepcopy(model), tokenizer, seeds, seed=seed)
        return synthetic_data.generate_records(teacher, tokenizer, sizes.written, **options)
    settings = dict(lr=sizes.lr, steps=sizes.teaching, batch_size=sizes.batch, bf16=task.half)
    adapter_policy.tune(model, tokenizer, synthetic_data.whole(seeds), sizes.lora, seed, TEACHER, **settings)
    records = synthetic_data.generate_records(model, tokenizer, sizes.written, **options)
    adapter_layer.remove(model, TEACHER)
    return records


def student(model, tokenizer, train, seed, task, lr, choose, sizes=None):
    """Fine-tuning on the seeds and what choose(seeds, other real records) adds to them.

    examples counts the real records alone: nobody wrote the others.
    """
    sizes, started = sizes or task.synthesis, time.perf_counter()
    seeds = task.sample(train, min(sizes.seeds, len(train) // 2), seed)
    names = {record["prompt"] for record in seeds}
    others = [record for record in train if record["prompt"] not in names]
    added = choose(seeds, task.sample(others, len(others), seed))
    rest = model, tokenizer, seeds + added, seed, task, lr
    result = lora_last(*rest, sizes.lora, sizes.steps) if sizes.lora else full(*rest, sizes.steps)
    result.examples = sum("generation" not in record for record in seeds + added)
    result.train_seconds = time.perf_counter() - started
    result.choice = {"seeds": seeds, "added": added}
    return result


NEEDS = frozenset(("fields", "facts"))
SYNTHETIC = grid(lr=(1e-3, 2e-3, 4e-3), temperature=(0.8, 1.0))
REAL = grid(lr=(7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 4e-3))
HELP_DESK = [{"lr": 5e-3, "temperature": 0.5}, *grid(lr=(2e-3, 5e-3, 1e-2), temperature=(0.8,))]
SETTINGS = {"toy_desk": SYNTHETIC, "helpdesk": HELP_DESK}
REAL_SETTINGS = {"toy_desk": REAL, "helpdesk": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2))}
TECHNIQUES = (
    Technique("synthetic_filtered", "synthetic data", "06", synthetic_filtered, SETTINGS, NEEDS, data="few"),
    Technique(
        "synthetic_unfiltered", "synthetic data", "06", synthetic_unfiltered, SETTINGS, NEEDS, data="few"
    ),
    Technique(
        "synthetic_real_control", CONTROL, "06", synthetic_real_control, REAL_SETTINGS, NEEDS, data="few"
    ),
)
