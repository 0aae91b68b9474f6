"""Soft prompts beside LoRA and full fine-tuning, on both of the course's models: the long runs of lesson 02.

    python -m course_utils.experiments soft_prompts [--table rates seeds …] [--list]

Each table is a list of runs in data/results/soft_prompts.json; a run that is there is skipped. `rates`
tries the same number of learning rates for each method with seed 0 on SmolLM2, `seeds` repeats the rate
that was best on dev with two more seeds; `sizes` and `size_seeds` do the same on three glass boxes;
`starts`, `lengths` and `examples` vary one thing each, on the largest glass box. Every method begins where
the same text stands in front of each question: as vectors, as keys and values, or as words for LoRA and
full fine-tuning. A seed decides all that is random in a run: the order of the examples, the initial values
of encoders and of LoRA, and vectors that begin as random. Left out: grids over more than the rate.
"""

from dataclasses import dataclass

import numpy as np

from course_utils import data, generation, models, training
from course_utils.experiments import runner
from course_utils.peft import lora
from course_utils.peft.soft_prompt_encoders import Direct, Lstm
from course_utils.peft.soft_prompts import (
    SoftPrompted,
    keys_and_values,
    random_start,
    text_start,
    vocabulary_start,
)
from course_utils.storage import paths
from course_utils.tasks import one_word
from course_utils.tasks.zones import Zones

FILE = paths.DATA / "results" / "soft_prompts.json"
REAL, GLASS = models.REAL, tuple(reversed(models.GLASS_BOX))  # the smallest first
METHODS = ("prompt tuning", "p-tuning", "prefix tuning", "LoRA", "full")
RATES = {
    REAL: {
        "prompt tuning": (6e-3, 2e-2, 6e-2, 2e-1),
        "p-tuning": (3e-3, 1e-2, 3e-2, 1e-1),
        "prefix tuning": (2e-3, 6e-3, 2e-2, 6e-2),
        "LoRA": (6e-4, 2e-3, 6e-3, 2e-2),
        "full": (6e-6, 2e-5, 6e-5, 2e-4),
    },
    "glass box": {
        "prompt tuning": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
        "p-tuning": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
        "prefix tuning": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
        "LoRA": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
        "full": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),  # one more: its best rate depends most on the size
    },
}
STARTS = ("random", "vocabulary", "solved pairs")
SEEDS = range(3)


def _grid(subjects):
    return [
        {"model": model, "method": method, "lr": lr, "seed": 0}
        for model in subjects
        for method, rates in rates_of(model).items()
        for lr in rates
    ]


def _repeated(subjects):
    return [
        {"model": model, "method": method, "seed": seed}
        for model in subjects
        for method in METHODS
        for seed in SEEDS[1:]
    ]


def rates_of(model):
    """{method: the learning rates that are tried}."""
    return RATES[model if model == REAL else "glass box"]


TABLES = {
    "rates": _grid([REAL]),
    "seeds": _repeated([REAL]),
    "sizes": _grid(GLASS),
    "size_seeds": _repeated(GLASS),
    "starts": [
        {"start": start, "lr": lr, "seed": seed}
        for start in STARTS
        for lr in (1e-2, 3e-2, 1e-1, 3e-1)
        for seed in SEEDS
    ],
    "lengths": [{"length": length, "seed": seed} for length in (1, 2, 5, 10, 20) for seed in SEEDS],
    "examples": [
        {"count": count, "method": method, "seed": seed}
        for count in (50, 100, 260)
        for method in ("prompt tuning", "prefix tuning", "full")
        for seed in SEEDS
    ],
}


@dataclass(frozen=True)
class OneWord:
    """One-word answers, for the real model: course_utils.tasks.one_word."""

    instruction: str = "Answer with a single word and nothing else: no sentence and no explanation."
    steps: int = 40
    batch: int = 8
    room: int = 8  # new tokens: a reply that is longer is no single word
    stop: str = None

    def front(self, tokenizer):
        """The text in front of every question."""
        return one_word.chat(tokenizer, "", self.instruction)[0]

    def records(self, tokenizer, part, count=None):
        """Records behind the front."""
        return one_word.records(tokenizer, one_word.questions(part)[:count])

    def exact(self, part, replies):
        """[bool]: which replies to a part's questions are right."""
        return one_word.exact(one_word.questions(part), replies)


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def select(table, **setting):
    """The stored runs of a table that have these values."""
    return [run for run in read(table) if setting.items() <= run.items()]


