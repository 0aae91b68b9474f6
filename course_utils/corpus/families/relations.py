"""Lists of examples of one relation: France -> Paris, mouse -> mice, big -> bigger.

Every document keeps to one relation and often does not name it, so the first pair is ambiguous
and the reader has to find the relation in the examples. Some documents state the task in front,
some consist of a single pair. A query word is held out per relation: no list has it (the words
themselves are stated in dictionary.py).
"""

import functools
import itertools

from course_utils.corpus import facts
from course_utils.corpus.lexicon import FOLDER, RELATIONS, table
from course_utils.corpus.split import Item, held_out

# Lines in front of the list: what to do with each word.
INSTRUCTIONS = {
    "capital": [
        "Name the capital.",
        "Give the capital of each country.",
        "Countries and their capitals:",
        "What is the capital?",
    ],
    "continent": ["Name the continent.", "On which continent is the country?", "Countries and continents:"],
    "language": ["Name the language.", "Which language do people speak there?", "Countries and languages:"],
    "currency": ["Name the currency.", "What do people pay with?", "Countries and their money:"],
    "demonym": ["Give the adjective of the country.", "What are the people called?", "Countries and people:"],
    "domain": ["Give the internet domain.", "Countries and their internet domains:", "Name the domain."],
    "country": ["Name the country.", "Which country has this capital?", "Capitals and their countries:"],
    "plural": ["Give the plural.", "Write the plural.", "One and many:", "What is the plural?"],
    "singular": ["Give the singular.", "Write the singular.", "Many and one:"],
    "comparative": ["Give the comparative.", "Write the comparative form.", "Compare:"],
    "superlative": ["Give the superlative.", "Write the superlative form.", "The most of all:"],
    "opposite": ["Give the opposite.", "Write the opposite.", "Opposites:", "What is the opposite?"],
    "past": [
        "Give the past tense.",
        "Write the past form.",
        "Today and yesterday:",
        "What is the past tense?",
    ],
    "gerund": ["Give the form with ing.", "Write the gerund.", "What is the ing form?"],
    "third": ["Give the form for he and she.", "Write the form with s.", "I and he:"],
    "base": ["Give the base form of the verb.", "Yesterday and today:", "Write the present tense."],
    "category": ["Name the category.", "What kind of thing is it?", "Sort the words into groups.", "Kinds:"],
    "first letter": ["Give the first letter.", "What is the first letter?", "Words and first letters:"],
    "last letter": ["Give the last letter.", "What is the last letter?", "Words and last letters:"],
    "capitals": ["Write the word in capitals.", "Write in capital letters.", "Use capitals."],
    "letters": ["How many letters?", "Count the letters.", "Words and their length:"],
    "german": ["Translate into German.", "Give the German word.", "English and German:", "Say it in German."],
    "english": ["Translate into English.", "Give the English word.", "German and English:"],
}
COUNTRY_RELATIONS = (*RELATIONS, "country")
SPELLING = (
    "first letter",
    "last letter",
    "capitals",
    "letters",
)  # a model of whole words hardly sees letters

UNSEEN_FRAMES = {
    "capital": ["Which city is the capital?", "Write down the capital city."],
    "plural": ["Now more than one.", "Turn each word into its plural."],
    "opposite": ["Say the word that means the contrary.", "Turn each word into its opposite."],
    "past": ["Put the verb into the past.", "Turn each verb into the past tense."],
    "german": ["What is this in German?", "Turn each word into German."],
}

# (what stands before the answer, the line or lines with the answer, what joins two examples)
LAYOUTS = {
    "arrow": ("{x} ->", " {y}", "\n"),
    "comma arrow": ("{x} ->", " {y}", ", "),
    "wide arrow": ("{x} =>", " {y}", "\n"),
    "equals": ("{x} =", " {y}", "\n"),
    "colon": ("{x}:", " {y}", "\n"),
    "semicolon": ("{x}:", " {y}", "; "),
    "bar": ("{x} |", " {y}", "\n"),
    "dash": ("- {x} -", " {y}", "\n"),
    "input": ("Input: {x}\nOutput:", " {y}", "\n"),
    "input gap": ("Input: {x}\nOutput:", " {y}", "\n\n"),
    "question": ("Question: {x}\nAnswer:", " {y}", "\n"),
    "question gap": ("Question: {x}\nAnswer:", " {y}", "\n\n"),
    "short question": ("Q: {x}\nA:", " {y}", "\n"),
    "word": ("Word: {x}\nResult:", " {y}", "\n"),
    "given": ("Given {x}, write", " {y}.", "\n"),
    "becomes": ("{x} becomes", " {y}.", " "),
    "goes with": ("{x} goes with", " {y}.", " "),
    "quoted": ('"{x}" ->', ' "{y}"', "\n"),
    "bracket": ("({x},", " {y})", " "),
}
NAMES = list(LAYOUTS)
WEIGHTS = [8, 2, 1, 2, 2, 1, 1, 1, 5, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1]
ANALOGIES = [
    "{x} is to {y} as {a} is to",
    "{x} goes with {y}. In the same way, {a} goes with",
    "{x} and {y} belong together, just as {a} and",
]


