"""Form, brand voice and facts of the house in a help desk's replies, measured by the desk's own rules.

    marks = house_style.marks(records, replies)      {"form": [bool], "brand voice": [bool], "facts": [bool]}

Taught in lesson 04. A reply that is no JSON is graded as the text for the customer, so that a model can have
the voice without the form. Left out: grammar and taste.
"""

from course_utils.tasks.helpdesk import gold, shop
from course_utils.tasks.helpdesk.task import TASK

VOICE = (  # the rules of the brand guide that need no knowledge of the shop
    "name missing",
    "name invented",
    "apology missing",
    "apology to a calm customer",
    "second apology",
    "refund promised",
    gold.TOO_LONG,
    "sign-off missing",
)
FACT = "fact missing or wrong"


def messages(part, count):
    """`count` records of "train", "dev" or "test": half of them ask for a fact of the policy sheet."""
    records = TASK.read(part)
    asking = [record for record in records if record["facts"]][: count // 2]
    others = [record for record in records if not record["facts"]][: count - len(asking)]
    return asking + others


def prompts(tokenizer, records, instruction=""):
    """The texts that a chat model is sent: the message, after an instruction if there is one."""
    return [TASK.conversation(tokenizer, [], record["prompt"], instruction) for record in records]


def marks(records, replies):
    """{"form", "brand voice", "facts"}: [bool] for each record, "facts" for those that ask for one."""
    pairs = [
        (record, set(gold.broken_rules(record, _as_json(reply)))) for record, reply in zip(records, replies)
    ]
    return {
        "form": [gold.parse(reply) is not None for reply in replies],
        "brand voice": [not broken & set(VOICE) for _, broken in pairs],
        "facts": [FACT not in broken for record, broken in pairs if record["facts"]],
    }


def teams(records, replies):
    """[bool]: the reply's form names the record's team."""
    return [gold.grade(record, reply)["team"] for record, reply in zip(records, replies)]


def _as_json(reply):
    """The reply if it has the form, else its text in the form."""
    return reply if gold.parse(reply) else shop.completion("any", "any", " ".join(reply.split()) or "-")
