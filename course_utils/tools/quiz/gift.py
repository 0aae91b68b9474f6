"""GIFT, Moodle's text format for questions (docs.moodle.org, "GIFT format").

Import in Moodle: question bank, Import, GIFT format.
"""

import re

SPECIAL = re.compile(r"([~=#{}:\\])")


def escape(text):
    """The text with GIFT's control characters escaped by a backslash."""
    return SPECIAL.sub(r"\\\1", text)


def question(each):
    """One question with its answers; the explanation is general feedback, shown after any answer."""
    lines = [f"::{escape(each.id)}::[plain]{escape(each.question)} {{"]
    lines += [f"  {'=' if right else '~'}{escape(text)}" for text, right in each.choices()]
    lines += [f"  ####{escape(each.explanation)}", "}"]
    return "\n".join(lines)


def dumps(quiz):
    """A quiz as GIFT text, in a category of its own."""
    category = f"$CATEGORY: Taming language models/Lesson {quiz.lesson}"
    return "\n\n".join([category, *(question(each) for each in quiz.questions)]) + "\n"
