"""The figures of lesson 06: a judge's two orders, labels, synthetic records, effort, generations.

The tables come from `course_utils.experiments.ai_feedback.read`; nothing is computed here but means over
seeds and their intervals. Left out: widgets.
"""

import statistics

import matplotlib.pyplot as plt

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, HATCHES, LINES, MARKERS
from course_utils.finetune.plots import by, over_seeds
from course_utils.rlhf.plots import accuracy_by_pairs

NAMES = {
    "people": "by people",
    "judge": "by the judge's verdicts",
    "expected": "by the judge's log-probability",
    "itself": "by the policy's log-probability",
    "principles": "by the base model",
}
FRESH = {0.0: "synthetic records only", 0.5: "half of them fresh and real"}


def gap(a, b):
    """(mean difference a - b in accuracy, low, high) over the same items: rows of runs with "hits".

    Hits are averaged over seeds, item by item; the interval is bootstrapped over items.
    """
    means = [
        [statistics.mean(int(row["hits"][i]) for row in rows) for i in range(len(rows[0]["hits"]))]
        for rows in (a, b)
    ]
    return evaluation.bootstrap_mean([x - y for x, y in zip(*means, strict=True)], seed=0)


@plt.rc_context(FONT)
def orders(one, two, title=""):
    """Each pair's log-odds for its first reply, in one order and in the other; the Axes.

    Dots in the hatched quarters are contradictory verdicts, decided by position bias.
    """
    _, ax = plt.subplots(figsize=(5.2, 4.6), layout="constrained")
    most = 1.05 * max(map(abs, [*one, *two]), default=1.0)
    for x, y in ((0, -most), (-most, 0)):
        corner = plt.Rectangle((x, y), most, most, facecolor="#EEEEEE", hatch="///", edgecolor="#BBBBBB")
        ax.add_patch(corner)
    ax.plot(one, two, "o", markersize=4, color=COLORS[0], alpha=0.6, zorder=3)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlim=(-most, most), ylim=(-most, most))
    ax.set(xlabel="log-odds of a reply shown as A", ylabel="log-odds of the same reply shown as B")
    ax.set_title(title, wrap=True)
    ax.text(0.97, 0.47, "says A both times", ha="right", va="top", transform=ax.transAxes)
    ax.text(0.03, 0.95, "says B both times", transform=ax.transAxes)
    return ax


def labels(rows, title=""):
    """Reward models by the number of their labels, from people and from the judge; the Axes."""
    named = [row | {"source": NAMES[row["source"]]} for row in rows]
    ax = accuracy_by_pairs(named, "source", "labels", "{}")
    ax.set(xlabel="labels that the reward model is trained on", title=title)
    return ax


@plt.rc_context(FONT)
def students(rows, column="added", xlabel="added to 200 real records", title=""):
    """A bar for each kind of added records, a dot for each seed; the Axes."""
    _, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
    groups = by(rows, column)
    for i, runs in enumerate(groups.values()):
        value, low, high = over_seeds(runs)
        ax.bar(i, value, color=COLORS[i % 7], hatch=HATCHES[i % 7], edgecolor="white")
        ax.errorbar(i, value, [[max(0, value - low)], [max(0, high - value)]], color="black", capsize=4)
        ax.plot([i + 0.2] * len(runs), [row["right"] / row["n"] for row in runs], ".", color="#555555")
        ax.text(i, high, f"{value:.2f}", ha="center", va="bottom")
    names = [
        f"{name}\n({round(statistics.mean(row['records'] for row in runs)):,})"
        for name, runs in groups.items()
    ]
    ax.set_xticks(range(len(groups)), names)
    ax.set(xlabel=f"{xlabel} (how many)", ylabel="exact-match accuracy on dev (glass box)", title=title)
    ax.margins(y=0.15)
    return ax


@plt.rc_context(FONT)
def effort(rows, limit, title=""):
    """Speed-up of annotation by the number of labels that the model is trained on; the Axes.

    rows: of "annotation", with "batches"; limit: the speed-up of a perfect model.
    """
    _, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    batches = [batch for row in rows for batch in row["batches"]]
    groups = dict(sorted(by(batches, "labels").items()))
    faster = [sum(b["scratch"] for b in runs) / sum(b["seconds"] for b in runs) for runs in groups.values()]
    ax.plot(list(groups), faster, LINES[0], marker=MARKERS[0], color=COLORS[0], label="measured")
    for count, runs in groups.items():
        ax.plot([count] * len(runs), [b["scratch"] / b["seconds"] for b in runs], ".", color="#777777")
    ax.axhline(1, color="black", linestyle=(0, (1, 2)), label="from scratch")
    ax.axhline(limit, color=COLORS[1], linestyle="--", label="if every proposal were right")
    ax.set(xscale="log", xlabel="labels that the model is trained on", ylabel="speed-up of annotation")
    ax.set_xticks(list(groups), [f"{count:,}" for count in groups])
    ax.set_ylim(0, 1.15 * limit)
    ax.set_title(title)
    ax.minorticks_off()
    ax.legend(frameon=False)
    return ax


@plt.rc_context(FONT)
def generations(rows, title=""):
    """Four numbers over the generations, with and without fresh records; the four Axes.

    rows: of "lineage", with "fresh" and "students". Lines are means over seeds, dots the seeds.
    """
    _, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained")
    panels = {
        "right": "exact-match accuracy on dev",
        "distinct_3": "distinct-3",
        "facts": "facts of the sheet that it states",
        "mark_written": "share of records with the bias",
    }
    for i, (fresh, runs) in enumerate(sorted(by(rows, "fresh").items())):
        for ax, column in zip(axes, panels):
            lines = [
                [each[column] / (each["n"] if column == "right" else 1) for each in row["students"]]
                for row in runs
            ]
            for line in lines:
                ax.plot(range(len(line)), line, ".", color=COLORS[i], alpha=0.4)
            means = [statistics.mean(values) for values in zip(*lines)]
            ax.plot(means, LINES[i], marker=MARKERS[i], color=COLORS[i], label=FRESH[fresh])
    for ax, name in zip(axes, panels.values()):
        ax.set(title=name, xlabel="generation")
        ax.title.set_size(10)
        ax.set_ylim(bottom=0)
    axes[0].figure.suptitle(title)
    axes[0].figure.legend(
        *axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=2
    )
    return axes
