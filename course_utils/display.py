"""Every figure, table and widget of the course.

All figures can be read in greyscale: series differ by marker, line style or hatch as well as by
colour (the colour-blind safe palette of Okabe and Ito, 2008). Text that comes from a model or from
data is escaped before it becomes HTML. Left out on purpose: themes, and functions that compute.
"""

import html

import matplotlib.pyplot as plt
import torch

from course_utils import alt_text, evaluation, generation, plot_fonts

COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000"]
HATCHES = ["", "//", "..", "xx", "\\\\", "--", "oo"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":"]
FONT = {"font.size": 11, "axes.titlesize": 12, "axes.spines.top": False, "axes.spines.right": False}
# Loads the notebook's backend now: loaded within rc_context, it would lose its interactive mode on exit.
plt.switch_backend(plt.get_backend())
plot_fonts.attach()  # Chinese, Japanese and Korean labels
alt_text.attach()  # every picture carries a text for those who do not see it
VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "\\r"}  # matplotlib has no sign for the last
# What a browser or a terminal would act on, as the signs that Unicode has for it; line ends stay.
CONTROLS = {i: 0x2400 + i for i in range(32) if chr(i) not in "\n\t"} | {127: "␡"}
CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")


@plt.rc_context(FONT)
def bars(names, hits, baseline=None, title=None, ylabel="share right"):
    """One bar per name with its value and 95 % interval; returns the Axes.

    hits: a list of 0/1 lists, one per name (intervals by Wilson), or (values, intervals) with
    intervals a list of (low, high). baseline: a level to draw as a line, such as chance, or (level, name).
    """
    if isinstance(hits, tuple):
        values, intervals = hits
    else:
        values = [sum(h) / len(h) for h in hits]
        intervals = [evaluation.interval(sum(h), len(h)) for h in hits]
    ax = _axes(max(4.0, 1.5 * len(names)), title, ylabel=ylabel)
    for i, (value, (low, high)) in enumerate(zip(values, intervals, strict=True)):
        ax.bar(i, value, color=COLOURS[i % 7], hatch=HATCHES[i % 7], edgecolor="white", alpha=0.9)
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
        colour = COLOURS[i % 7]
        ax.plot(x, middle, LINES[i % 4], marker=MARKERS[i % 7], color=colour, label=name)
        ax.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
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
    ax.barh(range(len(pairs)), [p for _, p in pairs], color=COLOURS[0])
    for i, (_, p) in enumerate(pairs):
        ax.text(p, i, f" {p:.2f}", va="center")
    labels, family = [plain(visible(token)) for token, _ in pairs], plot_fonts.with_fallbacks("monospace")
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


def visible(text):
    """The text with spaces and line ends shown as signs."""
    return "".join(VISIBLE.get(c, c) for c in text) or "(empty)"


def escaped(text):
    """The text as harmless HTML: markup is escaped, control and direction signs are made visible."""
    return html.escape(str(text).translate(CONTROLS))


def plain(text):
    """The text with dollar signs escaped, which matplotlib would read as mathematics."""
    return str(text).replace("$", r"\$")


