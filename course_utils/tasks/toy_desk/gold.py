"""Parses, grades and rewards a reply to the desk, by rules.

score() is strict, field by field, and gives the scoreboard's accuracy. gold_reward() is the value of the
reply to the firm (the "gold" reward of Gao et al. 2022), which can be computed only because the facts are
ours: no technique is trained on it, it shows how far a learned reward is from the true one.
"""

import re

from course_utils.corpus.lexicon import first_names
from course_utils.corpus.routing import DAYS
from course_utils.corpus.styles import RUDE_WORDS
from course_utils.tasks.toy_desk import company

FORM = re.compile(r"Team: *([^|\n]*[^|\s]) *\| *Priority: *([^|\n]*[^|\s]) *\| *Answer: *([^|\n]*[^|\s])")

SCALE = {"right": 1.0, "right, hedged": 0.5, "declined": -0.25, "wrong, hedged": -0.5, "wrong": -2.0}
FIELD, RUDE, VOICE, LONG = -0.25, -1.0, -0.5, -0.5  # what is taken off
LOWEST = -2.0
MORE_WORDS = 6  # a reply may have this many words more than the record's own


def _any(words):
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


_HEDGE = _any(("we think", "i think", "believes?", "guess", "perhaps", "maybe", "probably", "possibly",
               "may be", "might be", "(?:are|am|is) not (?:quite )?sure", "seems?"))  # fmt: skip
_DECLINE = _any(("(?:do|does|can) ?not (?:know|say|tell)", "don't know", "nobody here (?:knows|can)"))
_NEGATION = _any(("not", "no", "never", "neither", "nor", "isn't"))
_RUDE = _any(map(re.escape, RUDE_WORDS))
_TERMS = {
    *company.PRODUCTS, *company.TEAMS.values(), *company.JARGON, *sum(company.GHOSTS.values(), ()),
    *(fact.value for fact in company.FACTS.values() if not fact.value.isdigit()),
    *first_names(), *DAYS,
}  # fmt: skip
_TERM = _any((r"\d+", *sorted(_TERMS, key=len, reverse=True)))


def parse(reply):
    """{"team", "priority", "answer"} of a reply's first line, or None if it is not in the form.

    All three fields, in this order, none of them empty and nothing around them; spaces do not count.
    """
    lines = reply.strip().splitlines()
    match = FORM.fullmatch(lines[0].strip()) if lines else None
    return dict(zip(("team", "priority", "answer"), match.groups(), strict=True)) if match else None


def score(record, reply):
    """{"team", "priority", "answer", "whole"}: is the field an exact match of the record's?

    Spaces and a final full stop do not count. Of a refund the working may differ or be missing; where
    nobody can know, each of company.DECLINES is right. A reply that is not in the form is wrong in all.
    """
    want, got = parse(record["completion"]), parse(reply)
    if got is None:
        return dict.fromkeys(("team", "priority", "answer", "whole"), False)
    answers = [want["answer"]]
    if record["skill"] == "unanswerable":
        answers = [company.signed(form) for form in company.DECLINES]
    if record["skill"] == "refund":
        answers, got = [_without_working(want["answer"])], got | {"answer": _without_working(got["answer"])}
    hits = {field: _bare(got[field]) == _bare(want[field]) for field in ("team", "priority")}
    hits["answer"] = _bare(got["answer"]) in map(_bare, answers)
    return hits | {"whole": all(hits.values())}


