"""The pictures and the table of lesson 07, all drawn from the scoreboard's rows.

    python -m course_utils.scoreboard.plots      the README's picture, anew after a change of the scoreboard

Left out: a table that sorts itself by script, which a notebook would not trust; the buttons are ipywidgets.
"""

import hashlib

import matplotlib.pyplot as plt

from course_utils.display import tables
from course_utils.display.figures import COLORS, FONT, LINES, MARKERS
from course_utils.scoreboard import advisor
from course_utils.scoreboard import table as scoreboard
from course_utils.scoreboard.columns import BASELINES, TITLES
from course_utils.storage import paths
from course_utils.tasks import base

README_PICTURE = paths.DATA / "results" / "scoreboard.png"
README_TASK = "toy_desk"


def families(board):
    """{family: its measured techniques}, families without rows left out."""
    known = set(board.technique)
    shown = {family: [n for n in names if n in known] for family, names in advisor.FAMILIES.items()}
    return {family: names for family, names in shown.items() if names}


@plt.rc_context(FONT)
def effort(board, columns=("train_seconds", "stored_bytes"), y="accuracy", task=base.DEFAULT, folder=None):
    """A panel for each cost: every technique's mean and 95 % interval of y over it; the Axes.

    Families differ by marker and colour. The larger the mark, the more examples were used. The best of
    each family is named at the side, the others are pale; the lines are the policies without skill.
    """
    size = (11, 5.4)
    figure, axes = plt.subplots(
        1, len(columns), figsize=size, layout="constrained", sharey=True, squeeze=False
    )
    means = board.groupby("technique").mean(numeric_only=True)
    shown = [name for names in families(board).values() for name in names]
    marks = {name: scoreboard.mean(name, y, 1000, task, folder) for name in shown}
    best = [advisor.best(family, y, task, folder).technique for family in families(board)]
    most = max(value for value, _, _ in marks.values())
    for ax, column in zip(axes[0], columns):
        for i, (family, names) in enumerate(families(board).items()):
            for name in names:
                value, low, high = marks[name]
                at, reach = means.loc[name, column], [[max(0, value - low)], [max(0, high - value)]]
                big = 5 + 4 * min(1, means.loc[name, "examples"] / means.examples.max())
                style = dict(fmt=MARKERS[i % 7], color=COLORS[i % 7], mec="black", ms=big, capsize=2)
                style |= {"mfc": "white"} if i >= len(MARKERS) else {}
                style |= dict(label=family, zorder=3) if name in best else dict(alpha=0.35)
                ax.errorbar(at, value, reach, **style)
        for baseline, dots in BASELINES.items():
            if baseline in means.index:
                label = baseline.replace("_", " ")
                ax.axhline(means.loc[baseline, y], color="black", linestyle=dots, linewidth=1, label=label)
        places = {name: (means.loc[name, column], value) for name, (value, _, _) in marks.items()}
        _name(ax, {name: places[name] for name in best}, 0.055 * most)
        ax.set_xscale("symlog", linthresh=1)
        ax.set(xlabel=TITLES.get(column, column), xlim=(-0.3, 1 + 2 * max(at for at, _ in places.values())))
    axes[0][0].set_ylabel(TITLES.get(y, y))
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return axes[0]


def _name(ax, marks, apart):
    """Names in a column at the side, each joined to its mark by a thin line, none nearer than `apart`."""
    height = float("inf")
    for name, (at, value) in sorted(marks.items(), key=lambda mark: -mark[1][1]):
        height = min(value, height - apart)
        thin = dict(arrowstyle="-", linewidth=0.6, color="grey", relpos=(0, 0.5), shrinkA=0)
        where = dict(xytext=(1.02, height), textcoords=("axes fraction", "data"), va="center", fontsize=9.5)
        ax.annotate(name, (at, value), arrowprops=thin, **where)


