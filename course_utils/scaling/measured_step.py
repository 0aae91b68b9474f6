"""What a training step really takes: counted tensor by tensor, and as the system sees the process.

    measured_step.in_fresh_process("smollm2", "LoRA", batch=4, length=128)     {"counted", "resident"}

Both in bytes. The step is that of course_utils.scaling.memory_planner, with values. Resident memory is
sampled during the steps, less what the process had before it loaded the model. Taught in lesson 08. Left
out: a GPU's memory, which torch.cuda.max_memory_allocated tells.
"""

import argparse
import gc
import json
import threading

import psutil
import torch

from course_utils import models, training
from course_utils.peft import memory_estimates
from course_utils.scaling import launch, memory_planner

STEPS = 2  # AdamW makes its moments in the first; the second has everything at once
SECONDS = 0.002  # between two samples of resident memory


class Resident(threading.Thread):
    """Inside `with`: the largest resident memory of this process in bytes (peak)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.process, self.ended, self.peak = psutil.Process(), threading.Event(), 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        while not self.ended.is_set():
            self.peak = max(self.peak, self.process.memory_info().rss)
            self.ended.wait(SECONDS)


def step(model, method, batch, length):
    """Bytes at the peak of a step with learning rate 0, counted: {"weights", "gradients", …} as in `plan`."""
    parameters = memory_planner.prepare(model, method)
    ids = torch.ones(batch, length, dtype=torch.long, device=model.device)
    optimizer = training.adamw(parameters, lr=0.0)
    for _ in range(STEPS):
        optimizer.zero_grad()
        peak = memory_planner.peak_of_gradients(model, ids)
        optimizer.step()
    sizes = memory_estimates.states(model, optimizer)
    return sizes | {"activations": max(0, peak - sizes["gradients"])}


def in_fresh_process(name, method, batch, length):
    """{"counted": {kind: bytes}, "resident": bytes} of the steps in a Python process of their own."""
    arguments = [name, method, "--batch", batch, "--length", length]
    # glibc would keep what was freed, in pieces that fit nothing.
    return json.loads(launch.start(__name__, arguments, more={"MALLOC_MMAP_THRESHOLD_": "65536"}))


def main(arguments=None):
    """The process: it prints what `in_fresh_process` returns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("method", choices=memory_planner.METHODS)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=128)
    chosen = parser.parse_args(arguments)
    step(models.load("glass-box-tiny")[0], chosen.method, 2, 16)  # loads what any step needs
    gc.collect()
    before = psutil.Process().memory_info().rss
    model, _ = models.load(chosen.name)
    gc.collect()
    with Resident() as resident:
        counted = step(model.float(), chosen.method, chosen.batch, chosen.length)
    print(json.dumps({"counted": counted, "resident": resident.peak - before}))


if __name__ == "__main__":
    main()
