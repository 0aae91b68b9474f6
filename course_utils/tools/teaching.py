"""The table of minutes in notebooks/TEACHING.md, made from the lessons and their measured times.

    python -m course_utils.tools.teaching            print it
    python -m course_utils.tools.teaching --write    put it into TEACHING.md

Reading is estimated from words and lines of code, running is measured
(`python -m course_utils.tools.notebooks --time`), exercises state their own minutes.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from course_utils.lessons.exercise import Exercise, in_lessons
from course_utils.lessons.personal import Personal
from course_utils.storage.files import write_atomically
from course_utils.tools import lesson_times

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "notebooks" / "TEACHING.md"
BEGIN, END = (
    "<!-- minutes: made by python -m course_utils.tools.teaching --write -->",
    "<!-- end of minutes -->",
)
WORDS, LINES = 150, 10  # that a careful reader takes in per minute


def reading(notebook):
    """{section: minutes to read}, in order; what stands before the first heading is "Start"."""
    title, minutes = "Start", {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"(?m)^(?=## )", cell.source):
                if part.startswith("## "):
                    title = part.split("\n")[0][3:].strip()
                minutes[title] = minutes.get(title, 0) + len(part.split()) / WORDS
        else:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            minutes[title] = minutes.get(title, 0) + len(lines) / LINES
    return minutes


def rows(path, times, exercises):
    """[(section, minutes to read, seconds to run or None)] of a lesson, and the minutes of its exercises."""
    measured = dict(times.get(path.name[:2], {}).get("sections", []))
    parts = [(t, m, measured.get(t)) for t, m in reading(nbformat.read(path, as_version=4)).items()]
    return parts, sum(exercise.minutes for exercise in exercises if exercise.id[:2] == path.name[:2])


def table():
    """The Markdown of all lessons that exist: one table each, and the sums."""
    times, exercises = lesson_times.load(), in_lessons((Exercise, Personal))
    lines, sums = [], []
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        parts, practice = rows(path, times, exercises)
        lines += [f"### {path.stem}", "", "| section | read (min) | run (s) |", "|---|---|---|"]
        for title, read, run in parts:
            lines.append(f"| {title} | {max(1, round(read))} | {'–' if run is None else round(run)} |")
        lines += [f"| *the exercises, as they state it* | {practice} | – |", ""]
        run = sum(run or 0 for _, _, run in parts)
        sums.append((path.stem, round(sum(read for _, read, _ in parts)), practice, run))
    head = ["| lesson | read (min) | exercises (min) | run (s) |", "|---|---|---|---|"]
    total = [
        f"| {n} | {a} | {b} | {c:.0f} |" if c else f"| {n} | {a} | {b} | not measured |"
        for n, a, b, c in sums
    ]
    return "\n".join([*head, *total, "", *lines]).strip()


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="teaching", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into TEACHING.md")
    options = parser.parse_args(arguments)
    if not options.write:
        print(table())
        return 0
    text = FILE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_atomically(FILE, f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}")
    print(f"{FILE.name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
