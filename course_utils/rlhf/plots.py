"""The figures of lesson 05: curves over the updates, and what reward models and policies do.

Values come from the lesson or from `course_utils.experiments.rlhf.read`; nothing is computed here but
shares and their intervals. Left out: widgets (course_utils.rlhf.label_widget).
"""

import statistics

import matplotlib.pyplot as plt
import numpy as np

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, HATCHES, LINES, MARKERS
from course_utils.finetune.plots import by, over_seeds
from course_utils.rlhf import metrics

PANELS = {
    "reward": "reward",
    "kl": "KL to the reference (nats per reply)",
    "entropy": "entropy (nats per token)",
    "clip_fraction": "share of tokens clipped",
}
VERDICTS = ("right", "right, hedged", "declined", "wrong, hedged", "wrong")
SHADES = (COLORS[2], COLORS[4], "#DDDDDD", COLORS[1], COLORS[5])


@plt.rc_context(FONT)
def panel(runs, names=tuple(PANELS), title=None, target=None):
    """Curves of PPO over its updates, one small plot for each name; the Axes.

    runs: {label: {name: [one number for each update]}}, or one such inner dictionary. target: a figure
    to draw on.
    """
    runs = runs if all(isinstance(run, dict) for run in runs.values()) else {"": runs}
    target = target or plt.figure(figsize=(11, 2.7), layout="constrained")
    axes = target.subplots(1, len(names), squeeze=False)[0]
    for ax, name in zip(axes, names):
        for i, (label, run) in enumerate(runs.items()):
            values = run.get(name, [])
            ax.plot(range(1, len(values) + 1), values, LINES[i % 4], color=COLORS[i % 7], label=label)
        ax.set(xlabel="update", title=PANELS.get(name, name.replace("_", " ")))
        ax.title.set_size(9)
    if len(runs) > 1:
        axes[0].legend(frameon=False, fontsize=8)
    if title:
        target.suptitle(title)
    return axes


@plt.rc_context(FONT)
def calibration(bins, title=None):
    """Confidence of a reward model and its accuracy: rows of reward_model.calibration; the Axes."""
    _, ax = plt.subplots(figsize=(5.4, 4.2), layout="constrained")
    ax.set_title(title or "")
    confidence, accuracy, low, high, _ = zip(*bins)
    ax.plot([0.5, 1], [0.5, 1], ":", color="black", label="perfectly calibrated")
    style = dict(fmt=MARKERS[0] + "-", color=COLORS[0], capsize=3, label="reward model")
    ax.errorbar(confidence, accuracy, reach(accuracy, low, high), **style)
    ax.set(xlabel="confidence (mean of a bin)", ylabel="accuracy", xlim=(0.48, 1.02), ylim=(0, 1.04))
    ax.legend(frameon=False, loc="lower right")
    return ax


def reach(values, low, high):
    """How far the ends of intervals are from their values, as matplotlib's error bars want it."""
    return [
        [value - end for value, end in zip(values, low)],
        [end - value for value, end in zip(values, high)],
    ]


@plt.rc_context(FONT)
def tiers(policies, levels=("known", "rare", "withheld"), title=None):
    """Verdicts of policies on questions for facts, by how well the facts are known: stacked bars; the Axes.

    policies: {name: metrics.graded, or a list of such, one for each seed}.
    """
    _, axes = plt.subplots(1, len(levels), figsize=(11, 3.4), layout="constrained", sharey=True)
    for ax, level in zip(axes, levels):
        for x, grades in enumerate(policies.values()):
            runs, bottom = grades if isinstance(grades, list) else [grades], 0.0
            for verdict, shade, hatch in zip(VERDICTS, SHADES, HATCHES):
                rates = [hits / max(1, n) for hits, n in (metrics.rate(r, level, (verdict,)) for r in runs)]
                share = statistics.mean(rates)
                label = verdict if x == 0 else None
                ax.bar(x, share, bottom=bottom, color=shade, hatch=hatch, edgecolor="white", label=label)
                bottom += share
        ax.set_xticks(range(len(policies)), list(policies))
        ax.set_title(f"{level} facts")
    axes[0].set_ylabel("share of replies")
    axes[0].figure.suptitle(title or "")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside lower center", ncols=len(VERDICTS), frameon=False)
    return axes


@plt.rc_context(FONT)
def over_optimization(runs, window=8, title=None):
    """The learned (proxy) and the gold reward of a policy's own replies against its KL; the Axes.

    runs: rows of the table "penalties"; those of one penalty are averaged over seeds, and smoothed over
    `window` updates.
    """
    _, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained", sharex=True)
    for i, (penalty, rows) in enumerate(sorted(by(runs, "penalty").items())):
        curves = {
            name: smooth(mean_curve([row["curves"][name] for row in rows]), window)
            for name in ("kl", "reward", "gold")
        }
        for ax, name in zip(axes, ("reward", "gold")):
            style = dict(marker=MARKERS[i % 7], ms=4, color=COLORS[i % 7], label=f"penalty {penalty:g}")
            ax.plot(curves["kl"], curves[name], LINES[i % 4], **style)
    for ax, name in zip(axes, ("proxy", "gold")):
        ax.set(xlabel="KL to the start (nats per reply)", title=f"{name} reward")
    axes[0].figure.suptitle(title or "")
    axes[1].legend(frameon=False, fontsize=9)
    return axes


