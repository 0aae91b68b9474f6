"""Run times of the lessons: measured with the speed of the machine, predicted for another machine.

`python -m course_utils.tools.notebooks --time` keeps the seconds of every section in
data/results/lesson_times.json, with the seconds of a short probe made just before. On another machine
the same probe gives the ratio. Left out: the time to read; TEACHING.md estimates it.
"""

import json
import re
import subprocess
import sys
import time
from datetime import datetime

from course_utils.storage.files import write_atomically
from course_utils.storage.paths import DATA

FILE = DATA / "results" / "lesson_times.json"


def probe(rounds=3):
    """Seconds of a small fixed piece of a lesson on this machine: replies, then training steps.

    The best of a few rounds, so that a pause elsewhere does not count.
    """
    import torch

    from course_utils import generation, models

    torch.set_num_threads(models.choose_threads())
    model, tokenizer = models.load("glass-box")
    prompts = [
        f"Exam. Geography.\nQuestion: What is the capital of France? ({i})\nAnswer:" for i in range(32)
    ]
    ids = torch.arange(16 * 96).reshape(16, 96) % len(tokenizer)
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        generation.generate(model, tokenizer, prompts, max_new_tokens=16)
        for _ in range(4):
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
    code = "from course_utils.tools import lesson_times; print(lesson_times.probe())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    measured = sections(notebook)
    everything = load()
    everything[path.name[:2]] = {
        "seconds": round(sum(seconds for _, seconds in measured), 1),
        "probe_seconds": round(float(done.stdout.split()[-1]), 3),
        "sections": measured,
    }
    write_atomically(FILE, json.dumps(everything, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def predicted_seconds(probe_seconds, measured=None):
    """{lesson: seconds} on a machine whose probe takes probe_seconds."""
    measured = load() if measured is None else measured
    return {
        lesson: row["seconds"] * probe_seconds / row["probe_seconds"]
        for lesson, row in sorted(measured.items())
    }