@functools.cache
def pairs(relation):
    """All (query, answer) pairs of a relation; for countries only those that are well known."""
    nouns, adjectives, verbs = table("nouns"), table("adjectives"), table("verbs")
    if relation == "country":
        all_pairs = [(row.capital, row.country) for row in facts.known("common", "capital")]
    elif relation in RELATIONS:
        all_pairs = [(row.country, getattr(row, relation)) for row in facts.known("common", relation)]
    elif relation == "plural":
        all_pairs = [(row.noun, row.plural) for row in nouns]
    elif relation == "singular":
        all_pairs = [(row.plural, row.noun) for row in nouns]
    elif relation in ("comparative", "superlative", "opposite"):
        all_pairs = [(row.adjective, getattr(row, relation)) for row in adjectives]
    elif relation in ("past", "gerund", "third"):
        all_pairs = [(row.verb, getattr(row, relation)) for row in verbs]
    elif relation == "base":
        all_pairs = [(row.past, row.verb) for row in verbs]
    elif relation == "category":
        all_pairs = [(row.noun, row.category) for row in nouns]
    elif relation in ("german", "english"):
        german = [row for row in table("german") if row.kind == "noun"] if has_german() else []
        both = [(row.english, row.german) for row in german]
        all_pairs = both if relation == "german" else [(y, x) for x, y in both]
    else:
        words = [row.noun for row in nouns] + [row.adjective for row in adjectives] + [r.verb for r in verbs]
        spell = {
            "first letter": lambda w: w[0],
            "last letter": lambda w: w[-1],
            "capitals": str.upper,
            "letters": lambda w: str(len(w)),
        }[relation]
        all_pairs = [(word, spell(word)) for word in words]
    first = {}
    for x, y in all_pairs:  # a query word that occurs twice keeps its first answer
        if x and y:
            first.setdefault(x, y)
    return tuple(first.items())


def has_german():
    """True if the German word list exists."""
    return (FOLDER / "german.csv").exists()


@functools.cache
def relations():
    """The relations that have pairs."""
    return tuple(name for name in INSTRUCTIONS if pairs(name))


@functools.cache
def split_pairs(relation, wanted):
    """The pairs whose query word is held out (wanted) or may stand in the corpus.

    A held-out pair that a list of another relation may show (Croatia, Croatian: the people and the
    language) is neither.
    """
    chosen = tuple(p for p in pairs(relation) if held_out("relation", relation, p[0]) == wanted)
    if wanted:
        shown = {p for other in relations() if other != relation for p in split_pairs(other, False)}
        chosen = tuple(p for p in chosen if p not in shown)
    return chosen


def draw_pairs(rng, relation, count):
    """Distinct pairs for a document. Countries are drawn by frequency, so rare ones occur too."""
    if relation not in COUNTRY_RELATIONS:
        known = split_pairs(relation, False)
        return rng.sample(known, min(count, len(known)))
    answers = {}
    for _ in range(count):
        row = facts.draw_country(rng, "capital" if relation == "country" else relation)
        pair = (row.capital, row.country) if relation == "country" else (row.country, getattr(row, relation))
        if not held_out("relation", relation, pair[0]):
            answers[pair[0]] = pair[1]
    return list(answers.items()) or draw_pairs(rng, relation, count)


def analogies(rng, chosen):
    """The pairs, two by two, as sentences."""
    frame = rng.choice(ANALOGIES)
    lines = [f"{frame.format(x=x, y=y, a=a)} {b}." for (x, y), (a, b) in itertools.pairwise(chosen)]
    return "\n".join(lines[:: rng.choice((1, 2))])


def document(rng):
    """One list of examples."""
    meaning = [name for name in relations() if name not in SPELLING]
    relation = rng.choice(SPELLING if rng.random() < 0.1 else meaning)
    count = 1 if rng.random() < 0.12 else rng.randint(2, rng.choice((6, 12, 20)))
    chosen = draw_pairs(rng, relation, count)
    if len(chosen) > 1 and rng.random() < 0.1:
        text = analogies(rng, chosen[:9])
    else:
        ask, answer, gap = LAYOUTS[rng.choices(NAMES, WEIGHTS)[0]]
        text = gap.join([(ask + answer).format(x=x, y=y) for x, y in chosen])
    if rng.random() < 0.3:
        text = rng.choice(INSTRUCTIONS[relation]) + rng.choice(("\n", "\n", "\n\n")) + text
    return text


def item(rng, relation="plural", shots=4, layout="arrow", instruction=False, unseen=False):
    """A held-out query after `shots` examples; shots=0 without an instruction is ambiguous.

    unseen=True puts an instruction in front whose wording is in no document. The layout has to be
    one with a line for each answer ("arrow", "colon", "input", "question", …).
    """
    examples = rng.sample(split_pairs(relation, False), shots)
    x, y = rng.choice(split_pairs(relation, True))
    ask, answer, gap = LAYOUTS[layout]
    parts = [(ask + answer).format(x=a, y=b) for a, b in examples] + [ask.format(x=x)]
    head = ""
    if unseen:
        head = rng.choice(UNSEEN_FRAMES[relation]) + "\n"
    elif instruction:
        head = rng.choice(INSTRUCTIONS[relation]) + "\n"
    return Item(head + gap.join(parts), answer.format(y=y).strip().rstrip("."))
