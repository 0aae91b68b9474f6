"""Classification from examples in the text, with labels that can be any words.

A document shows inputs of two to four classes with their labels. The labels are often random
words, so the reader has to learn from the examples what they mean. Kept for the evaluation:
some pairs of noun categories, some label words, and two whole concepts.
"""

import functools

from course_utils.corpus.facts import known
from course_utils.corpus.lexicon import all_words, column, first_names, nouns_by_category, surnames, table
from course_utils.corpus.routing import new_name
from course_utils.corpus.split import Item, held_out

# Two forms of every example: the input as far as the label, and what joins two examples.
LAYOUTS = [
    ("Input: {x}\nLabel:", "\n"),
    ("Input: {x}\nLabel:", "\n\n"),
    ("Input: {x}\nOutput:", "\n"),
    ("Input: {x}\nOutput:", "\n\n"),
    ("{x} ->", "\n"),
    ("{x} ->", "\n"),
    ("{x} =>", "\n"),
    ("{x} |", "\n"),
    ("{x}:", "\n"),
    ("{x} =", "\n"),
    ('"{x}" is', "\n"),
    ('"{x}" ->', "\n"),
    ("Text: {x}\nClass:", "\n"),
    ("Text: {x}\nClass:", "\n\n"),
    ("Text: {x}\nLabel:", "\n"),
    ("Question: {x}\nAnswer:", "\n"),
    ("Question: {x}\nAnswer:", "\n\n"),
    ("Q: {x}\nA:", "\n"),
    ("Example: {x}\nGroup:", "\n"),
    ("Word: {x}\nType:", "\n"),
    ("Item: {x}\nKind:", "\n"),
    ("{x} /", "\n"),
    ("({x}) is in group", "\n"),
    ("The label of {x} is", "\n"),
    ("Sort {x} into", "\n"),
    ("Message: {x}\nRecord:", "\n\n"),
    ("Message: {x}\nTeam:", "\n\n"),
    ("Message: {x}\nRecord: Team:", "\n\n"),
    ("Text: {x}\nRecord: Label:", "\n\n"),
    ("Mail: {x}\nForm: Group:", "\n"),
    ("Letter: {x}\nSummary: Topic:", "\n\n"),
    ("Note: {x}\nEntry: Kind:", "\n"),
]
HEADINGS = [
    "",
    "",
    "",
    "",
    "",
    "Sort the inputs.\n",
    "Find the label.\n",
    "Learn from the examples.\n",
    "Which label is right?\n",
    "Put each one into its group.\n",
    "Continue in the same way.\n\n",
]

# Sentences that name one thing.
MENTIONS = [
    "I saw the {n} this morning.",
    "There is a picture of the {n} on the wall.",
    "{p} likes the {n}.",
    "The {n} was near the house.",
    "We talked about the {n}.",
    "{p} drew the {n} for me.",
    "Look at the {n}!",
    "Where is the {n}?",
    "My friend wrote a story about the {n}.",
    "Yesterday {p} asked me about the {n}.",
    "The {n} is in the book.",
    "{p} dreamed of the {n}.",
]

# Opinions: a thing and a good or bad word about it, in one frame.
GOOD = (
    "wonderful",
    "excellent",
    "lovely",
    "great",
    "fantastic",
    "perfect",
    "delightful",
    "amazing",
    "superb",
    "good",
    "brilliant",
    "pleasant",
    "beautiful",
    "charming",
    "splendid",
    "enjoyable",
)
BAD = (
    "terrible",
    "awful",
    "horrible",
    "bad",
    "dreadful",
    "poor",
    "disappointing",
    "boring",
    "nasty",
    "unpleasant",
    "lousy",
    "useless",
    "disgusting",
    "dull",
    "annoying",
    "miserable",
)
THINGS = (
    "film",
    "book",
    "hotel",
    "meal",
    "soup",
    "concert",
    "room",
    "service",
    "story",
    "play",
    "walk",
    "trip",
    "party",
    "shop",
    "garden",
    "song",
    "game",
    "picture",
    "cake",
    "coffee",
    "lesson",
    "museum",
    "beach",
    "view",
    "phone",
    "chair",
    "coat",
    "pizza",
    "holiday",
    "journey",
)
OPINIONS = [  # {a} is the adjective, {aa} the adjective with its article
    "The {t} was {a}.",
    "What {aa} {t}!",
    "I found the {t} {a}.",
    "The {t} is really {a}.",
    "We had {aa} {t}.",
    "We thought that the {t} was {a}.",
    "{p} said the {t} was {a}.",
    "It was {aa} {t}.",
    "Such {aa} {t}.",
    "Everybody says the {t} is {a}.",
    "In my opinion the {t} was {a}.",
    "The {t} here is just {a}.",
]

