"""Tables of text, in a notebook as HTML and elsewhere as aligned columns.

Text that comes from a model or from data is escaped before it becomes HTML.
"""

import html

VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "\\r"}  # matplotlib has no sign for the last
# What a browser or a terminal would act on, as the signs that Unicode has for it; line ends stay.
CONTROLS = {i: 0x2400 + i for i in range(32) if chr(i) not in "\n\t"} | {127: "␡"}
CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")


def visible(text):
    """The text with spaces and line ends shown as signs."""
    return "".join(VISIBLE.get(c, c) for c in text) or "(empty)"


def escaped(text):
    """The text as harmless HTML: markup is escaped, control and direction signs are made visible."""
    return html.escape(str(text).translate(CONTROLS))


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
