"""Run times of the lessons: measured with the speed of the machine, predicted for another machine.

`python -m course_utils.tools.notebooks --time` keeps the seconds of every section in
data/results/lesson_times.json, with the seconds of a short probe made just before, on each of the course's
two models. On another machine the same probe gives the ratio: that of the real model, whose work takes most
of a lesson, where it is known on both. Left out: the time to read; TEACHING.md estimates it.
"""

import json
import re
import subprocess
import sys
import time
from datetime import datetime

from course_utils.storage import real_model
from course_utils.storage.files import write_atomically
from course_utils.storage.paths import DATA

FILE = DATA / "results" / "lesson_times.json"


# Prompts, rows of a training step, steps, rounds.
SIZES = {"glass-box": (32, 16, 4, 3), "smollm2": (8, 4, 1, 2)}


def probes():
    """{model: seconds of its probe} here: the glass box and, if it is there, the real model."""
    return {name: probe(name) for name in SIZES if name == "glass-box" or real_model.is_ready()}


def probe(name="glass-box"):
    """Seconds of a small fixed piece of a lesson on a model on this machine: replies, then training steps.

    The best of a few rounds, so that a pause elsewhere does not count.
    """
    import torch

    from course_utils import generation, models

    torch.set_num_threads(models.choose_threads())
    model, tokenizer = models.load(name)
    count, size, steps, rounds = SIZES[name]
    prompts = [
        f"Exam. Geography.\nQuestion: What is the capital of France? ({i})\nAnswer:" for i in range(count)
    ]
    ids = torch.arange(size * 96, device=model.device).reshape(size, 96) % len(tokenizer)
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        generation.generate(model, tokenizer, prompts, max_new_tokens=16)
        for _ in range(steps):
            model(input_ids=ids, labels=ids).loss.backward()
            model.zero_grad()
        best = min(best, time.perf_counter() - started)
    return best


def sections(notebook):
    """[[title, seconds]] of a notebook that nbclient has just executed, before it is normalized."""
    timed = [["Start", 0.0]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            timed += [[title.strip(), 0.0] for title in re.findall(r"^## (.+)$", cell.source, re.MULTILINE)]
            continue
        times = cell.metadata.get("execution", {})
        if "iopub.execute_input" in times and "shell.execute_reply" in times:
            a, b = (
                datetime.fromisoformat(times[key]) for key in ("iopub.execute_input", "shell.execute_reply")
            )
            timed[-1][1] += (b - a).total_seconds()
    return [[title, round(seconds, 1)] for title, seconds in timed]


def load():
    """{lesson, such as "00": {"seconds", "probe_seconds", "sections"}}; empty if nothing was measured."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def keep(path, notebook):
    """Add the times of one executed lesson, probing the machine in a process of its own."""
    code = (
        "import json; from course_utils.tools import lesson_times; print(json.dumps(lesson_times.probes()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout.splitlines()[-1])
    measured = sections(notebook)
    everything = load()
    everything[path.name[:2]] = {
        "seconds": round(sum(seconds for _, seconds in measured), 1),
        "probe_seconds": {name: round(seconds, 3) for name, seconds in made.items()},
        "sections": measured,
    }
    write_atomically(FILE, json.dumps(everything, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def predicted_seconds(probe_seconds, measured=None):
    """{lesson: seconds} on a machine whose probes take probe_seconds, {model: seconds}."""
    predicted = {}
    for lesson, row in sorted((load() if measured is None else measured).items()):
        there = row["probe_seconds"]
        name = "smollm2" if "smollm2" in there and "smollm2" in probe_seconds else "glass-box"
        predicted[lesson] = row["seconds"] * probe_seconds[name] / there[name]
    return predicted
