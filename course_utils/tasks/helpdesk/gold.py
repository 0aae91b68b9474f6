"""Reads, grades and rewards a reply of the help desk, by the rules of `shop` and with free wording.

grade() is strict, part by part, and makes the scoreboard's accuracy. broken_rules() says what is wrong, in
words. gold_reward() is what a reply is worth to the shop, from -2 to 1. A reply is right if it says the right
thing, whatever its words: `wordings` says which ones count. Left out: grammar and taste.
"""

import functools
import json
import re

from course_utils.tasks.helpdesk import frames, shop, wordings
from course_utils.tasks.helpdesk.prompting import message_of

KEYS = ("team", "priority", "reply")
LOWEST, TEAM, PRIORITY = -2.0, -0.75, -0.5
TOO_LONG = f"over {shop.MOST_WORDS} words"
PENALTIES = {  # what a broken rule takes off
    "name missing": -0.5,
    "name invented": -1.0,
    "order number missing": -0.5,
    "order number not asked for": -0.5,
    "order number asked for without need": -0.5,
    "number invented": -1.0,
    "apology missing": -0.5,
    "apology to a calm customer": -0.5,
    "second apology": -0.5,
    "fact missing or wrong": -1.0,
    "next step missing": -1.0,
    "steps that nobody asked for": -1.0,
    "refund promised": -1.0,
    TOO_LONG: -0.5,
    "sign-off missing": -0.5,
}
MOST_EXTRA_STEPS = 1  # a reply with more of them says everything in order to hit something

# "Hi Anna", "Dear Mrs. Lewis", "Hello, Anna,"; but in "Hello, Students get" nobody is greeted.
_TITLE = r"(?:(?:Mr|Mrs|Ms|Miss|Dr)\b\.? *)?"
_GREETING = re.compile(
    r"^(?i:hi|hello|dear|hey|good (?:morning|afternoon|evening|day))"
    rf"(?: +{_TITLE}([A-Z][\w'-]+)|, +{_TITLE}([A-Z][\w'-]+)(?=[,!]))"
)
_NOBODY = (
    "there",
    "customer",
    "valued",
    "sir",
    "madam",
    "everyone",
    "again",
    "friend",
    "thanks",
    "yes",
    "sure",
)
_SIGNED = re.compile(rf"{re.escape(shop.SIGN_OFF)}[.!]?$", re.IGNORECASE)


def parse(reply):
    """{"team", "priority", "reply"} of the JSON object that a reply's first line is, or None.

    Strict JSON, exactly these three keys, each a non-empty string; anything before or after the object on
    that line makes it useless for a program. Further lines do not count.
    """
    lines = reply.strip().splitlines()
    try:
        fields = json.loads(lines[0], object_pairs_hook=_unique) if lines else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or sorted(fields) != sorted(KEYS):
        return None
    if not all(isinstance(value, str) and value.strip() for value in fields.values()):
        return None
    return {key: fields[key].strip() for key in KEYS}


def grade(record, reply):
    """{"form", "team", "priority", "reply", "whole"}: is each part right? All False if it is not in the form.

    "reply" holds if broken_rules() finds nothing.
    """
    got, want = parse(reply), parse(record["completion"])
    if got is None:
        return dict.fromkeys(("form", "team", "priority", "reply", "whole"), False)
    hits = {"form": True} | {key: got[key] == want[key] for key in ("team", "priority")}
    hits["reply"] = not broken_rules(record, reply)
    return hits | {"whole": all(hits.values())}


def broken_rules(record, reply):
    """The names of the rules that a reply breaks, keys of PENALTIES in their order; ["form"] without form.

    Looks at the text for the customer only, not at team and priority.
    """
    got = parse(reply)
    if got is None:
        return ["form"]
    text = " ".join(got["reply"].split())
    checks = (_names, _numbers, _apologies, _content, _promise, _length)
    broken = {rule for check in checks for rule in check(record, text)}
    return [rule for rule in PENALTIES if rule in broken]


def gold_reward(record, reply):
    """What a reply is worth, from -2 to 1.

    | the reply                                                              | reward    |
    |------------------------------------------------------------------------|-----------|
    | is not in the form                                                     | -2        |
    | is right in all                                                        |  1        |

    | and for each of these                                                  | minus     |
    |------------------------------------------------------------------------|-----------|
    | another team                                                           | 0.75      |
    | another priority                                                       | 0.5       |
    | an invented name or number, a wrong or missing fact, no next step,     |           |
    | steps that nobody asked for, a promised refund                         | 1 each    |
    | any other broken rule: name, order number, apologies, length, sign-off | 0.5 each  |

    Never below -2.
    """
    got, want = parse(reply), parse(record["completion"])
    if got is None:
        return LOWEST
    reward = 1.0 + sum(PENALTIES[rule] for rule in broken_rules(record, reply))
    reward += TEAM * (got["team"] != want["team"]) + PRIORITY * (got["priority"] != want["priority"])
    return max(LOWEST, reward)


