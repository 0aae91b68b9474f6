"""Before | after cards: the replies to a question side by side, what is right green and marked by a sign.

    cards.before_after(questions, before, after, keys)
    cards.before_after(questions, before, after, keys, names=("before", "over-tuned"))

In a notebook HTML with all text escaped; elsewhere, and for readers without colors, plain text with the same
signs. Taught in lesson 04. Left out: scripts, and anything that a mail or a printed page would lose.
"""

import re
import textwrap

from course_utils.display.tables import CONTROLS, escaped

RIGHT, WRONG = "✓", "✗"
LOOKS = {  # sign, background, line on the left, text
    True: (RIGHT, "#E3F4E8", "#1B7F3B", "#0B3D1C"),
    False: (WRONG, "#F4F1EE", "#9A8F86", "#3B3531"),
}
GRID = "display:grid; grid-template-columns:repeat(auto-fill,minmax(430px,1fr)); gap:10px; max-width:980px"
CARD = "border:1px solid #D5D0CB; border-radius:8px; overflow:hidden; background:#FFFFFF; color:#222222"
HEAD = "padding:7px 11px; font-weight:600; background:#FAF8F6; color:#222222"
LABEL = "font-size:75%; letter-spacing:.05em; text-transform:uppercase; opacity:.75"
LONGEST = 120  # characters of a reply that are shown
WIDTH = 44  # characters of a column of the plain text


class Cards:
    """Questions with two replies each; keys: a regular expression that a right reply matches, case aside."""

    def __init__(self, questions, before, after, keys, names):
        self.names = names
        self.rows = [
            (question, [(_cut(reply), _match(key, reply)) for reply in pair])
            for question, *pair, key in zip(questions, before, after, keys, strict=True)
        ]

    def counts(self):
        """How many replies of each column are right."""
        return [sum(pair[place][1] is not None for _, pair in self.rows) for place in (0, 1)]

    def _repr_html_(self):
        counted = " &nbsp;→&nbsp; ".join(
            f"{escaped(name)}: <b>{count} of {len(self.rows)}</b> right"
            for name, count in zip(self.names, self.counts())
        )
        cards = "".join(self._card(question, pair) for question, pair in self.rows)
        return f'<p style="margin:4px 0 8px">{counted}</p><div style="{GRID}">{cards}</div>'

    def _card(self, question, pair):
        sides = "".join(_side(name, *reply) for name, reply in zip(self.names, pair))
        columns = f'<div style="display:grid; grid-template-columns:1fr 1fr">{sides}</div>'
        return f'<div style="{CARD}"><div style="{HEAD}">{escaped(question)}</div>{columns}</div>'

    def __repr__(self):
        lines = [
            ", then ".join(
                f"{name}: {count} of {len(self.rows)} right" for name, count in zip(self.names, self.counts())
            )
        ]
        for question, pair in self.rows:
            sides = [_wrapped(reply, match) for reply, match in pair]
            height = max(map(len, sides))
            filled = [side + [""] * (height - len(side)) for side in sides]
            lines += ["", question.translate(CONTROLS)]
            lines += [f"  {left.ljust(WIDTH)}  {right}".rstrip() for left, right in zip(*filled)]
        return "\n".join(lines)


def before_after(questions, before, after, keys, names=("before", "after")):
    """Cards of questions, replies before and after, and the keys by which a reply is right."""
    return Cards(list(questions), list(before), list(after), list(keys), names)


def _cut(reply):
    text = " ".join(reply.split()) or "(nothing)"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _match(key, reply):
    """(start, end) of what makes the reply right, in the text that is shown, or None."""
    shown = re.search(key, _cut(reply), re.IGNORECASE)
    if shown:
        return shown.span()
    return (0, 0) if re.search(key, reply, re.IGNORECASE) else None


def _side(name, reply, match):
    """One half of a card; the words that make the reply right are bold and underlined."""
    sign, background, line, color = LOOKS[match is not None]
    start, end = match or (0, 0)
    text = escaped(reply[:start])
    text += f"<b><u>{escaped(reply[start:end])}</u></b>" if end else ""
    text += escaped(reply[end:])
    look = f"padding:7px 11px 9px; background:{background}; border-left:4px solid {line}; color:{color}"
    return (
        f'<div style="{look}"><div style="{LABEL}">{escaped(name)}</div>'
        f'<b style="color:{line}" aria-hidden="true">{sign}</b> {text}</div>'
    )


def _wrapped(reply, match):
    sign = RIGHT if match is not None else WRONG
    return textwrap.wrap(f"{sign} {reply.translate(CONTROLS)}", WIDTH, subsequent_indent="  ")
