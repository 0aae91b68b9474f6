"""The pictures of lesson 04: what counts in the loss, how a run goes, and what the sweeps found.

The tables come from `experiments.finetune.read`; nothing is computed here but means over seeds and their
intervals. Titles are the lesson's: each states its finding and whose numbers it shows. Left out: widgets.
"""

import html
import statistics

import matplotlib.pyplot as plt
import numpy as np

from course_utils import evaluation
from course_utils.display import figures
from course_utils.display.figures import COLORS, FONT, HATCHES, LINES, MARKERS, plain
from course_utils.display.tables import visible

COUNTS, SILENT = "#FFD98A", "#EEEEEE"  # a token that counts in the loss, and one that does not
NAMES = {"lora_all": "LoRA on\nall layers", "full with replay": "full,\nwith replay"}


class MaskedText:
    """Tokens on two backgrounds: those that count in the loss, underlined, and the others; escaped.

    Elsewhere than in a notebook, as plain text: what counts stands in square brackets.
    """

    def __init__(self, tokenizer, example):
        self.tokens = _texts(tokenizer, example["input_ids"])
        self.mask = [int(counts) for counts in example["mask"]]

    def _repr_html_(self):
        parts = []
        for token, counts in zip(self.tokens, self.mask, strict=True):
            look = f"background:{COUNTS if counts else SILENT}; color:black; padding:1px 2px; margin:1px"
            text = html.escape(visible(token))
            text = f"<b><u>{text}</u></b>" if counts else text
            parts.append(f'<span style="{look}">{text}</span>' + "<br>" * token.count("\n"))
        return f'<div style="font-family:monospace; line-height:1.9">{"".join(parts)}</div>'

    def __repr__(self):
        shown = (f"[{t}]" if m else t for t, m in zip(map(visible, self.tokens), self.mask, strict=True))
        return "".join(shown).replace("⏎", "⏎\n")


def masked(tokenizer, example):
    """The example's text with its mask as colours: {"input_ids", "mask"} -> MaskedText."""
    return MaskedText(tokenizer, example)


def _texts(tokenizer, ids):
    """What each token adds to the text, since some tokenizers write a token by what stands before it."""
    return [
        tokenizer.decode(ids[max(0, t - 1) : t + 1])[len(tokenizer.decode(ids[max(0, t - 1) : t])) :]
        for t in range(len(ids))
    ]


@plt.rc_context(FONT)
def token_losses(tokenizer, example, losses, title=""):
    """A bar for each token's loss; grey, hatched and under a bracket where the mask is 0; the Axes.

    losses: {name: one number for each token but the first}; up to two names, side by side.
    """
    tokens = [plain(visible(token)) for token in _texts(tokenizer, example["input_ids"])[1:]]
    mask, width = example["mask"][1:], 0.8 / len(losses)
    _, ax = plt.subplots(figsize=(11, 3.8), layout="constrained")
    for i, (name, values) in enumerate(losses.items()):
        for wanted in (0, 1):
            places = [t for t, counts in enumerate(mask) if counts == wanted]
            ax.bar(
                [t + (i - (len(losses) - 1) / 2) * width for t in places],
                [values[t] for t in places],
                width,
                color=(COLORS[4], COLORS[0])[i] if wanted else ("#DDDDDD", "#999999")[i],
                hatch="" if wanted else "////",
                edgecolor="white" if wanted else "#777777",
                label=f"counts, {name}" if wanted else f"does not count, {name}",
            )
    ax.axvline(mask.index(1) - 0.5, color="black", linestyle=":")
    ax.set_xticks(range(len(tokens)), tokens, rotation=90, family="monospace", size=9)
    ax.set(ylabel="loss of the token (nats)", xlim=(-0.6, len(tokens) - 0.4), title=plain(title))
    ax.legend(frameon=False, fontsize=9, ncols=2)
    return ax


def over_seeds(rows, column="right", n="n"):
    """(mean share, low, high) of rows that differ by their seed: Wilson's interval for the n items of one.

    Seeds share their items, so more seeds are no reason to believe in more items.
    """
    hits = statistics.mean(row[column] for row in rows)
    return hits / rows[0][n], *evaluation.interval(hits, rows[0][n])


def forgotten(rows, whole):
    """(mean drop on the retention suite, low, high) of runs that differ by their seed, paired by item.

    whole: the row of the model before fine-tuning.
    """
    before = [int(hit) for hits in whole["retention"].values() for hit in hits]
    after = [[int(hit) for hits in row["retention"].values() for hit in hits] for row in rows]
    lost = [a - statistics.mean(each) for a, each in zip(before, zip(*after), strict=True)]
    return evaluation.bootstrap_mean(lost, seed=0)