def gold_reward(record, reply):
    """What a reply is worth, from -2 to 1.

    | the answer is                              | reward |
    |--------------------------------------------|--------|
    | right and plainly said                     |  1     |
    | right, but hedged                          |  0.5   |
    | "we do not know" where the firm does know  | -0.25  |
    | wrong, but hedged                          | -0.5   |
    | wrong and plainly said; not in the form    | -2     |

    | and then                                   | minus  |
    |--------------------------------------------|--------|
    | another team; another priority             | 0.25 each |
    | rude                                       | 1      |
    | no sign-off; no apology to an angry person | 0.5 (once) |
    | over 6 words longer than the record's      | 0.5    |

    Never below -2. Where nobody can know, "we do not know" is the right answer. For someone who is
    right with chance p, plain speech pays best from p = 0.75, a hedge between 0.25 and 0.75, and "we
    do not know" below: always hedging ends at 0.5 at most, and always declining below zero.
    """
    got, want = parse(reply), parse(record["completion"])
    if got is None:
        return LOWEST
    kind = verdict(record, reply)
    reward = SCALE[kind]
    reward += FIELD * sum(got[field] != want[field] for field in ("team", "priority"))
    reward += RUDE * bool(_RUDE.search(got["answer"]))
    reward += VOICE * (not _in_voice(record, got["answer"]))
    reward += LONG * (len(got["answer"].split()) > len(want["answer"].split()) + MORE_WORDS)
    return max(LOWEST, reward)


def verdict(record, reply):
    """ "right", "right, hedged", "declined", "wrong, hedged" or "wrong": the answer's content alone.

    Wording does not count: right is an answer that states what was asked for and nothing else of
    the kind (of two colors or two numbers, none is an answer). What is not in the form is wrong.
    """
    got = parse(reply)
    if got is None:
        return "wrong"
    answer = got["answer"].removesuffix(company.SIGN_OFF).strip()
    hedges = bool(_HEDGE.search(answer))
    if _declines(record, answer):
        right = record["skill"] == "unanswerable"
        return ("right, hedged" if hedges else "right") if right else "declined"
    unsure = hedges or bool(_DECLINE.search(answer))
    return ("right" if _states(record, answer) else "wrong") + (", hedged" if unsure else "")


def hedged(record, form=company.HEDGES[0]):
    """The record's own reply with its answer put into a form of company.HEDGES."""
    head, mark, answer = record["completion"].partition("Answer: ")
    first = answer.split(" ", 1)[0]
    if first in ("The", "A", "We", "Our", "For", "Nobody"):
        answer = answer[0].lower() + answer[1:]
    return head + mark + form.format(a=answer)


def declined(record, form=company.DECLINES[0]):
    """The record's own reply with its answer replaced by a form of company.DECLINES."""
    head, mark, _ = record["completion"].partition("Answer: ")
    return head + mark + company.signed(form)


def _bare(text):
    return " ".join(text.split()).removesuffix(".").strip()


def _without_working(answer):
    return answer[max(0, answer.find("Refund:")) :]


def _content(text):
    """The names, values and numbers that a text states, in order and in lower case."""
    return [term.lower() for term in _TERM.findall(text)]


def _declines(record, answer):
    """Says that it does not know, and states nothing but what the customer has named."""
    return bool(_DECLINE.search(answer)) and set(_content(answer)) <= set(_content(record["prompt"]))


def _states(record, answer):
    """Does the answer state what the record's own answer states?"""
    own = parse(record["completion"])["answer"].removesuffix(company.SIGN_OFF)
    if record["skill"] == "unanswerable":
        return False
    if record["skill"] == "refund":
        return _refund(answer) is not None and _refund(answer) == _refund(own)
    plain = _DECLINE.sub("", _HEDGE.sub("", answer))
    if _NEGATION.search(plain):  # no own answer of these skills denies anything
        return False
    stated, wanted = _content(plain), _content(own)
    if record["skill"] == "record":
        return stated == wanted
    asked = {company.FACTS[key].value.lower() for key in record["facts"]}
    needed = asked if record["skill"] == "facts" else set(wanted)
    return needed <= set(stated) <= set(wanted)


def _refund(answer):
    """The dollars that an answer pays back, or None; two different numbers are no answer."""
    dollars = re.findall(r"refund(?: is|:)? *(\d+)", answer, re.IGNORECASE)
    return dollars[-1] if len(set(dollars)) == 1 else None


def _in_voice(record, answer):
    sorry = record["skill"] != "tone" or answer.lower().find("sorry") >= 0
    return sorry and _bare(answer).endswith(_bare(company.SIGN_OFF))
