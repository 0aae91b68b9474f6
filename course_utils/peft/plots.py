"""The figures of lessons 02 and 03: which parameters are learned, and the results of each technique.

The values come from the lesson, `scoreboard.mean` or the stored sweeps; only means, ranges over seeds and
intervals are computed here. Left out: widgets.
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, LINES, MARKERS

LEARNED, FROZEN, WORD = COLORS[1], "#DDDDDD", "#FFFFFF"
LAYERS = {  # a block's linear layers, from below: (left edge, height in the picture, label)
    "q_proj": (0.0, 0.0, "queries"),
    "k_proj": (1.3, 0.0, "keys"),
    "v_proj": (2.6, 0.0, "values"),
    "o_proj": (1.3, 1.9, "output"),
    "gate_up": (1.3, 3.9, "gate, up"),
    "down_proj": (1.3, 5.3, "down"),
}
ARROWS = ((0.55, 0.6, 1.6, 1.15), (1.85, 0.6, 1.85, 1.1), (3.15, 0.6, 2.1, 1.15), (1.85, 1.45, 1.85, 1.9))
ARROWS += ((1.85, 2.5, 1.85, 3.0), (1.85, 3.35, 1.85, 3.9), (1.85, 4.5, 1.85, 5.0), (1.85, 5.9, 1.85, 6.4))
NOTES = {1.27: "attend", 3.17: "add to the input of the sublayer", 6.57: "add to the input of the sublayer"}
PLACES = {  # method: {layer: where the adapter is}
    "LoRA: beside": {"q_proj": "beside", "v_proj": "beside"},
    "bottleneck: after": {"o_proj": "after", "down_proj": "after"},
    "IA3: on the signals": {"k_proj": "after", "v_proj": "after", "down_proj": "before"},
}
WIDE, HIGH = 1.1, 0.6  # of a layer's box
ADAPTERS = {  # place of an adapter: (its corner from that of the layer, its size)
    "beside": ((0.82, 0.0), (0.28, HIGH)),
    "after": ((0.0, HIGH + 0.06), (WIDE, 0.22)),
    "before": ((0.0, -0.28), (WIDE, 0.22)),
}

STARTS = {"random": "random numbers", "vocabulary": "random words"}
WORDS = ("My", "lamp", "is", "late")
KINDS = {  # technique: (rows in which the soft prompt is learned, its encoder during training)
    "prompt tuning": ((0,), ""),
    "p-tuning": ((0,), "MLP or LSTM,\ndropped afterwards"),
    "prefix tuning": ((1, 2, 3), "keys and values\nof each layer"),
}


@plt.rc_context(FONT)
def adapter_diagram():
    """One block of the model, from below: frozen layers, and the adapters of three methods; the Axes."""
    _, axes = plt.subplots(1, len(PLACES), figsize=(11, 4.6), layout="constrained")
    for ax, (method, places) in zip(axes, PLACES.items()):
        for x, y, to_x, to_y in ARROWS:
            ax.annotate("", (to_x, to_y), (x, y), arrowprops={"arrowstyle": "->", "color": "#777777"})
        for name, (x, y, label) in LAYERS.items():
            wide = 0.76 if places.get(name) == "beside" else WIDE
            ax.add_patch(Rectangle((x, y), wide, HIGH, facecolor=FROZEN, edgecolor="black"))
            ax.text(x + wide / 2, y + HIGH / 2, label, ha="center", va="center", size=9)
            if name in places:
                (dx, dy), size = ADAPTERS[places[name]]
                look = dict(facecolor=LEARNED, edgecolor="black", hatch="//", zorder=3)
                ax.add_patch(Rectangle((x + dx, y + dy), *size, **look))
        for y, text in NOTES.items():
            ax.text(1.85, y, text, ha="center", va="center", size=9, style="italic")
        ax.set(xlim=(-0.1, 3.8), ylim=(-0.2, 6.8), title=method)
        ax.axis("off")
    _legend(axes[1].figure, "frozen layer", "trained part")
    return axes


def _legend(figure, frozen, learned):
    """Below the figure, what its two colors mean."""
    keys = [Rectangle((0, 0), 1, 1, facecolor=FROZEN, edgecolor="black")]
    keys.append(Rectangle((0, 0), 1, 1, facecolor=LEARNED, hatch="//", edgecolor="black"))
    figure.legend(keys, [frozen, learned], loc="outside lower center", ncols=2, frameon=False)


@plt.rc_context(FONT)
def soft_prompt_diagram(vectors=3, layers=3):
    """Which numbers are learned and which the frozen model computes, for three techniques; the Axes."""
    _, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    for ax, (name, (rows, note)) in zip(axes, KINDS.items()):
        for row in range(layers + 1):
            for column in range(vectors + len(WORDS)):
                soft = column < vectors
                if soft and row == 0 and 0 not in rows:
                    continue  # a prefix has no words, only what the layers would have made of them
                learned = soft and row in rows
                color = LEARNED if learned else WORD if row == 0 else FROZEN
                cell = Rectangle((column, row), 0.86, 0.8, facecolor=color, edgecolor="black", linewidth=0.8)
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
    _legend(axes[1].figure, "computed by the frozen model", "learned")
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
            ax.plot(*zip(*line), LINES[i], marker=MARKERS[i], color=COLORS[i], label=STARTS.get(name, name))
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
    """Accuracy on new messages, and the gap to the training examples, by their number; the Axes.

    The middle is the mean over seeds, the band reaches from the lowest seed to the highest.
    """
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    counts = sorted({row["count"] for row in rows})
    for i, name in enumerate(dict.fromkeys(row["technique"] for row in rows)):
        for ax, value in (
            (axes[0], lambda row: row[measure]),
            (axes[1], lambda row: row[f"train_{measure}"] - row[measure]),
        ):
            runs = [
                [value(row) for row in rows if (row["count"], row["technique"]) == (count, name)]
                for count in counts
            ]
            middle = [statistics.mean(values) for values in runs]
            ax.plot(counts, middle, LINES[i], marker=MARKERS[i], color=COLORS[i], label=name)
            low, high = [min(values) for values in runs], [max(values) for values in runs]
            ax.fill_between(counts, low, high, color=COLORS[i], alpha=0.15, linewidth=0)
    for ax, title in zip(axes, ("on new messages (dev)", "its own examples less new messages: the gap")):
        ax.set(xscale="log", xlabel="examples to learn from", title=title)
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.minorticks_off()
    axes[0].set(ylabel=ylabel, ylim=(0, 1))
    axes[1].axhline(0, color="black", linestyle=":")
    axes[0].legend(frameon=False)
    return axes


@plt.rc_context(FONT)
def forest(names, values, baseline=None, xlabel="accuracy", ax=None):
    """One line per name, from above: a mark with its 95 % interval, and a dotted line at baseline; the Axes.

    values: (value, low, high), or a list of 0/1 (interval by Wilson), one per name.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7.5, 1.0 + 0.38 * len(names)), layout="constrained")
    for i, value in enumerate(values):
        middle, low, high = value if isinstance(value, tuple) else _share(value)
        reach = [[max(0, middle - low)], [max(0, high - middle)]]
        ax.errorbar(middle, i, xerr=reach, fmt=MARKERS[0], color=COLORS[0], mec="black", capsize=3)
        ax.annotate(f"{middle:.2f}", (middle, i), (0, 5), textcoords="offset points", ha="center", size=8)
    if baseline is not None:
        ax.axvline(baseline, color="black", linestyle=":")
        ax.annotate("base model", (baseline, -0.65), (3, 0), textcoords="offset points", va="top", size=9)
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(len(names) - 0.5, -0.7), xlabel=xlabel)
    ax.set_xlim(left=0)
    ax.grid(axis="x", alpha=0.3)
    return ax


def _share(hits):
    return sum(hits) / len(hits), *evaluation.interval(sum(hits), len(hits))


@plt.rc_context(FONT)
def ladder(columns, trained):
    """Techniques from above, one panel for each column, with their trained parameters; the Axes.

    columns: {title: {technique: (value, low, high)}}; trained: {technique: number of parameters}.
    """
    names = list(next(iter(columns.values())))
    size = (11, 1.0 + 0.4 * len(names))
    _, axes = plt.subplots(1, len(columns), figsize=size, layout="constrained", sharey=True, squeeze=False)
    for ax, (title, values) in zip(axes[0], columns.items()):
        labels = [f"{name}  ({trained[name]:,.0f})" for name in names]
        forest(labels, [values[name] for name in names], xlabel=title, ax=ax)
    axes[0][0].set_ylabel("technique (numbers trained)")
    return axes[0]
