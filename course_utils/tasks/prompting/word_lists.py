"""Word-list tasks for few-shot prompts: "mouse -> mice", and the like.

    items = word_lists.items("plurals", k=4)        40 questions, four solved pairs before each

The pairs are real English (and German). The first of a list are shown, a fixed sample of the others is asked,
so that a question is never among the pairs shown. Taught in lesson 01.
"""

import functools
import random

from course_utils.corpus.lexicon import column
from course_utils.corpus.split import Item
from course_utils.prompts.templates import arrow
from course_utils.tasks import english_retention

TASKS = ("plurals", "past tense", "antonyms", "capitals", "German words")
COLUMNS = {  # table of data/corpus, columns of input and answer, and perhaps of the part of speech
    "plurals": ("nouns", "noun", "plural"),
    "past tense": ("verbs", "verb", "past"),
    "German words": ("german", "english", "german", "kind"),
}
MOST_SHOTS = 8


@functools.cache
def pairs(task):
    """[(input, (answers that count, …))] of a task, common words first. ValueError for no such task."""
    if task in ("antonyms", "capitals"):
        shown = [(x, (y,)) for x, y in english_retention.SHOTS[task]]
        asked = english_retention.questions(task)
        return shown + [(q.text.splitlines()[-1].removesuffix(" ->"), q.answers) for q in asked]
    if task not in TASKS:
        raise ValueError(f"There is no word list {task!r}; there are {', '.join(TASKS)}.")
    table, *keys = COLUMNS[task]
    rows = zip(*(column(table, key) for key in keys))
    return [(x, (y,)) for x, y, *kind in rows if y and kind in ([], ["noun"])]


def shots(task, k):
    """The first k solved pairs (input, answer) of a task; at most MOST_SHOTS."""
    if not 0 <= k <= MOST_SHOTS:
        raise ValueError(f"k is {k}: a word list has 0 to {MOST_SHOTS} shots.")
    return [(x, answers[0]) for x, answers in pairs(task)[:k]]


def items(task, k, count=40):
    """`count` questions of a task behind k solved pairs: list of Item, the same questions for every k."""
    asked = random.Random(f"word list {task}").sample(pairs(task)[MOST_SHOTS:], count)
    return [Item(arrow(shots(task, k), x), y[0], grader(y), max_new_tokens=6) for x, y in asked]


def grader(answers):
    """grade(continuation) -> bool: is its first line one of the answers, capitals and a full stop aside?"""
    right = {answer.lower() for answer in answers}
    return lambda text: text.strip().split("\n")[0].strip().rstrip(".").lower() in right
