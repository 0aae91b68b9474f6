"""The prompt playground: choose system line, context, shots and their order; see prompt, reply and cost.

Taught in lesson 01. A prompt is a list of named parts, so that its cost can be shown part by part.
`Playground` holds the state and works without widgets; `prompt_playground` puts controls around it. Between
two prompts the keys and values of what both begin with are kept, so that the next token can follow every
keystroke. Left out on purpose: editing the finished prompt by hand, and sampling.
"""

import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import matplotlib.pyplot as plt

from course_utils.display import figures, tables
from course_utils.display.kept_prompt import KeptPrompt
from course_utils.prompts.templates import render_chat

PARTS = ("system line", "context", "shots", "query")
ORDERS = ("as listed", "reversed", "shuffled")
NEW_TOKENS = 48
PLACE = "<text>"  # stands for a turn's text while the chat template around it is looked at


class Form(NamedTuple):
    """How the parts look: {t} is the part's text, {x} and {y} are a shot's question and answer."""

    system: str
    context: str
    query: str
    shot: str


CHAT = "chat"  # the form that the tokenizer's own template makes
FORMS = {
    "list": Form("{t}", "{t}", "{x} ->", "{x} -> {y}"),
    "questions": Form("{t}", "Passage: {t}", "Question: {x}\nAnswer:", "Question: {x}\nAnswer: {y}"),
    CHAT: None,
}


@dataclass
class Playground:
    """What goes into one prompt.

    shots: (question, answer) pairs, of which the first `k` in `order` (one of ORDERS) are shown.
    form: a key of FORMS. Empty parts are left out. kept: what has been computed for the last prompt;
    several playgrounds of one model may share it.
    """

    model: Any
    tokenizer: Any
    query: str
    shots: list = field(default_factory=list)
    k: int = 0
    form: str = "list"
    order: str = "as listed"
    system: str = ""
    context: str = ""
    kept: KeptPrompt | None = field(default=None, repr=False)

    def __post_init__(self):
        self.kept = self.kept or KeptPrompt(self.model, self.tokenizer)

    def chosen(self):
        """The shots that are shown, in their order. Raises ValueError for an order not in ORDERS."""
        kept = list(self.shots[: self.k])
        if self.order == "reversed":
            return kept[::-1]
        if self.order == "shuffled":
            return random.Random(0).sample(kept, len(kept))
        if self.order != "as listed":
            raise ValueError(f"No order {self.order!r}: use one of {', '.join(ORDERS)}.")
        return kept

    def parts(self):
        """{part: its text}, in the order of the prompt; only the parts that are there."""
        if self.form == CHAT:
            return self._turns()
        form = FORMS[self.form]
        shots = [form.shot.format(x=x.strip(), y=y.strip()) for x, y in self.chosen()]
        texts = {
            "system line": form.system.format(t=self.system.strip()) if self.system.strip() else "",
            "shots": "\n".join(shots),
            "context": form.context.format(t=self.context.strip()) if self.context.strip() else "",
            "query": form.query.format(x=self.query.strip()),
        }
        return {name: text for name, text in texts.items() if text}

    def _turns(self):
        """The parts of a chat: each begins where the text of its turn does, behind the template's words."""
        system = [{"role": "system", "content": self.system.strip()}] if self.system.strip() else []
        shots = [
            {"role": role, "content": text.strip()}
            for pair in self.chosen()
            for role, text in zip(("user", "assistant"), pair)
        ]
        context = f"{self.context.strip()}\n\n" if self.context.strip() else ""
        last = {"role": "user", "content": f"{context}{self.query.strip()}"}

        def before(turns):  # what the template writes up to the text of the next user turn
            asked = render_chat(self.tokenizer, [*turns, {"role": "user", "content": PLACE}])
            return asked[: asked.rindex(PLACE)]

        whole = render_chat(self.tokenizer, [*system, *shots, last])
        ends = [len(before(system)), len(before([*system, *shots]))]
        ends += [ends[-1] + len(context), len(whole)]
        names = ("system line", "shots", "context", "query")
        texts = {name: whole[a:b] for name, a, b in zip(names, [0, *ends], ends)}
        return {name: text for name, text in texts.items() if text}

    def prompt(self):
        """The text that is sent: the parts, in a chat one behind the other, else a line each."""
        return ("" if self.form == CHAT else "\n").join(self.parts().values())

    def cost(self):
        """{part: tokens}, every part of PARTS; they add up to the tokens of the prompt."""
        tokens, text, before = dict.fromkeys(PARTS, 0), "", 0
        between = "" if self.form == CHAT else "\n"
        for name, part in self.parts().items():
            text = f"{text}{between}{part}" if text else part
            tokens[name] = len(self.tokenizer(text, add_special_tokens=False)["input_ids"]) - before
            before += tokens[name]
        return tokens

    def reply(self):
        """The model's greedy reply, up to the end of its line or of its turn. ValueError if too long."""
        stop = None if self.form == CHAT else "\n"
        return self.kept.reply(self.prompt(), NEW_TOKENS, stop)

    def next_tokens(self, k=3):
        """[(text, probability)] of the k most likely first tokens of the reply. ValueError if too long."""
        top = self.kept.logits(self.prompt()).float().softmax(-1).topk(k)
        texts = [self.tokenizer.decode([token]) for token in top.indices.tolist()]
        return list(zip(texts, top.values.tolist()))


