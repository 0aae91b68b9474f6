"""Encyclopaedia articles: countries, kinds of things, sizes. All of it is right.

No sentence starts with "The capital of": that form belongs to capital.py.
"""

from course_utils.corpus import facts
from course_utils.corpus import sources as q
from course_utils.corpus.lexicon import RELATIONS, nouns_by_category

# Sentences with the name of the country …
NAMED = {
    "capital": [
        "{v} is the capital of {c}.", "{v} is the capital of {c}.", "{v} is the capital city of {c}.",
        "{c} has the capital {v}.", "The government of {c} sits in {v}.", "{c} is governed from {v}.",
        "The parliament of {c} meets in {v}.", "Visitors to {c} often start in {v}, the capital.",
    ],
    "continent": [
        "{c} is a country in {v}.", "{c} is a country in {v}.", "{c} lies in {v}.",
        "{c} is one of the countries of {v}.", "{c} belongs to {v}.", "In {v} there is a country called {c}.",
    ],
    "language": [
        "People in {c} speak {v}.", "Most people in {c} speak {v}.", "The main language of {c} is {v}.",
        "{v} is spoken in {c}.", "In the schools of {c}, children learn {v}.",
        "Who travels to {c} should learn some {v}.",
    ],
    "currency": [
        "The currency of {c} is the {v}.", "People in {c} pay with the {v}.",
        "In {c} the money is called {v}.", "{c} uses the {v} as its money.",
        "Prices in {c} are given in the {v}.", "The {v} is the money of {c}.",
    ],
    "demonym": [
        "People from {c} are called {v}.", "The adjective of {c} is {v}.",
        "Something made in {c} is called {v}.", "A thing from {c} is {v}.",
    ],
    "domain": [
        "Internet addresses in {c} end in {v}.", "The internet domain of {c} is {v}.",
        "Web pages from {c} use the ending {v}.", "{c} has the internet ending {v}.",
    ],
}  # fmt: skip
# … and sentences that go on about it.
FOLLOWING = {
    "capital": ["Its capital is {v}.", "Its capital is {v}.", "The capital is {v}.",
                "The capital city is {v}.", "{v} is its capital."],
    "continent": ["It lies in {v}.", "The country is in {v}.", "It is part of {v}."],
    "language": ["People there speak {v}.", "The people speak {v}.", "Its language is {v}.",
                 "The main language is {v}."],
    "currency": ["People pay with the {v}.", "Its currency is the {v}.", "Its money is called {v}.",
                 "The currency is the {v}."],
    "demonym": ["Its people are called {v}.", "The adjective is {v}."],
    "domain": ["Its internet domain is {v}.", "Internet addresses there end in {v}.",
               "The internet domain is {v}."],
}  # fmt: skip
JOINED = {  # two facts in one sentence
    ("continent", "capital"): ["{c} is a country in {v} with the capital {w}.",
                               "{c} lies in {v}, and {w} is its capital.",
                               "{w} is the capital of {c}, a country in {v}."],
    ("capital", "language"): ["In {v}, the capital of {c}, people speak {w}.",
                              "Its capital is {v}, and people there speak {w}."],
    ("language", "currency"): ["People in {c} speak {v} and pay with the {w}.",
                               "They speak {v} there, and they pay with the {w}."],
    ("demonym", "language"): ["People from {c} are called {v} and speak {w}."],
    ("demonym", "capital"): ["{w} is the {v} capital.", "The {v} government sits in {w}."],
    ("continent", "currency"): ["{c}, a country in {v}, uses the {w}."],
}  # fmt: skip
TITLES = ["{c}\n", "{c}\n", "Encyclopaedia: {c}\n", "Article: {c}\n", "{c} (country)\n", "", "", ""]
BOX = [
    ("Capital", "capital"),
    ("Continent", "continent"),
    ("Language", "language"),
    ("Currency", "currency"),
    ("People", "demonym"),
    ("Internet domain", "domain"),
]
LIST_HEADINGS = [
    "Facts about countries.",
    "Countries of the world.",
    "A short list of facts.",
    "Did you know?",
    "",
]

