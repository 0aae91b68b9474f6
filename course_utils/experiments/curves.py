"""Measures the two curves of the help desk: accuracy by labels, and by size of the model. Resumable.

    python -m course_utils.experiments labels [--technique NAME …] [--records N …] [--seeds 3] [--items N]
    python -m course_utils.experiments sizes [--technique NAME …] [--model NAME …] [--seeds 3] [--items N]

Labels: each technique learns from 25, 100, 400 and 1,200 records, smaller draws within larger ones, with the
setting that the scoreboard chose for all. Sizes: the scoreboard's budget on four models; on the glass boxes
settings are tried on dev first. The real model's runs with all records are the scoreboard's own where it has
them. Left out: a setting of its own for each number of records, which only more labels could choose.
"""

import argparse
import gc
import json
import sys
import time
from dataclasses import replace

import torch
from tqdm import tqdm

from course_utils import models
from course_utils.scoreboard import curves, measure, runner, table
from course_utils.scoreboard.columns import item_names
from course_utils.storage import files
from course_utils.storage.tensors import load_arrays
from course_utils.tasks import base
from course_utils.tasks.helpdesk import generate
from course_utils.techniques import registry
from course_utils.techniques.peft import grid

STEPS = {25: 40, 100: 100, 400: 200, 1200: 300}  # in batches of 4: 6, 4, 2 and 1 passes
LABELS = ("few_shot_nearest", "nearest_copy", "specialists", "prompt_tuning", "lora_all", "full")
SIZES = ("few_shot_nearest", "prompt_tuning", "prefix_tuning", "lora_all", "full")
MODELS = ("glass-box-tiny", "glass-box-small", "glass-box", "smollm2")
GLASS_BOX_SETTINGS = {  # what is tried on dev; the real model's settings would not suit
    "few_shot_nearest": [{"k": k, "form": form} for k in (1, 2, 4) for form in ("plain", "chat")],
    "prompt_tuning": grid(lr=(0.01, 0.03, 0.1), shots=(1, 2)),
    "prefix_tuning": grid(lr=(0.03, 0.1, 0.3), shots=(1, 2)),
    "lora_all": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2, 2e-2), rank=(8,)),
    "full": grid(lr=(1e-3, 2e-3, 3e-3, 5e-3, 1e-2)),
}


def labels(techniques=LABELS, counts=tuple(STEPS), seeds=3, limit=None, folder=None, model=None, steps=STEPS):
    """Measure what is missing of the label curve. folder: in place of data/results. limit: test items.

    model: in place of the task's own. Raises ValueError for a technique without a chosen setting.
    """
    task = base.find(curves.TASK)
    settings = {name: chosen(name, folder) for name in techniques}
    train, test = task.read("train"), task.read("test")[:limit]
    done = {(row["technique"], row["records"], row["seed"]) for row in curves.rows("label", folder)}
    plan = [
        (name, count, seed)
        for count in counts
        for name in techniques
        for seed in range(seeds)
        # Where nothing is random, all records give one result.
        if registry.find(name).random or count < len(train) or not seed
    ]
    for name, count, seed in tqdm([run for run in plan if run not in done], unit="run", desc="labels"):
        budget = base.Budget(None, steps[count], task.budget.batch)
        same = count == len(train) and budget == task.budget and not model
        stored = from_scoreboard(name, seed, test, folder) if same else None
        if stored is None:
            subset, fitted = generate.low_data(train, count, seed), replace(task, budget=budget)
            stored = one_run(name, seed, settings[name], fitted, subset, test, model or task.model)
        row, hits = stored
        curves.keep("label", row | {"records": count}, hits, folder)


def sizes(techniques=SIZES, names=MODELS, seeds=3, limit=None, folder=None, budget=None):
    """Measure what is missing of the size curve, the small models first. budget: in place of the task's."""
    task = base.find(curves.TASK)
    task = replace(task, budget=budget or task.budget)
    train, test = task.read("train"), task.read("test")[:limit]
    done = {(r["technique"], r["model"].split("@")[0], r["seed"]) for r in curves.rows("size", folder)}
    plan = [
        (name, model, seed)
        for model in names
        for name in techniques
        for seed in range(seeds if registry.find(name).random else 1)
    ]
    for name, model, seed in tqdm(plan, unit="run", desc="sizes"):
        if (name, models.fingerprint(model).split("@")[0], seed) in done:
            continue
        stored = from_scoreboard(name, seed, test, folder) if model == task.model else None
        if stored is None:
            glass = model in models.GLASS_BOX
            setting = tuned(name, model, task, train, folder) if glass else chosen(name, folder)
            stored = one_run(name, seed, setting, task, train, test, model)
        row, hits = stored
        curves.keep("size", row | {"records": len(train)}, hits, folder)