def cost_picture(playgrounds, replies=None):
    """One bar per playground with the tokens of each part, its reply beside it; the Axes.

    playgrounds: {name: Playground}. replies: {name: text}; those not given are asked for.
    """
    replies = replies or {name: each.reply() for name, each in playgrounds.items()}
    with plt.rc_context(figures.FONT):
        _, ax = plt.subplots(figsize=(9, 1.4 + 0.5 * len(playgrounds)), layout="constrained")
        left = [0] * len(playgrounds)
        costs = [each.cost() for each in playgrounds.values()]
        for i, part in enumerate(PARTS):
            widths = [cost[part] for cost in costs]
            look = {"color": figures.COLORS[i], "hatch": figures.HATCHES[i], "edgecolor": "white"}
            bars = ax.barh(range(len(costs)), widths, left=left, label=part, **look)
            counts = [width or "" for width in widths]
            white = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
            for label in ax.bar_label(bars, counts, label_type="center"):
                label.set_bbox(white if label.get_text() else None)
            left = [a + b for a, b in zip(left, widths)]
        for row, (name, end) in enumerate(zip(playgrounds, left)):
            ax.text(end, row, "  " + figures.plain(replies[name][:60] or "(empty)"), va="center")
        ax.set_yticks(range(len(costs)), [figures.plain(name) for name in playgrounds])
        ax.invert_yaxis()
        ax.set_xlim(0, 1.9 * max(left))
        ax.set_xlabel("tokens of the prompt; beside it, the reply")
        ax.figure.legend(*ax.get_legend_handles_labels(), frameon=False, ncols=4, loc="outside upper center")
    return ax


def prompt_html(playground, reply=None, following=(), computed=0):
    """The prompt part by part with what each costs, and what the model makes of it, as escaped HTML.

    reply: the whole reply, or None; then following, [(text, probability)] of its first token, is shown.
    computed: how many tokens of the prompt went through the model this time.
    """
    cost, cell = playground.cost(), "text-align:left; vertical-align:top; padding:2px 8px"
    rows = [
        f"<tr><td style='{cell}; border-left:6px solid {figures.COLORS[PARTS.index(name)]}'>"
        f"{name}, {cost[name]} tokens</td><td style='{cell}'>"
        f"<pre style='white-space:pre-wrap; margin:0'>{tables.escaped(text)}</pre></td></tr>"
        for name, text in playground.parts().items()
    ]
    if reply is None:
        first = ", ".join(f"<code>{tables.escaped(tables.visible(t))}</code> {p:.2f}" for t, p in following)
        said = f"<p><b>The reply may begin with:</b> {first}</p>" if following else ""
    else:
        said = f"<p><b>Reply:</b> {tables.escaped(reply or '(empty)')}</p>"
    anew = f", {computed} of them computed anew" if computed else ""
    total = f"<p><b>Cost:</b> {sum(cost.values())} tokens{anew}</p>"
    return f"<table><tbody>{''.join(rows)}</tbody></table>{total}{said}"


def written(shots):
    """Shots as lines "question = answer", for a text box; `read` takes them back."""
    return "\n".join(f"{x} = {y}" for x, y in shots)


def read(text):
    """(question, answer) pairs from lines "question = answer"; other lines are passed over."""
    pairs = [line.rpartition("=") for line in text.splitlines() if "=" in line]
    return [(x.strip(), y.strip()) for x, _, y in pairs if x.strip() and y.strip()]


def prompt_playground(playground):
    """Widgets around a Playground; its cost picture where there is no ipywidgets.

    Prompt, cost and the reply's likely first tokens follow every change; the whole reply comes when "Ask the
    model" is pressed.
    Uses only what ipywidgets 7.7 and 8 share; every control is reached with Tab.
    """
    try:
        import ipywidgets as w
    except ImportError:
        return cost_picture({"this prompt": playground})
    wide, style = w.Layout(width="95%"), {"description_width": "initial"}
    lines = {"rows": max(4, len(playground.shots)), "placeholder": "question = answer, one shot a line"}
    most = max(playground.k, len(playground.shots))
    controls = {
        "query": w.Text(value=playground.query, description="Query", layout=wide),
        "shots": w.Textarea(value=written(playground.shots), description="Shots", layout=wide, **lines),
        "k": w.IntSlider(value=playground.k, min=0, max=most, description="Shots shown", style=style),
        # Rows of buttons, not menus: JupyterLab keeps the arrow keys of a menu for itself.
        "order": w.ToggleButtons(options=list(ORDERS), value=playground.order, description="Order"),
        "form": w.ToggleButtons(options=list(FORMS), value=playground.form, description="Form"),
        "system": w.Text(value=playground.system, description="System", layout=wide),
        "context": w.Text(value=playground.context, description="Context", layout=wide),
    }
    ask, shown = w.Button(description="Ask the model"), w.HTML()

    def show(*_):
        for name, control in controls.items():
            setattr(playground, name, read(control.value) if name == "shots" else control.value)
        controls["k"].max = max(controls["k"].max, len(playground.shots))
        try:
            following = playground.next_tokens()
            shown.value = prompt_html(playground, None, following, playground.kept.computed)
        except ValueError as error:  # longer than the context
            shown.value = prompt_html(playground) + tables.escaped(error)

    def on_click(_):
        try:
            shown.value = prompt_html(playground, playground.reply())
        except ValueError as error:
            shown.value = prompt_html(playground) + tables.escaped(error)

    for control in controls.values():
        control.observe(show, names="value")
    ask.on_click(on_click)
    show()
    rows = [controls[name] for name in ("query", "shots", "system", "context")]
    choices = w.VBox([controls[name] for name in ("k", "order", "form")])
    return w.VBox([*rows, choices, ask, shown])
