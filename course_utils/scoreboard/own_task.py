"""The ladder on your own task: records from files, one call, one table, cheap baselines beside.

    own_task.run("train.xlsx", "test.csv", ["few_shot_nearest", "lora_all"])
    python -m course_utils.scoreboard.own_task --train FILE --test FILE --technique few_shot_nearest lora_all

A reply is right by a grader (`graders`): by default if it is the completion, spaces at its ends aside. Taught
in lesson 07. Left out: resuming, memory, retention, and techniques that know the help desk's form of reply.
"""

import argparse
import math
import statistics
import sys
import time
from dataclasses import replace

import torch
from safetensors import SafetensorError

from course_utils import data, models
from course_utils.batching import context_length
from course_utils.finetune.options import positive
from course_utils.scoreboard import graders, measure, own_records, runner
from course_utils.scoreboard.own_baselines import BASELINES
from course_utils.scoreboard.own_outcome import Outcome
from course_utils.storage.records import BadRecords
from course_utils.tasks import base
from course_utils.techniques import registry

TECHNIQUES = ("few_shot_nearest", "lora_all")
DEV = 0.2  # the share of train that settings are chosen on, at most MOST records
MOST = 100
SPARE, MOST_ROOM = 8, 512  # tokens of a reply: those of the longest completion, and some
PASSES, LEAST_STEPS, MOST_STEPS, BATCH = 3, 40, 300, 4  # of the real model's training


def run(
    train,
    test,
    techniques=TECHNIQUES,
    seeds=1,
    trials=1,
    model=models.REAL,
    grader="exact",
    instruction="",
    out=None,
    progress=print,
):
    """Run the techniques on records, or files of them; returns an Outcome, the baselines first.

    trials: how many of a technique's settings are tried on a part of train (1: what the course's own tasks
    chose). The seeds then learn from all of train. grader: a name of graders.NAMES, graders.find's arguments
    as a dictionary, or a function (record, reply) -> bool. instruction: a text for prompts. out: a folder
    that keeps the outcome. progress(text) is told what is measured, or None. A column "group" in test names
    records that were made from one thing: intervals then draw groups.

    Raises BadRecords for records that cannot be used, by row, reason and remedy; ValueError for a
    technique that does not exist or is made for the desk, and for a grader that does not fit. A technique
    that fails while it runs is named in the notes.
    """
    techniques = [registry.find(name) for name in techniques]
    train, test, notes = own_records.read(train, test)
    task = base.of_records(model, chat=model not in models.GLASS_BOX)
    if unfit := [t.name for t in techniques if t.needs - task.offers]:
        raise ValueError(f"{', '.join(unfit)}: made for a help desk's form of reply; leave it out.")
    task = _fitted(task, train, test, graded_by(grader, test), instruction)
    outcome = Outcome(_groups(test), str(model), notes)
    learners = {name: (learn, [{}], 1) for name, learn in BASELINES.items()}
    for t in techniques:
        if t.name not in BASELINES:
            settings = _settings(t, trials, model, instruction, len(train))
            learners[t.name] = (t.learn, settings, seeds if t.random else 1)
    for name, (learn, settings, count) in learners.items():
        if progress:
            progress(f"{name} …")
        try:
            setting = _choose(learn, settings, train, task)
            ran = [
                _measure(learn, setting, seed, train, test, task, name in BASELINES) for seed in range(count)
            ]
        except (ValueError, RuntimeError) as error:  # the others may do well
            outcome.notes.append(f"{name} is left out: {str(error).rstrip('.')}.")
            continue
        costs = {key: statistics.mean(costs[key] for _, _, costs in ran) for key in ran[0][2]}
        outcome.add(name, setting, [hits for hits, _, _ in ran], ran[0][1], costs)
        if "exact" in (grader, isinstance(grader, dict) and grader["name"]):
            outcome.notes += nearly(name, test, outcome.replies[name], outcome.items[name][0])
        if out:
            outcome.save(out)  # what ran so far, should the next one be killed
    return outcome


def nearly(name, test, replies, hits):
    """A sentence where many replies hold the answer among other words, which `exact` counts as wrong."""
    contains = graders.contains(test)
    count = sum(contains(r, reply) and not hit for r, reply, hit in zip(test, replies, hits, strict=True))
    if count < len(test) / 10:
        return []
    said = f"{count} of {len(test)} replies say the right answer among other words"
    return [f"{name}: {said}: see --grader contains."]


def graded_by(grader, test):
    """A function (record, reply) -> bool from what `run` takes as grader."""
    if callable(grader):
        return grader
    settings = {"name": grader} if isinstance(grader, str) else dict(grader)
    if settings.get("judge"):
        settings["judge"] = models.load(settings["judge"])
    return graders.find(settings.pop("name"), test, **settings)


