"""Dictionary entries in sentences: "The opposite of hot is cold. Hot, hotter, hottest."

Here every word is stated with all its forms, also the words that no list of examples in
relations.py may ask for. So a held-out query there asks for known words in a task that has to be
found in the examples.
"""

from course_utils.corpus import facts
from course_utils.corpus.lexicon import RELATIONS, table

CATEGORY = ("A {x} belongs to the category {y}.", "The category of {x} is {y}.", "{X} is filed under {y}.")
NUMBER = (
    "The plural of {x} is {y}.", "One {x}, two {y}.", "There was one {x}, then there were many {y}.",
    "The singular of {y} is {x}.", "If you take all {y} but one away, one {x} is left.",
)  # fmt: skip
OPPOSITE = (
    "The opposite of {x} is {y}.", "What is not {x} is {y}.", "{X} and {y} are opposites.",
    "It was {x} before, but now it is {y}.",
)  # fmt: skip
DEGREES = (
    "{X}, {more}, {most}.", "This is {x}, that is {more}, and the last one is {most}.",
    "The comparative of {x} is {more}, and the superlative is {most}.", "If it is not {x}, make it {more}.",
    "Of all that are {x}, only one is the {most}.",
)  # fmt: skip
VERBS = (
    "Today they {x}, yesterday they {past}.", "The past of {x} is {past}.", "{X}, {past}, {ing}.",
    "I {x}, he {third}, we are {ing}.", "She {third} now, and she {past} last week.",
    "The past form {past} comes from the verb {x}.", "The verb {x} has the form {ing}.",
    "He {third}. They {x}.", "They {past} then, as they {x} now.",
)  # fmt: skip
GERMAN = (
    "The German word for {x} is {y}.", "{Y} is German and means {x}.", "In German, {x} is called {y}.",
    "What Germans call {y} is {x} in English.",
)  # fmt: skip
PLACES = (
    "{y} is the capital of {x}.", "From {y}, the capital, the government rules {x}.",
    "If you are in {y}, you are in {x}.", "{y} lies in {x}.",
)  # fmt: skip
COUNTRIES = {
    "demonym": ("Who comes from {x} is {y}.", "{y} things are from {x}."),
    "language": ("In {x} the language is {y}.", "{y} is spoken in {x}."),
    "domain": ("Addresses in {x} end in {y}.", "The domain of {x} is {y}."),
    "currency": ("In {x} you pay with the {y}.",),
    "continent": ("{x} is in {y}.",),
    "capital": PLACES,
}  # fmt: skip


def _fill(frame, **words):
    """The frame with its words; {X} and {Y} are {x} and {y} with a capital."""
    capital = {key.upper(): word[0].upper() + word[1:] for key, word in words.items() if key in "xy"}
    return frame.format(**words, **capital)


def noun(rng):
    """One sentence about a noun's number or category."""
    row = rng.choice(table("nouns"))
    if not row.plural or rng.random() < 0.25:
        return _fill(rng.choice(CATEGORY), x=row.noun, y=row.category)
    return _fill(rng.choice(NUMBER), x=row.noun, y=row.plural)


def adjective(rng):
    """One sentence about an adjective's degrees or its opposite."""
    row = rng.choice(table("adjectives"))
    if row.opposite and rng.random() < 0.5:
        return _fill(rng.choice(OPPOSITE), x=row.adjective, y=row.opposite)
    return _fill(rng.choice(DEGREES), x=row.adjective, more=row.comparative, most=row.superlative)


def verb(rng):
    """One sentence about a verb's forms."""
    row = rng.choice(table("verbs"))
    return _fill(rng.choice(VERBS), x=row.verb, past=row.past, ing=row.gerund, third=row.third)


def german(rng):
    """One sentence about a German noun."""
    row = rng.choice([row for row in table("german") if row.kind == "noun"])
    return _fill(rng.choice(GERMAN), x=row.english, y=row.german)


def country(rng):
    """One sentence about a country, often from the capital to the country."""
    relation = "capital" if rng.random() < 0.5 else rng.choice(RELATIONS)
    row = facts.draw_country(rng, relation)
    return rng.choice(COUNTRIES[relation]).format(x=row.country, y=getattr(row, relation))


KINDS = (noun, adjective, verb, german, country)
WEIGHTS = (25, 20, 30, 10, 15)


def document(rng):
    """One to six sentences, often of one kind."""
    same = rng.choices(KINDS, WEIGHTS)[0]
    makers = [
        same if rng.random() < 0.6 else rng.choices(KINDS, WEIGHTS)[0] for _ in range(rng.randint(1, 6))
    ]
    return " ".join(make(rng) for make in makers)
