"""Questions that lead to a technique, with the measured rows for and against it, and how sure they are.

    advisor.advise(ability="no", clean="yes", compute="no", model_can="neither", labels=100)
    python -m course_utils.scoreboard.advisor --ability no --clean yes --compute no --model-can neither

The questions are common advice; the rows are this course's measurements, on the help desk by default, or
your own run of `own_task` (--results FOLDER). A row is compared only with rows that saw the same data. Where
advice and rows disagree, the answer says so. Taught in lesson 07. Left out: law, and prices of other
people's models.
"""

import argparse
import html
import sys

from course_utils.scoreboard import costs, curves, evidence
from course_utils.scoreboard.advice import Advice, by_labels, remarks
from course_utils.scoreboard.own_evidence import OwnRun
from course_utils.tasks import base
from course_utils.techniques import registry
from course_utils.techniques.base import CONTROL

QUESTIONS = {  # name: (question, answers)
    "ability": ("Does the model hold the ability already?", ("yes", "unsure", "no")),
    "clean": ("Can you get a clean dataset?", ("yes", "no")),
    "compute": ("Can you train and store all weights?", ("yes", "no")),
    "model_can": ("What can a model do here?", ("make good data", "judge", "neither")),
}
NEEDS = {  # what replies may need beside -> (what to do, its techniques, rivals of the same data, why)
    "facts that change": (
        *("retrieval", ("facts_in_prompt",), ("few_shot_nearest", "few_shot")),
        "look the facts up for each message: training would teach those of today",
    ),
    "a fixed form": (
        *("constrained decoding", ("constrained_decoding",), ("few_shot_nearest", "few_shot", "zero_shot")),
        "allow only tokens that keep to the form: it needs no label",
    ),
    "a long prompt for less": (
        *("prompt caching", ("few_shot", "system_prompt", "zero_shot"), ("few_shot_nearest",)),
        "compute what all messages share once. It changes no reply, but only what begins the same for all "
        "can be cached: the rows say what it costs to do without examples chosen for each message",
    ),
}
NOTHING = "nothing"
FAMILIES = {name: members for name, members in registry.families().items() if name != CONTROL}
RIVALS = {  # the family that an answer turned down, where clean records are there
    "prompting": "PEFT",
    "PEFT": "prompting",
    "fine-tuning": "PEFT",
}
SEEN = {"RLHF": "mixed quality", "AI feedback": "mixed quality", "synthetic data": "few"}  # else clean
CONTROLS = {"mixed quality": "sft_mediocre", "few": "synthetic_real_control"}  # fair rivals by what was seen
FEW_SHOWN = 16  # solved records that anybody can write, clean dataset or not


def path(ability, clean, compute, model_can, need=NOTHING):
    """[(what to do, reason)] that the answers lead to, the first first. Raises ValueError for others."""
    chosen = dict(ability=ability, clean=clean, compute=compute, model_can=model_can)
    for name, (question, answers) in QUESTIONS.items():
        if chosen[name] not in answers:
            raise ValueError(f"{question} The answers are {', '.join(answers)}, not {chosen[name]!r}.")
    if need not in (NOTHING, *NEEDS):
        raise ValueError(f"What else is needed? The answers are {NOTHING}, {', '.join(NEEDS)}, not {need!r}.")
    steps = [(NEEDS[need][0], NEEDS[need][3])] if need in NEEDS else []
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


def advise(
    ability,
    clean,
    compute,
    model_can,
    need=NOTHING,
    labels=None,
    task=base.DEFAULT,
    folder=None,
    results=None,
    assumptions=None,
):
    """[Advice] for the answers, each with measured rows for and against it.

    need: what replies need beside, NOTHING or a key of NEEDS. labels: how many clean records you have, to be
    looked up on the label curve. task: whose rows. folder: in place of data/results. results: a folder of
    your own run of `own_task`, whose rows are cited in place of a task's. assumptions: costs.Assumptions.
    What was not measured has no rows. Raises ValueError for an answer that does not exist or labels below 1,
    FileNotFoundError for a folder without a run.
    """
    if labels is not None and labels < 1:
        raise ValueError(f"{labels} labels: give a number above 0, or none if you do not know.")
    board = OwnRun(results) if results else evidence.Board(task, folder)
    advices, steps = [], path(ability, clean, compute, model_can, need)
    for family, reason in steps:
        advice = Advice(family, reason)
        members, rivals, data = candidates(board, family, clean)
        rivals = [*rivals, *board.baselines] if results else rivals  # few techniques: all that ran is a rival
        pairs = (evidence.compared(board, column, members, rivals) for column in board.columns)
        advice.comparisons = [pair for pair in pairs if pair]
        advice.notes = remarks(board, advice, data, assumptions)
        advices.append(advice)
    if labels and clean == "yes" and not results and task == curves.TASK:
        advices[-1].notes.append(by_labels(labels, folder))
    if board.missing:
        advices[0].notes.insert(0, board.missing)
    return advices


