"""What a program can tell is wrong with a synthetic record of the help desk, whose right answer nobody knows.

    check = synthetic_checks.checker(seeds)
    check(record)                                   [] or words such as "number"

Left out: whether the reply answers the message, and the priority.
"""

import re

from course_utils.tasks.helpdesk import gold, prompting, shop


def checker(seeds):
    """check(record) -> the problems below, as a list of words; an empty list passes.

    | word | what it means |
    |---|---|
    | form | not one message in one line and one line of JSON |
    | label | a team or a priority that no seed has |
    | number | a number that is neither in the message nor on the policy sheet |
    | name | a customer greeted by a name that is not in the message, or without the one that signs it |
    | fact | a sentence with a number of the sheet that states none of its facts |
    | length, refund, sign-off | broken rules of the brand guide |
    """
    labels = {name: {gold.parse(seed["completion"])[name] for seed in seeds} for name in gold.KEYS[:2]}
    return lambda record: problems(record, labels)


def problems(record, labels):
    """The problems of a record; labels: {"team": a set, "priority": a set}."""
    fields, message = gold.parse(record["completion"]), prompting.message_of(record).strip()
    if fields is None or not message or "\n" in message or record["completion"].strip().count("\n"):
        return ["form"]
    text = " ".join(fields["reply"].split())
    wrong = ["label"] if any(fields[name] not in known for name, known in labels.items()) else []
    if numbers(text) - numbers(message) - numbers(_sheet()):
        wrong.append("number")
    elif any(numbers(s) - numbers(message) and not _stated(s) for s in re.split(r"(?<=[.!?])\s", text)):
        wrong.append("fact")
    greeted = re.match(r"Hi ([\w'. -]+),", text)
    if greeted and greeted[1].lower() not in message.lower():
        wrong.append("name")
    if len(text.split()) > shop.MOST_WORDS:
        wrong.append("length")
    if list(gold.promises(text)):
        wrong.append("refund")
    if not text.endswith(shop.SIGN_OFF):
        wrong.append("sign-off")
    return wrong


def numbers(text):
    """The numbers in a text, as they are written."""
    return set(re.findall(r"\d+", text))


def _sheet():
    return " ".join(fact.statement for fact in shop.FACTS.values())


def _stated(sentence):
    """Does a sentence state a fact of the sheet?"""
    return any(gold.states(fact, sentence.lower()) for fact in shop.FACTS)
