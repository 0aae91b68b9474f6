"""PEFT in the glass box: learning rates, ranks and targets, what is learned and what is forgotten.

    python -m course_utils.experiments peft [--table base ranks rates] [--list]

Each table is a list of runs in data/results/peft.json. All runs see the same passages of notes for the same
number of steps; `rates` covers each method's learning rates from too low to too high, and `ranks` those of
each rank, since a higher rank may want a lower one. Rates are chosen on the questions of dev; ranks are
reported on those of test, and on the retention suite. No run was trained on any of them. Left out: grids on
the real model, where one run costs minutes.
"""

import functools

from course_utils import data, models, training
from course_utils.experiments import runner
from course_utils.peft import bottleneck, ia3, lora
from course_utils.storage import paths
from course_utils.tasks import extractive_qa, retention

FILE = paths.DATA / "results" / "peft.json"
RECORDS, STEPS, BATCH = 1500, 120, 16
ITEMS, KEPT = 200, 60  # questions asked afterwards, and items of each ability of the retention suite
QUERIES_VALUES = ("q_proj", "v_proj")
RATES = {
    "full": (1e-4, 3e-4, 1e-3, 3e-3),
    "LoRA": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "LoRA, 8 times alpha": (3e-4, 1e-3, 3e-3, 1e-2),
    "bottleneck": (1e-3, 3e-3, 1e-2, 3e-2),
    "IA3": (1e-2, 3e-2, 1e-1, 3e-1, 1.0),
}
RANKS, RANK_RATES = (1, 4, 16, 64), (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
TABLES = {
    "base": [{"model": "glass box"}],
    "ranks": [
        *(
            {"targets": targets, "rank": rank, "lr": lr, "seed": 0}
            for targets in ("q and v", "all layers")
            for rank in RANKS
            for lr in RANK_RATES
        ),
        *({"targets": "full", "rank": 0, "lr": lr, "seed": 0} for lr in RATES["full"]),
    ],
    "rates": [{"method": method, "lr": lr, "seed": 0} for method, rates in RATES.items() for lr in rates],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def best_of_ranks():
    """The runs of "ranks" with the best rate of each target and rank, by the questions of dev."""
    best = {}
    for row in read("ranks"):
        key = row["targets"], row["rank"]
        best[key] = max(best.get(key, row), row, key=lambda row: row["exact"])
    return list(best.values())


def base(model):
    """The same measures before any training."""
    (model, tokenizer), (_, items) = models.load("glass-box"), passages()
    return exact_match(model, tokenizer, items) | kept(model, tokenizer)


def rates(method, lr, seed):
    """One method at one learning rate: {"exact", "loss", "parameters"}."""
    model, tokenizer = models.load("glass-box")
    parameters = METHODS[method](model, seed)
    return learned(model, tokenizer, parameters, lr, seed)


def ranks(targets, rank, lr, seed):
    """LoRA of one rank beside some layers, or all weights ("full"): the same, and what was "kept"."""
    model, tokenizer = models.load("glass-box")
    if targets == "full":
        parameters = list(model.parameters())
    else:
        layers = QUERIES_VALUES if targets == "q and v" else "all"
        parameters = lora.add(model, rank=rank, alpha=2.0 * rank, targets=layers, seed=seed)
    outcome = learned(model, tokenizer, parameters, lr, seed)
    return outcome | kept(model, tokenizer)


METHODS = {
    "full": lambda model, seed: list(model.parameters()),
    "LoRA": lambda model, seed: lora.add(model, rank=8, alpha=16.0, seed=seed),
    "LoRA, 8 times alpha": lambda model, seed: lora.add(model, rank=8, alpha=128.0, seed=seed),
    "bottleneck": lambda model, seed: bottleneck.add(model, width=16, seed=seed),
    "IA3": lambda model, seed: ia3.add(model),
}


def learned(model, tokenizer, parameters, lr, seed):
    """Train the parameters on the notes, and ask new questions."""
    records, items = passages()
    settings = dict(lr=lr, steps=STEPS, batch_size=BATCH, seed=seed, pad_id=tokenizer.pad_token_id)
    examples = data.encode(tokenizer, records)
    history = training.train(model, examples, parameters=parameters, progress=False, bf16=False, **settings)
    last = history.losses[-10:]
    return {
        "parameters": sum(parameter.numel() for parameter in parameters),
        **exact_match(model, tokenizer, items),
        "loss": round(sum(last) / len(last), 4),
        "seconds": round(history.seconds, 1),
    }


def exact_match(model, tokenizer, items):
    """{"exact": share of right answers, "hits": a text with 1 or 0 for each item, in their order}."""
    exact, _ = extractive_qa.grade(items, extractive_qa.replies(model, tokenizer, items))
    return {"exact": sum(exact) / len(exact), "hits": digits(exact)}


def kept(model, tokenizer):
    """{"kept": {ability: accuracy}, "kept_hits"} on the first items of the retention suite's abilities.

    Beside them "test_hits", the questions of test.
    """
    asked = extractive_qa.notes(ITEMS, "test")
    hits = retention.measure(model, tokenizer, KEPT)
    every = [mark for marks in hits.values() for mark in marks]
    return {
        "kept": {name: sum(marks) / len(marks) for name, marks in hits.items()},
        "kept_hits": digits(every),
        "test_hits": exact_match(model, tokenizer, asked)["hits"],
    }


def digits(marks):
    """Hits as a text, which stays one line in the file: [True, False] -> "10"."""
    return "".join(str(int(mark)) for mark in marks)


@functools.cache
def passages():
    """(records to learn from, other questions) about notes in the glass box's own words."""
    return extractive_qa.notes(RECORDS, "train"), extractive_qa.notes(ITEMS, "dev")


RUNS = {"base": base, "rates": rates, "ranks": ranks}