def ranking(board, by="accuracy", most_first=True, columns=tuple(TITLES)):
    """The means of every technique as a display.Table, sorted by one column."""
    means = board.groupby("technique").mean(numeric_only=True).sort_values(by, ascending=not most_first)
    rows = [[name, *(float(row[column]) for column in columns)] for name, row in means.iterrows()]
    return tables.table(rows, ["technique", *(TITLES[column] for column in columns)])


def sortable(board):
    """The table with buttons for the column to sort by; without ipywidgets, the table sorted by accuracy."""
    try:
        import ipywidgets as w
    except ImportError:
        return ranking(board)
    # A row of buttons, not a menu: JupyterLab keeps the arrow keys of a menu for itself.
    menu = w.ToggleButtons(
        options=[(title, name) for name, title in TITLES.items()],
        description="Sort by",
        style={"button_width": "8em"},
    )
    most, shown = w.Checkbox(value=True, description="most first"), w.HTML()

    def show(*_):
        shown.value = ranking(board, menu.value, most.value)._repr_html_()

    menu.observe(show, names="value")
    most.observe(show, names="value")
    show()
    return w.VBox([menu, most, shown])


@plt.rc_context(FONT)
def differences(gaps, xlabel="difference in records right"):
    """One line per name from above: a difference with its interval, and a line at no difference; the Axes.

    gaps: {name: (value, low, high)}.
    """
    _, ax = plt.subplots(figsize=(8, 1.2 + 0.4 * len(gaps)), layout="constrained")
    for i, (value, low, high) in enumerate(gaps.values()):
        sure = low > 0 or high < 0
        style = dict(color=COLORS[0], mfc=COLORS[0] if sure else "white", mec="black", capsize=3)
        ax.errorbar(value, i, xerr=[[value - low], [high - value]], fmt=MARKERS[0], **style)
    ax.axvline(0, color="black", linestyle=":")
    ax.set_yticks(range(len(gaps)), list(gaps))
    ax.set(ylim=(len(gaps) - 0.5, -0.5), xlabel=f"{xlabel} (filled: the interval excludes 0)")
    ax.grid(axis="x", alpha=0.3)
    return ax


@plt.rc_context(FONT)
def moving(x, intervals, xlabel, truth=None):
    """Intervals side by side over x, such as a number of seeds; a line at 0, dashed at `truth`; the Axes."""
    _, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for at, (value, low, high) in zip(x, intervals):
        reach = [[value - low], [high - value]]
        ax.errorbar(at, value, reach, fmt=MARKERS[0], color=COLORS[0], mec="black", capsize=4)
    ax.axhline(0, color="black", linestyle=":", label="no difference")
    if truth is not None:
        ax.axhline(truth, color=COLORS[1], linestyle=LINES[1], label="all seeds and messages")
    ax.set_xticks(list(x))
    ax.set(xlabel=xlabel, ylabel="difference")
    ax.legend(frameon=False, fontsize=9)
    return ax


@plt.rc_context(FONT)
def sizes(lines, xlabel="parameters of the model"):
    """{technique: [(parameters, (value, low, high))]} as one line per technique over model size; the Axes."""
    _, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    for i, (name, points) in enumerate(lines.items()):
        x, values = zip(*points)
        middle, low, high = zip(*values)
        ax.plot(x, middle, LINES[i % 4], marker=MARKERS[i % 7], color=COLORS[i % 7], label=name)
        ax.fill_between(x, low, high, color=COLORS[i % 7], alpha=0.12, linewidth=0)
    ax.set_xscale("log")
    ax.set(xlabel=xlabel, ylabel="accuracy", ylim=(0, 1.02))
    ax.legend(frameon=False)
    return ax


def readme_picture(path=README_PICTURE, task=README_TASK):
    """Draws `effort` into a PNG that says in its description which rows it shows."""
    axes = effort(scoreboard.read(task), task=task)
    axes[0].figure.savefig(path, dpi=110, metadata={"Description": rows_shown(task)})
    plt.close(axes[0].figure)


def rows_shown(task=README_TASK):
    """A short name for the scoreboard's rows as they are now."""
    return hashlib.sha256(base.results_file(base.find(task), "scoreboard.csv").read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    readme_picture()
