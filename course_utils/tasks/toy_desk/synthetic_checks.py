"""What a program can tell is wrong with a synthetic record of the toy desk.

synthetic_checks.problems(record, *synthetic_checks.rules(seeds))       [] or words such as "form"
"""

import re

from course_utils.prompts.few_shot import bare
from course_utils.tasks.toy_desk import company, replies

STATED = re.compile(r"(?:The|A) \w+ (?:is|costs)\b[^.]*\.|Ombly (?:is|opens)\b[^.]*\.|For broken[^.]*\.")
SUM = re.compile(r"(\d+) ([-+*]) (\d+) = (\d+)\.")


def problems(record, teams, priorities, sheet):
    """What a program can tell is wrong with a record, as a list of words; an empty list passes.

    | word | what it means |
    |---|---|
    | form | not one message and one reply of three fields |
    | name | a team or a priority that does not exist |
    | voice | no sign-off |
    | fact | the answer states something like a line of the sheet that is not in it |
    | copy | a product, person or day of the answer is not in the message |
    | team | the answer names another team than the record |
    | sums | wrong working, a first number that is not in the message, or another result than the last |

    Whether the reply answers the message, and the priority, no program can tell here.
    """
    message, parts = bare(record["prompt"]), replies.fields(record["completion"])
    if parts is None or not message or "\n" in message or "Record:" in message:
        return ["form"]
    answer, wrong = parts["answer"], []
    if parts["team"] not in teams or parts["priority"] not in priorities:
        wrong.append("name")
    if not answer.endswith(company.SIGN_OFF):
        wrong.append("voice")
    if any(stated not in sheet for stated in STATED.findall(answer) if " team " not in stated):
        wrong.append("fact")
    if any(word not in message for word in copied(answer)):
        wrong.append("copy")
    if any(team != parts["team"] for team in re.findall(r"The (\w+) team", answer)):
        wrong.append("team")
    if not sums_right(message, answer):
        wrong.append("sums")
    return wrong


def copied(answer):
    """The words of an answer that must come from the message: product, person, day."""
    groups = re.findall(r"The (\w+) (?:is|costs)|A (\w+) is|sorry about your (\w+)", answer)
    return [word for group in groups for word in group if word] + re.findall(r"=(\w+)[;.]", answer)


def sums_right(message, answer):
    """Whether the working of a refund is right, begins in the message, and ends in the refund paid."""
    steps, paid = SUM.findall(answer), re.findall(r"Refund: (\d+)", answer)
    if not steps and not paid:
        return "=" not in answer or "Name=" in answer
    if not steps or len(paid) != 1 or steps[0][0] not in re.findall(r"\d+", message):
        return False
    results = [
        {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[sign] for a, sign, b, _ in steps
    ]
    chained = all(after[0] == before[3] for before, after in zip(steps, steps[1:]))
    return chained and [str(r) for r in results] == [step[3] for step in steps] and paid[0] == steps[-1][3]


def rules(seeds, known=None):
    """What `problems` checks by: (teams, priorities, statements of the sheet), as sets."""
    sheet = set((replies.statements() if known is None else known).values())
    teams, priorities = (set(replies.common(seeds, name)) for name in ("team", "priority"))
    return teams, priorities, sheet


def checker(seeds):
    """check(record) -> its problems, with the teams and priorities of the seeds and the sheet's facts."""
    allowed = rules(seeds)
    return lambda record: problems(record, *allowed)
