"""You are the human: two replies side by side, and the learner says which one is better.

    state = label_widget.Labels(preferences.read("train"))   continues where the last session stopped
    label_widget.widget(state)                               buttons, keys, progress, undo
    state.pairs()                                            stored pairs, the learner's labels in place

Every choice is saved at once in the learner's own folder. With no choice made, `pairs` gives the stored
labels, so that a notebook runs on its own. The stored choice is on a random side.
Taught in lesson 05. Left out: several learners on one set, and ties.
"""

import html
import json
import random

from course_utils.display import tables
from course_utils.prompts.few_shot import bare
from course_utils.storage.files import write_atomically
from course_utils.storage.paths import course_home

LEFT, RIGHT, SKIP = "left", "right", "skip"
KEYS = {"f": LEFT, "j": RIGHT, "s": SKIP, "u": "undo"}


class Labels:
    """Choices about pairs {"id", "prompt", "chosen", "rejected"}, in a seeded order; kept in a file.

    choices: {id of a pair: LEFT, RIGHT or SKIP}, in the order in which they were made.
    """

    def __init__(self, pairs, seed=0, file=None):
        self.stored = list(pairs)
        rng = random.Random(f"labels {seed}")
        self.order = rng.sample(self.stored, len(self.stored))
        self.turned = {pair["id"]: rng.random() < 0.5 for pair in self.order}  # the stored choice is right
        self.file = file or course_home() / "labels.json"
        self.choices = self._kept()

    def current(self):
        """The next pair without a choice, or None if there is none."""
        return next((pair for pair in self.order if pair["id"] not in self.choices), None)

    def sides(self, pair):
        """(the reply on the left, the one on the right)."""
        both = pair["chosen"], pair["rejected"]
        return both[::-1] if self.turned[pair["id"]] else both

    def choose(self, choice):
        """Note a choice about the current pair and save it. Raises ValueError for another choice."""
        if choice not in (LEFT, RIGHT, SKIP):
            raise ValueError(f"A choice is {LEFT!r}, {RIGHT!r} or {SKIP!r}, not {choice!r}.")
        if (pair := self.current()) is not None:
            self.choices[pair["id"]] = choice
            self._save()

    def undo(self):
        """Take the last choice back; nothing happens before the first."""
        if self.choices:
            self.choices.popitem()
            self._save()

    def count(self):
        """How many pairs have a label of the learner's own; skipped ones do not count."""
        return sum(choice != SKIP for choice in self.choices.values())

    def pairs(self):
        """All stored pairs, each with the learner's label if there is one."""
        return [self._labeled(pair) for pair in self.stored]

    def _labeled(self, pair):
        choice = self.choices.get(pair["id"], SKIP)
        if choice == SKIP:
            return pair
        left, right = self.sides(pair)
        chosen, rejected = (left, right) if choice == LEFT else (right, left)
        return pair | {"chosen": chosen, "rejected": rejected}

    def _kept(self):
        """The choices of earlier sessions, as far as they are about these pairs."""
        try:
            kept = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        known = isinstance(kept, dict) and all(isinstance(choice, str) for choice in kept.values())
        return {i: choice for i, choice in kept.items() if i in self.turned} if known else {}

    def _save(self):
        write_atomically(self.file, json.dumps(self.choices))


def shown(state):
    """The current pair as a Table: the message, and the two replies side by side."""
    pair = state.current()
    if pair is None:
        return tables.table([["All pairs have a choice. Thank you."]], ["done"])
    left, right = (reply.strip() for reply in state.sides(pair))
    return tables.table([[bare(pair["prompt"]), left, right]], ["message", "left (f)", "right (j)"])


def widget(state):
    """Buttons and a box for keys around a Labels; a Table of the pair where there are no widgets.

    Uses only what ipywidgets 7.7 and 8 share. In the box a key is enough (KEYS); every button is also
    reached with Tab.
    """
    try:
        import ipywidgets as w
    except ImportError:
        return shown(state)
    pair, bar = w.HTML(), w.IntProgress(min=0, max=len(state.order), description="done")
    note = w.HTML()
    keys = w.Text(placeholder="click here, then f, j, s or u", description="keys")
    buttons = {
        LEFT: w.Button(description="left is better (f)"),
        RIGHT: w.Button(description="right is better (j)"),
        SKIP: w.Button(description="skip (s)"),
        "undo": w.Button(description="undo (u)"),
    }

    def show():
        pair.value = shown(state)._repr_html_().replace("<table>", '<table cellpadding="8">')
        bar.value = len(state.choices)
        note.value = html.escape(f"{state.count()} labels of your own, saved in {state.file.name}")

    def act(what):
        state.undo() if what == "undo" else state.choose(what)
        show()

    def typed(change):
        for letter in change["new"].lower():
            if letter in KEYS:
                act(KEYS[letter])
        if change["new"]:
            keys.value = ""

    for what, button in buttons.items():
        button.on_click(lambda _, what=what: act(what))
    keys.observe(typed, names="value")
    show()
    return w.VBox([pair, w.HBox(list(buttons.values())), w.HBox([keys, bar]), note])
