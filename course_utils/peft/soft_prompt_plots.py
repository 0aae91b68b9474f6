"""The pictures of lesson 02: where learned numbers stand, and what the sweep of soft prompts found.

The tables come from `soft_sweep.read`; nothing is computed here but means and ranges over seeds.
Left out: widgets.
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from course_utils.display.figures import COLOURS, FONT, LINES, MARKERS

STARTS = {"random": "random numbers", "vocabulary": "random words"}
WORDS = ("My", "lamp", "is", "late")
LEARNED, COMPUTED, WORD = COLOURS[1], "#DDDDDD", "#FFFFFF"
KINDS = {  # technique: (rows in which the soft prompt's numbers are learned, what makes them in training)
    "prompt tuning": ((0,), ""),
    "p-tuning": ((0,), "MLP or LSTM,\ndropped afterwards"),
    "prefix tuning": ((1, 2, 3), "keys and values\nof each layer"),
}


@plt.rc_context(FONT)
def anatomy(vectors=3, layers=3):
    """Which numbers are learned and which the frozen model computes, for three techniques; the Axes."""
    _, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    for ax, (name, (rows, note)) in zip(axes, KINDS.items()):
        for row in range(layers + 1):
            for column in range(vectors + len(WORDS)):
                soft = column < vectors
                if soft and row == 0 and 0 not in rows:
                    continue  # a prefix has no words, only what the layers would have made of them
                learned = soft and row in rows
                colour = LEARNED if learned else WORD if row == 0 else COMPUTED
                cell = Rectangle((column, row), 0.86, 0.8, facecolor=colour, edgecolor="black", linewidth=0.8)
                cell.set_hatch("//" if learned else "")
                ax.add_patch(cell)
                if row == 0 and not soft:
                    ax.text(column + 0.43, 0.4, WORDS[column - vectors], ha="center", va="center", size=8)
        ax.text(vectors / 2, -0.15, note, ha="center", va="top", size=9)
        ax.set(xlim=(-0.2, vectors + len(WORDS)), ylim=(-1.3, layers + 1), title=name)
        ax.set_xticks([])
        ax.set_yticks([0.4 + row for row in range(layers + 1)])
        ax.set_yticklabels(["words", *(f"layer {row}" for row in range(1, layers + 1))])
        ax.tick_params(length=0)
        for side in ax.spines.values():
            side.set_visible(False)
    keys = [
        Rectangle((0, 0), 1, 1, facecolor=LEARNED, hatch="//", edgecolor="black"),
        Rectangle((0, 0), 1, 1, facecolor=COMPUTED, edgecolor="black"),
    ]
    axes[1].figure.legend(
        keys, ["learned", "computed by the frozen model"], loc="outside lower center", ncols=2, frameon=False
    )
    return axes


@plt.rc_context(FONT)
def starts(rows, measure="routing", ylabel="right team (dev)", baseline=None):
    """One panel for each length, a line for each start over the learning rate; the Axes."""
    lengths = sorted({row["length"] for row in rows})
    names = list(dict.fromkeys(row["start"] for row in rows))
    _, axes = plt.subplots(1, len(lengths), figsize=(10, 3.6), sharey=True, layout="constrained")
    for ax, length in zip(axes, lengths):
        for i, name in enumerate(names):
            line = sorted(
                (row["lr"], row[measure]) for row in rows if (row["length"], row["start"]) == (length, name)
            )
            ax.plot(*zip(*line), LINES[i], marker=MARKERS[i], color=COLOURS[i], label=STARTS.get(name, name))
        rates = sorted({row["lr"] for row in rows})
        ax.set(xscale="log", title=f"{length} vectors", xlabel="learning rate", ylim=(0, 1))
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ax.minorticks_off()
        if baseline is not None:
            ax.axhline(baseline, color="black", linestyle=":", label="most frequent team")
    axes[0].set_ylabel(ylabel)
    axes[0].legend(frameon=False, fontsize=9)
    return axes


@plt.rc_context(FONT)
def few_examples(rows, measure="routing", ylabel="right team"):
    """On new messages, and how much better on its own examples, by their number; the Axes.

    The middle is the mean over seeds, the band reaches from the lowest seed to the highest.
    """
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    counts = sorted({row["count"] for row in rows})
    for i, name in enumerate(dict.fromkeys(row["technique"] for row in rows)):
        for ax, value in (
            (axes[0], lambda row: row[measure]),
            (axes[1], lambda row: row[f"train_{measure}"] - row[measure]),
        ):
            found = [
                [value(row) for row in rows if (row["count"], row["technique"]) == (count, name)]
                for count in counts
            ]
            middle = [statistics.mean(values) for values in found]
            ax.plot(counts, middle, LINES[i], marker=MARKERS[i], color=COLOURS[i], label=name)
            low, high = [min(values) for values in found], [max(values) for values in found]
            ax.fill_between(counts, low, high, color=COLOURS[i], alpha=0.15, linewidth=0)
    for ax, title in zip(axes, ("on new messages (dev)", "its own examples less new messages: the gap")):
        ax.set(xscale="log", xlabel="examples to learn from", title=title)
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.minorticks_off()
    axes[0].set(ylabel=ylabel, ylim=(0, 1))
    axes[1].axhline(0, color="black", linestyle=":")
    axes[0].legend(frameon=False)
    return axes
