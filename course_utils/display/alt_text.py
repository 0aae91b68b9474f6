"""Alternative texts of figures, made from their values, for readers who do not see them.

`attach()` makes every figure that a notebook shows carry its description as `alt` in the output's
metadata, where nbconvert and the book look for it; the learner's cells stay as they are. JupyterLab
shows pictures without any alternative text; there, `print(alt_text.describe(ax))` gives it.
Left out on purpose: what the picture *means*. That is what the sentences around it say.
"""

from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

LONGEST = 900  # characters
FEW = 10  # points or bars that are listed one by one


def describe(picture):
    """The text of a figure or of the figure of an Axes: its parts, their labels and their values."""
    figure = picture if isinstance(picture, Figure) else picture.figure
    parts = [part for part in map(_axes, figure.axes) if part]
    title = figure.get_suptitle()
    text = " ".join([f"{_plain(title)}." if title else "", *parts]).strip() or "An empty picture."
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rsplit(" ", 1)[0] + "…"


def attach():
    """Let this notebook's pictures carry their description. Does nothing outside IPython."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.lookup_by_type(Figure) if Figure in formatter else None
    if draw is None or getattr(draw, "describes", False):
        return

    def draw_and_describe(figure):
        drawn = draw(figure)
        picture, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
        return None if picture is None else (picture, {**metadata, "alt": describe(figure)})

    draw_and_describe.describes = True
    formatter.for_type(Figure, draw_and_describe)


def _axes(ax):
    if ax.get_label() == "<colorbar>" or not ax.get_visible():
        return ""
    title = _plain(ax.get_title())
    scales = [f"{name}: {_plain(text)}" for name, text in (("x", ax.get_xlabel()), ("y", ax.get_ylabel()))]
    scales = [scale for scale in scales if not scale.endswith(": ")]
    descriptions = [*_bars(ax), *_lines(ax), *_images(ax), *_points(ax)]
    if not descriptions:
        descriptions = [_plain(text.get_text()) for text in ax.texts if text.get_text().strip()][:FEW]
    heads = [f"{title}:" if title else "", f"({'; '.join(scales)})" if scales else ""]
    body = ("; ".join(descriptions) + ".") if descriptions else ""
    return " ".join(part for part in (*heads, body) if part)


def _bars(ax):
    """The values of the bars under their names; of many, the smallest and the largest."""
    groups = [group for group in ax.containers if isinstance(group, BarContainer) and len(group)]
    alone = all(len(group) == 1 for group in groups)
    descriptions, row = [], []
    for group in groups:
        across = group.orientation == "horizontal"
        names = _ticks(ax.yaxis if across else ax.xaxis)
        for bar, value in zip(group, group.datavalues):
            middle = bar.get_y() + bar.get_height() / 2 if across else bar.get_x() + bar.get_width() / 2
            nearest = min(names, key=lambda place: abs(place - middle), default=None)
            row.append((names.get(nearest) or f"bar {len(row) + 1}", float(value)))
        if not alone:
            descriptions.append(_labeled("bars", group, _values(row)))
            row = []
    return descriptions + ([f"bars: {_values(row)}"] if row else [])


def _lines(ax):
    labeled = [line for line in ax.lines if not line.get_label().startswith("_")]
    if not labeled and not any(isinstance(group, BarContainer) for group in ax.containers):
        labeled = [line for line in ax.lines if len(line.get_xdata()) > 1][:FEW]
    descriptions = []
    for line in labeled:
        points = [(_number(x), float(y)) for x, y in zip(line.get_xdata(), line.get_ydata())]
        heights = {y for _, y in points}
        if not points:
            continue
        if len(heights) == 1 and len(points) == 2:
            descriptions.append(_labeled("line", line, f"level at {_number(points[0][1])}"))
        else:
            descriptions.append(_labeled("line", line, _values([(f"at {x}", y) for x, y in points])))
    return descriptions


def _images(ax):
    for image in ax.images:
        shades = image.get_array()
        if shades.ndim == 2:
            row, column = divmod(int(shades.argmax()), shades.shape[1])
            yield (
                f"shades in {shades.shape[0]} rows and {shades.shape[1]} columns, darkest or brightest at "
                + (f"{_name(ax.yaxis, row)}, {_name(ax.xaxis, column)} ({float(shades[row, column]):.3g})")
            )


def _points(ax):
    for group in ax.collections:
        if isinstance(group, PathCollection) and len(group.get_offsets()):
            places = [f"({_number(x)}, {_number(y)})" for x, y in group.get_offsets()]
            shown = ", ".join(places) if len(places) <= FEW else f"{len(places)} of them"
            yield _labeled("points", group, shown)


def _values(row):
    """Named values one by one; of many, the first, the last, the smallest and the largest."""
    if len(row) > FEW:
        ends = {"first": row[0], "last": row[-1]}
        ends |= {
            "smallest": min(row, key=lambda pair: pair[1]),
            "largest": max(row, key=lambda pair: pair[1]),
        }
        return f"{len(row)} values, " + ", ".join(f"{k} {name} {_number(v)}" for k, (name, v) in ends.items())
    return ", ".join(f"{name} {_number(value)}" for name, value in row)


def _labeled(kind, artist, text):
    label = artist.get_label()
    return f"{kind} “{_plain(label)}”: {text}" if label and not label.startswith("_") else f"{kind}: {text}"


def _ticks(axis):
    """{place: name} of an axis whose ticks have names."""
    names = [_plain(label.get_text()) for label in axis.get_ticklabels()]
    return {place: name for place, name in zip(axis.get_ticklocs(), names) if name}


def _name(axis, place):
    return _ticks(axis).get(place) or str(place)


def _number(value):
    if not (isinstance(value, (int, float)) or hasattr(value, "dtype")):
        return str(value)
    return f"{float(value):,.0f}" if abs(value) >= 1000 else f"{float(value):.3g}"


def _plain(text):
    return " ".join(str(text).replace(r"\$", "$").split())
