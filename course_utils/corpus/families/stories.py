"""Stories and other everyday texts: plain English for the base model, with no task in it.

Short plots with a beginning, a middle and an end, scenes, diary pages, weather reports, recipes,
letters and local news. The frames are the lines of data/corpus/stories.txt. {a} and {b} are two
people; {she}, {She}, {her} belong to {a}.
"""

import functools

from course_utils.corpus.lexicon import FOLDER, column, first_names, nouns_by_category, surnames

# How often a kind of text is drawn.
KINDS = {"plot": 40, "scene": 20, "diary": 8, "weather": 8, "recipe": 8, "letter": 8, "news": 8}

# A plot may get a title if it is about the title's word.
TITLES = {
    "{animal}": "The {adj} {animal}",
    "{toy}": "The {toy}",
    "{tool}": "The {tool}",
    "{building}": "At the {building}",
    "{b}": "{a} and {b}",
    "{place}": "A day in {place}",
}

CATEGORIES = (
    ("animal", "bird", "fruit", "vegetable", "tool", "clothing", "furniture", "vehicle", "instrument")
    + ("drink", "dish", "sport", "colour", "tree", "profession", "building", "toy", "insect", "kitchen")
)  # fmt: skip
# Words that do not fit "a {noun}" or "{number} {plural}".
LEFT_OUT = frozenset(
    ("pasta", "muesli", "porridge", "risotto", "roast", "pliers", "scissors", "dice", "sandpit", "desk")
)
SLOTS = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "room": "kitchen bedroom bathroom cellar attic hall garage garden library",
    "family": "sister brother mother father aunt uncle friend neighbour grandmother",
    "title": "Mr Mrs Doctor",
    "adj": "big small young quiet loud strange happy sad clever slow fast grey thin fat strong weak friendly",
    "mood": "lovely cold dark beautiful quiet strange long boring short mild bright busy hard grey",
    "fit": "big small long short wide tight thin warm heavy old",
    "weather": "rain snow fog hail thunder sunshine drizzle frost wind mist lightning ice",
    "weather2": "rain snow fog hail thunder sunshine drizzle frost wind mist",
    "metal": "golden silver copper brass iron steel rusty",
    "pot": "pan pot bowl saucepan",
}
SLOTS = {slot: tuple(words.split()) for slot, words in SLOTS.items()}


@functools.cache
def frames():
    """{kind: (frame, …)} from the text file."""
    kinds = {}
    for line in (FOLDER / "stories.txt").read_text(encoding="utf-8").splitlines()[1:]:
        kind, _, text = line.partition("\t")
        kinds.setdefault(kind, []).append(text.replace("\\n", "\n"))
    return {kind: tuple(texts) for kind, texts in kinds.items()}


@functools.cache
def _rows(category):
    return tuple(row for row in nouns_by_category()[category] if row.noun not in LEFT_OUT)


def _a(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def _people(rng):
    """The names {a} and {b}, and the pronouns of {a}."""
    gender = rng.choice("fm")
    a, b = rng.choice(first_names(gender)), rng.choice(first_names())
    while b == a:
        b = rng.choice(first_names())
    she, her, her_own = ("she", "her", "her") if gender == "f" else ("he", "him", "his")
    return {"a": a, "b": b, "she": she, "She": she.title(), "her": her, "her_own": her_own}


def _cast(rng):
    """Words for every slot of the frames."""
    slots = _people(rng)
    for category in CATEGORIES:
        row = rng.choice(_rows(category))
        slots[category] = row.noun
        slots[category + "s"] = row.plural
        slots["a_" + category] = _a(row.noun)
    for slot, words in SLOTS.items():
        slots[slot] = rng.choice(words)
    slots["place"], slots["place2"] = rng.sample(column("places", "place"), 2)
    slots["surname"], slots["surname2"] = rng.sample(surnames(), 2)
    slots["n"], slots["k"] = rng.randint(3, 60), rng.randint(2, 28)
    slots["n2"], slots["h"] = rng.randint(10, 90), rng.randint(1, 12)
    slots["a_clothing2"] = _a(rng.choice(_rows("clothing")).noun)
    slots["a_metal"] = _a(slots["metal"])
    slots["Fruit"] = slots["fruit"].capitalize()
    slots["A_bird"], slots["A_animal"] = (slots[s].capitalize() for s in ("a_bird", "a_animal"))
    return slots


def document(rng):
    """One text; a plot sometimes has a title, and scenes may follow each other."""
    slots = _cast(rng)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    frame = rng.choice(frames()[kind])
    text = frame.format(**slots)
    if kind == "plot" and rng.random() < 0.3:
        titles = [title for word, title in TITLES.items() if word in frame]
        return f"{rng.choice(titles).format(**slots)}\n\n{text}" if titles else text
    if kind == "scene" and rng.random() < 0.6:
        people = {key: slots[key] for key in ("a", "b", "she", "She", "her", "her_own")}
        more = rng.sample([f for f in frames()["scene"] if f is not frame], rng.randint(1, 2))
        return " ".join([text, *(f.format(**(_cast(rng) | people)) for f in more)])
    return text
