"""What a learner has done, in one JSON file of their own, and the table that shows it.

Exercises are kept as {"solved", "tries", "solution_seen"} and, for personal ones, "answer"; predictions
as {"guess", "measured"}. `--export` and `--import` carry everything, the learner's seed too, to another
machine, such as the next Colab session. Nothing leaves the machine otherwise. A file that cannot be
written costs the record, never the lesson.
"""

import argparse
import getpass
import itertools
import json
import os
import random
import sys
import zlib
from pathlib import Path

from course_utils.storage.files import write_atomically
from course_utils.storage.paths import course_home

KINDS = ("exercises", "predictions")
LARGEST = 1e300  # a personal answer beyond it is none


def load():
    """All progress: {"exercises": {id: entry}, "predictions": {id: entry}}; empty if none can be read.

    A damaged file is set aside as progress.damaged.json (or …-2, …-3), not overwritten.
    """
    try:
        file = course_home() / "progress.json"
        if not file.exists():
            return {kind: {} for kind in KINDS}
        try:
            return parse(file.read_text("utf-8"))
        except ValueError:
            aside = _unused(file.with_name("progress.damaged.json"))
            os.replace(file, aside)
            print(f"(the progress file was damaged; it is kept as {aside.name})")
    except OSError:
        pass
    return {kind: {} for kind in KINDS}


def _unused(path):
    """The path, or the first of path-2, path-3, … that does not exist."""
    names = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], names) if not name.exists())


def parse(text):
    """The progress in a JSON text. Raises ValueError if it is not progress."""
    try:
        progress = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(progress, dict) or not all(isinstance(progress.get(kind), dict) for kind in KINDS):
        raise ValueError("not a progress file")
    if not all(isinstance(entry, dict) for kind in KINDS for entry in progress[kind].values()):
        raise ValueError("not a progress file")
    for entry in progress["exercises"].values():
        numbers = entry.get("tries", 0), entry.get("answer", 0)
        possible = type(numbers[0]) is int and type(numbers[1]) in (int, float)
        if not (possible and abs(numbers[1]) <= LARGEST):
            raise ValueError("not a progress file")
    return {kind: progress[kind] for kind in KINDS}


def merge(old, new):
    """One entry from two: solved stays solved, the larger count wins, a later guess replaces an earlier."""
    merged = {**old, **new}
    for key in merged:
        x, y = old.get(key), new.get(key)
        if isinstance(x, bool) and isinstance(y, bool):
            merged[key] = x or y
        elif key == "tries" and isinstance(x, int) and isinstance(y, int):
            merged[key] = max(x, y)
    return merged


def note(kind, name, **entry):
    """Merge entry into what is kept about one exercise or prediction. Never raises OSError."""
    everything = load()
    everything[kind][name] = merge(everything[kind].get(name, {}), entry)
    try:
        save(everything)
    except OSError as error:
        print(f"(progress was not saved: {error.strerror})")


def save(everything):
    """Write all progress atomically. Raises OSError."""
    write_atomically(course_home() / "progress.json", json.dumps(everything, indent=1, sort_keys=True) + "\n")


