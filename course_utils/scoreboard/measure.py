"""One technique, one seed: learn, reply, grade. In a fresh process, whose peak memory is its own.

`measure` does the work; `in_fresh_process` runs it as `python -m course_utils.scoreboard.measure` and reads
back what it wrote. Left out: accelerator memory, which the column does not count.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from course_utils.scoreboard.columns import item_names
from course_utils.storage.tensors import load_arrays, save_arrays
from course_utils.tasks import base


def measure(technique, seed, setting, split="test", task=base.DEFAULT, model=None, folder=None, limit=None):
    """(numbers, items) of a technique on a split of a task's records.

    numbers: the scoreboard's columns, less those that the caller knows (technique, lesson, seed,
    peak memory). items: {"ids" (N,), and every score (N,)}. Latency is the median of single requests in
    milliseconds. On "dev" only scores are measured, of the task's first `dev_items` and with the budget of a
    trial. model: in place of the task's own. folder: records in place of the task's. limit: the first items.
    """
    import torch

    from course_utils import models
    from course_utils.techniques import registry

    torch.set_num_threads(models.choose_threads())
    torch.manual_seed(seed)
    task = base.find(task)
    task = task.in_folder(folder) if folder else task
    train, records = task.read("train"), task.read(split)
    if split == "dev":
        task, records = task.for_trials(), records[: task.dev_items]
    records = records[:limit]
    name = model or task.model
    model, tokenizer = models.load(name)
    result = registry.find(technique).learn(model, tokenizer, train, seed, task, **setting)
    requests = [record["prompt"] for record in records]
    replies = result.reply(requests)
    items = graded(records, replies, task)
    numbers = {column: items[name].mean() for column, name in item_names(task).items()}
    if split == "test":
        costs = ("trainable_parameters", "stored_parameters", "stored_bytes", "examples", "labels")
        numbers |= {name: getattr(result, name) for name in (*costs, "train_seconds", "prompt_tokens")}
        numbers["latency_ms"] = latency(result.reply, requests, task.latencies)
        numbers |= changes(
            result.model, name, tokenizer, task, requests[: task.kl_items], replies[: task.kl_items]
        )
        numbers |= {"machine": machine(torch.get_num_threads(), task.bf16), "versions": versions()}
    return {k: v if isinstance(v, (str, int)) else float(v) for k, v in numbers.items()}, items


def graded(records, replies, task):
    """Hits and gold rewards of replies, as arrays in the order of the records."""
    marks = [task.grade(record, reply) for record, reply in zip(records, replies, strict=True)]
    names = [name for column, name in item_names(task).items() if column != "gold_reward"]
    items = {name: np.array([bool(mark[name]) for mark in marks]) for name in names}
    rewards = [task.gold_reward(record, reply) for record, reply in zip(records, replies)]
    return items | {
        "gold_reward": np.array(rewards, dtype=np.float32),
        "ids": np.array([str(record["id"]) for record in records]),
    }


def latency(reply, requests, count=12):
    """Median milliseconds of `count` single requests; one more comes first, to warm up."""
    seconds = []
    for request in requests[: count + 1]:
        started = time.perf_counter()
        reply([request])
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds[1:] or seconds)


def changes(trained, name, tokenizer, task, requests, replies):
    """{"retention_drop", "format_drop", "kl_base", "kl_token"} of a trained model against its base model.

    All are exactly 0 where the base stays as it was (trained is None). Retention is left out where the task
    has no suite for its model, and format_drop, by strict grading, where the suite grades once.
    """
    if trained is None:
        return dict.fromkeys(("retention_drop", "format_drop", "kl_base", "kl_token"), 0.0)
    from course_utils import models

    untouched, _ = models.load(name)
    texts = [task.asked(tokenizer, request) for request in requests]
    per_reply, per_token = kl(trained, untouched, tokenizer, texts, [task.said(reply) for reply in replies])
    measured = {"kl_base": per_reply, "kl_token": per_token}
    if task.retention:
        before, after = (task.retention(each, tokenizer) for each in (untouched, trained))
        measured |= retention_drops(before, after)
    return measured


def retention_drops(before, after):
    """How far a suite's mean accuracy over its abilities fell: {"retention_drop"}, perhaps "format_drop".

    Where replies are graded twice, what is forgotten is the fall of the lenient score (the answer is nowhere
    in the reply), and the fall of the strict one also counts answers in another form than was asked for.
    """
    graded_twice = isinstance(next(iter(before.values())), dict)
    gradings = (
        {"retention_drop": "lenient", "format_drop": "strict"} if graded_twice else {"retention_drop": None}
    )

    def mean(hits, grading):
        return statistics.mean(statistics.mean(h[grading] if grading else h) for h in hits.values())

    return {column: mean(before, grading) - mean(after, grading) for column, grading in gradings.items()}


def kl(model, untouched, tokenizer, texts, replies):
    """KL(model ‖ untouched) in nats, (per reply, per token): exact at each token of a reply and at its end.

    texts: what stands before the replies. Both models see the bare request: this measures the change of the
    weights, not of the prompt.
    """
    import torch

    from course_utils import losses

    sums, tokens, first = [], 0, tokenizer.bos_token
    for text, reply in zip(texts, replies, strict=True):
        before = tokenizer(text, add_special_tokens=not (first and text.startswith(first)))["input_ids"]
        after = tokenizer(reply, add_special_tokens=False)["input_ids"]
        ids = torch.tensor([before + after], device=model.device)  # (1, T)
        with torch.inference_mode():
            logits, ref_logits = (
                each(input_ids=ids).logits[0, len(before) - 1 :] for each in (model, untouched)
            )  # (T, V)
            sums.append(float(losses.kl(logits, ref_logits).sum()))
        tokens += len(logits)
    return statistics.mean(sums), sum(sums) / tokens


def machine(threads, bf16=False):
    """The kind of machine, without its name, and the number format of training."""
    from course_utils import models
    from course_utils.storage import number_formats

    half = bf16 and number_formats.bf16_is_native(models.device().type)
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {threads} threads"
    return f"{kind}, {'bf16' if half else 'fp32'}"


def versions():
    """The versions that numbers may depend on."""
    import torch
    import transformers

    python = platform.python_version()
    return f"Python {python}, torch {torch.__version__}, transformers {transformers.__version__}"


def peak_memory_mb():
    """Peak resident memory of this process in megabytes.

    Not `ru_maxrss` on Linux: there a process inherits the peak of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6


def in_fresh_process(technique, seed, setting, split="test", task=base.DEFAULT, **options):
    """As `measure`, in a new Python process, with "peak_memory_mb" among the numbers.

    Raises RuntimeError with the last line of what the process said if it fails.
    """
    if options.get("folder"):
        options["folder"] = str(options["folder"])
    arguments = dict(technique=technique, seed=seed, setting=setting, split=split, task=task, **options)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.npz"
        command = [sys.executable, "-m", "course_utils.scoreboard.measure", json.dumps(arguments), str(out)]
        ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
        if ended.returncode or not out.exists():
            said = (ended.stderr.strip() or "no message").splitlines()[-1]
            raise RuntimeError(f"{technique}, seed {seed}: {said}")
        items = load_arrays(out)
    return json.loads(str(items.pop("numbers"))), items


def main(arguments=None):
    """The fresh process: arguments as JSON, then the file to write."""
    parser = argparse.ArgumentParser(prog="measure")
    parser.add_argument("what", type=json.loads)
    parser.add_argument("out")
    options = parser.parse_args(arguments)
    numbers, items = measure(**options.what)
    numbers["peak_memory_mb"] = peak_memory_mb()
    save_arrays(options.out, items | {"numbers": np.array(json.dumps(numbers))})


if __name__ == "__main__":
    main()
