"""Soft prompts under other conditions: starts, lengths and rates; places; model sizes; few examples.

    python -m course_utils.experiments soft_prompts [--table starts places sizes examples] [--list]

Each table is a list of runs in data/results/soft_prompts.json. A run that is there is skipped, so a
killed sweep goes on where it stopped. Measured on dev, with few steps, so that all of it takes about a
quarter of an hour on one thread: runs are compared with each other, and the scoreboard says how far a
technique can get. Left out: grids for every technique.
"""

import functools

from course_utils import data, generation, models, training
from course_utils.experiments import runner
from course_utils.peft.soft_prompt_encoders import Direct
from course_utils.peft.soft_prompts import (
    SoftPrompted,
    keys_and_values,
    marks,
    random_start,
    vocabulary_start,
)
from course_utils.storage import paths
from course_utils.tasks.toy_desk import gold
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.tasks.toy_desk.task import TASK
from course_utils.techniques.soft_prompts import BETWEEN, begin

FILE = paths.DATA / "results" / "soft_prompts.json"
ITEMS, SEEN = 200, 50  # records of dev, and of those trained on, that are asked afterwards
STEPS, SHOTS, BATCH, ROOM = 120, 2, TASK.budget.batch, TASK.room
RATES = {"prompt": 0.03, "prefix": 0.03, "full": 1e-3}
SIZES = ("glass-box-tiny", "glass-box-small", "glass-box")
STARTS = ("random", "vocabulary", "solved records")
TABLES = {
    "starts": [
        {"start": start, "length": length, "lr": lr}
        for start in STARTS
        for length in (5, 20, 60)
        for lr in (0.03, 0.1, 0.3)
    ],
    "places": [{"behind": behind, "seed": seed} for behind in (0, 10, 20) for seed in range(2)],
    "sizes": [
        {"size": size, "technique": technique}
        for size in SIZES
        for technique in ("few-shot", "prompt", "full")
    ],
    "examples": [
        {"count": count, "technique": technique, "seed": seed}
        for count in (50, 100, 200, 500)
        for technique in ("prompt", "prefix", "full")
        for seed in range(3)
    ],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def starts(train, dev, start, length, lr):
    """Vectors of one length from one start, at one rate; solved records are cut or repeated to length."""
    model, tokenizer = models.load("glass-box")
    if start == "solved records":
        whole = begin(model, tokenizer, train, 0, TASK, SHOTS)
        first = whole.repeat(length // len(whole) + 1, 1)[-length:]  # the end stays next to the request
    else:
        first = {"random": random_start, "vocabulary": vocabulary_start}[start](model, length)
    return outcome(SoftPrompted(model, Direct(first)), tokenizer, train, dev, lr)


def places(train, dev, behind, seed):
    """Twenty vectors from random words, so many of them behind the request and the rest before it."""
    model, tokenizer = models.load("glass-box")
    tokenizer, text = marks(tokenizer, behind)
    soft = SoftPrompted(model, Direct(vocabulary_start(model, 20, seed)), behind, len(tokenizer) - behind)
    return outcome(soft, tokenizer, train, dev, 0.1, seed, behind=text)


def sizes(train, dev, size, technique):
    """A few-shot prompt, prompt tuning from it, and full fine-tuning, on a model of one size."""
    return by_technique(train, dev, technique, 0, size, 2 * STEPS)


def examples(train, dev, count, technique, seed):
    """The same number of steps on few records."""
    return by_technique(stratified(train, count, seed), dev, technique, seed, "glass-box")


def by_technique(train, dev, technique, seed, size, steps=STEPS):
    """One technique with the course's usual setting; "few-shot" is the start of "prompt", untrained."""
    model, tokenizer = models.load(size)
    if technique == "full":
        return outcome(model, tokenizer, train, dev, RATES["full"], seed, steps)
    first = begin(model, tokenizer, train, seed, TASK, SHOTS)
    first = keys_and_values(model, first) if technique == "prefix" else first
    steps = 0 if technique == "few-shot" else steps
    return outcome(
        SoftPrompted(model, Direct(first)), tokenizer, train, dev, RATES.get(technique), seed, steps
    )


def outcome(model, tokenizer, train, dev, lr, seed=0, steps=STEPS, behind=""):
    """Train what requires gradients, and ask: shares of dev and of training records, loss, seconds."""

    def asked(records):
        return [record | {"prompt": BETWEEN + record["prompt"] + behind} for record in records]

    def shares(records):
        prompts = [record["prompt"] for record in asked(records)]
        replies = generation.generate(model, tokenizer, prompts, ROOM, stop="\n")
        scores = [gold.score(record, reply) for record, reply in zip(records, replies)]
        return [sum(score[name] for score in scores) / len(scores) for name in ("whole", "team")]

    history = training.History()
    if steps:
        history = training.train(
            model,
            data.encode(tokenizer, asked(train)),
            lr=lr,
            steps=steps,
            batch_size=BATCH,
            seed=seed,
            progress=False,
            pad_id=tokenizer.pad_token_id,
        )
    (accuracy, routing), (seen, seen_routing) = shares(dev[:ITEMS]), shares(train[:SEEN])
    measured = {"accuracy": accuracy, "routing": routing}
    measured |= {"train_accuracy": seen, "train_routing": seen_routing}
    last = history.losses[-10:]
    return measured | {"loss": sum(last) / len(last) if last else None, "seconds": round(history.seconds, 1)}


@functools.cache
def desk():
    """The desk's records: (train, dev)."""
    return TASK.read("train"), TASK.read("dev")


def on_desk(run):
    """run(train, dev, **setting) as a function of the setting alone."""
    return lambda **setting: run(*desk(), **setting)


RUNS = {name: on_desk(run) for name, run in zip(TABLES, (starts, places, sizes, examples))}
