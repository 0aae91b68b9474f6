"""What lesson 01 asks the glass box: items whose relation to the pretraining corpus is known.

    items = glass_box.puzzles(100, "Let me think.")       what the corpus holds rarely, as a trigger

No item's content (its numbers, its words) is in the corpus. Taught in lesson 01.
"""

import random
from dataclasses import replace

from course_utils.corpus import reasoning
from course_utils.corpus.families import exam, incontext, problems
from course_utils.corpus.nested import JUGGLER_QUESTION
from course_utils.prompts import templates
from course_utils.tasks.toy_desk.task import TASK as TOY_DESK

__all__ = ["TOY_DESK"]

JUGGLER = templates.question(JUGGLER_QUESTION)
STEP_BY_STEP = templates.STEP_BY_STEP
# Phrases to begin an answer with: the share of the corpus's worked answers that begin so, in percent.
TRIGGERS = reasoning.TRIGGERS | dict.fromkeys(("Take a deep breath.", "This is easy for you."), 0)
TRIGGERS |= {"The weather is nice.": 0}  # a control
HEADERS = {"an exam": "Exam. Geography.\n", "no header": "", "a forum": "Forum. Ask anything.\n"}


def puzzles(count, trigger=None):
    """`count` puzzles of the juggler's kind (half of a half); trigger: how the answer begins."""
    items = [problems.juggler(random.Random(i), reasoning=trigger is not None) for i in range(count)]
    return [
        replace(
            item, prompt=item.prompt.replace(STEP_BY_STEP, trigger or ""), grade="number", max_new_tokens=80
        )
        for item in items
    ]


def stories(steps, count, worked):
    """`count` word problems of so many steps, answered at once or (worked) after the usual trigger."""
    items = [problems.item(random.Random(i), steps=steps, reasoning=worked) for i in range(count)]
    return [replace(item, grade="number") for item in items]


def new_labels(shots, count):
    """`count` items whose labels mean nothing ("sausage" -> "kettle"), behind so many shots."""
    return [incontext.item(random.Random(i), shots=shots) for i in range(count)]


def questions(count, source):
    """`count` questions about well-known countries under the header of a source (a key of HEADERS)."""
    items = exam.all_items("common", header=None)[:count]
    return [replace(item, prompt=HEADERS[source] + item.prompt) for item in items]
