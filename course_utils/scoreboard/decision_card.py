"""The four questions of lesson 07 on one sheet to print, with what was measured at the end of each way.

    figure = decision_card.draw()
    python -m course_utils.scoreboard.decision_card decision_card.pdf     (or .svg, .png)

The ways are those of `advisor.path`, the figures are read from the scoreboards. Left out: costs, and what
replies may need beside (advisor.NEEDS), for which the advisor has room.
"""

import sys

import matplotlib.pyplot as plt

from course_utils.display.figures import FONT
from course_utils.scoreboard import advisor
from course_utils.scoreboard import table as scoreboard
from course_utils.scoreboard.plots import DESKS

SIZE = (11.7, 8.3)  # A4, landscape, in inches
ON_SCREEN, ON_PAPER = 62, 200  # dots an inch
MIDDLE = dict(ha="center", va="center")
FIRST = (
    "First: write test items in wordings that training never sees. Measure a constant reply, the nearest\n"
    "copy and a TF-IDF classifier. If one of them is good enough, stop here.\n"
    "Facts that change: look them up for each message (retrieval). Unsure? If twenty shots fail, go on at 2."
)
LAST = (
    "Accept a winner only if it beats the cheap baselines on the same items, and the 95 % interval of the\n"
    "difference, over items and seeds, excludes zero. Then read fifty replies. The figures in the boxes are\n"
    "exact matches of each family's most accurate technique, as this course measured them."
)
QUESTIONS = {  # name of advisor.QUESTIONS: its place, as shares of the sheet
    "ability": (0.11, 0.66),
    "clean": (0.36, 0.66),
    "compute": (0.62, 0.66),
    "model_can": (0.36, 0.40),
}
ENDS = {  # family: its place, and answers that lead there
    "prompting": (0.11, 0.20, ("yes", "yes", "yes", "neither")),
    "fine-tuning": (0.88, 0.74, ("no", "yes", "yes", "neither")),
    "PEFT": (0.88, 0.55, ("no", "yes", "no", "neither")),
    "synthetic data": (0.36, 0.20, ("no", "no", "no", "make good data")),
    "AI feedback": (0.62, 0.20, ("no", "no", "no", "judge")),
    "RLHF": (0.88, 0.20, ("no", "no", "no", "neither")),
}
ARROWS = (  # from, to, answer
    ("ability", "prompting", "yes, or unsure"),
    ("ability", "clean", "no"),
    ("clean", "compute", "yes"),
    ("clean", "model_can", "no"),
    ("compute", "fine-tuning", "yes"),
    ("compute", "PEFT", "no"),
    ("model_can", "synthetic data", "make good data"),
    ("model_can", "AI feedback", "judge"),
    ("model_can", "RLHF", "neither"),
)


def measured(family, folder=None):
    """Lines that say which technique of a family was the most accurate on each task, and how accurate."""
    lines = []
    for task, title in DESKS.items():
        row = advisor.best(family, task=task, folder=folder) if scoreboard.rows_done(task, folder) else None
        lines.append(f"{title}: {row.technique} {row.value:.2f}" if row else f"{title}: not measured")
    return lines


@plt.rc_context(FONT)
def draw(folder=None):
    """The sheet as a matplotlib Figure. folder: in place of data/results."""
    figure = plt.figure(figsize=SIZE, dpi=ON_SCREEN)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.axis("off")
    ax.text(0.03, 0.95, "Which technique first?", fontsize=20, weight="bold", va="center")
    ax.text(0.03, 0.87, FIRST, fontsize=11, va="center")
    ax.text(0.03, 0.05, LAST, fontsize=11, va="center")
    boxes = {}
    for i, (name, (x, y)) in enumerate(QUESTIONS.items(), start=1):
        text = f"{i}. " + _wrapped(advisor.QUESTIONS[name][0], 19)
        boxes[name] = ax.text(x, y, text, bbox=dict(boxstyle="round,pad=0.6", fc="white"), **MIDDLE)
    for name, (x, y, _) in ENDS.items():
        title = "-".join(rf"$\bf{{{part.replace(' ', '~')}}}$" for part in name.split("-"))
        text = "\n".join([title, *measured(name, folder)])
        style = dict(boxstyle="square,pad=0.6", fc="0.92", ec="black")
        boxes[name] = ax.text(x, y, text, fontsize=9.5, bbox=style, **MIDDLE)
    figure.canvas.draw()  # the boxes have a size from here on
    for source, target, answer in ARROWS:
        _arrow(ax, boxes[source], boxes[target], answer)
    return figure


def _wrapped(text, width):
    """Text in lines of about so many characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _arrow(ax, source, target, answer):
    """An arrow between the patches of two texts, with the answer that it stands for."""
    style = dict(arrowstyle="-|>", color="black", patchA=source.get_bbox_patch(), shrinkA=2)
    style |= dict(patchB=target.get_bbox_patch(), shrinkB=2)
    (x0, y0), (x1, y1) = source.get_position(), target.get_position()
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=style)
    white = dict(fc="white", ec="none", pad=1)
    ax.text((x0 + x1) / 2, (y0 + y1) / 2, answer, style="italic", fontsize=10, bbox=white, **MIDDLE)


def main(arguments=None):
    """The command; returns the exit code, 2 without the name of a picture."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1 or arguments[0].rpartition(".")[2] not in ("pdf", "svg", "png"):
        print("Name the file to write: decision_card.pdf, .svg or .png.", file=sys.stderr)
        return 2
    draw().savefig(arguments[0], dpi=ON_PAPER)
    print(f"{arguments[0]} is written: A4, landscape.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