def seed():
    """This learner's number, from which personal exercises are drawn.

    COURSE_LEARNER (any text) settles it; otherwise it is drawn once and kept in learner.json. Where
    nothing can be kept, it follows from the user's name.
    """
    if os.environ.get("COURSE_LEARNER"):
        return zlib.crc32(os.environ["COURSE_LEARNER"].encode())
    try:
        file = course_home() / "learner.json"
        if not file.exists():
            # Linked, not replaced: of two kernels that draw at once, the second takes the first one's.
            draft = file.with_name(f".learner.{os.getpid()}.tmp")
            draft.write_text(json.dumps({"seed": random.SystemRandom().getrandbits(32)}), "utf-8")
            try:
                os.link(draft, file)
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                os.replace(draft, file)
            draft.unlink(missing_ok=True)
        return int(json.loads(file.read_text("utf-8"))["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        return zlib.crc32(_user().encode())


def exported(name=None):
    """All that a learner takes along: the progress, and who it belongs to."""
    return {**load(), "learner": {"seed": seed(), "name": name or _user()}}


def take_in(text):
    """Merge an exported text into this learner's progress, and take on its seed.

    Raises ValueError if it is not progress, OSError if it cannot be kept; nothing is changed then.
    """
    imported, everything = parse(text), load()
    for kind in KINDS:
        for name, entry in imported[kind].items():
            everything[kind][name] = merge(everything[kind].get(name, {}), entry)
    save(everything)
    owner = learner(text)
    if "seed" in owner:
        write_atomically(course_home() / "learner.json", json.dumps({"seed": owner["seed"]}))


def learner(text):
    """{"seed", "name"} from an exported text, less what is missing or of the wrong kind."""
    owner = json.loads(text.removeprefix("\ufeff")).get("learner")
    owner = owner if isinstance(owner, dict) else {}
    kinds = {"seed": int, "name": str}
    owner = {key: owner[key] for key, kind in kinds.items() if type(owner.get(key)) is kind}
    name = owner.get("name", "").encode("utf-8", "ignore").decode().strip()  # without half characters
    return {key: value for key, value in (owner | {"name": name}).items() if value != ""}


def _user():
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "learner"


def order(exercise):
    lesson, number = exercise.id.split(".")
    return lesson, number.startswith("n"), int(number.lstrip("n"))


def table(exercises, everything):
    """The lines of the table: per lesson, a mark for each exercise (● solved, ◐ tried, ○ not yet)."""
    lines, lessons = [], {}
    for exercise in sorted(exercises, key=order):
        lessons.setdefault(exercise.id.split(".")[0], []).append(everything["exercises"].get(exercise.id, {}))
    for lesson, entries in lessons.items():
        marks = "".join("●" if e.get("solved") else "◐" if e.get("tries") else "○" for e in entries)
        solved = sum(bool(e.get("solved")) for e in entries)
        lines.append(f"lesson {lesson}  {marks:<12}  {solved} of {len(entries)} solved")
    return lines or ["There are no exercises yet."]


def _only_in(file):
    """The exercises that an exported file has solved and this learner has not; none if it is no such file."""
    try:
        kept = parse(Path(file).read_text("utf-8"))["exercises"]
    except (OSError, ValueError):
        return []
    mine = load()["exercises"]
    return [n for n, entry in kept.items() if entry.get("solved") and not mine.get(n, {}).get("solved")]


def main(arguments=None):
    """Print the table, or export or import progress. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="progress", description="Your progress through the exercises.")
    parser.add_argument("--export", metavar="FILE", help="write your progress to FILE")
    parser.add_argument("--certificate", metavar="FILE", help="write an HTML page of what you have solved")
    parser.add_argument("--name", help="the name in what is written (default: your user name)")
    parser.add_argument("--import", metavar="FILE", dest="source", help="merge FILE into yours")
    options = parser.parse_args(arguments)
    place = "your folder for progress (set COURSE_HOME to another)"
    try:
        course_home()
        if options.source:
            place = options.source
            text = Path(place).read_text("utf-8")
            place, before = "your progress", seed()
            take_in(text)
            whose = learner(text).get("name", "somebody without a name")
            drawn = "" if seed() == before else "; your own numbers are drawn as on that machine from now on"
            print(f"{options.source}: the progress of {whose} was merged into yours{drawn}")
        if options.export:
            place = options.export
            if lost := _only_in(place):
                print(f"{place} holds exercises that yours lack ({', '.join(lost)}).", file=sys.stderr)
                print("Nothing was written: --import it first, or choose another name.", file=sys.stderr)
                return 2
            mine = exported(options.name)
            write_atomically(place, json.dumps(mine, indent=1, sort_keys=True) + "\n")
            print(f"{place}: the progress of {mine['learner']['name']}")
    except OSError as error:
        print(f"{place}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError:
        print(f"{options.source}: not a progress file; nothing was changed", file=sys.stderr)
        return 2
    from course_utils.lessons import certificate  # here: these import this module
    from course_utils.lessons.exercise import Exercise, in_lessons
    from course_utils.lessons.personal import Personal

    exercises = in_lessons((Exercise, Personal))
    print("\n".join(table(exercises, load())))
    if options.certificate:
        try:
            write_atomically(options.certificate, certificate.make(exercises, options.name or _user()))
        except OSError as error:
            print(f"{options.certificate}: {error.strerror}", file=sys.stderr)
            return 2
        print(f"{options.certificate}: open it in a browser, print it or hand it in")
    return 0
