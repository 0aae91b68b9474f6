"""Four questions that lead to a technique, with the scoreboard's rows for and against, and how sure they are.

    advisor.advise(ability="no", clean="yes", compute="no", model_can="neither")
    python -m course_utils.scoreboard.advisor --ability no --clean yes --compute no --model-can neither

The questions are common advice; the rows are this course's measurements on one task and one small
model. Where the two disagree, the answer says so. Taught in lesson 07. Left out: prices, and law.
"""

import argparse
import html
import sys
from dataclasses import dataclass

from course_utils import evaluation
from course_utils.scoreboard import table as scoreboard
from course_utils.tasks import base
from course_utils.techniques.base import CONTROL
from course_utils.techniques.registry import families

QUESTIONS = {  # name: (question, answers)
    "ability": ("Does the model hold the ability already?", ("yes", "unsure", "no")),
    "clean": ("Can you get a clean dataset?", ("yes", "no")),
    "compute": ("Can you train and store all weights?", ("yes", "no")),
    "model_can": ("What can a model do here?", ("make good data", "judge", "neither")),
}
FAMILIES = {name: members for name, members in families().items() if name != CONTROL}
RIVALS = {  # the family that an answer turned down
    "prompting": "PEFT",
    "PEFT": "prompting",
    "fine-tuning": "PEFT",
    "RLHF": "fine-tuning",
    "AI feedback": "fine-tuning",
    "synthetic data": "prompting",
}
RESAMPLES = 2000
SURE, UNCLEAR, AGAINST, UNKNOWN = "sure", "cannot tell", "the rows say otherwise", "not measured"


@dataclass
class Row:
    """A technique on the scoreboard: its mean with its interval, and how many seeds stand behind it."""

    technique: str
    value: float
    low: float
    high: float
    seeds: int

    def __str__(self):
        return f"{self.technique} {self.value:.2f} ({self.low:.2f} to {self.high:.2f}, {self.seeds} seeds)"


@dataclass
class Advice:
    """A family with its reason, the rows for it and against it, their difference, and how sure that is."""

    family: str
    reason: str
    column: str
    best: Row | None = None
    rival: Row | None = None
    gap: tuple | None = None

    @property
    def sure(self):
        """SURE, UNCLEAR, AGAINST or UNKNOWN, from the interval of the difference."""
        return evaluation.verdict(self.gap, SURE, AGAINST, UNCLEAR) if self.gap else UNKNOWN

    def __str__(self):
        lines = [f"{self.family}: {self.reason}"]
        if self.best:
            lines.append(f"  row: {self.best}, {self.column}")
        if self.gap:
            value, low, high = self.gap
            lines.append(f"  against: {self.rival}; difference {value:+.2f} ({low:+.2f} to {high:+.2f})")
        missing = " on the scoreboard: measure both on your task" if self.sure == UNKNOWN else ""
        return "\n".join([*lines, f"  how sure: {self.sure}{missing}"])


def path(ability, clean, compute, model_can):
    """[(family, reason)] that the answers lead to, the first to try first. Raises ValueError for others."""
    chosen = dict(ability=ability, clean=clean, compute=compute, model_can=model_can)
    for name, (question, answers) in QUESTIONS.items():
        if chosen[name] not in answers:
            raise ValueError(f"{question} The answers are {', '.join(answers)}, not {chosen[name]!r}.")
    steps = []
    if ability != "no":
        why = "the ability is there: call it up" if ability == "yes" else "twenty shown examples will tell"
        steps.append(("prompting", why))
    if ability == "yes":
        return steps
    if clean == "yes":
        deep = ("fine-tuning", "clean examples and room for all weights")
        return [*steps, deep if compute == "yes" else ("PEFT", "clean examples, little room: train a part")]
    if model_can == "make good data":
        return [*steps, ("synthetic data", "a model writes the examples; filter them before you train")]
    if model_can == "judge":
        return [*steps, ("AI feedback", "a model can say which reply is better, though not write it")]
    return [*steps, ("RLHF", "only people can tell good replies from bad ones: let them choose")]


def advise(ability, clean, compute, model_can, column="accuracy", task=base.DEFAULT, folder=None):
    """[Advice] for the answers, each with the rows of the scoreboard that speak for and against it.

    column: "accuracy", "routing" or "gold_reward". task: whose rows. folder: other results. Techniques that
    were not measured are left out, and a family without rows is not measured. Raises ValueError for an
    answer that is not among QUESTIONS.
    """
    advices = []
    for family, reason in path(ability, clean, compute, model_can):
        rows = (best(name, column, task, folder) for name in (family, RIVALS[family]))
        advice = Advice(family, reason, column, *rows)
        if advice.best and advice.rival:
            pair = advice.best.technique, advice.rival.technique
            advice.gap = scoreboard.compare(*pair, column, RESAMPLES, task, folder)
        advices.append(advice)
    return advices


def best(family, column="accuracy", task=base.DEFAULT, folder=None):
    """The Row of the family's best measured technique, or None."""
    names = [name for name in FAMILIES[family] if name in measured(task, folder)]
    if not names:
        return None

    def rank(name):  # at a tie, such as no record right at all, the one that finds more teams
        return [scoreboard.items(name, each, task, folder)[0].mean() for each in (column, "routing")]

    name = max(names, key=rank)
    return Row(name, *scoreboard.mean(name, column, RESAMPLES, task, folder), measured(task, folder)[name])


def measured(task=base.DEFAULT, folder=None):
    """{technique: how many seeds} of the scoreboard; nothing before its first row."""
    seeds = {}
    for row in scoreboard.rows_done(task, folder):
        seeds[row["technique"]] = seeds.get(row["technique"], 0) + 1
    return seeds


def widget(task=base.DEFAULT, folder=None):
    """The questions as rows of buttons, the advice below; without ipywidgets the advice for "no, yes, no"."""
    try:
        import ipywidgets as w
    except ImportError:
        return "\n".join(map(str, advise("no", "yes", "no", "neither", task=task, folder=folder)))
    # Rows of buttons, not menus: JupyterLab keeps the arrow keys of a menu for itself.
    style = {"description_width": "22em", "button_width": "11em"}
    rows = {
        name: w.ToggleButtons(options=answers, description=question, style=style)
        for name, (question, answers) in QUESTIONS.items()
    }
    shown = w.HTML()

    def show(*_):
        advices = advise(**{name: row.value for name, row in rows.items()}, task=task, folder=folder)
        shown.value = "".join(f"<pre>{html.escape(str(advice))}</pre>" for advice in advices)

    for row in rows.values():
        row.observe(show, names="value")
    show()
    return w.VBox([*rows.values(), shown])


def main(arguments=None):
    """The command: asks what is not given, where somebody can answer; 2 if nobody can."""
    parser = argparse.ArgumentParser(prog="advisor", description=__doc__.splitlines()[0])
    for name, (question, answers) in QUESTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", choices=answers, help=question)
    parser.add_argument("--task", choices=base.TASKS, default=base.DEFAULT, help="whose rows are cited")
    parser.add_argument("--column", choices=("accuracy", "routing", "gold_reward"), default="accuracy")
    chosen = vars(parser.parse_args(arguments))
    for name, (question, answers) in QUESTIONS.items():
        while chosen[name] not in answers:
            if not sys.stdin.isatty():
                print(f"Not answered: {question} (--{name.replace('_', '-')})", file=sys.stderr)
                return 2
            try:
                chosen[name] = input(f"{question} ({', '.join(answers)}) ").strip().lower()
            except (EOFError, KeyboardInterrupt):
                return 2
    print("\n".join(map(str, advise(**chosen))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
