"""What encyclopaedia, exam, forum and quiz share: mistakes that people make, kinds of things, sizes.

The wording of a question (questions.py) says nothing about how good the answer will be. Only the
source does: an exam is always right, a forum is wrong about half of the time.
"""

import functools
import re

from course_utils.corpus import facts
from course_utils.corpus.lexicon import RELATIONS, nouns_by_category, table
from course_utils.corpus.questions import QUESTIONS

# What people say when they are wrong: mostly the same few things.
POPULAR_MISTAKES = {
    "capital": ("London", "Rome"), "continent": ("Asia", "Africa"), "language": ("Spanish", "French"),
    "currency": ("dollar", "euro"), "demonym": ("American", "Spanish"), "domain": ("us", "es"),
}  # fmt: skip

# Categories of the noun list that a sentence can name.
KINDS = {
    "animal": "animal", "bird": "bird", "fruit": "fruit", "vegetable": "vegetable", "tool": "tool",
    "clothing": "piece of clothing", "furniture": "piece of furniture", "vehicle": "vehicle",
    "instrument": "musical instrument", "drink": "drink", "dish": "dish", "sport": "sport",
    "colour": "colour", "flower": "flower", "tree": "tree", "profession": "job", "building": "building",
    "body": "part of the body", "toy": "toy", "metal": "metal", "fish": "fish", "insect": "insect",
    "kitchen": "kitchen thing",
}  # fmt: skip
WITHOUT_ARTICLE = {"drink", "dish", "sport", "colour", "metal"}

# Within a group something may belong to two categories: a bird is an animal, a violet a color.
APART = (
    ("animal", "bird", "fish", "insect"),
    ("fruit", "vegetable", "dish", "drink", "tree", "flower", "colour", "metal"),
    ("tool", "kitchen", "toy", "instrument", "furniture", "vehicle", "building", "clothing", "sport"),
    ("profession", "body"),
)

# Ordered by size and by speed, so that comparisons are true.
SIZES = (
    "flea",
    "ant",
    "bee",
    "mouse",
    "rat",
    "rabbit",
    "fox",
    "sheep",
    "donkey",
    "horse",
    "elephant",
    "whale",
)
SPEEDS = ("snail", "person on foot", "bicycle", "racing car", "plane", "rocket")


def an(phrase):
    """The phrase with its indefinite article."""
    vowel = phrase[0] in "aeiou" and not phrase.startswith(("uni", "uku"))
    return f"an {phrase}" if vowel else f"a {phrase}"


def question(rng, relation, country, frames=QUESTIONS):
    """One question about the relation of the country (its name)."""
    return rng.choice(frames[relation]).format(c=country)


def wrong_value(rng, row, relation):
    """A wrong value for the fact: in three of four cases the popular mistake."""
    right = getattr(row, relation)
    if rng.random() < 0.75:
        first, second = POPULAR_MISTAKES[relation]
        return first if first != right else second
    while True:
        value = getattr(facts.draw_country(rng, relation, "common"), relation)
        if value != right:
            return value


@functools.cache
def _categories():
    """The named categories, and the words that belong to more than one category."""
    groups = {category: rows for category, rows in nouns_by_category().items() if category in KINDS}
    words = [row.noun for rows in nouns_by_category().values() for row in rows]
    twice = {word for word in words if words.count(word) > 1}
    return list(groups), twice


def category_pair(rng):
    """(noun, its category); words in two categories (the orange) are left out."""
    categories, twice = _categories()
    while True:
        category = rng.choice(categories)
        row = rng.choice(nouns_by_category()[category])
        if row.noun not in twice:
            return row, category


def other_category(rng, category):
    """A category that surely does not hold the things of this one: a bird is an animal, not a tool."""
    group = next(group for group in APART if category in group)
    return rng.choice([other for other in KINDS if other not in group])


def as_subject(row, category):
    """The noun as the subject of a sentence: "a sparrow", but "milk" and "golf"."""
    return row.noun if category in WITHOUT_ARTICLE else an(row.noun)


def two_of(rng, scale):
    """(smaller, bigger) of an ordered list."""
    low, high = sorted(rng.sample(range(len(scale)), 2))
    return scale[low], scale[high]


def states(answer, relation):
    """A grading function: does the first line of a text state the answer, as a whole word?

    Domains such as "it" and "is" are also words, so a domain must stand alone, as the first or
    the last word of the line.
    """
    word = re.escape(answer)
    if relation == "domain":
        pattern = re.compile(rf"^\.?{word}(?=$|[.,!?])|(?<=\s)\.?{word}[.!?]*$")
    else:
        pattern = re.compile(rf"(?<!\w){word}(?!\w)", re.IGNORECASE)
    return lambda text: bool(pattern.search((text.strip().splitlines() or [""])[0].strip()))


@functools.cache
def asked(tier="common", relation=None):
    """All (country row, relation) of a tier: common and rare ones are stated, withheld ones never."""
    if tier == "withheld":
        rows = {row.country: row for row in table("countries")}
        facts_of_tier = [(rows[country], rel) for country, rel in sorted(facts.withheld())]
    else:
        facts_of_tier = [(row, rel) for rel in RELATIONS for row in facts.known(tier, rel)]
    return tuple((row, rel) for row, rel in facts_of_tier if relation in (None, rel))
