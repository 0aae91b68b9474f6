"""The figures of lesson 03: which parameters are learned, and the results of each technique.

The values come from the lesson or `scoreboard.mean`; only intervals are computed here. Left out: widgets.
"""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, MARKERS

LEARNED, FROZEN = COLORS[1], "#DDDDDD"
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
