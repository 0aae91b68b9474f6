"""The next-token explorer: a widget that continues a text token by token.

It stays quick on the real model: keys and values of the text so far are kept, so a new letter costs the
forward pass of the last tokens only, and moving a slider costs none.
"""

import torch
from transformers import DynamicCache

from course_utils import batching
from course_utils.display.figures import COLORS, token_bars
from course_utils.display.tables import escaped, visible


class NextLogits:
    """Logits of the next token after a text, with the keys and values of the last text kept."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.ids, self.cache, self.logits = [], None, None
        self.computed = 0  # tokens that went through the model, for those who want to see the saving

    @torch.inference_mode()
    def after(self, text):
        """(V,) logits after the text, which must not be empty. Raises ValueError beyond the context."""
        (ids,) = batching.encode(self.model, self.tokenizer, [text])
        if ids == self.ids:
            return self.logits
        # 1) how many tokens both texts begin with; the last one is needed for its logits
        same = 0
        while same < min(len(ids) - 1, len(self.ids)) and ids[same] == self.ids[same]:
            same += 1
        if not batching.plain_cache(self.model):
            same = 0
        if not same:
            self.cache = DynamicCache(config=self.model.config)
        elif len(self.ids) > same:
            self.cache.crop(same - len(self.ids))  # a negative number: how many to remove
        # 2) only the others go through the model
        new = torch.tensor([ids[same:]], device=self.model.device)  # (1, T)
        with batching.evaluating(self.model):
            out = self.model(input_ids=new, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        self.ids, self.cache, self.logits = ids, out.past_key_values, out.logits[0, -1].float()
        self.computed += len(ids) - same
        return self.logits

    def likely(self, text, k, temperature):
        """As generation.next_token: the k most likely next tokens, [(token text, probability)]."""
        logits = self.after(text)
        top = (logits / temperature).softmax(-1).topk(min(k, len(logits)))
        known = len(self.tokenizer.decode(self.ids[-1:]))
        texts = [self.tokenizer.decode([self.ids[-1], i])[known:] for i in top.indices.tolist()]
        return list(zip(texts, top.values.tolist(), strict=True))


class Explorer:
    """The state of the next-token explorer, without widgets: a text, its history, its likely next tokens."""

    def __init__(self, model, tokenizer, prefix):
        self.next, self.text = NextLogits(model, tokenizer), prefix
        self.history, self.draws = [], torch.Generator().manual_seed(0)

    def pairs(self, temperature=1.0, k=10):
        """The k most likely next tokens: [(token text, probability)], none for an empty text."""
        return self.next.likely(self.text, k, temperature) if self.text else []

    def add(self, pairs, sampled=False):
        """Append the first token of the pairs, or one sampled by their probabilities."""
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
