"""For teachers: many exported progress files in, one CSV out. No server, nothing is uploaded.

    python start.py gradebook FOLDER [--out grades.csv]     (or python -m course_utils.lessons.gradebook)

Learners hand in the file that `python start.py progress --export FILE --name NAME` writes. Their results of
personal exercises are worked out again from their seed; files of different names with the same seed
come from one learner's machine and are named. A file can be edited by hand: this is for teaching, not
for examinations.
"""

import argparse
import csv
import io
import sys
from pathlib import Path

from course_utils.lessons import progress
from course_utils.lessons.exercise import Exercise, in_lessons
from course_utils.lessons.personal import Personal
from course_utils.storage.files import write_atomically


def read(folder):
    """({(name, seed): (entries, [file])}, [refusal]) of all JSON files in a folder and below it."""
    learners, refused = {}, []
    for path in sorted(Path(folder).rglob("*.json")):
        try:
            text = path.read_text("utf-8")
            entries, owner = progress.parse(text)["exercises"], progress.learner(text)
        except (OSError, ValueError) as error:
            refused.append(f"{path}: {getattr(error, 'strerror', None) or 'not a progress file'}")
            continue
        key = owner.get("name", path.stem), owner.get("seed")
        kept, files = learners.setdefault(key, ({}, []))
        files.append(path.relative_to(folder).as_posix())
        for name, entry in entries.items():
            kept[name] = progress.merge(kept.get(name, {}), entry)
    return learners, refused


def state(exercise, entry, seed):
    """What one cell says about one exercise of one learner."""
    if not entry.get("solved"):
        tries = entry.get("tries")
        return f"tried {tries}" if tries else ""
    if isinstance(exercise, Personal) and (seed is None or not exercise.holds(entry, seed)):
        return "not their number"
    return "right after solution" if entry.get("solution_seen") else "right"


def rows(learners, exercises):
    """The header and one row per learner: solved of all, solved per lesson, then every exercise."""
    exercises = sorted(exercises, key=progress.order)
    lessons = sorted({exercise.id.split(".")[0] for exercise in exercises})
    yield ["learner", "seed", "same_seed_as", "files", "solved", *(f"lesson_{n}" for n in lessons)] + [
        exercise.id for exercise in exercises
    ]
    by_name = sorted(learners.items(), key=lambda item: (item[0][0], str(item[0][1])))
    for (name, seed), (entries, files) in by_name:
        twins = [other for other, number in learners if number == seed and other != name]
        cells = [state(exercise, entries.get(exercise.id, {}), seed) for exercise in exercises]
        solved = [ex.id[:2] for ex, cell in zip(exercises, cells) if cell.startswith("right")]
        twins = " ".join(twins) if seed is not None else ""
        yield [name, seed, twins, " ".join(files), len(solved), *(solved.count(n) for n in lessons), *cells]


def as_csv(table):
    """The rows as CSV text; a name that a spreadsheet would take for a formula is quoted with '."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in table:
        writer.writerow([f"'{c}" if isinstance(c, str) and c[:1] in "=+-@\t\r" and c else c for c in row])
    return text.getvalue()


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="gradebook", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder with the learners' files")
    parser.add_argument("--out", type=Path, help="the CSV to write (default: to the screen)")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"{options.folder}: there is no such folder", file=sys.stderr)
        return 2
    learners, refused = read(options.folder)
    print("\n".join(refused), end="\n" if refused else "", file=sys.stderr)
    if not learners:
        print(f"{options.folder}: no progress files", file=sys.stderr)
        return 2
    text = as_csv(rows(learners, in_lessons((Exercise, Personal))))
    if options.out is None:
        sys.stdout.write(text)
        return 0
    try:
        write_atomically(options.out, text.encode("utf-8-sig"))  # so that Excel reads names as they are
    except OSError as error:
        print(f"{options.out}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(learners)} learners")
    return 0


if __name__ == "__main__":
    sys.exit(main())
