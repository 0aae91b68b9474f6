"""What the advisor's words rest on: measured rows, of the scoreboard or of your own run, fairly compared.

    board = evidence.Board("helpdesk")
    row = board.best(["lora_qv", "ia3"], "accuracy")          a Row, or None
    evidence.compared(board, "accuracy", best=[…], rivals=[…])     a Comparison, or None

Fair means: what is compared has seen the same data (`Technique.data`), and its difference is paired by items.
Left out: a correction for having picked the best of several by the same items, which flatters large families.
"""

from dataclasses import dataclass

import numpy as np

from course_utils import evaluation
from course_utils.scoreboard import table

RESAMPLES = 2000
SURE, UNCLEAR, AGAINST, UNKNOWN = "sure", "cannot tell", "the rows say otherwise", "not measured"
TITLES = {"accuracy": "accuracy", "gold_reward": "gold reward", "routing": "right team"}


@dataclass
class Row:
    """A measured technique: its mean with its interval, and how many seeds stand behind it."""

    technique: str
    value: float
    low: float
    high: float
    seeds: int

    def __str__(self):
        seeds = f"{self.seeds} seed{'s' if self.seeds > 1 else ''}"
        return f"{self.technique} {self.value:.2f} ({self.low:.2f} to {self.high:.2f}, {seeds})"


@dataclass
class Comparison:
    """The best row for an advice and the best fair rival, by one column, with their paired difference."""

    column: str
    best: Row
    rival: Row | None = None
    gap: tuple | None = None

    @property
    def sure(self):
        """SURE, UNCLEAR, AGAINST or UNKNOWN, from the interval of the difference."""
        return evaluation.verdict(self.gap, SURE, AGAINST, UNCLEAR) if self.gap else UNKNOWN

    def __str__(self):
        text = f"{TITLES.get(self.column, self.column)}: {self.best}"
        if not self.gap:
            return f"{text}; no fair rival was measured"
        value, low, high = self.gap
        once = " for one seed each: others may differ" if self.best.seeds == self.rival.seeds == 1 else ""
        return f"{text} against {self.rival}: {value:+.2f} ({low:+.2f} to {high:+.2f}), {self.sure}{once}"


class Board:
    """The rows of a task's scoreboard. columns: what techniques are compared by."""

    columns = ("accuracy", "gold_reward")
    ties = ("accuracy", "gold_reward", "routing")
    baselines = ("nearest_copy", "constant_reply", "majority_class", "always_decline", "specialists")

    def __init__(self, task="helpdesk", folder=None):
        self.task, self.folder, self.rows = task, folder, {}
        for row in table.rows_done(task, folder):
            self.rows.setdefault(row["technique"], []).append(row)
        self.missing = None  # or a sentence, where there are no rows at all
        if not self.rows:
            self.missing = (
                f"The scoreboard of {task} has no rows yet: run `python -m course_utils.scoreboard --task "
                f"{task}`, or ask for another task."
            )

    def seeds(self, name):
        return len(self.rows[name])

    def cost(self, name, column):
        """The mean of a cost over seeds, or None where it was not measured."""
        cells = [row.get(column) for row in self.rows[name]]
        return float(np.mean([float(cell) for cell in cells])) if all(cells) else None

    def values(self, name, column):
        return table.items(name, column, self.task, self.folder)[0]

    def mean(self, name, column):
        return table.mean(name, column, RESAMPLES, self.task, self.folder)

    def compare(self, a, b, column):
        return table.compare(a, b, column, RESAMPLES, self.task, self.folder)

    def best(self, names, column="accuracy"):
        """The Row of the best measured one of these techniques, or None.

        At a tie, such as no record right at all, the one that is better by the other columns.
        """
        measured = [name for name in names if name in self.rows]
        if not measured:
            return None
        order = tuple(dict.fromkeys((column, *self.ties)))
        name = max(measured, key=lambda name: [self.values(name, each).mean() for each in order])
        return Row(name, *self.mean(name, column), self.seeds(name))


def compared(board, column, best, rivals):
    """The Comparison of the best of some techniques with the best of their rivals, or None without rows."""
    row = board.best(best, column)
    if row is None:
        return None
    rival = board.best([name for name in rivals if name != row.technique], column)
    gap = board.compare(row.technique, rival.technique, column) if rival else None
    return Comparison(column, row, rival, gap)
