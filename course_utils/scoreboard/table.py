"""The scoreboard: every technique on the same task, one row per technique and seed.

    from course_utils.scoreboard import table as scoreboard
    scoreboard.read(task="toy_desk")                       the table, a pandas DataFrame
    scoreboard.compare("full", "lora_all", task="toy_desk")

How rows are made: `python -m course_utils.scoreboard`. Left out: corrections for many comparisons; look at
the few that you asked about beforehand.
"""

import csv
import functools

import numpy as np

from course_utils import evaluation
from course_utils.scoreboard.columns import BASELINES, COSTS, item_names
from course_utils.storage.tensors import load_arrays
from course_utils.tasks import base


def rows_done(task=base.DEFAULT, folder=None):
    """The rows of the table as dictionaries of texts; none before the first."""
    file = base.results_file(base.find(task), "scoreboard.csv", folder)
    if not file.exists():
        return []
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def items_file(technique, task=base.DEFAULT, folder=None):
    """The file with the items of a technique."""
    return base.results_file(base.find(task), "items", folder) / f"{technique.replace(':', '.')}.npz"


def read(task=base.DEFAULT, folder=None):
    """The table as a pandas DataFrame. Raises FileNotFoundError before the first row."""
    import pandas

    file = base.results_file(base.find(task), "scoreboard.csv", folder)
    if not file.exists():
        raise FileNotFoundError(
            f"There is no scoreboard of {task} yet: run `python -m course_utils.scoreboard --task {task}`."
        )
    return pandas.read_csv(file, dtype={"lesson": str, "technique": str})


def items(technique, column="whole", task=base.DEFAULT, folder=None):
    """(values (S, N), ids (N,)): per seed and test item, 0/1 or for "gold_reward" a score.

    column: a score of the table ("accuracy", "routing", …) or an item's own name ("whole", "team", …).
    Raises ValueError for another, FileNotFoundError for a technique that was not measured.
    """
    file, names = items_file(technique, task, folder), item_names(base.find(task))
    if column not in (*names, *names.values()):
        raise ValueError(f"No column {column!r}: use one of {', '.join(dict.fromkeys(names.values()))}.")
    if not file.exists():
        raise FileNotFoundError(
            f"{technique} has not been measured: run `python -m course_utils.scoreboard --task {task} "
            f"--technique {technique}`."
        )
    arrays = load_arrays(file)
    return arrays[names.get(column, column)].astype(float), arrays["ids"]


def compare(a, b, column="whole", resamples=10_000, task=base.DEFAULT, folder=None, other=None):
    """(mean of a − mean of b, low, high) over the same test items: a paired difference, 95 %.

    other: the task whose table has b, if it is not a's, such as the same test with another model.
    By `evaluation.crossed_bootstrap`, over seeds and over items, or over the sentence frames of the items
    where the task's records name them. Raises ValueError if the two were measured on different items.
    """
    other = other or task
    (x, ids), (y, others) = items(a, column, task, folder), items(b, column, other, folder)
    if not np.array_equal(ids, others) or base.find(task).folder != base.find(other).folder:
        raise ValueError(f"{a} and {b} were measured on different items.")
    return evaluation.crossed_bootstrap([(1.0, x), (-1.0, y)], resamples, groups=groups(ids, task))


def mean(technique, column="whole", resamples=10_000, task=base.DEFAULT, folder=None):
    """(mean, low, high) of one technique, bootstrapped over seeds and items as in `compare`."""
    values, ids = items(technique, column, task, folder)
    return evaluation.crossed_bootstrap([(1.0, values)], resamples, groups=groups(ids, task))


def groups(ids, task=base.DEFAULT):
    """For each test item the sentence frame that it was written from, or None where records name none.

    A message with two requests belongs to the frame of the one that decides its team. The help desk's 500
    test messages come from 106 frames, and messages of one frame resemble each other.
    """
    frames = _frames(task)
    return [frames.get(str(name), f"item {name}") for name in ids] if frames else None


@functools.cache
def _frames(task):
    """{id: frame} of a task's test records that name their frames."""
    return {
        record["id"]: record["frames"][0] for record in base.find(task).read("test") if "frames" in record
    }


def plot(x="trainable_parameters", y="accuracy", task=base.DEFAULT, folder=None, ax=None):
    """Each technique's mean and 95 % interval of y over x (any cost of the table); the matplotlib Axes.

    The policies without skill are lines. Lessons differ by marker as well as by color.
    Raises ValueError if x is not a number of the table.
    """
    import matplotlib.pyplot as plt

    from course_utils.display import figures

    board = read(task, folder)
    if x not in COSTS:
        raise ValueError(f"No cost {x!r}: use one of {', '.join(COSTS)}.")
    with plt.rc_context(figures.FONT):
        ax = ax or plt.subplots(figsize=(9, 5), layout="constrained")[1]
        ranked = board[~board.technique.isin(list(BASELINES))]
        lessons = sorted(ranked.lesson.unique())
        for (lesson, technique), rows in ranked.groupby(["lesson", "technique"]):
            value, low, high = mean(technique, y, task=task, folder=folder)
            style, at = lessons.index(lesson), rows[x].mean()
            label = f"lesson {lesson}" if technique == _first(ranked, lesson) else None
            color, marker = figures.COLORS[style % 7], figures.MARKERS[style % 7]
            reach = [[max(0, value - low)], [max(0, high - value)]]
            ax.errorbar(at, value, reach, fmt=marker, color=color, mec="black", capsize=3, label=label)
            ax.annotate(technique, (at, value), (5, 4), textcoords="offset points", fontsize=8)
        for name, line in BASELINES.items():
            if (board.technique == name).any():
                level = mean(name, y, task=task, folder=folder)[0]
                ax.axhline(level, color="black", linestyle=line, label=name.replace("_", " "))
        ax.set_xscale("symlog", linthresh=1)  # many costs are 0
        if ranked[x].min() >= 0:
            ax.set_xlim(left=-0.2)
        ax.margins(x=0.15)
        ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
        ax.legend(frameon=False, fontsize=8)
    return ax


def _first(board, lesson):
    return min(board[board.lesson == lesson].technique)