# Categories whose nouns fit into the sentences about things that one can see.
VISIBLE = (
    "animal",
    "bird",
    "insect",
    "fruit",
    "vegetable",
    "tool",
    "clothing",
    "furniture",
    "vehicle",
    "instrument",
    "flower",
    "tree",
    "profession",
    "building",
    "toy",
    "kitchen",
    "office",
)

QUESTIONS = [
    "Where is the {n}?",
    "Have you seen the {n}?",
    "Who took the {n}?",
    "Is this the {n}?",
    "What colour is the {n}?",
    "When did you buy the {n}?",
    "Do you like the {n}?",
]
STATEMENTS = [
    "The {n} is here.",
    "I have seen the {n}.",
    "{p} took the {n}.",
    "This is the {n}.",
    "The {n} is old.",
    "We bought the {n} on Monday.",
    "I like the {n}.",
]


def _cities():
    return tuple(row.capital for row in known("common", "capital"))


@functools.cache
def word_classes():
    """Concepts whose classes are word lists: {concept: {natural label: words}}."""
    nouns, adjectives, verbs = table("nouns"), table("adjectives"), table("verbs")
    plain = tuple(row.noun for row in nouns)
    bases = {row.verb for row in verbs}
    described = {row.adjective for row in adjectives}
    pure = {
        "noun": tuple(w for w in plain if w not in bases | described),
        "verb": tuple(r.verb for r in verbs if r.verb not in {*plain, *described}),
        "adjective": tuple(r.adjective for r in adjectives if r.adjective not in {*plain, *bases}),
    }
    return {
        "gender": {"female": first_names("f"), "male": first_names("m")},
        "tense": {"past": column("verbs", "past"), "present": column("verbs", "third")},
        "ing": {"ing": column("verbs", "gerund"), "base": column("verbs", "verb")},
        "number": {
            "plural": tuple(r.plural for r in nouns if r.plural not in ("", r.noun)),
            "singular": tuple(r.noun for r in nouns if r.plural not in ("", r.noun)),
        },
        "case": {"upper": tuple(w.upper() for w in plain), "lower": plain},
        "initial": {"capital": tuple(w.capitalize() for w in plain), "small": plain},
        "place": {"country": column("countries", "country"), "city": _cities()},
        "proper": {"person": first_names(), "place": column("places", "place")},
        "family": {"first": first_names(), "family": surnames()},
        "degree": {
            "more": tuple(r.comparative for r in adjectives),
            "most": tuple(r.superlative for r in adjectives),
        },
        "speech": pure,
        "digits": {"number": tuple(str(n) for n in range(1000)), "word": all_words()},
        "size": {"small": tuple(str(n) for n in range(10)), "big": tuple(str(n) for n in range(100, 1000))},
        "name": {"name": first_names(), "word": plain},
        "mood": {"good": tuple(GOOD), "bad": tuple(BAD)},
    }


@functools.cache
def label_words(wanted):
    """The words that may be random labels in documents (wanted=False) or in the evaluation."""
    return tuple(word for word in all_words() if held_out("label", word) == wanted)


def draw_categories(rng, categories, count, wanted=False):
    """Distinct categories; in documents no two of them are a held-out pair."""
    while True:
        names = rng.sample(categories, count)
        pairs = [sorted((a, b)) for i, a in enumerate(names) for b in names[:i]]
        if all(held_out("categories", *pair) == wanted for pair in pairs):
            return names


def noun(rng, category):
    """A noun of a category."""
    return rng.choice(nouns_by_category()[category]).noun


def sentence(rng, frames, **words):
    """One of the frames with the words and a first name filled in."""
    return rng.choice(frames).format(p=rng.choice(first_names()), **words)


def opinion(rng, adjectives, wanted):
    """A good or bad sentence; the pair of thing and adjective is held out or not."""
    while True:
        thing, adjective = rng.choice(THINGS), rng.choice(adjectives)
        if held_out("opinion", thing, adjective) == wanted:
            article = "an" if adjective[0] in "aeiou" and adjective != "useless" else "a"
            return sentence(rng, OPINIONS, t=thing, a=adjective, aa=f"{article} {adjective}")


