"""Figures: bars, curves, token probabilities, attention.

All can be read in grayscale: series differ by marker, line style or hatch as well as by color (the
color-blind safe palette of Okabe and Ito, 2008). Left out on purpose: themes, and functions that compute.
"""

import textwrap

import matplotlib.pyplot as plt
import torch

from course_utils import evaluation
from course_utils.display import alt_text, fonts
from course_utils.display.tables import visible

COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
HATCHES = ["", "//", "..", "xx", "\\\\", "--", "oo"]
MODELS = {  # the same mark for the same model in every picture: (color, hatch, marker)
    "SmolLM2-135M": ("#0072B2", "", "o"),
    "glass box": ("#E69F00", "//", "s"),
}
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":"]
FONT = {"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False, "axes.spines.right": False}
# Loads the notebook's backend now: loaded within rc_context, it would lose its interactive mode on exit.
plt.switch_backend(plt.get_backend())
fonts.attach()  # Chinese, Japanese and Korean labels
alt_text.attach()  # every picture carries a text for those who do not see it


@plt.rc_context(FONT)
def bars(names, hits, baseline=None, title=None, ylabel="accuracy", model=None):
    """One bar per name with its value and 95 % interval; returns the Axes.

    hits: a list of 0/1 lists, one per name (intervals by Wilson), or (values, intervals) with
    intervals a list of (low, high). baseline: a level to draw as a line, such as chance, or (level, name).
    model: whose numbers these are, a name in MODELS: the bars have its color, and the axis says its name.
    """
    color, hatch, _ = MODELS[model] if model else (COLORS[0], "", "")
    if isinstance(hits, tuple):
        values, intervals = hits
    else:
        values = [sum(h) / len(h) for h in hits]
        intervals = [evaluation.interval(sum(h), len(h)) for h in hits]
    label = textwrap.fill(f"{ylabel} ({model})" if model else ylabel, 32)  # as long as the axis is high
    ax = _axes(max(4.0, 1.5 * len(names)), title, ylabel=label)
    for i, (value, (low, high)) in enumerate(zip(values, intervals, strict=True)):
        ax.bar(i, value, color=color, hatch=hatch, edgecolor="white", alpha=0.9)
        ax.errorbar(i, value, [[max(0, value - low)], [max(0, high - value)]], color="black", capsize=4)
        ax.text(i, max(high, value), f"{value:.2f}", ha="center", va="bottom")
    tilted = max((len(line) for name in names for line in name.split("\n")), default=0) > 15
    ax.set_ylim(0, 1.08)
    ax.set_xticks(range(len(names)), names, rotation=25 if tilted else 0, ha="right" if tilted else "center")
    _baseline(ax, baseline)
    if baseline is not None:
        ax.legend(frameon=False)
    return ax


@plt.rc_context(FONT)
def curves(x, series, xlabel, ylabel, logx=False, baseline=None, title=None):
    """One line per name with its interval shaded; returns the Axes.

    series: {name: [(value, low, high) or a plain value, one per x]}.
    """
    ax = _axes(6.5, title, xlabel, ylabel)
    for i, (name, points) in enumerate(series.items()):
        points = [p if isinstance(p, (tuple, list)) else (p, p, p) for p in points]
        middle, low, high = zip(*points, strict=True)
        color = COLORS[i % 7]
        ax.plot(x, middle, LINES[i % 4], marker=MARKERS[i % 7], color=color, label=name)
        ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    if logx:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        ax.xaxis.set_minor_formatter("")
    if logx and len(x) <= 5:
        ax.set_xticks(x)
    ax.set_ylim(bottom=0)
    _baseline(ax, baseline)
    if len(series) > 4:  # no room within
        ax.figure.set_figwidth(9)
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    elif len(series) > 1 or baseline is not None:
        ax.legend(frameon=False)
    return ax


@plt.rc_context(FONT)
def token_bars(pairs, title=None):
    """Horizontal bars of (token, probability) pairs, the first on top, white space made visible; the Axes."""
    ax = _axes(5.5, title, xlabel="probability", height=1.2 + 0.33 * len(pairs))
    ax.barh(range(len(pairs)), [p for _, p in pairs], color=COLORS[0])
    for i, (_, p) in enumerate(pairs):
        ax.text(p, i, f" {p:.2f}", va="center")
    labels, family = [plain(visible(token)) for token, _ in pairs], fonts.with_fallbacks("monospace")
    ax.set_yticks(range(len(pairs)), labels, family=family)
    ax.invert_yaxis()
    return ax


@plt.rc_context(FONT)
def attention_heat(weights, tokens, title=None):
    """Attention as a picture, from each token (row) to each (column): weights (T, T), T tokens; the Axes."""
    weights = torch.as_tensor(weights).detach().float().cpu()
    if weights.shape != (len(tokens), len(tokens)):
        raise ValueError(
            f"{len(tokens)} tokens need weights ({len(tokens)}, {len(tokens)}), not {tuple(weights.shape)}."
        )
    size = min(6.0, max(4.0, 0.42 * len(tokens) + 1.5))
    ax = _axes(size, title, "attended to", "from", height=size)
    image = ax.imshow(weights, cmap="Greys", vmin=0, vmax=1)
    labels = [plain(visible(token)) for token in tokens]
    ax.set_xticks(range(len(tokens)), labels, rotation=90)
    ax.set_yticks(range(len(tokens)), labels)
    ax.figure.colorbar(image, ax=ax, label="weight", shrink=0.8)
    return ax


def plain(text):
    """The text with dollar signs escaped, which matplotlib would read as mathematics."""
    return str(text).replace("$", r"\$")


def _axes(width, title=None, xlabel=None, ylabel=None, height=3.6):
    _, ax = plt.subplots(figsize=(min(width, 12), min(height, 12)), layout="constrained")
    ax.set(xlabel=xlabel or "", ylabel=ylabel or "", title=plain(title or ""))
    return ax


def _baseline(ax, level):
    if level is not None:
        level, name = level if isinstance(level, tuple) else (level, "baseline")
        ax.axhline(level, color="black", linestyle=(0, (1, 2)), label=name)
