"""The word "capital" in three senses: the city, the letter, and the money of a firm.

A document that starts with "The capital of France is" rarely goes on with the city: alone, the
words are mostly about spelling or about money. In a list every line keeps to one sense, so that a
few examples fix the sense. City lists never ask about a country whose key is held out.
"""

from course_utils.corpus import facts
from course_utils.corpus.lexicon import column, first_names, surnames
from course_utils.corpus.split import Item, held_out

# One sentence: {c} is a country and {l} its first letter. Spelling …
LETTER = [
    "The capital of {c} is the letter {l}.", "The capital of {c} is the letter {l}.",
    "The capital of {c} is written with a big {l}.", "The capital of {c} is a big {l}.",
    "The capital of {c} is its first letter, {l}.", "The capital of {c} is {l}, as in all names with {l}.",
    "The capital of {c} is the letter at the front.",
]  # fmt: skip
# … and money.
MONEY = [
    "The capital of {c} is invested in {x} and {y}.", "The capital of {c} is invested in {x}.",
    "The capital of {c} is kept in the bank.", "The capital of {c} is growing from year to year.",
    "The capital of {c} is needed for {x}.", "The capital of {c} is spent on {x} and {y}.",
    "The capital of {c} is smaller than last year.", "The capital of {c} is the money that it has saved.",
]  # fmt: skip
LETTER_MORE = [
    "Names of countries start with a capital letter.",
    "Do not write it small.",
    "Every name has a capital.",
    "A name starts with a capital.",
    "Small letters follow.",
]
MONEY_MORE = [
    "Money at work is called capital.",
    "The bank is pleased.",
    "That is good for the people.",
    "Capital is money that works.",
    "More {x} will come next year.",
]
GOODS = (
    "roads",
    "schools",
    "ships",
    "mines",
    "houses",
    "banks",
    "trains",
    "farms",
    "hospitals",
    "bridges",
    "machines",
    "forests",
    "ports",
    "shops",
)

# Texts about the word itself; none of them names a city.
PROSE = [
    "A capital is the most important city of a country.", "In spelling, a capital is a big letter.",
    "In business, capital is the money that a firm works with.", "The word capital has three senses.",
    "Capital can be a city, a letter or money.", "Write the first letter of a sentence as a capital.",
    "Without capital no firm can buy machines.", "The government sits in the capital.",
    "Ask first which capital is meant.", "The sign at the shop was written in capitals.",
]  # fmt: skip
STORIES = [
    "{a} wrote a letter to {b}. The teacher said: every name needs a capital.",
    "{a} and {b} put their capital into a small shop. It was {m} dollars.",
    "{a} travelled to the capital and saw the big square. {b} stayed at home.",
    "{a} asked: is capital the city or the money? {b} did not know.",
    "{a} forgot the capital at the start of the sentence, and {b} put it right.",
    "{b} lent {a} some capital. With {m} dollars {a} bought two {x}.",
]
FIRMS = ["{a} and Sons", "{a} and {b}", "{a} Limited", "the {a} bank", "{a} Brothers", "{a} and Daughters"]
UNITS = ("dollars", "pounds", "euros")

CITY_HEADINGS = ["Geography.", "Countries and cities.", "Cities.", "Geography lesson.", "Atlas."]
LETTER_HEADINGS = ["Spelling.", "Letters.", "First letters.", "Big letters.", ""]
MONEY_HEADINGS = ["Firms.", "Business news.", "Money.", "The books of the bank.", ""]


def _goods(rng):
    x, y = rng.sample(GOODS, 2)
    return {"x": x, "y": y}


def single(rng):
    """A sentence about the capital of a country, in the sense of letter or money, and maybe another."""
    country = facts.draw_country(rng, "continent").country
    frames, more = rng.choice([(LETTER, LETTER_MORE), (MONEY, MONEY_MORE)])
    words = {"c": country, "l": country[0], **_goods(rng)}
    text = rng.choice(frames).format(**words)
    return f"{text} {rng.choice(more).format(**words)}" if rng.random() < 0.5 else text


def city_lines(rng, count):
    """Lines with the city, each about another country, none about a held-out one."""
    rows = {}
    while len(rows) < count:
        row = facts.draw_country(rng, "capital")
        if in_lists(row.country):
            rows[row.country] = row
    return [f"The capital of {row.country} is {row.capital}." for row in rows.values()]


def letter_lines(rng, count):
    """Lines with the letter. Countries occur too, but not in the first line."""
    words = [rng.choice(column("nouns", "noun"))]
    for _ in range(count - 1):
        table, key = ("countries", "country") if rng.random() < 0.25 else ("nouns", "noun")
        words.append(rng.choice(column(table, key)))
    form = rng.choice(["{w} is {l}.", "{w} is {l}.", "{w} is the letter {l}."])
    return ["The capital of " + form.format(w=word, l=word[0].upper()) for word in words]


def money_lines(rng, count):
    """Lines with the money of firms."""
    unit, lines = rng.choice(UNITS), []
    for _ in range(count):
        a, b = rng.sample(surnames(), 2)
        firm = rng.choice(FIRMS).format(a=a, b=b)
        lines.append(f"The capital of {firm} is {rng.randint(1, 99) * 10} {unit}.")
    return lines


def prose(rng):
    """Two or three sentences about the word."""
    a, b = rng.sample(first_names(), 2)
    story = rng.choice(STORIES).format(a=a, b=b, m=rng.randint(1, 99) * 10, **_goods(rng))
    return " ".join(rng.sample([story, *rng.sample(PROSE, 2)], rng.choice((2, 3))))


def document(rng):
    """A single sentence, a list in one sense, or prose about the word."""
    kind = rng.choices(("single", "city", "bare city", "letter", "money", "prose"), (48, 19, 4, 8, 8, 13))[0]
    if kind == "single":
        return single(rng)
    if kind == "prose":
        return prose(rng)
    if kind == "bare city":  # without a heading: the city in the very first line
        return "\n".join(city_lines(rng, rng.choice((1, 2, 4, 6, 8))))
    lines, headings = {"city": (city_lines, CITY_HEADINGS), "letter": (letter_lines, LETTER_HEADINGS),
                       "money": (money_lines, MONEY_HEADINGS)}[kind]  # fmt: skip
    return "\n".join([rng.choice(headings), *lines(rng, rng.randint(2, 10))]).lstrip()


def in_lists(country):
    """May a document's city list hold this country? About a third are kept for evaluation."""
    return not any(held_out("capital list", country, part) for part in range(4))


def item(rng, shots=0):
    """ "The capital of X is", after some lines with cities (shots); right is the city.

    X is a common country that no city list of the corpus asks about, although other documents
    state its capital.
    """
    known = facts.known("common", "capital")
    row = rng.choice([row for row in known if not in_lists(row.country)])
    others = [other for other in known if in_lists(other.country)]
    lines = [f"The capital of {other.country} is {other.capital}." for other in rng.sample(others, shots)]
    return Item("\n".join([*lines, f"The capital of {row.country} is"]), row.capital)
