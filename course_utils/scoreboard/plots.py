"""The pictures and the table of lesson 07, all drawn from the scoreboard's rows.

    python -m course_utils.scoreboard.plots      the README's picture, anew after a change of the scoreboard

Left out: a table that sorts itself by script, which a notebook would not trust; the buttons are ipywidgets.
"""

import hashlib

import matplotlib.pyplot as plt

from course_utils.display import tables
from course_utils.display.figures import COLORS, FONT, LINES, MARKERS
from course_utils.scoreboard import advisor, curves
from course_utils.scoreboard import table as scoreboard
from course_utils.scoreboard.columns import BASELINES, TITLES
from course_utils.storage import paths
from course_utils.tasks import base

README_PICTURE = paths.DATA / "results" / "scoreboard.png"
DESKS = {"helpdesk": "help desk", "toy_desk": "toy desk"}
SUBJECTS = {"smollm2": "SmolLM2-135M", "glass-box": "glass box"}


def families(board):
    """{family: its measured techniques}, families without rows left out."""
    known = set(board.technique)
    shown = {family: [n for n in names if n in known] for family, names in advisor.FAMILIES.items()}
    return {family: names for family, names in shown.items() if names}


@plt.rc_context(FONT)
def effort(
    board, columns=("train_seconds", "stored_bytes"), y="accuracy", task=base.DEFAULT, folder=None, title=None
):
    """A panel for each cost: every technique's mean and 95 % interval of y over it; the Axes.

    Families differ by marker and colour. The larger the mark, the more examples were used. The best of
    each family is named at the side, the others are pale; the lines are the policies without skill.
    """
    size = dict(figsize=(11, 5.4), dpi=70)  # as wide as a notebook shows
    figure, axes = plt.subplots(1, len(columns), layout="constrained", sharey=True, squeeze=False, **size)
    for ax, column in zip(axes[0], columns):
        _panel(ax, board, column, y, task, folder)
    axes[0][0].set_ylabel(TITLES.get(y, y))
    figure.suptitle(title)
    _legend(figure, axes[0])
    return axes[0]


@plt.rc_context(FONT)
def ladders(tasks=("helpdesk", "toy_desk"), x="train_seconds", y="accuracy", folder=None, title=None):
    """The scoreboards side by side, the first one large: y over one cost, as in `effort`; the Axes.

    A task without rows gets a sentence in place of its panel. y: "gold_reward" judges RLHF by what it learns.
    """
    size = dict(figsize=(12.5, 6), dpi=70, width_ratios=[1.7, 1])  # as wide as a notebook shows
    figure, axes = plt.subplots(1, len(tasks), layout="constrained", squeeze=False, **size)
    for ax, task in zip(axes[0], tasks):
        if not scoreboard.rows_done(task, folder):
            command = f"python -m course_utils.scoreboard --task {task}"
            ax.text(0.5, 0.5, f"{task} has no rows yet:\n{command}", ha="center", transform=ax.transAxes)
            ax.set(title=DESKS.get(task, task), xticks=[], yticks=[])
            continue
        board = scoreboard.read(task, folder)
        _panel(ax, board, x, y, task, folder)
        subjects = sorted({str(name).split("@")[0] for name in board.model})
        subjects = ", ".join(SUBJECTS.get(name, name) for name in subjects)
        ax.set(title=f"{DESKS.get(task, task)}: {subjects}", ylabel=TITLES.get(y, y))
    figure.suptitle(title)
    _legend(figure, axes[0])
    return axes[0]


def _panel(ax, board, column, y, task, folder):
    """One scoreboard over one cost: all techniques, the best of each family named, the baselines as lines."""
    means, shown = board.groupby("technique").mean(numeric_only=True), families(board)
    marks = {name: scoreboard.mean(name, y, 1000, task, folder) for names in shown.values() for name in names}
    best = [advisor.best(family, y, task, folder).technique for family in shown]
    for family, names in shown.items():
        i = list(advisor.FAMILIES).index(family)  # the same mark in every panel
        for name in names:
            value, low, high = marks[name]
            at, reach = means.loc[name, column], [[max(0, value - low)], [max(0, high - value)]]
            big = 5 + 4 * min(1, means.loc[name, "examples"] / means.examples.max())
            style = dict(fmt=MARKERS[i % 7], color=COLORS[i % 7], mec="black", ms=big, capsize=2)
            style |= {"mfc": "white"} if i >= len(MARKERS) else {}
            style |= dict(label=family, zorder=3) if name in best else dict(alpha=0.35)
            ax.errorbar(at, value, reach, **style)
    for control, mark in zip(advisor.CONTROLS.values(), "x+"):  # what RLHF and synthetic data compare with
        if control in means.index:
            at, value = means.loc[control, [column, y]]
            ax.plot(at, value, mark, color="grey", ms=9, mew=2, label=control.replace("_", " "))
    for baseline, dots in BASELINES.items():
        if baseline in means.index:
            label = baseline.replace("_", " ")
            ax.axhline(means.loc[baseline, y], color="black", linestyle=dots, linewidth=1, label=label)
    places = {name: (means.loc[name, column], value) for name, (value, _, _) in marks.items()}
    ax.set_xscale("symlog", linthresh=1)
    ax.set(xlabel=TITLES.get(column, column), xlim=(-0.3, 1 + 2 * max(at for at, _ in places.values())))
    low, high = ax.get_ylim()
    _name(ax, {name: places[name] for name in best}, 0.05 * (high - low))