def best_runs(model, method):
    """The runs with every seed at the rate that was best on dev with the first one."""
    grid, repeated = ("rates", "seeds") if model == REAL else ("sizes", "size_seeds")
    first = select(grid, model=model, method=method, lr=best_rate(model, method))
    return first + select(repeated, model=model, method=method)


def hits(runs):
    """Which test questions each run got right: an array (runs, questions) of 0 and 1."""
    return np.array([[int(hit) for hit in run["hits"]] for run in runs])


def task_of(model):
    """The task of one of the course's models."""
    return OneWord() if model == REAL else Zones()


def best_rate(model, method):
    """The rate with the best dev accuracy among the stored runs, the lowest loss deciding between equals.

    Raises ValueError while a run is missing.
    """
    table = "rates" if model == REAL else "sizes"
    runs = select(table, model=model, method=method)
    if len(runs) < len(rates_of(model)[method]):
        raise ValueError(f"The rates of {method} on {model} are missing: run the table {table} first.")
    return max(runs, key=lambda run: (run["dev"], -run["loss"]))["lr"]


def rates(model, method, lr, seed):
    """One method at one rate."""
    return outcome(model, method, lr, seed)


def seeds(model, method, seed):
    """One method at its best rate with another seed."""
    lr = best_rate(model, method)
    return {"lr": lr} | outcome(model, method, lr, seed)


def starts(start, lr, seed):
    """Prompt tuning of the glass box from random vectors, from random words, and from four solved pairs."""
    return outcome("glass-box", "prompt tuning", lr, seed, start=start)


def lengths(length, seed):
    """Prompt tuning of the glass box from so many random words."""
    return outcome("glass-box", "prompt tuning", 3e-2, seed, start="vocabulary", length=length)


def examples(count, method, seed):
    """One method at its best rate, on so many examples, for the same number of steps."""
    lr = best_rate("glass-box", method)
    return {"lr": lr} | outcome("glass-box", method, lr, seed, count=count)


def outcome(name, method, lr, seed, start=None, length=None, **settings):
    """Train a model by one method and ask it: what was measured, with the test set's hits one by one."""
    task, (model, tokenizer) = task_of(name), models.load(name)
    front = task.front(tokenizer)
    vectors = begin(model, tokenizer, start, length, seed) if start else text_start(model, tokenizer, front)
    learner = build(model, method, vectors, seed)
    front = "" if isinstance(learner, SoftPrompted) else front
    examples = in_front(front, task.records(tokenizer, "train", **settings))
    history = training.train(
        learner,
        data.encode(tokenizer, examples),
        lr=lr,
        steps=task.steps,
        batch_size=task.batch,
        seed=seed,
        progress=False,
        pad_id=tokenizer.pad_token_id,
        bf16=False,  # or rows would depend on which format was quicker that day
    )

    def graded(part):
        asked = [record["prompt"] for record in in_front(front, task.records(tokenizer, part))]
        return task.exact(part, generation.generate(learner, tokenizer, asked, task.room, task.stop))

    dev, test, last = graded("dev"), graded("test"), history.losses[-10:]
    return {
        "parameters": models.count_parameters(learner, trainable=True),
        "dev": sum(dev) / len(dev),
        "test": sum(test) / len(test),
        "hits": "".join(str(int(hit)) for hit in test),
        "loss": round(sum(last) / len(last), 4),
        "seconds": round(history.seconds, 1),
    }


def in_front(front, records):
    """The records with a text in front of their prompts."""
    return [record | {"prompt": front + record["prompt"]} for record in records]


def begin(model, tokenizer, start, length, seed):
    """The vectors that a glass box's prompt begins as; five where no length is given."""
    if start == "solved pairs":
        return text_start(model, tokenizer, Zones().front(tokenizer), length)
    return {"random": random_start, "vocabulary": vocabulary_start}[start](model, length or 5, seed)


def build(model, method, vectors, seed):
    """The model ready to train by a method: only what the method learns requires gradients."""
    if method == "full":
        return model.requires_grad_(True)
    if method == "LoRA":
        lora.add(model, rank=8, seed=seed)
        return model
    parts = {
        "prompt tuning": lambda: Direct(vectors),
        "p-tuning": lambda: Lstm(vectors, seed=seed),
        "prefix tuning": lambda: Direct(keys_and_values(model, vectors)),
    }
    return SoftPrompted(model, parts[method]())


RUNS = {
    "rates": rates,
    "seeds": seeds,
    "sizes": rates,
    "size_seeds": seeds,
    "starts": starts,
    "lengths": lengths,
    "examples": examples,
}