class Table:
    """Rows under column names: an HTML table in a notebook, aligned text elsewhere; cells are escaped."""

    def __init__(self, rows, columns):
        self.columns = [str(c) for c in columns]
        self.rows = [[_cell(value) for value in row] for row in rows]
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"Every row needs {len(self.columns)} cells, one for each column.")

    def _repr_html_(self):
        style = "text-align:left; vertical-align:top; white-space:pre-wrap"
        head = "".join(f'<th scope="col" style="{style}">{escaped(c)}</th>' for c in self.columns)
        body = "".join(
            "<tr>" + "".join(f'<td style="{style}">{escaped(v)}</td>' for v in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self):
        lines = [
            [text.replace("\n", "⏎").translate(CONTROLS) for text in row]
            for row in (self.columns, *self.rows)
        ]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join("  ".join(v.ljust(w) for v, w in zip(row, widths)).rstrip() for row in lines)


def _cell(value):
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def table(rows, columns):
    """A Table of rows (lists of cells) under column names; floats show three digits."""
    return Table(rows, columns)


def side_by_side(texts):
    """Texts next to each other under their titles, {title: text}, as a Table of one row."""
    return Table([list(texts.values())], list(texts))


class Explorer:
    """The state of the next-token explorer, without widgets: a text, its history, its likely next tokens."""

    def __init__(self, model, tokenizer, prefix):
        self.model, self.tokenizer, self.text = model, tokenizer, prefix
        self.history, self.draws = [], torch.Generator().manual_seed(0)

    def pairs(self, temperature=1.0, k=10):
        """The k most likely next tokens: [(token text, probability)], none for an empty text."""
        return (
            generation.next_token(self.model, self.tokenizer, self.text, k, temperature) if self.text else []
        )

    def add(self, pairs, sampled=False):
        """Append the first token of the pairs, or one drawn by their probabilities."""
        if pairs:
            weights = torch.tensor([p for _, p in pairs])
            chosen = int(torch.multinomial(weights, 1, generator=self.draws)) if sampled else 0
            self.history.append(self.text)
            self.text += pairs[chosen][0]

    def undo(self):
        """Take the last added token back."""
        if self.history:
            self.text = self.history.pop()


def next_token_explorer(model, tokenizer, prefix):
    """Widgets to continue a text token by token; the picture of its first step without ipywidgets.

    Uses only what ipywidgets 7.7 and 8 share; every control is reached with Tab.
    """
    state = Explorer(model, tokenizer, prefix)
    try:
        import ipywidgets as w
    except ImportError:
        return token_bars(state.pairs(), title=prefix)
    wide, style = w.Layout(width="95%"), {"description_width": "initial"}
    box = w.Textarea(value=prefix, description="Text", layout=wide)
    heat = w.FloatSlider(value=1.0, min=0.1, max=2.0, step=0.1, description="Temperature", style=style)
    top = w.IntSlider(value=10, min=1, max=20, description="Top k", style=style)
    names = ("Add most likely", "Sample", "Undo")
    add, draw, undo = (w.Button(description=name) for name in names)
    shown = w.HTML()

    def pairs():
        return state.pairs(heat.value, top.value)

    def show(*_):
        state.text = box.value
        try:
            shown.value = bars_html(pairs())
        except ValueError as error:  # a text longer than the context
            shown.value = escaped(error)

    def step(action):
        def on_click(_):
            action()
            box.value = state.text
            show()

        return on_click

    add.on_click(step(lambda: state.add(pairs())))
    draw.on_click(step(lambda: state.add(pairs(), sampled=True)))
    undo.on_click(step(state.undo))
    for control in (box, heat, top):
        control.observe(show, names="value")
    show()
    return w.VBox([box, w.HBox([heat, top]), w.HBox([add, draw, undo]), shown])


def bars_html(pairs):
    """Token bars as escaped HTML, quick enough to follow a slider."""
    rows = (
        f"<tr><td style='text-align:right'><code>{escaped(visible(token))}</code></td>"
        f"<td><div style='background:{COLOURS[0]};height:1em;width:{300 * p:.0f}px'></div></td>"
        f"<td>{p:.3f}</td></tr>"
        for token, p in pairs
    )
    return f"<table aria-label='likely next tokens'>{''.join(rows)}</table>"


def _axes(width, title=None, xlabel=None, ylabel=None, height=3.6):
    _, ax = plt.subplots(figsize=(min(width, 12), min(height, 12)), layout="constrained")
    ax.set(xlabel=xlabel or "", ylabel=ylabel or "", title=plain(title or ""))
    return ax


def _baseline(ax, level):
    if level is not None:
        level, name = level if isinstance(level, tuple) else (level, "baseline")
        ax.axhline(level, color="black", linestyle=(0, (1, 2)), label=name)
