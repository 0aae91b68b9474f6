"""Instruction tuning on the real model, with its controls: families of tasks that no record ever held.

    python -m course_utils.experiments instruction_tuning [--table NAME …] [--list]

A LoRA adapter learns 14 families of course_utils.tasks.instructions, each put as an instruction in the chat
template; four more are held out as wholes. "rates": each variant with four learning rates, graded on unseen
questions of the families that are trained. "controls": each variant with its best rate, graded on the
families held out. "untouched": the model as it came on those, with and without solved examples; "trained":
as it came, on the questions of "rates". A reply is strictly right if it is the answer and nothing else,
leniently if the answer stands in it. A killed sweep goes on where it stopped. Left out: other mixtures, other
models.
"""

import re

import numpy as np

from course_utils import models
from course_utils.experiments import runner
from course_utils.finetune import chat_format, run
from course_utils.storage import paths
from course_utils.tasks import instructions

MODEL = models.REAL
FILE = paths.DATA / "results" / "instruction_tuning.json"
RECORDS, BATCH = 480, 8
ON_DEV, ON_TEST = 15, 40  # questions of each family
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
VARIANTS = {
    "tuned": lambda records, seed: records,
    "instructions removed": lambda records, seed: instructions.without_instructions(records),
    "instructions shuffled": instructions.shuffled_instructions,
}
TABLES = {
    "untouched": [{"shots": 0}, {"shots": 4}],
    "trained": [{"shots": 0}],
    "rates": [{"variant": name, "lr": rate} for name in VARIANTS for rate in RATES],
    "controls": [{"variant": name, "seed": seed} for seed in range(3) for name in VARIANTS],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def held_out(how):
    """{condition: hits (S, N)} on the families held out, graded "strict" or "lenient": seeds, questions."""
    names = {0: "as it came", 4: "four solved\nexamples"}
    rows = [(names[row["shots"]], row) for row in read("untouched")]
    rows += [(row["variant"].replace(" ", "\n"), row) for row in read("controls")]
    hits = {}
    for name, row in rows:
        hits.setdefault(name, []).append([int(hit) for marks in row[how].values() for hit in marks])
    return {name: np.array(seeds) for name, seeds in hits.items()}


def trained_families(how):
    """{"as it came", "tuned": [0 or 1]} on unseen questions of the trained families, which chose the rate."""
    rate = best_rate("tuned")
    (tuned,) = (row for row in read("rates") if (row["variant"], row["lr"]) == ("tuned", rate))
    rows = {"as it came": read("trained")[0], "tuned": tuned}
    return {name: [int(hit) for marks in row[how].values() for hit in marks] for name, row in rows.items()}


def untouched(shots):
    """The model as it came, on the families held out, after so many solved examples of the same family."""
    return graded(*models.load(), instructions.HELD_OUT, ON_TEST, shots)


def trained(shots):
    """The model as it came, on unseen questions of the families that the variants are trained on."""
    return graded(*models.load(), instructions.TRAINED, ON_DEV, shots)


def trial(variant, lr):
    """A variant with one rate, on unseen questions of the families that were trained."""
    return learned(variant, lr, 0, instructions.TRAINED, ON_DEV)


def controls(variant, seed):
    """A variant with its best rate, on the families held out."""
    return learned(variant, best_rate(variant), seed, instructions.HELD_OUT, ON_TEST)


def best_rate(variant):
    """The rate with the most strictly right replies in "rates". Raises ValueError before its trials."""
    rows = [row for row in read("rates") if row["variant"] == variant]
    if len(rows) < len(RATES):
        raise ValueError(f"{len(rows)} of {len(RATES)} trials of {variant}: run --table rates first.")
    return max(rows, key=lambda row: sum(hits.count("1") for hits in row["strict"].values()))["lr"]


def learned(variant, lr, seed, families, n):
    """Train a variant of the mixture and grade it: {"lr", "strict", "lenient", "replies"}."""
    model, tokenizer = models.load()
    mixture = instructions.mixture(instructions.MIXTURES["even"], RECORDS, seed)
    records = [{"messages": instructions.turns(record)} for record in VARIANTS[variant](mixture, seed)]
    settings = dict(epochs=1, lr=lr, seed=seed, batch_size=BATCH, progress=False)
    model, _ = run.tune(model, tokenizer, records, "lora", **settings)
    return {"lr": lr} | graded(model, tokenizer, families, n)


def graded(model, tokenizer, families, n, shots=0):
    """{"strict", "lenient": {family: "0" or "1" for each question}, "replies": {family: [str]}}."""
    out = {"strict": {}, "lenient": {}, "replies": {}}
    for family in families:
        items = instructions.with_shots(family, n, shots)
        records = [{"messages": instructions.turns(item)} for item in items]
        replies = chat_format.ask(model, tokenizer, records, room=instructions.ROOM)
        for how, grade in (("strict", strict), ("lenient", lenient)):
            hits = [grade(reply, record["messages"]) for reply, record in zip(replies, records, strict=True)]
            out[how][family] = "".join(str(int(hit)) for hit in hits)
        out["replies"][family] = replies[:5]
    return out


def strict(reply, turns):
    """Whether a reply is the answer, but for case and a final full stop."""
    return reply.strip().removesuffix(".").lower() == turns[-1]["content"].lower()


def lenient(reply, turns):
    """Whether the answer stands in a reply as whole words; case does not matter.

    An answer that stands in the question, as in lists, must end the reply: repeating the list is no answer.
    """
    question, answer = (turn["content"] for turn in turns[-2:])
    end = r"\W*$" if re.search(_whole(answer), question, re.IGNORECASE) else ""
    return bool(re.search(_whole(answer) + end, reply, re.IGNORECASE))


def _whole(text):
    return rf"(?<!\w){re.escape(text)}(?!\w)"


RUNS = {"untouched": untouched, "trained": trained, "rates": trial, "controls": controls}
