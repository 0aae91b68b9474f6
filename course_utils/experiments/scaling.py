"""Scaling on the real model: what number formats cost, LoRA against QLoRA, planned against measured memory.

    python -m course_utils.experiments scaling [--table formats qlora planner] [--list]

Each table is a list of runs in data/results/scaling.json. `formats` asks the retention suite; `qlora` trains
on records of the help desk, the same for both methods, from a base in fp32 and from one in NF4; `planner`
compares scaling.memory_planner with the resident memory of a process. Left out: formats that need a GPU.
"""

import copy
import functools

import torch

from course_utils import data, generation, models, training
from course_utils.experiments import runner
from course_utils.experiments.peft import digits
from course_utils.peft import lora, nf4, packed_linear
from course_utils.scaling import measured_step, memory_planner, quantization
from course_utils.storage import paths
from course_utils.tasks import english_retention
from course_utils.tasks.helpdesk.task import TASK

FILE = paths.DATA / "results" / "scaling.json"
MODEL = models.REAL
FORMATS = {  # name: model -> the model in that format
    "fp32": lambda model: model,
    "bf16": lambda model: model.bfloat16(),
    "8 bits": quantization.quantize,
    "4 bits (NF4)": nf4.quantize,
}
RECORDS, BATCH, RATE, ITEMS = 200, 4, 1e-3, 100
SHAPES = {"glass-box": ((16, 128), (32, 256)), "smollm2": ((2, 128), (4, 256))}  # (batch, length)
TABLES = {
    "formats": [{"format": name} for name in FORMATS],
    "qlora": [{"method": method, "seed": seed} for seed in range(3) for method in ("LoRA", "QLoRA")],
    "planner": [
        {"name": name, "method": method, "batch": batch, "length": length}
        for name, shapes in SHAPES.items()
        for method in memory_planner.METHODS
        for batch, length in shapes
    ],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def formats(format):
    """{"bytes", "hits"} of the model in a format: 1 or 0 for each question of the retention suite."""
    original, tokenizer = real_model()
    model = FORMATS[format](copy.deepcopy(original))
    size = quantization.size(model)
    hits = english_retention.measure(packed_linear.unpack(model), tokenizer)
    return {"bytes": size, "hits": digits(mark for marks in hits.values() for mark in marks["strict"])}


def qlora(method, seed):
    """{"bytes" of the base, "seconds", "loss", "form", "team", "whole"}: grades as 1 or 0 for each item."""
    original, tokenizer = real_model()
    model = copy.deepcopy(original)
    if method == "QLoRA":
        nf4.quantize(model)
    size = quantization.size(model)
    records = TASK.training_records(tokenizer, TASK.sample(TASK.read("train"), RECORDS, seed=seed))
    settings = dict(lr=RATE, steps=RECORDS // BATCH, batch_size=BATCH, seed=seed, progress=False)
    settings |= dict(parameters=lora.add(model, targets="all", seed=seed), pad_id=tokenizer.pad_token_id)
    history = training.train(model, data.encode(tokenizer, records), **settings)
    items = TASK.sample(TASK.read("test"), ITEMS, seed=0)
    asked = [TASK.asked(tokenizer, item["prompt"]) for item in items]
    model = packed_linear.unpack(model)
    replies = generation.generate(model, tokenizer, asked, max_new_tokens=TASK.room, stop="\n")
    marks = [TASK.grade(item, reply) for item, reply in zip(items, replies)]
    grades = {name: digits(mark[name] for mark in marks) for name in ("form", "team", "whole")}
    last = history.losses[-10:]
    return {
        "bytes": size,
        "seconds": round(history.seconds),
        "loss": round(sum(last) / len(last), 4),
        **grades,
    }


def planner(name, method, batch, length):
    """{"planned", "counted", "resident"} bytes of a training step."""
    planned = memory_planner.plan(memory_planner.on_meta(name), method, batch, length)
    found = measured_step.in_fresh_process(name, method, batch, length)
    counted = sum(found["counted"].values())
    return {"planned": round(sum(planned.values())), "counted": counted, "resident": found["resident"]}


@functools.cache
def real_model():
    """(model, tokenizer), which the runs copy."""
    model, tokenizer = models.load(MODEL)
    return model.to(torch.float32), tokenizer


RUNS = {"formats": formats, "qlora": qlora, "planner": planner}