def _unique(pairs):
    """A JSON object as a dict; ValueError if a key comes twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key appears twice")
    return dict(pairs)


def _words(text):
    return set(re.findall(r"[\w'-]+", text))


@functools.cache
def _compiled(expression):  # more expressions than re itself remembers
    return re.compile(expression)


def _found(expression, text):
    return bool(_compiled(expression).search(text))


def _names(record, text):
    """Is the customer called by name, and nobody else?"""
    own = _words(record["name"] or "") - {"Mr", "Mrs", "Dr"}
    if own and not own & _words(text):
        yield "name missing"
    greeted = _GREETING.match(text)
    greeted = greeted and (greeted[1] or greeted[2])
    if greeted and greeted not in own and greeted.lower() not in _NOBODY:
        yield "name invented"
    message = {word.lower() for word in _words(message_of(record))}
    strangers = _words(text) & set(frames.first_names("test"))
    if {name for name in strangers if name.lower() not in message}:
        yield "name invented"


def _numbers(record, text):
    """Is the order number quoted or asked for, as it should be, and no other number invented?"""
    order, asks = record["order"], _found(wordings.ASKS_NUMBER, text.lower())
    if order and not _found(rf"(?<!\d){order}(?!\d)", text):
        yield "order number missing"
    if record["needs_order"] and not order and not asks:
        yield "order number not asked for"
    if asks and (order or not record["needs_order"]):
        yield "order number asked for without need"
    known = " ".join([message_of(record), *(shop.FACTS[key].statement for key in record["facts"])])
    if set(re.findall(r"\d+", text)) - set(re.findall(r"\d+", known)):
        yield "number invented"


def _apologies(record, text):
    """One apology to an angry customer, none to others."""
    apologies = len(re.findall(wordings.APOLOGY, text.lower()))
    if record["angry"] and not apologies:
        yield "apology missing"
    if record["angry"] and apologies > 1:
        yield "second apology"
    if apologies and not record["angry"]:
        yield "apology to a calm customer"


def _content(record, text):
    """Does the reply say the right thing about every intent of the message, and little about others?"""
    low, intents = text.lower(), record["intents"]
    refuses = _found(wordings.REFUSES, low) and "sale_items" not in intents
    for intent, product in zip(intents, record["products"], strict=True):
        if intent in shop.FACTS:
            if not any(states(intent, sentence) for sentence in re.split(r"[.!?;]\s", low)):
                yield "fact missing or wrong"
        elif refuses or not _announces(intent, product, low):
            yield "next step missing"
    own = {shop.STEPS[intent].says for intent in intents if intent in shop.STEPS}
    extra = [says for says, mark in wordings.MARKS.items() if says not in own and _found(mark, low)]
    if len(extra) > MOST_EXTRA_STEPS:
        yield "steps that nobody asked for"


def states(fact, sentence):
    """Does a sentence in lower case state a fact, and not deny it?"""
    if fact != "sale_items" and _found(wordings.DENIES, sentence):
        return False
    return all(_found(wording, sentence) for wording in wordings.WORDINGS[fact])


def _announces(step, product, low):
    """Does a text in lower case say that the step will be taken, for the product if it matters?"""
    stem = r"\b" + re.escape(re.sub(r"(?<=x)es$|s$", "", product))
    ways = (wordings.SENTENCES[shop.STEPS[step].says], wordings.WORDINGS[step])
    return any(all(_found(wording.replace("{p}", stem), low) for wording in way) for way in ways)


def _promise(record, text):
    return promises(text)


def promises(text):
    """Is a refund promised? Gives the rule if it is."""
    rest = re.sub(wordings.CHECKS_REFUND, " ", text.lower())
    if any(_found(promise, rest) for promise in wordings.PROMISES):
        yield "refund promised"


def _length(record, text):
    """At most 30 words, and the sign-off at the end."""
    if len(text.split()) > shop.MOST_WORDS:
        yield TOO_LONG
    if not _SIGNED.search(text):
        yield "sign-off missing"
