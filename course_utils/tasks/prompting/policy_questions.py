"""Plain questions about the help desk's policy sheet, for prompts with and without the facts in them.

    for asked in policy_questions.questions(): asked.text, asked.statement, asked.grade(reply)

Two wordings for each of the 16 facts, in data/prompting. The shop does not exist, so no model can know the
answers from pretraining. Taught in lesson 01.
"""

import csv
import functools
import re
from typing import NamedTuple

from course_utils.storage.paths import DATA
from course_utils.tasks.helpdesk import shop, wordings

FILE = DATA / "prompting" / "policy_questions.csv"


class Asked(NamedTuple):
    """A question, the key of the fact that answers it, and the fact's statement on the sheet."""

    text: str
    key: str
    statement: str

    def grade(self, reply):
        """Does the reply say the fact, in whatever words?"""
        return all(re.search(wording, reply.lower()) for wording in wordings.WORDINGS[self.key])


@functools.cache
def questions():
    """All questions, in the file's order: tuple of Asked."""
    with open(FILE, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(Asked(row["question"], row["key"], shop.FACTS[row["key"]].statement) for row in rows)