def _legend(figure, axes):
    """One legend below all panels, each name once."""
    handles = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=5, frameon=False)


def _name(ax, marks, apart):
    """Names in a column at the side, each joined to its mark by a thin line, none nearer than `apart`."""
    height = float("inf")
    for name, (at, value) in sorted(marks.items(), key=lambda mark: -mark[1][1]):
        height = min(value, height - apart)
        thin = dict(arrowstyle="-", linewidth=0.6, color="grey", relpos=(0, 0.5), shrinkA=0)
        where = dict(xytext=(1.02, height), textcoords=("axes fraction", "data"), va="center", fontsize=9.5)
        ax.annotate(name.replace("_", " "), (at, value), arrowprops=thin, **where)


def ranking(board, by="accuracy", most_first=True, columns=None):
    """The means of every technique as a display.Table, sorted by one column.

    columns: by default those of TITLES that the board has; `costs.added` gives it hours and money.
    """
    columns = columns or [name for name in TITLES if name in board]
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
        options=[(title, name) for name, title in TITLES.items() if name in board],
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
def differences(gaps, xlabel="difference in records right", title=None):
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
    xlabel = f"{xlabel} (filled: the interval excludes 0)"
    ax.set(ylim=(len(gaps) - 0.5, -0.5), xlabel=xlabel, title=title)
    ax.grid(axis="x", alpha=0.3)
    return ax


@plt.rc_context(FONT)
def moving(x, intervals, xlabel, truth=None, title=None):
    """Intervals side by side over x, such as a number of seeds; a line at 0, dashed at `truth`; the Axes."""
    _, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for at, (value, low, high) in zip(x, intervals):
        reach = [[value - low], [high - value]]
        ax.errorbar(at, value, reach, fmt=MARKERS[0], color=COLORS[0], mec="black", capsize=4)
    ax.axhline(0, color="black", linestyle=":", label="no difference")
    if truth is not None:
        ax.axhline(truth, color=COLORS[1], linestyle=LINES[1], label="all seeds and messages")
    ax.set_xticks(list(x))
    ax.set(xlabel=xlabel, ylabel="difference", title=title)
    ax.legend(frameon=False, fontsize=9)
    return ax


@plt.rc_context(FONT)
def sizes(lines, xlabel="parameters of the model", title=None):
    """{technique: [(parameters, (value, low, high))]} as one line per technique over model size; the Axes."""
    _, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    for i, (name, points) in enumerate(lines.items()):
        x, values = zip(*points)
        _line(ax, i, name, x, values)
    ax.set_xscale("log")
    ax.set(xlabel=xlabel, ylabel="accuracy", ylim=(0, 1.02), title=title)
    ax.legend(frameon=False)
    return ax


@plt.rc_context(FONT)
def curve(kind="label", columns=("accuracy", "routing"), folder=None, title=None):
    """The label curve or the size curve of the help desk, a panel for each column; the Axes.

    One line per technique, with 95 % bands. kind: "label" (over records with a right reply) or "size" (over
    parameters of the model). Raises FileNotFoundError, with the command to run, before the first run.
    """
    points = curves.points(kind, folder)
    if not points:
        raise FileNotFoundError(
            f"The {kind} curve is not measured yet: run `python -m course_utils.experiments "
            f"{curves.COMMANDS[kind]}`."
        )
    size = (4.3 * len(columns) + 2, 3.8)
    figure, axes = plt.subplots(1, len(columns), figsize=size, dpi=70, layout="constrained", squeeze=False)
    ticks = sorted({value for values in points.values() for value in values})
    what = {"label": "training records", "size": "million parameters of the model"}[kind]
    for ax, column in zip(axes[0], columns):
        for i, (name, values) in enumerate(points.items()):
            _line(ax, i, name, values, [curves.mean(kind, name, value, column, folder) for value in values])
        ax.set(xscale="log", xlabel=what, ylabel=TITLES.get(column, column))
        ax.set_xticks(ticks, [curves.tick(kind, tick) for tick in ticks])
        ax.minorticks_off()
    figure.suptitle(title)
    axes[0][-1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return axes[0]


def _line(ax, i, name, x, intervals):
    """The i-th line of a plot: means over x with the band of their (mean, low, high)."""
    middle, low, high = zip(*intervals)
    style = dict(marker=MARKERS[i % 7], color=COLORS[i % 7], label=name.replace("_", " "))
    ax.plot(x, middle, LINES[i % 4], **style)
    ax.fill_between(x, low, high, color=COLORS[i % 7], alpha=0.2, linewidth=0)


def readme_picture(path=README_PICTURE):
    """Draws `ladders` into a PNG that says in its description which rows it shows."""
    title = "Most training is far above copying on the help desk, and hardly on the toy desk"
    figure = ladders(title=title)[0].figure
    figure.savefig(path, dpi=110, metadata={"Description": rows_shown()})
    plt.close(figure)


def rows_shown():
    """A short name for the rows of both scoreboards as they are now."""
    rows = (base.results_file(base.find(task), "scoreboard.csv").read_bytes() for task in DESKS)
    return hashlib.sha256(b"".join(rows)).hexdigest()[:16]


if __name__ == "__main__":
    readme_picture()