def _fitted(task, train, test, grade, instruction):
    """The task with its grader, instruction, room and budget. BadRecords for what does not fit the model."""
    model, tokenizer = models.load(task.model)
    lengths = [len(tokenizer(record["completion"])["input_ids"]) for record in train]
    room = min(max(lengths) + SPARE, MOST_ROOM)
    limit, problems = context_length(model), []
    for name, records in (("training", train), ("test", test)):
        for record in records:
            asked = task.asked(tokenizer, record["prompt"])
            if (count := len(tokenizer(asked)["input_ids"]) + room) > limit:
                reason = (
                    f"{count} tokens with its reply, more than the model's {limit}: shorten it, or delete it"
                )
                problems.append((record["row"], reason))
        if problems:
            raise BadRecords(f"the {name} records", problems)
    if task.chat:
        steps = min(MOST_STEPS, max(LEAST_STEPS, math.ceil(PASSES * len(train) / BATCH)))
        task = replace(task, budget=base.Budget(None, steps, BATCH), bf16=True)
    instructions = {"none": "", "own": instruction}
    return replace(
        task,
        grade=lambda record, reply: {"whole": bool(grade(record, reply))},
        room=room,
        instructions=instructions,
        kind="completion",  # shots then show different completions
    )


def _groups(test):
    """The column "group" of test, or None if not every record has one."""
    groups = [record.get("group") for record in test]
    return None if any(name in (None, "") for name in groups) else [str(name) for name in groups]


def _settings(technique, trials, model, instruction, count):
    """The settings to try, as lists of keyword arguments; what names the help desk's prompts is replaced."""
    task = "toy_desk" if model in models.GLASS_BOX else "helpdesk"
    if trials > 1:
        settings = technique.settings_for(task)[:trials]
    elif task == "toy_desk" or task not in technique.settings:
        settings = [technique.plain]
    else:
        tuned = runner.read_tuning(base.results_file(base.find(task), "tuning.json")).get(technique.name, {})
        listed = technique.settings[task]
        settings = [tuned.get("chosen") or listed[(len(listed) - 1) // 2]]
    fitted = []
    for setting in settings:
        setting = dict(setting)
        if "instruction" in setting or (instruction and technique.family == "prompting"):
            setting["instruction"] = "own" if instruction else "none"
        if "k" in setting:
            setting["k"] = min(setting["k"], max(1, int(count * (1 - DEV))))
        if setting not in fitted:
            fitted.append(setting)
    return fitted


def _choose(learn, settings, train, task):
    """The setting that is right most often on a part of train, after learning from the rest."""
    if len(settings) == 1:
        return settings[0]
    share = min(DEV, MOST / len(train))
    rest, dev = data.split(train, [1 - share, share], seed=0)
    return max(settings, key=lambda setting: sum(_measure(learn, setting, 100, rest, dev, task)[0]))


def _measure(learn, setting, seed, train, test, task, modelless=False):
    """(hits, replies, costs) of one seed, on a model of its own, or on none."""
    torch.manual_seed(seed)
    model, tokenizer = (None, None) if modelless else models.load(task.model)
    started = time.perf_counter()
    result = learn(model, tokenizer, train, seed, task, **setting)
    seconds = time.perf_counter() - started
    requests = [record["prompt"] for record in test]
    replies = [text.strip() for text in result.reply(requests)]
    hits = [int(task.grade(record, reply)["whole"]) for reply, record in zip(replies, test, strict=True)]
    names = ("trainable_parameters", "stored_bytes", "prompt_tokens", "examples", "labels")
    costs = {key: getattr(result, key) for key in names}
    costs |= {"train_seconds": seconds, "latency_ms": measure.latency(result.reply, requests)}
    return hits, replies, costs


def main(arguments=None):
    """The command; returns 1 with one sentence if something cannot be used."""
    parser = argparse.ArgumentParser(prog="own_task", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--train", required=True, help="records to learn from (.jsonl, .json, .csv, .tsv, .xlsx)"
    )
    parser.add_argument("--test", required=True, help="records to be measured on")
    parser.add_argument("--technique", dest="techniques", nargs="+", default=TECHNIQUES, metavar="NAME")
    parser.add_argument("--seeds", type=positive(int), default=1)
    parser.add_argument("--trials", type=positive(int), default=1, help="settings tried on a part of train")
    parser.add_argument("--model", default=models.REAL, help="by default the real model; glass-box is quick")
    parser.add_argument("--grader", choices=graders.NAMES, default="exact", help="when is a reply right?")
    parser.add_argument("--fields", nargs="+", default=(), help="of the grader json: by default all")
    parser.add_argument("--pattern", help="of the grader regex")
    parser.add_argument("--judge", metavar="MODEL", help="of the grader judge")
    parser.add_argument("--instruction", default="", help="what the model is to do, for prompting techniques")
    parser.add_argument("--out", help="a folder that keeps the outcome, for `advisor --results`")
    chosen = vars(parser.parse_args(arguments))
    files = chosen.pop("train"), chosen.pop("test")
    grader = {name: chosen.pop(name) for name in ("fields", "pattern", "judge")}
    chosen["grader"] = grader | {"name": chosen["grader"]}
    try:
        outcome = run(*files, **chosen)
    except (OSError, ValueError, SafetensorError) as error:
        print(error, file=sys.stderr)
        return 1
    print(outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