def one_run(name, seed, setting, task, train, records, model_name):
    """(row, items) of one technique with one seed, learned from `train`, graded on `records`."""
    torch.manual_seed(seed)
    model, tokenizer = models.load(model_name)
    size, started = models.count_parameters(model), time.perf_counter()
    result = registry.find(name).learn(model, tokenizer, train, seed, task, **setting)
    seconds = result.train_seconds or time.perf_counter() - started
    replies = result.reply([record["prompt"] for record in records])
    hits = measure.graded(records, replies, task)
    row = {column: float(hits[key].mean()) for column, key in item_names(task).items()}
    row |= {"technique": name, "model": models.fingerprint(model_name), "parameters": size, "seed": seed}
    row |= {"steps": task.budget.steps if result.trainable_parameters else 0, "examples": result.examples}
    row |= {"train_seconds": seconds, "setting": json.dumps(setting)}
    row |= {"machine": measure.machine(torch.get_num_threads(), task.bf16), "versions": measure.versions()}
    del model, result
    gc.collect()  # the next one needs the room
    return row, hits


def chosen(name, folder=None):
    """The setting that the scoreboard chose for the real model; the only one needs no choice.

    Raises ValueError if nothing was chosen yet.
    """
    settings = registry.find(name).settings_for(curves.TASK)
    file = base.results_file(base.find(curves.TASK), "tuning.json", folder)
    entry = runner.read_tuning(file).get(name)
    if entry and entry["chosen"] is not None:
        return entry["chosen"]
    if len(settings) == 1:
        return settings[0]
    raise ValueError(
        f"{name} has no chosen setting on the help desk yet: run "
        f"`python -m course_utils.scoreboard --technique {name}` first."
    )


def tuned(name, model, task, train, folder=None):
    """The best setting of a glass box on dev; every trial is kept in size_curve_tuning_helpdesk.json."""
    file = curves.file_of("size", folder).with_name(f"size_curve_tuning_{curves.TASK}.json")
    settings, key = GLASS_BOX_SETTINGS[name], f"{model} {name}"
    if len(settings) == 1:
        return settings[0]
    dev = task.read("dev")[: task.dev_items]
    for setting in settings:
        trials = runner.read_tuning(file).get(key, [])
        if setting in [trial["setting"] for trial in trials]:
            continue
        row, _ = one_run(name, runner.TUNING_SEED, setting, task, train, dev, model)
        trials.append({"setting": setting, "accuracy": row["accuracy"], "gold_reward": row["gold_reward"]})
        everything = runner.read_tuning(file) | {key: trials}
        files.write_atomically(file, json.dumps(everything, indent=1) + "\n")
    return runner.best(runner.read_tuning(file)[key], settings)


def from_scoreboard(name, seed, test, folder=None):
    """(row, items) as the scoreboard has them for the real model, or None."""
    rows = [
        row
        for row in table.rows_done(curves.TASK, folder)
        if (row["technique"], row["seed"]) == (name, str(seed))
    ]
    if not rows:
        return None
    task, arrays = base.find(curves.TASK), load_arrays(table.items_file(name, curves.TASK, folder))
    if list(arrays["ids"][: len(test)]) != [str(record["id"]) for record in test]:
        return None
    place = list(arrays["seeds"]).index(seed)
    hits = {key: arrays[key][place][: len(test)] for key in item_names(task).values()}
    row = {column: float(hits[key].mean()) for column, key in item_names(task).items()}
    steps = task.budget.steps if float(rows[0]["trainable_parameters"] or 0) else 0
    row |= {"technique": name, "seed": seed, "model": rows[0]["model"], "steps": steps}
    row |= {key: rows[0][key] for key in ("machine", "versions")} | {
        "setting": json.dumps(chosen(name, folder))
    }
    row |= {"examples": int(float(rows[0]["examples"])), "train_seconds": float(rows[0]["train_seconds"])}
    row |= {"parameters": models.count_parameters(models.load(task.model)[0])}
    return row, hits | {"ids": arrays["ids"][: len(test)]}


def main(kind, arguments=None):
    """The command of one curve, "labels" or "sizes"; 2 with a sentence where nothing can begin."""
    parser = argparse.ArgumentParser(prog=f"experiments {kind}", description=__doc__.splitlines()[0])
    names = LABELS if kind == "labels" else SIZES
    parser.add_argument("--technique", nargs="+", default=names, metavar="NAME")
    if kind == "labels":
        parser.add_argument("--records", nargs="+", type=int, default=tuple(STEPS), choices=tuple(STEPS))
    else:
        parser.add_argument("--model", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, help="only the first so many of test, for all rows of a curve")
    parser.add_argument("--folder", help="where results are kept, in place of data/results")
    parser.add_argument("--list", action="store_true", help="show how far it is")
    options = parser.parse_args(arguments)
    if options.list:
        stored = curves.rows({v: k for k, v in curves.COMMANDS.items()}[kind], options.folder)
        for name in options.technique:
            print(f"{name:20} {sum(row['technique'] == name for row in stored)} runs")
        return 0
    torch.set_num_threads(models.choose_threads())
    try:
        if kind == "labels":
            labels(options.technique, options.records, options.seeds, options.items, options.folder)
        else:
            sizes(options.technique, options.model, options.seeds, options.items, options.folder)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