def draw_concept(rng, concept, wanted=False):
    """{natural label: function that draws an input} for one concept."""
    if concept in ("category", "mention"):
        count = 2 if wanted else rng.choice((2, 2, 2, 3, 3, 4))
        categories = tuple(nouns_by_category()) if concept == "category" else VISIBLE
        names = draw_categories(rng, categories, count, wanted)
        if concept == "category":
            return {name: lambda name=name: noun(rng, name) for name in names}
        return {name: lambda name=name: sentence(rng, MENTIONS, n=noun(rng, name)) for name in names}
    if concept == "sentiment":
        return {"positive": lambda: opinion(rng, GOOD, wanted), "negative": lambda: opinion(rng, BAD, wanted)}
    if concept == "question":
        return {
            "question": lambda: sentence(rng, QUESTIONS, n=noun(rng, rng.choice(VISIBLE))),
            "statement": lambda: sentence(rng, STATEMENTS, n=noun(rng, rng.choice(VISIBLE))),
        }
    if concept == "same":
        words = label_words(False)
        return {
            "same": lambda: " ".join([rng.choice(words)] * 2),
            "different": lambda: " ".join(rng.sample(words, 2)),
        }
    classes = word_classes()[concept]
    return {label: lambda words=words: rng.choice(words) for label, words in classes.items()}


CONCEPTS = (
    "category",
    "mention",
    "sentiment",
    "question",
    "same",
    "gender",
    "tense",
    "ing",
    "number",
    "case",
    "initial",
    "place",
    "proper",
    "family",
    "degree",
    "speech",
    "digits",
    "size",
    "name",
    "mood",
)
WEIGHTS = (12, 4, 5, 1, 1, 2, 2, 1, 2, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1)


def draw_labels(rng, natural):
    """A label for every class: mostly random words, sometimes the right name, digits or letters."""
    style, count = rng.random(), len(natural)
    if style < 0.22:
        return list(natural)
    if style < 0.3:
        return rng.sample("0123456789", count)
    if style < 0.38:
        return rng.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", count)
    if style < 0.43:
        return rng.sample(("true", "false", "yes", "no"), count)
    if style < 0.55:
        return [new_name(rng) for _ in natural]
    return rng.sample(label_words(False), count)


def add_examples(makers, order, examples):
    """Add a new input for every class index in `order` to `examples`, {input: class index}."""
    for index in order:
        for _ in range(20):
            text = makers[index]()
            if text not in examples:
                examples[text] = index
                break
    return examples


def document(rng):
    """One list of labeled examples; in some, inputs come back a second time."""
    concept = rng.choices(CONCEPTS, WEIGHTS)[0]
    classes = draw_concept(rng, concept)
    labels = draw_labels(rng, tuple(classes))
    makers = list(classes.values())
    longest = 12 if concept in ("mention", "sentiment", "question") else 20
    # every class occurs at least once; the rest is drawn freely, so that counting labels does not help
    order = [*range(len(makers)), *rng.choices(range(len(makers)), k=rng.randint(2, longest - len(makers)))]
    rng.shuffle(order)
    examples = list(add_examples(makers, order, {}).items())
    if rng.random() < 0.25:
        examples += rng.sample(examples, len(examples) // 2)
    frame, gap = rng.choice(LAYOUTS)
    end = rng.choice((".", ";")) if rng.random() < 0.08 else ""
    return rng.choice(HEADINGS) + gap.join([f"{frame.format(x=x)} {labels[i]}{end}" for x, i in examples])


def _item(rng, makers, labels, shots, layout):
    """Examples, and one input that is not among them."""
    frame, gap = layout
    order = [i % len(makers) for i in range(shots)]
    rng.shuffle(order)
    inputs = add_examples(makers, [*order, rng.randrange(len(makers))], {})
    *examples, (query, index) = inputs.items()
    parts = [f"{frame.format(x=x)} {labels[i]}" for x, i in examples] + [frame.format(x=query)]
    return Item(gap.join(parts), labels[index])


def item(rng, shots=8, concept="category", labels="unseen", layout=("Input: {x}\nLabel:", "\n")):
    """A held-out pair of categories (or held-out opinions) after `shots` labeled examples.

    labels: "unseen" words that are no label in any document, "seen" random words, or "natural".
    """
    classes = draw_concept(rng, concept, wanted=True)
    names = list(classes)
    if labels != "natural":
        names = rng.sample(label_words(labels == "unseen"), len(classes))
    return _item(rng, list(classes.values()), names, shots, layout)


def item_new_concept(rng, shots=8, concept="vowel", layout=("Input: {x}\nLabel:", "\n")):
    """A concept that no document uses: first letter a "vowel" or not, or a number "even" or odd."""
    if concept == "vowel":
        words = column("nouns", "noun")
        groups = [[w for w in words if w[0] in "aeiou"], [w for w in words if w[0] not in "aeiou"]]
    else:
        groups = [[str(n) for n in range(100) if n % 2 == odd] for odd in (0, 1)]
    makers = [lambda group=group: rng.choice(group) for group in groups]
    return _item(rng, makers, rng.sample(label_words(True), 2), shots, layout)
