"""The ladder on your own task: records from files, one call, one table.

    own_task.run("train.jsonl", "test.jsonl", ["few_shot", "lora_qv", "full"])
    python -m course_utils.scoreboard.own_task --train FILE --test FILE --rungs few_shot lora_qv full

A reply is right if it is the completion, spaces at its ends aside. Taught in lesson 07. Left out:
resuming, memory, retention, and techniques that know the service desk's form of reply.
"""

import argparse
import statistics
import sys
import time
from collections import Counter

import numpy as np
import torch
from safetensors import SafetensorError

from course_utils import data, evaluation, models
from course_utils.display import tables
from course_utils.finetune.options import positive
from course_utils.scoreboard import measure
from course_utils.tasks import base
from course_utils.techniques import registry
from course_utils.techniques.base import Result

BASELINE = "most_frequent"  # always measured: the line that a technique must beat
DEV = 0.2  # the share of train that settings are chosen on, at most MOST records
MOST = 100
SETTINGS_OF = "toy_desk"  # the task whose settings are tried: the same model
COLUMNS = ("rung", "right", "95 % from", "to", "trained", "bytes stored", "s to learn", "extra tokens", "ms")


class Outcome:
    """What a run found: `rows`, one dictionary a rung, and `items`, {rung: hits (seeds, test records)}.

    Shows itself as one table. `compare(a, b)` is a paired difference with its interval, as on the scoreboard.
    """

    def __init__(self):
        self.rows, self.items, self.replies = [], {}, {}

    def add(self, name, setting, hits, replies, costs):
        """One rung: hits (S, N) of 0/1, the replies of its first seed, its costs averaged over seeds."""
        hits = np.asarray(hits, dtype=float)
        right, low, high = evaluation.share(hits)
        self.items[name], self.replies[name] = hits, replies
        self.rows.append(dict(rung=name, right=right, low=low, high=high, setting=setting, **costs))

    def compare(self, a, b):
        """(share right of a − that of b, low, high): items drawn once for both, seeds for each, 95 %."""
        return evaluation.difference(self.items[a], self.items[b])

    def table(self):
        """The rows as a display.Table, in the order they ran."""
        shown = ("trainable_parameters", "stored_bytes", "train_seconds", "prompt_tokens", "latency_ms")
        cells = [
            [
                row["rung"],
                *(f"{row[k]:.2f}" for k in ("right", "low", "high")),
                *(float(row[k]) for k in shown),
            ]
            for row in self.rows
        ]
        return tables.table(cells, COLUMNS)

    def _repr_html_(self):
        return self.table()._repr_html_()

    def __repr__(self):
        return repr(self.table())


def run(train, test, rungs, seeds=1, trials=1, model="glass-box", progress=print):
    """Climb the rungs on records, or files of them; returns an Outcome.

    trials: how many of a rung's settings are tried on a part of train (1: the technique's own). The seeds
    then learn from all of train. progress(text) is told what is measured, or None.

    Raises BadRecords for a file that cannot be used; ValueError for a rung that does not exist or is made for
    the desk, and where a test prompt stands in train.
    """
    train, test = (
        [r | {"skill": str(r.get("skill", ""))} for r in _read(records)] for records in (train, test)
    )
    if shared := {r["prompt"].strip() for r in train} & {r["prompt"].strip() for r in test}:
        raise ValueError(f"{len(shared)} prompts of test stand in train too, such as {min(shared)!r}.")
    techniques, outcome, task = [registry.find(name) for name in rungs], Outcome(), base.of_records(model)
    if unfit := [technique.name for technique in techniques if technique.needs - task.offers]:
        raise ValueError(f"{', '.join(unfit)}: made for a help desk's form of reply; leave it out.")
    learners = {BASELINE: (most_frequent, [{}])}
    learners |= {t.name: (t.learn, _settings(t, trials)) for t in techniques}
    for name, (learn, settings) in learners.items():
        if progress:
            progress(f"{name} …")
        setting = _choose(learn, settings, train, task)
        ran = [_measure(learn, setting, seed, train, test, task) for seed in range(seeds)]
        costs = {key: statistics.mean(costs[key] for _, _, costs in ran) for key in ran[0][2]}
        outcome.add(name, setting, [hits for hits, _, _ in ran], ran[0][1], costs)
    return outcome


def most_frequent(model, tokenizer, train, seed, task):
    """The most frequent completion, whatever is asked."""
    constant = Counter(record["completion"] for record in train).most_common(1)[0][0]
    size = len(constant.encode())
    return Result(lambda requests: [constant] * len(requests), stored_bytes=size, examples=len(train))


def _read(records):
    return records if isinstance(records, list) else data.read_records(records)


def _settings(technique, trials):
    """The settings to try: the technique's own for one trial, else so many of its list."""
    return [technique.plain] if trials == 1 else technique.settings_for(SETTINGS_OF)[:trials]


def _choose(learn, settings, train, task):
    """The setting that is right most often on a part of train, after learning from the rest."""
    if len(settings) == 1:
        return settings[0]
    share = min(DEV, MOST / len(train))
    rest, dev = data.split(train, [1 - share, share], seed=0)
    return max(settings, key=lambda setting: sum(_measure(learn, setting, 100, rest, dev, task)[0]))


def _measure(learn, setting, seed, train, test, task):
    """(hits, replies, costs) of one seed, on a model of its own."""
    torch.manual_seed(seed)
    model, tokenizer = models.load(task.model)
    started = time.perf_counter()
    result = learn(model, tokenizer, train, seed, task, **setting)
    seconds = time.perf_counter() - started
    requests = [record["prompt"] for record in test]
    replies = [text.strip() for text in result.reply(requests)]
    hits = [int(task.grade(record, reply)["whole"]) for reply, record in zip(replies, test, strict=True)]
    costs = {key: getattr(result, key) for key in ("trainable_parameters", "stored_bytes", "prompt_tokens")}
    return (
        hits,
        replies,
        costs | {"train_seconds": seconds, "latency_ms": measure.latency(result.reply, requests)},
    )


def main(arguments=None):
    """The command; returns 1 with one sentence if something cannot be used."""
    parser = argparse.ArgumentParser(prog="own_task", description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True, help="records to learn from (.jsonl or .csv)")
    parser.add_argument("--test", required=True, help="records to be measured on")
    parser.add_argument("--rungs", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--seeds", type=positive(int), default=1)
    parser.add_argument("--trials", type=positive(int), default=1, help="settings tried on a part of train")
    parser.add_argument("--model", default="glass-box")
    chosen = parser.parse_args(arguments)
    try:
        outcome = run(chosen.train, chosen.test, chosen.rungs, chosen.seeds, chosen.trials, chosen.model)
    except (OSError, ValueError, SafetensorError) as error:
        print(error, file=sys.stderr)
        return 1
    print(outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
