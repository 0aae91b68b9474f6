"""A page that says what a learner has solved, to print or to hand in: `start.py progress --certificate FILE`.

One HTML file without scripts, fonts or pictures from elsewhere. It is made on the learner's own machine
from their own record, and says so: a certificate of participation, not of an examination.
"""

import datetime
import html
from dataclasses import dataclass

from course_utils import __version__
from course_utils.lessons import progress

TITLES = {
    "00": "Start here: what a language model does",
    "01": "Prompting",
    "02": "Soft prompts",
    "03": "Parameter-efficient fine-tuning",
    "04": "Supervised fine-tuning",
    "05": "Reinforcement learning from human feedback",
    "06": "AI feedback and synthetic data",
    "07": "Choosing a technique",
    "08": "Scaling out",
}
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.5rem; }
main { border: 2px solid #0072b2; padding: 2.5rem 3rem; }
h1 { font-size: 1.1rem; letter-spacing: .08em; text-transform: uppercase; font-weight: 600; }
.name { font-size: 2.2rem; font-weight: 700; overflow-wrap: anywhere; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #8888; }
td:last-child, th:last-child { text-align: right; white-space: nowrap; }
small { display: block; }
@media print { body { margin: 0; } :root { color-scheme: light; } }
"""


@dataclass
class Row:
    """One lesson: exercises solved of all, and how many of these after seeing the solution."""

    lesson: str
    solved: int
    total: int
    helped: int


def rows(exercises, everything):
    """[Row] of every lesson that has exercises, in order."""
    lessons = {}
    for exercise in sorted(exercises, key=progress.order):
        entry = everything["exercises"].get(exercise.id, {})
        lessons.setdefault(exercise.id.split(".")[0], []).append(entry)
    result = []
    for lesson, entries in lessons.items():
        solved = [entry for entry in entries if entry.get("solved")]
        helped = sum(bool(entry.get("solution_seen")) for entry in solved)
        result.append(Row(lesson, len(solved), len(entries), helped))
    return result


def page(name, table, day):
    """The certificate as HTML. day is a datetime.date."""
    solved, total = sum(row.solved for row in table), sum(row.total for row in table)
    helped = sum(row.helped for row in table)
    whole = sum(row.solved == row.total for row in table)
    cells = "\n".join(
        f"<tr><td>{row.lesson}</td><td>{TITLES[row.lesson]}</td><td>{row.solved} of {row.total}</td></tr>"
        for row in table
    )
    after = f" {helped} of them after seeing a solution." if helped else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Taming language models: {html.escape(name)}</title><style>{STYLE}</style></head>
<body><main>
<h1>Taming language models</h1>
<p>This page records that</p>
<p class="name">{html.escape(name)}</p>
<p>has solved <strong>{solved} of {total}</strong> exercises of the course,
each accepted by its automatic check.{after}
Lessons with every exercise solved: {whole} of {len(table)}.</p>
<table><thead><tr><th></th><th>lesson</th><th>solved</th></tr></thead>
<tbody>
{cells}
</tbody></table>
<p>{day.isoformat()}, course version {html.escape(__version__)}</p>
<small>Made on the learner's own machine from the learner's own record; nobody invigilated. Teachers collect
the record itself with <code>start.py gradebook</code>.</small>
</main></body></html>
"""


def make(exercises, name):
    """The certificate of this machine's learner, today."""
    return page(name, rows(exercises, progress.load()), datetime.date.today())
