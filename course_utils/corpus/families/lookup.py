"""Look-ups: a list of keys and values in random pairings, then questions about the list.

Nothing can be known beforehand, so the answers have to be found in the text. Each list is
asked about several times, never in the order of the list. The words that serve as keys in the
evaluation are never keys in a document.
"""

import functools

from course_utils.corpus.lexicon import DAYS, all_words, column, first_names
from course_utils.corpus.routing import new_name
from course_utils.corpus.split import Item, held_out

SEPARATORS = [":", " =", " ->", " |", " is", " -", " =>", ","]

# Questions after a plain list; the answer follows after one space.
QUESTIONS = [
    "{k}{s}",
    "{k}{s}",
    "{k}{s}",  # the key alone, in the form of the list, is the most frequent
    "Question: {k}\nAnswer:",
    "Question: What is the value of {k}?\nAnswer:",
    "Input: {k}\nOutput:",
    "What is the value of {k}?",
    "Which value belongs to {k}?",
    "What goes with {k}?",
    "Find {k}:",
    "Look up {k}:",
    "The value of {k} is",
    "Key: {k}\nValue:",
    "Question: What belongs to {k}?\nAnswer:",
    "Q: {k}\nA:",
    "{k} ->",
    "{k} =",
    "{k}?",
    "For {k} the list says",
    "Next to {k} stands",
]
HEADINGS = [
    "",
    "",
    "",
    "List:\n",
    "Here is a list.\n",
    "Table:\n",
    "Remember these pairs:\n",
    "Read the list and answer the questions.\n",
    "Dictionary:\n",
    "Codes:\n",
    "Notes:\n",
]

# Stories: (kind of key, kind of value, fact, question for the value, question for the key or None)
STORIES = [
    ("name", "ball", "{k} has the {v}.", "What does {k} have?", "Who has the {v}?"),
    ("name", "room", "{k}'s room is {v}.", "Which room is {k}'s?", "Whose room is {v}?"),
    ("name", "place", "{k} lives in {v}.", "Where does {k} live?", "Who lives in {v}?"),
    (
        "name",
        "place",
        "{k} is travelling to {v}.",
        "Where is {k} travelling to?",
        "Who is travelling to {v}?",
    ),
    ("name", "spot", "{k} is in the {v}.", "Where is {k}?", "Who is in the {v}?"),
    ("name", "fruit", "{k} bought the {v}.", "What did {k} buy?", "Who bought the {v}?"),
    ("name", "animal", "{k} feeds the {v}.", "Which animal does {k} feed?", "Who feeds the {v}?"),
    ("name", "instrument", "{k} plays the {v}.", "What does {k} play?", "Who plays the {v}?"),
    ("name", "profession", "{k} is the {v}.", "What is {k}'s job?", "Who is the {v}?"),
    ("name", "age", "{k} is {v} years old.", "How old is {k}?", "Who is {v}?"),
    ("name", "phone", "{k}: {v}", "What is {k}'s number?", "Whose number is {v}?"),
    (
        "name",
        "phone",
        "{k}'s telephone number is {v}.",
        "What is the number of {k}?",
        "Who has the number {v}?",
    ),
    ("fruit", "price", "One {k} costs {v} pence.", "How much is one {k}?", "What costs {v} pence?"),
    ("dish", "price", "{k}: {v} pounds", "What is the price of the {k}?", "What costs {v} pounds?"),
    ("clothing", "price", "The {k} costs {v} pounds.", "How much is the {k}?", "What costs {v} pounds?"),
    (
        "place",
        "time",
        "Train to {k}: {v}",
        "When does the train to {k} leave?",
        "Where does the {v} train go?",
    ),
    (
        "place",
        "platform",
        "The bus to {k} leaves from stop {v}.",
        "Where does the bus to {k} leave?",
        "Which bus leaves from stop {v}?",
    ),
    (
        "sport",
        "time",
        "The {k} lesson starts at {v}.",
        "When does the {k} lesson start?",
        "What starts at {v}?",
    ),
    ("tool", "spot", "The {k} is in the {v}.", "Where is the {k}?", "What is in the {v}?"),
    ("animal", "colour", "The {k} is {v}.", "What colour is the {k}?", "Which animal is {v}?"),
    ("vehicle", "colour", "There is a picture of a {v} {k}.", "What colour is the {k}?", "What is {v}?"),
    ("toy", "box", "Box {v} holds the {k}.", "Which box holds the {k}?", "What is in box {v}?"),
    ("name", "team", "{k} is in the {v} team.", "Which team is {k} in?", "Who is in the {v} team?"),
    ("name", "day", "{k} works on {v}.", "When does {k} work?", "Who works on {v}?"),
]
STORY_LAYOUTS = ["Question: {q}\nAnswer:", "Question: {q}\nAnswer:", "{q}", "Q: {q}\nA:", "User: {q}\nAgent:"]
SPOTS = (
    "kitchen",
    "garden",
    "library",
    "garage",
    "attic",
    "cellar",
    "hall",
    "office",
    "shed",
    "bathroom",
    "school",
    "park",
    "market",
    "station",
    "barn",
    "forest",
)
LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
KEY_KINDS = ["word", "word", "word", "noun", "name", "place", "number", "letter"]
VALUE_KINDS = [
    "word",
    "word",
    "word",
    "noun",
    "name",
    "place",
    "number",
    "number",
    "letter",
    "colour",
    "new name",
]


