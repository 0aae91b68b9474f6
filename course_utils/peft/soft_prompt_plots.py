"""The diagram of lesson 02: which values of a soft prompt are learned, and what a prompt encoder computes.

Left out: the figures of measurements, which course_utils.display.figures draws.
"""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from course_utils.display.figures import COLORS, FONT

LEARNED, FROZEN, ENCODER, WORD = COLORS[1], "#DDDDDD", COLORS[4], "#FFFFFF"
WORDS = ("Why", "is", "it", "hot")
TECHNIQUES = {  # technique: (rows in which the soft prompt stands, its encoder during training)
    "prompt tuning": ((0,), ""),
    "p-tuning": ((0,), "LSTM or\nMLP"),
    "prefix tuning": ((1, 2, 3), "MLP\n(optional)"),
}
WIDE, HIGH = 0.86, 0.8  # of a cell
ROOM = 2.6  # for an encoder, on the left


@plt.rc_context(FONT)
def soft_prompt_diagram(vectors=3):
    """Which values are learned, and which the frozen model or an encoder computes; the Axes.

    One panel for each of TECHNIQUES: columns are positions, rows the embeddings and three layers above them.
    """
    _, axes = plt.subplots(1, len(TECHNIQUES), figsize=(12, 3.8), layout="constrained")
    for ax, (name, (rows, encoder)) in zip(axes, TECHNIQUES.items()):
        for row in range(4):
            for column in range(vectors + len(WORDS)):
                _cell(ax, column, row, vectors, rows)
        if encoder:
            _encoder(ax, encoder, rows)
        ax.set(xlim=(-ROOM - 0.1 if encoder else -0.1, vectors + len(WORDS)), ylim=(-0.2, 4), title=name)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    names = ["embeddings", "layer 1", "layer 2", "layer 3"]
    axes[0].set_yticks([row + HIGH / 2 for row in range(4)], names)
    looks = {
        "learned": (LEARNED, "//"),
        "encoder, dropped after training": (ENCODER, ".."),
        "computed by the frozen model": (FROZEN, ""),
    }
    keys = [Rectangle((0, 0), 1, 1, facecolor=c, hatch=h, edgecolor="black") for c, h in looks.values()]
    axes[0].figure.legend(keys, looks, loc="outside lower center", ncols=3, frameon=False)
    return axes


def _cell(ax, column, row, vectors, rows):
    """One position of one layer: learned, computed, or a word's embedding; a prefix has no embeddings."""
    soft = column < vectors
    if soft and row < min(rows):
        return
    learned = soft and row in rows
    color = LEARNED if learned else WORD if row == 0 else FROZEN
    look = {"facecolor": color, "edgecolor": "black", "linewidth": 0.8, "hatch": "//" if learned else ""}
    ax.add_patch(Rectangle((column, row), WIDE, HIGH, **look))
    if row == 0 and not soft:
        ax.text(column + WIDE / 2, HIGH / 2, WORDS[column - vectors], ha="center", va="center", size=8)


def _encoder(ax, label, rows):
    """The encoder's box on the left, with an arrow to every row that it computes."""
    low, high = min(rows), max(rows) + HIGH
    look = {"facecolor": ENCODER, "edgecolor": "black", "hatch": "..", "alpha": 0.6}
    ax.add_patch(Rectangle((-ROOM, low), 1.9, high - low, **look))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(-ROOM + 0.95, (low + high) / 2, label, ha="center", va="center", size=9, bbox=box)
    for row in rows:
        ends = (-0.02, row + HIGH / 2), (-ROOM + 1.9, row + HIGH / 2)
        ax.annotate("", *ends, arrowprops={"arrowstyle": "->", "color": "black"})
