"""The figures of lesson 03: where adapters are, what a training step keeps in memory, rates and ranks.

The values come from the lesson or from the stored runs of course_utils.experiments.peft; only means, ranges
over seeds and intervals are computed here. Left out: widgets.
"""

import statistics

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, HATCHES, LINES, MARKERS

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
    "LoRA: beside linear layers": dict.fromkeys(LAYERS, "beside"),
    "bottleneck: after each sublayer": {"o_proj": "after", "down_proj": "after"},
    "IA3: rescales activations": {"k_proj": "after", "v_proj": "after", "down_proj": "before"},
}
WIDE, HIGH = 1.1, 0.6  # of a layer's box
ADAPTERS = {  # place of an adapter: (its corner from that of the layer, its size)
    "beside": ((0.82, 0.0), (0.28, HIGH)),
    "after": ((0.0, HIGH + 0.06), (WIDE, 0.22)),
    "before": ((0.0, -0.28), (WIDE, 0.22)),
}
STATES = ("weights", "gradients", "moments", "activations")


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
    keys = [Rectangle((0, 0), 1, 1, facecolor=FROZEN, edgecolor="black")]
    keys.append(Rectangle((0, 0), 1, 1, facecolor=LEARNED, hatch="//", edgecolor="black"))
    labels = ["frozen layer", "trained adapter"]
    axes[1].figure.legend(keys, labels, loc="outside lower center", ncols=2, frameon=False)
    return axes


@plt.rc_context(FONT)
def memory_bars(measured, title):
    """Stacked bars of what one training step keeps, {method: {"weights", "gradients", …: MB}}; the Axes."""
    _, ax = plt.subplots(figsize=(7.5, 1.2 + 0.55 * len(measured)), layout="constrained")
    for i, sizes in enumerate(measured.values()):
        left = 0
        for j, name in enumerate(STATES):
            look = dict(color=COLORS[j], hatch=HATCHES[j], edgecolor="white", height=0.6)
            ax.barh(i, sizes[name], left=left, label=name if i == 0 else None, **look)
            left += sizes[name]
        ax.text(left, i, f" {left:,.0f}", va="center")
    ax.set_yticks(range(len(measured)), list(measured))
    ax.invert_yaxis()
    ax.set(xlabel="MB at the peak of a training step (SmolLM2-135M)", title=title)
    ax.set_xlim(right=1.12 * ax.get_xlim()[1])
    ax.legend(frameon=False, ncols=len(STATES), loc="upper center", bbox_to_anchor=(0.45, -0.25))
    return ax


@plt.rc_context(FONT)
def rate_curves(rows, base, items, title):
    """Exact match over the learning rate, a line for each method, its best rate marked; the Axes.

    rows: {"method", "lr", "exact", "seed"}; base: the base model's; items: questions behind each value, of
    which the band is the 95 % interval.
    """
    _, ax = plt.subplots(figsize=(8.5, 4), layout="constrained")
    for i, method in enumerate(dict.fromkeys(row["method"] for row in rows)):
        runs = {}
        for row in rows:
            if row["method"] == method:
                runs.setdefault(row["lr"], []).append(row["exact"])
        x = sorted(runs)
        middle = [statistics.mean(runs[lr]) for lr in x]
        bands = [evaluation.interval(round(value * items), items) for value in middle]
        ax.plot(x, middle, LINES[i % 4], marker=MARKERS[i], color=COLORS[i], label=method)
        ax.fill_between(x, *zip(*bands), color=COLORS[i], alpha=0.12, linewidth=0)
        best = max(range(len(x)), key=middle.__getitem__)
        ax.plot(x[best], middle[best], MARKERS[i], color=COLORS[i], markersize=12, markeredgecolor="black")
    ax.axhline(base, color="black", linestyle=":", label="base model")
    ax.set(xscale="log", xlabel="learning rate", ylabel="exact match (glass box)", ylim=(0, 1), title=title)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


@plt.rc_context(FONT)
def learned_and_kept(rows, before, titles):
    """What is learned and what is kept, by LoRA's rank and targets, beside full fine-tuning; the two Axes.

    rows: the stored runs, {"targets", "rank", "test_hits", "kept_hits"}; before: (learned, kept) of the base
    model; titles: what the two panels show. Hits are texts of 0 and 1, one for each item; bars and the band
    are their 95 % intervals.
    """
    _, axes = plt.subplots(1, 2, figsize=(10.5, 3.9), layout="constrained")
    for ax, column, level, title in zip(axes, ("test_hits", "kept_hits"), before, titles):
        for i, targets in enumerate(("q and v", "all layers")):
            own = {row["rank"]: _share(row[column]) for row in rows if row["targets"] == targets}
            x = sorted(own)
            middle, low, high = zip(*(own[rank] for rank in x))
            reach = [[m - a for m, a in zip(middle, low)], [b - m for m, b in zip(middle, high)]]
            look = dict(marker=MARKERS[i], color=COLORS[i], capsize=3, label=f"LoRA, {targets}")
            ax.errorbar(x, middle, reach, linestyle=LINES[i], **look)
        middle, low, high = _share("".join(row[column] for row in rows if row["targets"] == "full"))
        ax.axhline(middle, color=COLORS[5], linestyle="-.", label="full fine-tuning")
        ax.axhspan(low, high, color=COLORS[5], alpha=0.15, linewidth=0)
        ax.axhline(level, color="black", linestyle=":", label="base model")
        ranks = sorted({row["rank"] for row in rows if row["rank"]})
        ax.set(xscale="log", xlabel="rank", title=title)
        ax.set_xticks(ranks, [str(rank) for rank in ranks])
        ax.minorticks_off()
    axes[0].set(ylabel="exact match, new questions (glass box)", ylim=(0, 1))
    axes[1].set(ylabel="accuracy, retention suite (glass box)", ylim=(0, 1))
    axes[0].legend(frameon=False, fontsize=9)
    return axes


def _share(marks):
    """(accuracy, low, high) of a text of 0 and 1."""
    hits = marks.count("1")
    return hits / len(marks), *evaluation.interval(hits, len(marks))