@functools.cache
def words_of(kind):
    """All words (or numbers) of one kind."""
    if kind == "word":
        return all_words()
    if kind == "noun":
        return column("nouns", "noun")
    if kind == "name":
        return first_names()
    if kind == "place":
        return column("places", "place")
    if kind == "ball":
        things = ("ball", "box", "cup", "hat", "book", "bag", "kite", "pen", "coat", "car")
        return tuple(f"{c} {t}" for c in ("red", "green", "blue", "yellow", "white", "black") for t in things)
    if kind == "time":
        return tuple(f"{hour}:{minute:02}" for hour in range(6, 22) for minute in range(0, 60, 5))
    ranges = {
        "number": (10, 999),
        "room": (1, 99),
        "age": (4, 90),
        "phone": (100, 999),
        "price": (2, 99),
        "platform": (1, 30),
        "box": (1, 30),
    }
    if kind in ranges:
        low, high = ranges[kind]
        return tuple(str(number) for number in range(low, high + 1))
    fixed = {
        "spot": SPOTS,
        "day": DAYS,
        "letter": LETTERS,
        "team": ("red", "blue", "green", "yellow", "white", "black", "orange", "purple"),
    }
    return fixed.get(kind) or categories()[kind]


@functools.cache
def categories():
    """{category: nouns}."""
    groups = {}
    for noun, category in zip(column("nouns", "noun"), column("nouns", "category"), strict=True):
        groups.setdefault(category, []).append(noun)
    return groups


@functools.cache
def keys_of(kind, wanted):
    """The words of a kind that may be keys in documents (wanted=False) or in the evaluation."""
    return tuple(word for word in words_of(kind) if held_out("lookup", word) == wanted)


def draw_pairs(rng, key_kind, value_kind, count, wanted=False):
    """A list of (key, value) with distinct keys and distinct values, no word in both roles."""
    pool = keys_of(key_kind, wanted)
    keys = rng.sample(pool, min(count, len(pool)))
    if value_kind == "new name":
        values = [new_name(rng) for _ in keys]
    else:
        candidates = rng.sample(words_of(value_kind), min(2 * count, len(words_of(value_kind))))
        values = [v for v in candidates if v not in keys]
    return list(zip(keys, values, strict=False))


def question_order(rng, count, asked):
    """Indices to ask about; in longer lists none right after the one that it follows in the list."""
    order = [rng.randrange(count)]
    while len(order) < asked:
        index = rng.randrange(count)
        if count < 4 or index not in (order[-1], order[-1] + 1):
            order.append(index)
    return order


def list_document(rng):
    """A plain list of pairs and questions in one form."""
    count = rng.randint(2, 12)
    pairs = draw_pairs(rng, rng.choice(KEY_KINDS), rng.choice(VALUE_KINDS), count)
    separator, gap = rng.choice(SEPARATORS), rng.choice(("\n", "\n", "\n", "; ", ", "))
    if separator == "," and gap == ", ":
        gap = "\n"
    question = rng.choice(QUESTIONS)
    lines = [f"{k}{separator} {v}" for k, v in pairs]
    asked = question_order(rng, len(pairs), rng.randint(1 + len(pairs) // 2, 3 + len(pairs)))
    answers = [question.format(k=pairs[i][0], s=separator) + " " + pairs[i][1] for i in asked]
    return rng.choice(HEADINGS) + gap.join(lines) + rng.choice(("\n", "\n\n")) + "\n".join(answers)


def story_document(rng):
    """Sentences of one pattern and questions in both directions."""
    key_kind, value_kind, fact, ask_value, ask_key = rng.choice(STORIES)
    pairs = draw_pairs(rng, key_kind, value_kind, rng.randint(2, 9))
    layout, gap = rng.choice(STORY_LAYOUTS), rng.choice((" ", " ", "\n"))
    lines = [fact.format(k=k, v=v) for k, v in pairs]
    lines = [line if line.endswith(".") or gap == "\n" else line + "." for line in lines]
    answers = []
    for i in question_order(rng, len(pairs), rng.randint(1 + len(pairs) // 2, 2 + len(pairs))):
        k, v = pairs[i]
        ask, answer = (ask_value, v) if rng.random() < 0.6 else (ask_key, k)
        answers.append(layout.format(q=ask.format(k=k, v=v)) + " " + answer)
    return capitalise(gap.join(lines)) + "\n" + "\n".join(answers)


def capitalise(text):
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]


def document(rng):
    """One list or story with several questions."""
    return list_document(rng) if rng.random() < 0.6 else story_document(rng)


def item(rng, pairs=8, separator=":", key_kind="word", value_kind="word"):
    """A list whose keys are never keys in a document, and one key to look up."""
    chosen = draw_pairs(rng, key_kind, value_kind, pairs, wanted=True)
    key, value = rng.choice(chosen)
    lines = [f"{k}{separator} {v}" for k, v in chosen]
    return Item("\n".join(lines) + f"\n\n{key}{separator}", value)


def item_story(rng, pairs=4, about="value"):
    """People and places or things, with names that are never keys in a document."""
    stories = [story for story in STORIES if story[0] == "name" and not story[2].startswith("{k}:")]
    key_kind, value_kind, fact, ask_value, ask_key = rng.choice(stories)
    chosen = draw_pairs(rng, key_kind, value_kind, pairs, wanted=True)
    k, v = rng.choice(chosen)
    ask, answer = (ask_value, v) if about == "value" else (ask_key, k)
    text = " ".join([fact.format(k=a, v=b) for a, b in chosen])
    return Item(f"{text}\nQuestion: {ask.format(k=k, v=v)}\nAnswer:", answer)
