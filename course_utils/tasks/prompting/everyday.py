"""Plain English that lesson 01 sends to the real model: one name for what its neighbors in this folder hold.

Reviews and stories are those of the retention suite, taken out of its prompts, so that a lesson can put them
into prompts of its own.
"""

import functools

from course_utils.prompts.retrieval import retriever
from course_utils.tasks import english_retention
from course_utils.tasks.helpdesk.task import TASK as HELP_DESK
from course_utils.tasks.prompting import policy_questions, word_lists
from course_utils.tasks.prompting.reply_styles import QUESTIONS, STYLES

__all__ = ["HELP_DESK", "QUESTIONS", "STYLES", "retriever", "word_lists"]
SHEET = tuple(HELP_DESK.statements().values())  # the help desk's 16 facts
policy = policy_questions.questions
WORKED = (  # (question, answer with its reasoning); none of them is among the stories
    *english_retention.WORKED,
    ("Ben has 6 cups. Ben finds 2 cups. How many cups does Ben have now?",
     "Ben has 6 cups and finds 2 cups. 6 + 2 = 8. The answer is 8."),
    ("Mia has 7 pears. Mia loses 5 pears. How many pears does Mia have now?",
     "Mia has 7 pears and loses 5 pears. 7 - 5 = 2. The answer is 2."),
)  # fmt: skip


@functools.cache
def reviews():
    """((text, "positive" or "negative"), …): 64 product reviews, the two in turn."""
    asked = english_retention.questions("sentiment")
    return tuple((q.text.splitlines()[-1].removesuffix(" ->"), q.answers[0]) for q in asked)


@functools.cache
def stories():
    """((question, answer), …): 64 word problems of one step, "Lucy has 8 plums. Lucy buys …"."""
    asked = english_retention.questions("word problems")
    texts = (q.text.rpartition("Question: ")[2].removesuffix("\nAnswer:") for q in asked)
    return tuple((text, q.answers[0]) for text, q in zip(texts, asked))