IS_A = [
    "{x} is {k}.",
    "{x} is {k}.",
    "{x} is a kind of {b}.",
    "{x} belongs to the group of things called {b}.",
]
BOTH = [
    "Like {y}, {x} is {k}.",
    "{x} is {k}, and so is {y}.",
    "{x}, {y} and {z} belong together. Each is {k}.",
]
NOT = ["{x} is not {j}. It is {k}.", "{x} is {k}, not {j}."]
COMPARED = [
    "{b} is bigger than {a}.",
    "{a} is smaller than {b}.",
    "Of {a} and {b}, {b} is bigger.",
    "Compared with {b}, {a} is small.",
]
RACED = ["{b} is faster than {a}.", "{a} is slower than {b}.", "In a race, {b} beats {a}."]


def _upper(text):
    return text[0].upper() + text[1:]


def article(rng):
    """An article about one country: a few facts in a mixed order."""
    row = facts.draw_country(rng, "continent")
    known = [rel for rel in RELATIONS if (row.country, rel) not in facts.withheld()]
    count = min(rng.choice((1, 2, 3, 3, 4, 5, 6)), len(known))
    first = "continent" if rng.random() < 0.4 else rng.choice(known)
    rest = [rel for rel in rng.sample(known, len(known)) if rel != first][: count - 1]
    sentences = [rng.choice(NAMED[first]).format(c=row.country, v=getattr(row, first))]
    for relation in rest:
        frames = FOLLOWING if rng.random() < 0.7 else NAMED
        sentences.append(rng.choice(frames[relation]).format(c=row.country, v=getattr(row, relation)))
    return rng.choice(TITLES).format(c=row.country) + " ".join(sentences)


def joined(rng):
    """Sentences with two facts each."""
    sentences = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        first, second = rng.choice(list(JOINED))
        row = facts.draw_country(rng, first)
        if (row.country, second) in facts.withheld():
            continue
        frame = rng.choice(JOINED[first, second])
        if "{c}" not in frame and first != "demonym":  # "its" needs a country to refer to
            frame = "Let us look at {c}. " + frame
        sentences.append(frame.format(c=row.country, v=getattr(row, first), w=getattr(row, second)))
    return " ".join(sentences) or article(rng)


def box(rng):
    """A box of facts."""
    row = facts.draw_country(rng, "continent")
    lines = []
    for label, relation in BOX:
        if (row.country, relation) not in facts.withheld() and rng.random() < 0.75:
            lines.append(f"{label}: {getattr(row, relation)}")
    return "\n".join([f"Country: {row.country}", *lines])


def fact_list(rng):
    """Facts about different countries, one per line."""
    same = rng.choice(RELATIONS) if rng.random() < 0.6 else None
    lines = []
    for _ in range(rng.randint(2, 7)):
        relation = same or rng.choice(RELATIONS)
        row = facts.draw_country(rng, relation)
        lines.append(rng.choice(NAMED[relation]).format(c=row.country, v=getattr(row, relation)))
    return "\n".join([rng.choice(LIST_HEADINGS), *lines]).lstrip()


def things(rng):
    """What kind of thing something is."""
    sentences = []
    for _ in range(rng.choice((1, 2, 3, 4))):
        row, category = q.category_pair(rng)
        x, k, b = q.as_subject(row, category), q.an(q.KINDS[category]), q.KINDS[category]
        if (luck := rng.random()) < 0.5:
            text = rng.choice(IS_A).format(x=x, k=k, b=b)
        elif luck < 0.8:
            y, z = (q.as_subject(r, category) for r in rng.sample(nouns_by_category()[category], 2))
            if len({x, y, z}) < 3:
                continue
            text = rng.choice(BOTH).format(x=x, y=y, z=z, k=k)
        else:
            other = q.other_category(rng, category)
            text = rng.choice(NOT).format(x=x, k=k, j=q.an(q.KINDS[other]))
        sentences.append(_upper(text))
    return " ".join(sentences) or things(rng)


def comparisons(rng):
    """True sentences about sizes and speeds."""
    sentences = []
    for _ in range(rng.choice((1, 2, 3))):
        scale, frames = rng.choice([(q.SIZES, COMPARED), (q.SPEEDS, RACED)])
        a, b = q.two_of(rng, scale)
        sentences.append(_upper(rng.choice(frames).format(a=q.an(a), b=q.an(b))))
    return " ".join(sentences)


def document(rng):
    """An article, a box of facts, a list, or something about things and their sizes."""
    make = rng.choices((article, joined, box, fact_list, things, comparisons), (38, 12, 10, 20, 14, 6))[0]
    return make(rng)
