"""The next-token explorer: a widget that continues a text token by token."""

import torch

from course_utils import generation
from course_utils.display.figures import COLORS, token_bars
from course_utils.display.tables import escaped, visible


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
        f"<td><div style='background:{COLORS[0]};height:1em;width:{300 * p:.0f}px'></div></td>"
        f"<td>{p:.3f}</td></tr>"
        for token, p in pairs
    )
    return f"<table aria-label='likely next tokens'>{''.join(rows)}</table>"
