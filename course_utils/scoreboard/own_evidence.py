"""Your own run of `own_task` as evidence for the advisor, in place of a scoreboard."""

from course_utils.scoreboard import own_outcome
from course_utils.scoreboard.evidence import Board
from course_utils.scoreboard.own_baselines import BASELINES


class OwnRun(Board):
    """The techniques of a stored run: rows by accuracy alone. FileNotFoundError if the folder holds none."""

    columns = ties = ("accuracy",)
    baselines = tuple(BASELINES)

    def __init__(self, folder):
        self.outcome, self.task = own_outcome.load(folder), "your task"
        self.rows = {row["technique"]: row for row in self.outcome.rows}
        self.missing = None

    def seeds(self, name):
        return len(self.outcome.items[name])

    def cost(self, name, column):
        return self.rows[name].get(column)

    def values(self, name, column):
        return self.outcome.items[name]

    def mean(self, name, column):
        return self.outcome.share(name)

    def compare(self, a, b, column):
        return self.outcome.compare(a, b)