def mean_curve(curves):
    """The mean of curves of one length, at each point."""
    return [statistics.mean(values) for values in zip(*curves, strict=True)]


def smooth(values, window):
    """Means of `window` neighbours, one for each whole window, one after the other."""
    starts = range(0, len(values) - window + 1, window)
    return [statistics.mean(values[i : i + window]) for i in starts]


@plt.rc_context(FONT)
def against_kl(methods, baselines, title=None):
    """Learned (proxy) and gold reward of trained policies against their KL to the start; the Axes.

    methods: {name: rows, one for each seed}; baselines: {name: row}: those whose "kl" is known, as the
    start's 0, are points, the others lines. Rows as of experiments.rlhf_open_questions. Small points are
    seeds, large ones their means; the bars are 95 % intervals over seeds and questions.
    """
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharex=True)
    for ax, column in zip(axes, ("proxy", "gold")):
        for i, (name, row) in enumerate(baselines.items()):
            value, style = float(np.mean(row[column])), dict(color="black", label=name)
            if "kl" in row:
                ax.plot([row["kl"]], [value], "*" if name == "start" else "P", ms=11, zorder=3, **style)
            else:
                ax.axhline(value, linestyle=LINES[i % 4], linewidth=1, **style)
        for i, (name, rows) in enumerate(methods.items()):
            values = np.array([row[column] for row in rows], dtype=float).reshape(len(rows), -1)  # (S, N)
            kls, style = [row["kl"] for row in rows], dict(color=COLORS[i])
            ax.plot(kls, values.mean(1), MARKERS[i], ms=3, **style)
            mean, low, high = evaluation.share(values) if values.shape[1] > 1 else [values.mean()] * 3
            style |= dict(fmt=MARKERS[i], ms=8, capsize=3, label=name)
            ax.errorbar([statistics.mean(kls)], [mean], reach([mean], [low], [high]), **style)
        kind = "learned reward (proxy)" if column == "proxy" else "gold reward"
        ax.set(xlabel="KL to the start (nats per reply)", ylabel=kind)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.suptitle(title or "")
    return axes


@plt.rc_context(FONT)
def with_and_without(without, with_it, levels, title=None, names=("without", "with the penalty")):
    """The gold reward of each run in two conditions, runs of one seed joined by a line; the Axes.

    without, with_it: {method: rows, one for each seed, in the same order}, rows with "gold". levels:
    {name: gold reward}, drawn as lines.
    """
    _, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for i, method in enumerate(without):
        pairs = [[float(np.mean(row["gold"])) for row in rows[method]] for rows in (without, with_it)]
        for before, after in zip(*pairs):
            ax.plot([3 * i, 3 * i + 1], [before, after], color="#777777", linewidth=1)
        for k, values in enumerate(pairs):
            style = dict(color=COLORS[0], mec="black", mfc=(COLORS[0] if k else "white"), ms=8)
            ax.plot([3 * i + k] * len(values), values, MARKERS[k], **style, label="" if i else names[k])
    for i, (name, level) in enumerate(levels.items()):
        ax.axhline(level, linestyle=LINES[i + 1], color="black", linewidth=1, label=name)
    ax.set_xticks([3 * i + 0.5 for i in range(len(without))], list(without))
    ax.set(ylabel="gold reward", ylim=(0, 1.02), title=title)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


@plt.rc_context(FONT)
def accuracy_by_pairs(rows, group, column, label):
    """Accuracy on held-out pairs by the number of training pairs, a line for each `group`; the Axes.

    rows: with "right" and "n"; group and column: the columns of the lines and of the numbers of pairs;
    label: format of a line's name. Points are seeds; bands are 95 % intervals for the items of one.
    """
    _, ax = plt.subplots(figsize=(8.5, 3.8), layout="constrained")
    for i, (value, runs) in enumerate(by(rows, group).items()):
        groups = dict(sorted(by(runs, column).items()))
        mean, low, high = zip(*map(over_seeds, groups.values()))
        ax.plot(
            list(groups), mean, LINES[i % 4], marker=MARKERS[i], color=COLORS[i], label=label.format(value)
        )
        ax.fill_between(list(groups), low, high, color=COLORS[i], alpha=0.15, linewidth=0)
        for count, seeds in groups.items():
            ax.plot([count] * len(seeds), [row["right"] / row["n"] for row in seeds], ".", color="#777777")
    ax.axhline(0.5, color="black", linestyle=":", label="chance level")
    counts = sorted(by(rows, column))
    ax.set(xscale="log", xlabel="training pairs", ylabel="accuracy on held-out pairs", ylim=(0.2, 1.0))
    ax.set_xticks(counts, [f"{count:,}" for count in counts])
    ax.minorticks_off()
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax
