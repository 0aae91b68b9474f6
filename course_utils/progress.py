"""What a learner has done, in one JSON file of their own, and the table that shows it.

Exercises are kept as {"solved", "tries", "solution_seen"}, predictions as {"guess", "measured"}.
Nothing leaves the machine. A file that cannot be written costs the record, never the lesson.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from course_utils.paths import course_home, write_atomically

KINDS = ("exercises", "predictions")


def load():
    """All progress: {"exercises": {id: entry}, "predictions": {id: entry}}; empty if none can be read.

    A damaged file is set aside as progress.damaged.json, not overwritten.
    """
    try:
        file = course_home() / "progress.json"
        if not file.exists():
            return {kind: {} for kind in KINDS}
        try:
            return parse(file.read_text("utf-8"))
        except ValueError:
            os.replace(file, file.with_name("progress.damaged.json"))
            print(f"(the progress file was damaged; it is kept as {file.stem}.damaged.json)")
    except OSError:
        pass
    return {kind: {} for kind in KINDS}


def parse(text):
    """The progress in a JSON text. Raises ValueError if it is not progress."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict) or not all(isinstance(found.get(kind), dict) for kind in KINDS):
        raise ValueError("not a progress file")
    if not all(isinstance(entry, dict) for kind in KINDS for entry in found[kind].values()):
        raise ValueError("not a progress file")
    return {kind: found[kind] for kind in KINDS}


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


def table(exercises, everything):
    """The lines of the table: per lesson, a mark for each exercise (● solved, ◐ tried, ○ not yet)."""
    lines, lessons = [], {}
    for exercise in sorted(exercises, key=lambda exercise: [int(part) for part in exercise.id.split(".")]):
        lessons.setdefault(exercise.id.split(".")[0], []).append(everything["exercises"].get(exercise.id, {}))
    for lesson, entries in lessons.items():
        marks = "".join("●" if e.get("solved") else "◐" if e.get("tries") else "○" for e in entries)
        solved = sum(bool(e.get("solved")) for e in entries)
        lines.append(f"lesson {lesson}  {marks:<12}  {solved} of {len(entries)} solved")
    return lines or ["There are no exercises yet."]


def main(arguments=None):
    """Print the table, or export or import progress. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="progress", description="Your progress through the exercises.")
    parser.add_argument("--export", metavar="FILE", help="write your progress to FILE")
    parser.add_argument("--import", metavar="FILE", dest="source", help="merge FILE into yours")
    options = parser.parse_args(arguments)
    try:
        if options.source:
            found, everything = parse(Path(options.source).read_text("utf-8")), load()
            for kind in KINDS:
                for name, entry in found[kind].items():
                    everything[kind][name] = merge(everything[kind].get(name, {}), entry)
            save(everything)
        if options.export:
            write_atomically(options.export, json.dumps(load(), indent=1, sort_keys=True) + "\n")
    except OSError as error:
        print(f"{options.source or options.export}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError:
        print(f"{options.source}: not a progress file; nothing was changed", file=sys.stderr)
        return 2
    from course_utils.exercises import Exercise, in_lessons  # here: exercises imports this module

    print("\n".join(table(in_lessons(Exercise), load())))
    return 0