def worth(value, examples):
    """The number of clean examples that reach this share of right replies, read off the curve (log axis)."""
    groups = by(examples, "count")
    shares = np.maximum.accumulate([over_seeds(rows)[0] for rows in groups.values()])
    return float(np.exp(np.interp(value, shares, np.log(list(groups)))))


def by(rows, column):
    """{value of the column: its rows}, in the order of the rows."""
    return {value: [row for row in rows if row[column] == value] for value in dict.fromkeys(
        row[column] for row in rows
    )}  # fmt: skip


@plt.rc_context(FONT)
def examples_and_noise(examples, noise, title=""):
    """Right replies over the number of examples, and over the share of wrong ones among 500; two Axes.

    Bands and bars are 95 % intervals for the items of one run, small points the seeds.
    """
    _, axes = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=(3, 2), sharey=True, layout="constrained")
    groups = by(examples, "count")
    lines = (
        ("train_right", "train_n", "its own examples"),
        ("team_right", "n", "new messages, team"),
        ("right", "n", "new messages"),
    )
    for i, (column, n, name) in enumerate(lines):
        points = [over_seeds(rows, column, n) for rows in groups.values()]
        middle, low, high = zip(*points)
        axes[0].plot(list(groups), middle, LINES[i], marker=MARKERS[i], color=COLORS[i], label=name)
        axes[0].fill_between(list(groups), low, high, color=COLORS[i], alpha=0.15, linewidth=0)
        for count, rows in groups.items():
            axes[0].plot([count] * len(rows), [row[column] / row[n] for row in rows], ".", color="#777777")
    axes[0].set(xscale="log", xlabel="examples to learn from", ylabel="accuracy")
    axes[0].set_xticks(list(groups), [f"{count:,}" for count in groups])
    axes[0].minorticks_off()
    axes[0].legend(frameon=False)
    for i, rows in enumerate(by(noise, "noise").values()):
        value, low, high = over_seeds(rows)
        axes[1].bar(i, value, color=COLORS[1], hatch=HATCHES[1], edgecolor="white")
        axes[1].errorbar(i, value, [[value - low], [high - value]], color="black", capsize=4)
        axes[1].plot([i + 0.15] * len(rows), [row["right"] / row["n"] for row in rows], ".", color="#777777")
        axes[1].text(i, high, f"{value:.2f}", ha="center", va="bottom")
    axes[1].set_xticks(range(len(by(noise, "noise"))), [f"{share:.0%}" for share in by(noise, "noise")])
    axes[1].set(xlabel="wrong replies among 500 examples", title="new messages")
    axes[0].set_ylim(0, 1.05)
    axes[0].figure.suptitle(plain(title))
    return axes


@plt.rc_context(FONT)
def gained_and_forgotten(rows, whole, title=""):
    """What each depth learned of the desk (up) and what it forgot (down), with 95 % intervals; two Axes."""
    groups = {depth: group for depth, group in by(rows, "depth").items() if depth != "untouched"}
    _, axes = plt.subplots(2, 1, figsize=(9, 5.6), sharex=True, layout="constrained")
    for i, group in enumerate(groups.values()):
        for ax, (value, low, high) in zip(axes, (over_seeds(group), forgotten(group, whole))):
            ax.bar(i, value, color=COLORS[1], hatch=HATCHES[1], edgecolor="white")
            ax.errorbar(i, value, [[max(0, value - low)], [max(0, high - value)]], color="black", capsize=4)
            ax.text(i + 0.06, max(high, 0), f" {value:.2f}", ha="left", va="bottom")
    axes[0].set(ylabel="toy desk:\naccuracy", ylim=(0, 1))
    axes[1].set(ylabel="forgotten: drop\non the retention suite")
    axes[1].axhline(0, color="black", linewidth=0.8)
    axes[1].margins(y=0.2)
    labels = [f"{NAMES.get(d, d)}\n{group[0]['trained']:,}" for d, group in groups.items()]
    axes[1].set_xticks(range(len(groups)), labels)
    axes[1].set_xlabel("what is trained, and its number of parameters")
    axes[0].figure.suptitle(plain(title))
    return axes


