"""Ombly, a firm that does not exist: its products, teams, rules, voice, and the sheet of 30 facts.

None of its names and none of its jargon is in the pretraining corpus, so whatever a model says
about Ombly it has from its prompt or from its training on the desk's records. Its teams are called
by colors, which the base can copy; that orange takes care of parcels is known at Ombly alone.
"""

from typing import NamedTuple

NAME = "Ombly"

PRODUCTS = {  # name: (kind of thing, color, price in dollars)
    "Fendle": ("kettle", "blue", 24),
    "Kordle": ("ladder", "red", 63),
    "Rimlet": ("guitar", "white", 89),
    "Thimlo": ("stove", "black", 57),
    "Tomlet": ("scooter", "yellow", 38),
    "Yivver": ("kite", "green", 15),
}
TEAMS = {  # what a message is about: the team that takes care of it
    "delivery": "orange",
    "repairs": "silver",
    "money": "purple",
    "accounts": "brown",
    "visits": "pink",
    "information": "turquoise",
}
JARGON = {  # word: (what it means, the topic that it belongs to)
    "plonter": ("parcel", "delivery"),
    "quandle": ("repair", "repairs"),
    "drimmet": ("bill", "money"),
    "snorvel": ("password", "accounts"),
    "trindle": ("lesson", "visits"),
    "wolpin": ("question", "information"),
}
GHOSTS = {  # products that Ombly does not have; customers ask for them all the same
    "train": ("Minto", "Rambel", "Gorlin", "Shumble", "Parlo", "Berlo", "Wintle", "Dorrel"),
    "dev": ("Horlet", "Singlo", "Orlin", "Tramlo"),
    "test": ("Lorvin", "Prandle", "Cindle", "Stimlo"),
}

PRIORITY_RULES = (
    "Danger, anger or a wish for haste make the priority high.",
    "Who has time gets the priority low.",
    "Otherwise messages for information are low, and all others normal.",
)
WEEK_FEE, BOX_FEE, BROKEN_BONUS = 2, 5, 4  # the refund rules, in dollars

SIGN_OFF = "Your Ombly."
APOLOGY = "We are sorry"
VOICE_RULES = (
    f"Every answer ends with '{SIGN_OFF}'",
    f"The answer to an angry message begins with '{APOLOGY}'.",
    "No answer is rude, or longer than it must be.",
    "What the sheet does not say, Ombly does not know, and says so.",
)
DECLINES = ("We do not know that.", "Our sheet does not say that.", "Nobody here knows that.")
HEDGES = ("We think {a}", "Perhaps {a}", "We are not sure, but {a}", "Probably {a}")


class Fact(NamedTuple):
    """One line of the sheet: what it is about, the sentence, and the word that answers the question."""

    subject: str
    aspect: str
    statement: str
    value: str


def _facts():
    facts = {}
    for name, (kind, color, price) in PRODUCTS.items():
        key = name.lower()
        facts[f"{key}_kind"] = Fact(name, "kind", f"The {name} is a {kind}.", kind)
        facts[f"{key}_colour"] = Fact(name, "colour", f"The {name} is {color}.", color)
        facts[f"{key}_price"] = Fact(name, "price", f"The {name} costs {price} dollars.", str(price))
    for word, (meaning, _) in JARGON.items():
        facts[f"{word}_meaning"] = Fact(word, "meaning", f"A {word} is a {meaning}.", meaning)
    for aspect, statement, value in (
        ("town", "Ombly is in Millbrook.", "Millbrook"),
        ("opening", "Ombly opens at 7.", "7"),
        ("closed", "Ombly is closed on Wednesday.", "Wednesday"),
        ("week_fee", f"A week of use costs {WEEK_FEE} dollars.", str(WEEK_FEE)),
        ("box_fee", f"A lost box costs {BOX_FEE} dollars.", str(BOX_FEE)),
        ("broken_bonus", f"For broken things Ombly adds {BROKEN_BONUS} dollars.", str(BROKEN_BONUS)),
    ):
        facts[f"ombly_{aspect}"] = Fact(NAME, aspect, statement, value)
    return facts


FACTS = _facts()  # {stable key: Fact}


def priority(topic, urgent=False, calm=False):
    """high, normal or low: PRIORITY_RULES as code. urgent also stands for danger and anger."""
    if urgent:
        return "high"
    return "low" if calm or topic == "information" else "normal"


def signed(answer):
    """The answer in the voice of the firm: with its sign-off."""
    return f"{answer} {SIGN_OFF}"


def completion(topic, level, answer):
    """The whole reply as the records hold it: one space, one line, three fields."""
    return f" Team: {TEAMS[topic]} | Priority: {level} | Answer: {signed(answer)}"


def refund(price, count=1, weeks=0, box_lost=False, broken=False):
    """(dollars to pay back, working as a list of sums) by the refund rules.

    Ombly pays back the price, keeps WEEK_FEE for each week of use and BOX_FEE for a lost box, and
    adds BROKEN_BONUS for what came broken. The fee for the weeks is worked out in the head.
    """
    total, working = price, []
    changes = [("*", count)] * (count > 1) + [("-", weeks * WEEK_FEE)] * (weeks > 0)
    changes += [("-", BOX_FEE)] * box_lost + [("+", BROKEN_BONUS)] * broken
    for sign, number in changes:
        after = {"*": total * number, "-": total - number, "+": total + number}[sign]
        working.append(f"{total} {sign} {number} = {after}.")
        total = after
    return total, working
