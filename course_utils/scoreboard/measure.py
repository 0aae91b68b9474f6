"""One technique, one seed: learn, reply, score. In a fresh process, whose peak memory is its own.

`measure` does the work; `in_fresh_process` runs it as `python -m course_utils.scoreboard.measure` and reads
back what it wrote. Left out: accelerator memory, which the column does not count.
"""

import argparse
import hashlib
import io
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

from course_utils.storage import files, paths

ITEM_COLUMNS = ("whole", "team", "priority", "answer", "gold_reward")
LATENCIES = 12  # single requests that are timed
TUNING_ITEMS = 250  # of the dev records: enough to choose a setting by


def measure(technique, seed, setting, split="test", model="glass-box", desk=None):
    """(numbers, items) of a technique on a split of the desk's records.

    numbers: the scoreboard's columns, less those that the caller knows (technique, lesson, seed,
    peak memory). items: {"ids" (N,), and each of ITEM_COLUMNS (N,)}. Latency is the median of single
    requests in milliseconds. On "dev" only accuracy, routing and gold reward are measured, of the
    first TUNING_ITEMS.
    """
    import torch

    from course_utils import models
    from course_utils.storage.records import read_records
    from course_utils.tasks.toy_desk import gold
    from course_utils.techniques import registry

    torch.set_num_threads(models.choose_threads())
    torch.manual_seed(seed)
    folder = Path(desk or paths.DATA / "toy_desk")
    train, records = read_records(folder / "train.jsonl"), read_records(folder / f"{split}.jsonl")
    records = records[:TUNING_ITEMS] if split == "dev" else records
    base, tokenizer = models.load(model)
    result = registry.find(technique).learn(base, tokenizer, train, seed, **setting)
    requests = [record["prompt"] for record in records]
    given = result.reply(requests)
    items = graded(records, given, gold)
    numbers = {"accuracy": items["whole"].mean(), "routing": items["team"].mean()}
    numbers["gold_reward"] = items["gold_reward"].mean()
    if split == "test":
        costs = ("trainable_parameters", "stored_parameters", "stored_bytes", "examples", "labels")
        numbers |= {name: getattr(result, name) for name in (*costs, "train_seconds", "prompt_tokens")}
        numbers["latency_ms"] = latency(result.reply, requests)
        numbers |= {"retention_drop": 0.0, "kl_base": 0.0}  # exactly, where the base stays as it was
        if result.model is not None:
            untouched, _ = models.load(model)
            numbers["retention_drop"] = retention_drop(result.model, untouched, tokenizer)
            numbers["kl_base"] = kl(result.model, untouched, tokenizer, requests[:100], given[:100])
        numbers |= {"machine": machine(torch.get_num_threads()), "versions": versions()}
    return {k: v if isinstance(v, (str, int)) else float(v) for k, v in numbers.items()}, items


def graded(records, given, gold):
    """Hits and gold rewards of replies, as arrays in the order of the records."""
    scores = [gold.score(record, reply) for record, reply in zip(records, given, strict=True)]
    items = {name: np.array([bool(s[name]) for s in scores]) for name in ITEM_COLUMNS[:-1]}
    rewards = [gold.gold_reward(record, reply) for record, reply in zip(records, given)]
    return items | {
        "gold_reward": np.array(rewards, dtype=np.float32),
        "ids": np.array([str(record["id"]) for record in records]),
    }


def latency(reply, requests):
    """Median milliseconds of a single request; the first one warms up."""
    seconds = []
    for request in requests[: LATENCIES + 1]:
        started = time.perf_counter()
        reply([request])
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds[1:] or seconds)


def retention_drop(model, base, tokenizer):
    """How far the mean accuracy over the abilities of the retention suite fell below the base's."""
    from course_utils.tasks import retention

    before, after = (retention.measure(each, tokenizer) for each in (base, model))
    return statistics.mean(statistics.mean(before[name]) - statistics.mean(after[name]) for name in before)


def kl(model, base, tokenizer, requests, given):
    """KL(model ‖ base) in nats per reply: exact at each token of the model's own reply and at its end.

    Summed over tokens, averaged over replies. Both see the bare request: this measures the change of the
    weights, not of the prompt.
    """
    import torch

    from course_utils import losses

    sums = []
    for request, reply in zip(requests, given, strict=True):
        start = len(tokenizer(request)["input_ids"])
        after = tokenizer(" " + reply.strip(), add_special_tokens=False)["input_ids"]
        ids = torch.tensor([tokenizer(request)["input_ids"] + after], device=model.device)  # (1, T)
        with torch.inference_mode():
            logits, ref_logits = (m(input_ids=ids).logits[0, start - 1 :] for m in (model, base))  # (T, V)
            sums.append(float(losses.kl(logits, ref_logits).sum()))
    return statistics.mean(sums)


def machine(threads):
    """The kind of machine, without its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {threads} threads"


def versions():
    """The versions that numbers may depend on."""
    import torch
    import transformers

    python = platform.python_version()
    return f"Python {python}, torch {torch.__version__}, transformers {transformers.__version__}"


def fingerprint(model="glass-box"):
    """The model's name and, for files on this machine, the start of the SHA-256 of its weights."""
    from course_utils.models import GLASS_BOX

    folder = paths.DATA / "models" / GLASS_BOX[model] if model in GLASS_BOX else Path(model)
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(file.read_bytes())
    return f"{model}@{digest.hexdigest()[:8]}" if folder.is_dir() else model


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


def in_fresh_process(technique, seed, setting, split="test", model="glass-box", desk=None):
    """As `measure`, in a new Python process, with "peak_memory_mb" among the numbers.

    Raises RuntimeError with the last line of what the process said if it fails.
    """
    arguments = dict(technique=technique, seed=seed, setting=setting, split=split, model=model)
    arguments["desk"] = str(desk) if desk else None
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.npz"
        command = [sys.executable, "-m", "course_utils.scoreboard.measure", json.dumps(arguments), str(out)]
        ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
        if ended.returncode or not out.exists():
            said = (ended.stderr.strip() or "no message").splitlines()[-1]
            raise RuntimeError(f"{technique}, seed {seed}: {said}")
        items = load_arrays(out)
    return json.loads(str(items.pop("numbers"))), items


def save_arrays(path, arrays):
    """Arrays as a compressed .npz, written whole or not at all."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    files.write_atomically(path, packed.getvalue())


def load_arrays(path):
    """{name: array} of an .npz; no pickle is read."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def main(arguments=None):
    """The fresh process: arguments as JSON, then the file to write."""
    parser = argparse.ArgumentParser(prog="scoring")
    parser.add_argument("what", type=json.loads)
    parser.add_argument("out")
    options = parser.parse_args(arguments)
    numbers, items = measure(**options.what)
    numbers["peak_memory_mb"] = peak_memory_mb()
    save_arrays(options.out, items | {"numbers": np.array(json.dumps(numbers))})


if __name__ == "__main__":
    main()
