"""The scoreboard: every technique on the same task, one row per technique and seed.

    python -m course_utils.scoreboard [--technique NAME …] [--seeds 5] [--trials 6] [--list]

Each technique first tries its settings on dev (data/results/tuning.json), then is measured on test
with the best one, seed by seed (scoreboard.csv; hits and rewards of every item in items/). A run
that was killed goes on where it stopped (course_utils.scoreboard.runner). Left out: corrections for many
comparisons; look at the few that you asked about beforehand.
"""

import numpy as np

from course_utils.scoreboard import measure
from course_utils.scoreboard.runner import COLUMNS, COSTS, items_file, results, run

__all__ = ["COLUMNS", "compare", "items", "mean", "plot", "read", "run"]
BASELINES = ("majority_class", "random_reply")
ITEM_NAMES = {"accuracy": "whole", "routing": "team"}  # a column of the table, by its items' name


def read(folder=None):
    """The table as a pandas DataFrame with COLUMNS. Raises FileNotFoundError before the first row."""
    import pandas

    file = results(folder) / "scoreboard.csv"
    if not file.exists():
        raise FileNotFoundError("There is no scoreboard yet: run `python -m course_utils.scoreboard`.")
    return pandas.read_csv(file, dtype={"lesson": str, "technique": str})


def items(technique, column="whole", folder=None):
    """(values (S, N), ids (N,)): per seed and test item, 0/1 or for "gold_reward" a score.

    column: "whole", "team", "priority", "answer", "gold_reward", or "accuracy" and "routing" of the
    table. Raises ValueError for another, FileNotFoundError for a technique that was not measured.
    """
    name = ITEM_NAMES.get(column, column)
    if name not in measure.ITEM_COLUMNS:
        raise ValueError(f"No column {column!r}: use one of {', '.join(measure.ITEM_COLUMNS)}.")
    file = items_file(technique, folder)
    if not file.exists():
        raise FileNotFoundError(
            f"{technique} has not been measured: python -m course_utils.scoreboard.table."
        )
    arrays = measure.load_arrays(file)
    return arrays[name].astype(float), arrays["ids"]


def compare(a, b, column="whole", resamples=10_000, folder=None):
    """(mean of a − mean of b, low, high) over the same test items: a paired difference, 95 %.

    Percentile bootstrap that draws items once for both, and seeds for each on its own, because seed 3
    of one technique has nothing to do with seed 3 of another. With few seeds it is a little narrow.
    Source: Efron 1979; items and seeds as crossed factors, Owen 2007, "The pigeonhole bootstrap".
    Raises ValueError if the two were measured on different items.
    """
    (x, ids), (y, others) = items(a, column, folder), items(b, column, folder)
    if not np.array_equal(ids, others):
        raise ValueError(f"{a} and {b} were measured on different items.")
    return _bootstrap([(1.0, x), (-1.0, y)], resamples)


def mean(technique, column="whole", resamples=10_000, folder=None):
    """(mean, low, high) of one technique, bootstrapped over seeds and items as in `compare`."""
    return _bootstrap([(1.0, items(technique, column, folder)[0])], resamples)


def _bootstrap(parts, resamples, chunk=1000):
    """(value, low, high) of the signed sum of means of the arrays (S, N), which share their items."""
    draw, count = np.random.default_rng(0), parts[0][1].shape[1]
    drawn = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        of_items = draw.multinomial(count, np.full(count, 1 / count), size) / count  # (R, N)
        total = np.zeros(size)
        for sign, values in parts:
            seeds = len(values)
            of_seeds = draw.multinomial(seeds, np.full(seeds, 1 / seeds), size) / seeds  # (R, S)
            total += sign * ((of_seeds @ values) * of_items).sum(1)
        drawn.append(total)
    low, high = np.percentile(np.concatenate(drawn), [2.5, 97.5])
    return float(sum(sign * values.mean() for sign, values in parts)), float(low), float(high)


def plot(x="trainable_parameters", y="accuracy", folder=None, ax=None):
    """Each technique's mean and 95 % interval of y over x (any cost of the table); the matplotlib Axes.

    The majority class and a random reply are lines. Lessons differ by marker as well as by colour.
    Raises ValueError if x is not a number of the table.
    """
    import matplotlib.pyplot as plt

    from course_utils.display import figures

    table = read(folder)
    if x not in COSTS:
        raise ValueError(f"No cost {x!r}: use one of {', '.join(COSTS)}.")
    with plt.rc_context(figures.FONT):
        ax = ax or plt.subplots(figsize=(9, 5), layout="constrained")[1]
        ranked = table[~table.technique.isin(BASELINES)]
        lessons = sorted(ranked.lesson.unique())
        for (lesson, technique), rows in ranked.groupby(["lesson", "technique"]):
            value, low, high = mean(technique, y, folder=folder)
            style, at = lessons.index(lesson), rows[x].mean()
            label = f"lesson {lesson}" if technique == _first(ranked, lesson) else None
            colour, marker = figures.COLORS[style % 7], figures.MARKERS[style % 7]
            reach = [[max(0, value - low)], [max(0, high - value)]]
            ax.errorbar(at, value, reach, fmt=marker, color=colour, mec="black", capsize=3, label=label)
            ax.annotate(technique, (at, value), (5, 4), textcoords="offset points", fontsize=8)
        for name, line in zip(BASELINES, ("--", ":")):
            if (table.technique == name).any():
                level = mean(name, y, folder=folder)[0]
                ax.axhline(level, color="black", linestyle=line, label=name.replace("_", " "))
        ax.set_xscale("symlog", linthresh=1)  # many costs are 0
        if ranked[x].min() >= 0:
            ax.set_xlim(left=-0.2)
        ax.margins(x=0.15)
        ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
        ax.legend(frameon=False, fontsize=8)
    return ax


def _first(table, lesson):
    return min(table[table.lesson == lesson].technique)