@plt.rc_context(FONT)
def grouped(series, ylabel="accuracy", title="", baseline=None):
    """Groups of bars, one bar in each for each name, with 95 % intervals; the Axes.

    series: {name: {group: a list of 0/1, or (hits, n)}}, the same groups under each name. baseline: (level,
    name) of a line, such as what the most frequent answer reaches.
    """
    groups = list(next(iter(series.values())))
    _, ax = plt.subplots(figsize=(max(7.0, 2.0 * len(groups)), 3.8), layout="constrained")
    width = 0.84 / len(series)
    for i, (name, hits_by_group) in enumerate(series.items()):
        for j, group in enumerate(groups):
            counted = hits_by_group[group]
            hits, n = counted if isinstance(counted, tuple) else (sum(counted), len(counted))
            value, (low, high) = hits / n, evaluation.interval(hits, n)
            at = j + (i - (len(series) - 1) / 2) * width
            look = dict(color=COLORS[i], hatch=HATCHES[i], edgecolor="white", label=None if j else name)
            ax.bar(at, value, 0.94 * width, **look)
            ax.errorbar(at, value, [[max(0, value - low)], [max(0, high - value)]], color="black", capsize=3)
            ax.text(at, max(high, value) + 0.01, f"{value:.2f}".lstrip("0"), ha="center", size=9)
    ax.set_xticks(range(len(groups)), [plain(str(group)).replace(", ", ",\n") for group in groups])
    ax.set(ylabel=ylabel, ylim=(0, 1.12), xlim=(-0.55, len(groups) - 0.45), title=plain(title))
    if baseline:
        ax.axhline(baseline[0], color="black", linestyle=(0, (1, 2)), label=baseline[1])
    ax.figure.legend(frameon=False, fontsize=10, loc="outside upper center", ncols=len(series))
    return ax


@plt.rc_context(FONT)
def learning_curves(history, counts, title=""):
    """A run's loss by step on the left, what it gets right by step on the right; two Axes.

    counts: {name: number of questions} of the values that the run's evaluations hold, {name: right answers}.
    """
    _, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    axes[0].plot(range(1, len(history.losses) + 1), history.losses, marker=".", color=COLORS[0])
    axes[0].set(xlabel="step", ylabel="loss on the batch (nats per token)", ylim=(0, None))
    steps = [step for step, _ in history.evaluations]
    for i, (name, count) in enumerate(counts.items()):
        right = [values[name] / count for _, values in history.evaluations]
        axes[1].plot(steps, right, LINES[i], marker=MARKERS[i], color=COLORS[i], label=f"{name} ({count})")
    axes[1].set(xlabel="step", ylabel="accuracy", ylim=(-0.03, 1.06))
    axes[1].legend(frameon=False, loc="lower right")
    axes[0].figure.suptitle(plain(title))
    return axes


@plt.rc_context(FONT)
def fit_and_validation(steps, training_loss, validation_loss, kept, title=""):
    """Training and validation loss over the steps, with the step that early stopping keeps; the Axes."""
    _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for i, (name, values) in enumerate((("training", training_loss), ("validation", validation_loss))):
        ax.plot(steps, values, LINES[i], marker=MARKERS[i], color=COLORS[i], label=name)
    ax.axvline(kept, color="black", linestyle=":", label=f"kept by early stopping: step {kept}")
    ax.set(xlabel="step", ylabel="loss (nats per token)", ylim=(0, None), title=plain(title))
    ax.legend(frameon=False)
    return ax


@plt.rc_context(FONT)
def own_facts(rows, title=""):
    """New facts right in other words, and common questions still right, by set and recipe; two Axes.

    rows: of `experiments.own_facts.read("recipe")`; the crosses are the counts before training.
    """
    _, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
    rows = [row | {"name": f"{row['method']}, {row['copies']} wordings"} for row in rows]
    groups, sets = by(rows, "name"), list(by(rows, "set"))
    width = 0.8 / len(groups)
    for ax, (column, n, label) in zip(
        axes, (("", "n", "new facts, in other words"), ("common_", "common_n", "common questions"))
    ):
        for i, (method, runs) in enumerate(groups.items()):
            for run in runs:
                at = sets.index(run["set"]) + (i - (len(groups) - 1) / 2) * width
                value = run[f"{column}after"] / run[n]
                low, high = evaluation.interval(run[f"{column}after"], run[n])
                ax.bar(at, value, 0.92 * width, color=COLORS[0], hatch=HATCHES[i], edgecolor="white",
                       label=method if run is runs[0] else None)  # fmt: skip
                ax.errorbar(
                    at, value, [[max(0, value - low)], [max(0, high - value)]], color="black", capsize=3
                )
                ax.plot(at, run[f"{column}before"] / run[n], "x", color="#D55E00", markersize=8, mew=2)
                ax.text(at, 0.04, f"{run[f'{column}after']}", ha="center", color="white", weight="bold")
        ax.set_xticks(range(len(sets)), sets)
        ax.set(title=f"{label} ({rows[0][n]} a set)", ylim=(-0.04, 1.1))
    axes[0].set_ylabel("accuracy (SmolLM2-135M)")
    axes[0].figure.suptitle(plain(title))
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside right upper")
    return axes


@plt.rc_context(FONT)
def controls(series, title="", model=""):
    """One bar a condition with its interval: {condition: (hits, n)}; the Axes."""
    return figures.bars(
        list(series),
        ([hits / n for hits, n in series.values()], [evaluation.interval(*pair) for pair in series.values()]),
        title=title,
        model=model,
    )