def candidates(board, family, clean):
    """(techniques that may stand for a family, their fair rivals, the data that both saw).

    Where there is no clean dataset, prompting may show at most FEW_SHOWN records, and its rival is supervised
    fine-tuning on what there is, records of mixed quality.
    """

    def showing_few(names):
        return [n for n in names if n in board.rows and (board.cost(n, "examples") or 0) <= FEW_SHOWN]

    for what, members, rivals, _ in NEEDS.values():
        if family == what and clean == "no":
            return showing_few(members), showing_few(rivals), "mixed quality"
        if family == what:
            return members, rivals, "clean"
    members = FAMILIES[family]
    data = SEEN.get(family, "clean")
    members = [name for name in members if registry.find(name).data == data]
    if family == "prompting" and clean == "no":
        return showing_few(members), [CONTROLS["mixed quality"]], "mixed quality"
    if data != "clean":
        return members, [CONTROLS[data]], data
    return members, FAMILIES[RIVALS[family]], data


def best(family, column="accuracy", task=base.DEFAULT, folder=None):
    """The Row of the family's best measured technique, whatever data it saw, or None."""
    return evidence.Board(task, folder).best(FAMILIES[family], column)


def widget(task=base.DEFAULT, folder=None):
    """The questions as rows of buttons, the advice below; without ipywidgets the advice for "no, yes, no"."""
    try:
        import ipywidgets as w
    except ImportError:
        return "\n".join(map(str, advise("no", "yes", "no", "neither", task=task, folder=folder)))
    # Rows of buttons, not menus: JupyterLab keeps the arrow keys of a menu for itself.
    style = {"description_width": "22em", "button_width": "11em"}
    asked = QUESTIONS | {"need": ("What else do the replies need?", (NOTHING, *NEEDS))}
    rows = {
        name: w.ToggleButtons(options=answers, description=question, style=style)
        for name, (question, answers) in asked.items()
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
    """The command: asks what is not given, where somebody can answer; 2 if nobody can, 1 without results."""
    parser = argparse.ArgumentParser(prog="advisor", description=__doc__.splitlines()[0])
    for name, (question, answers) in QUESTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", choices=answers, help=question)
    parser.add_argument("--need", choices=(NOTHING, *NEEDS), default=NOTHING, help="what replies need beside")
    parser.add_argument("--labels", type=int, help="how many clean records you have")
    parser.add_argument("--task", choices=base.TASKS, default=base.DEFAULT, help="whose rows are cited")
    parser.add_argument("--folder", help="where results are, in place of data/results")
    parser.add_argument(
        "--results", metavar="FOLDER", help="your own run, as `own_task --out FOLDER` keeps it"
    )
    for name, price in costs.Assumptions()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=price, help="for the costs")
    chosen = vars(parser.parse_args(arguments))
    prices = {name: chosen.pop(name) for name in costs.Assumptions._fields}
    for name, (question, answers) in QUESTIONS.items():
        while chosen[name] not in answers:
            if not sys.stdin.isatty():
                print(f"Not answered: {question} (--{name.replace('_', '-')})", file=sys.stderr)
                return 2
            try:
                chosen[name] = input(f"{question} ({', '.join(answers)}) ").strip().lower()
            except (EOFError, KeyboardInterrupt):
                return 2
    try:
        advices = advise(**chosen, assumptions=costs.Assumptions(**prices))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, advices)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
