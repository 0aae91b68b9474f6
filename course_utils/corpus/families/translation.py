"""Translation: small English sentences and their German, from a grammar that inflects correctly.

A German noun has a gender (m, f, n); the article follows gender and case: der Hund is big,
but one sees den Hund. Only the masculine changes in the accusative, so the tables below are short.
"""

import functools

from course_utils.corpus.lexicon import table
from course_utils.corpus.split import Item, draw_until

# Article by gender: nominative (the subject) and accusative (the object).
THE = {"m": "der", "f": "die", "n": "das"}
THE_ACC = {"m": "den", "f": "die", "n": "das"}
A = {"m": "ein", "f": "eine", "n": "ein"}  # also the ending of mein, dein, kein
A_ACC = {"m": "einen", "f": "eine", "n": "ein"}
COLOR_ENDING = {"m": "en", "f": "e", "n": "es"}  # einen roten Hut, eine rote Tür, ein rotes Auto


def words_of(text):
    """The words of a line, as a list."""
    return text.split()


PEOPLE = words_of(
    "man woman child girl teacher doctor friend brother sister mother father son daughter king queen baker"
)
ANIMALS = words_of("dog cat horse cow bird fish mouse sheep pig duck goat frog")
FOOD = words_of("apple pear egg cake potato bread fish")
FEELINGS = words_of("young strong weak tired hungry thirsty happy sad healthy ill friendly clever")
THINGS_ONLY = words_of("new clean dirty warm cold heavy light expensive cheap dry wet long short good bad")
ANY_NOUN = words_of("big small old beautiful ugly")
ANIMAL_VERBS = words_of("sleep run come wait")  # what an animal may do as well as a person
PERSON_VERBS = words_of("laugh sing dance swim play work cry learn cook read drink write")
ABOUT_THINGS = words_of("see find need buy sell draw bring forget take show carry clean")
ABOUT_LIVING = words_of("see find love know visit hear draw ask")
TOO_BIG = words_of("house garden tree bridge street school church city village mountain river room kitchen")
ABOUT_PLACES = words_of("see find love know visit draw")
ICH = {"see": "sehe", "need": "brauche", "buy": "kaufe", "find": "finde", "know": "kenne", "draw": "zeichne"}


@functools.cache
def words():
    """{kind: {english: row}} of the German table."""
    kinds = {}
    for row in table("german"):
        kinds.setdefault(row.kind, {})[row.english] = row
    return kinds


@functools.cache
def _groups():
    nouns = words()["noun"]
    living = [nouns[w] for w in PEOPLE + ANIMALS]
    things = [row for w, row in nouns.items() if w not in PEOPLE + ANIMALS]
    small = [row for row in things if row.english not in TOO_BIG]
    return list(nouns.values()), living, things, small


def _noun(rng):
    return rng.choice(_groups()[0])


def _living(rng):
    return rng.choice(_groups()[1])


def _person(rng):
    return words()["noun"][rng.choice(PEOPLE)]


def _small(rng):
    return rng.choice(_groups()[3])


def _fitting(rng, noun):
    """An adjective or color that can be said of this noun."""
    if noun.english in PEOPLE + ANIMALS:
        return words()["adjective"][rng.choice(FEELINGS + ANY_NOUN)]
    if noun.english not in TOO_BIG and rng.random() < 0.4:
        return rng.choice(list(words()["colour"].values()))
    return words()["adjective"][rng.choice(THINGS_ONLY[:7] * (noun.english not in TOO_BIG) + ANY_NOUN)]


def _doing(rng, subject):
    """A verb without an object for this subject."""
    if subject.english == "fish":
        return words()["verb"]["swim"]
    verbs = ANIMAL_VERBS if subject.english in ANIMALS else ANIMAL_VERBS + PERSON_VERBS
    return words()["verb"][rng.choice(verbs)]


def _object_of(rng):
    """(verb, object): what a person can see, buy, visit and so on."""
    obj = _noun(rng)
    if obj.english in FOOD and rng.random() < 0.5:
        return words()["verb"]["eat"], obj
    if obj.english in PEOPLE + ANIMALS:
        verbs = ABOUT_LIVING if obj.english in PEOPLE else ABOUT_LIVING[:3] + ["hear", "draw"]
    else:
        verbs = ABOUT_PLACES if obj.english in TOO_BIG else ABOUT_THINGS
    return words()["verb"][rng.choice(verbs)], obj


@functools.cache
def _plural_en(word):
    odd = {
        "mouse": "mice",
        "fish": "fish",
        "sheep": "sheep",
        "man": "men",
        "woman": "women",
        "child": "children",
        "knife": "knives",
        "potato": "potatoes",
    }
    if word in odd:
        return odd[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def _a_en(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


# A pattern draws and returns (English, German, content words).


def _about(english, german):
    """The {n} is {a}, in several shapes; a German sentence starts with a capital letter."""

    def pattern(rng):
        noun = _noun(rng)
        adj = _fitting(rng, noun)
        slots = {
            "n": noun,
            "a": adj,
            "the": THE[noun.gender],
            "The": THE[noun.gender].title(),
            "My": "M" + A[noun.gender],
            "Your": "D" + A[noun.gender],
            "ns": _plural_en(noun.english),
        }
        return english.format(**slots), german.format(**slots), (noun.english, adj.english)

    return pattern


def _single(english, german, mark, draw=_noun):
    """A frame around one noun; `mark` stands for the frame in the key."""

    def pattern(rng):
        noun = draw(rng)
        number = rng.choice(list(words()["number"].values())[1:])
        slots = {
            "n": noun,
            "an": _a_en(noun.english),
            "ns": _plural_en(noun.english),
            "k": number,
            "the": THE[noun.gender],
            "the_acc": THE_ACC[noun.gender],
            "a": A[noun.gender],
            "a_acc": A_ACC[noun.gender],
        }
        return english.format(**slots), german.format(**slots), (mark, noun.english)

    return pattern


def _verb_only(english, german):
    """The {n} sleeps, in several shapes."""

    def pattern(rng):
        noun = _living(rng)
        verb = _doing(rng, noun)
        slots = {
            "n": noun,
            "v": verb,
            "the": THE[noun.gender],
            "The": THE[noun.gender].title(),
            "A": A[noun.gender].title(),
            "An": _a_en(noun.english).capitalize(),
            "V": verb.german.capitalize(),
        }
        return english.format(**slots), german.format(**slots), (noun.english, verb.english)

    return pattern


def _with_object(english, german):
    """The {n} sees the {o}: the object stands in the accusative."""

    def pattern(rng):
        noun = _person(rng)
        verb, obj = _object_of(rng)
        slots = {
            "n": noun,
            "v": verb,
            "o": obj,
            "the": THE[noun.gender],
            "The": THE[noun.gender].title(),
            "the_acc": THE_ACC[obj.gender],
            "a_acc": A_ACC[obj.gender],
            "an": _a_en(obj.english),
            "V": verb.german.capitalize(),
        }
        return english.format(**slots), german.format(**slots), (noun.english, verb.english, obj.english)

    return pattern


def _i_see(rng):
    verb, obj = rng.choice(list(ICH)), _small(rng)
    return (
        f"I {verb} the {obj.english}.",
        f"Ich {ICH[verb]} {THE_ACC[obj.gender]} {obj.german}.",
        ("i", verb, obj.english),
    )


def _i_am(rng):
    (en, de), adj = rng.choice(PRONOUNS), words()["adjective"][rng.choice(FEELINGS)]
    no_en, no_de = rng.choice((("", ""), (" not", " nicht")))
    return f"{en}{no_en} {adj.english}.", f"{de}{no_de} {adj.german}.", (en, adj.english)


def _colored(rng):
    """The man has a red car: the only inflected adjectives, with colors."""
    noun, obj = _person(rng), _small(rng)
    color = rng.choice(list(words()["colour"].values()))
    the, ending = THE[noun.gender].title(), COLOR_ENDING[obj.gender]
    return (
        f"The {noun.english} has a {color.english} {obj.english}.",
        f"{the} {noun.german} hat {A_ACC[obj.gender]} {color.german}{ending} {obj.german}.",
        (noun.english, color.english, obj.english),
    )


def _both(rng):
    noun, other = _living(rng), _living(rng)
    while other is noun:
        other = _living(rng)
    adj = words()["adjective"][rng.choice(FEELINGS)]
    the = THE[noun.gender].title()
    return (
        f"The {noun.english} and the {other.english} are {adj.english}.",
        f"{the} {noun.german} und {THE[other.gender]} {other.german} sind {adj.german}.",
        (noun.english, other.english, adj.english),
    )


def _but(rng):
    noun = _noun(rng)
    adj, second = _fitting(rng, noun), _fitting(rng, noun)
    while second is adj:
        second = _fitting(rng, noun)
    return (
        f"The {noun.english} is {adj.english} but not {second.english}.",
        f"{THE[noun.gender].title()} {noun.german} ist {adj.german}, aber nicht {second.german}.",
        (noun.english, adj.english, second.english),
    )


PRONOUNS = (
    ("I am", "Ich bin"),
    ("You are", "Du bist"),
    ("He is", "Er ist"),
    ("She is", "Sie ist"),
    ("We are", "Wir sind"),
    ("They are", "Sie sind"),
)

PATTERNS = (
    _about("The {n.english} is {a.english}.", "{The} {n.german} ist {a.german}."),
    _about("The {n.english} is not {a.english}.", "{The} {n.german} ist nicht {a.german}."),
    _about("The {n.english} is very {a.english}.", "{The} {n.german} ist sehr {a.german}."),
    _about("The {n.english} is too {a.english}.", "{The} {n.german} ist zu {a.german}."),
    _about("The {n.english} is also {a.english}.", "{The} {n.german} ist auch {a.german}."),
    _about("Is the {n.english} {a.english}?", "Ist {the} {n.german} {a.german}?"),
    _about("The {ns} are {a.english}.", "Die {n.plural} sind {a.german}."),
    _about("The {ns} are not {a.english}.", "Die {n.plural} sind nicht {a.german}."),
    _about("Are the {ns} {a.english}?", "Sind die {n.plural} {a.german}?"),
    _about("My {n.english} is {a.english}.", "{My} {n.german} ist {a.german}."),
    _about("Your {n.english} is {a.english}.", "{Your} {n.german} ist {a.german}."),
    _verb_only("The {n.english} {v.plural}.", "{The} {n.german} {v.german}."),
    _verb_only("{An} {v.plural}.", "{A} {n.german} {v.german}."),
    _verb_only("The {n.english} does not {v.english}.", "{The} {n.german} {v.german} nicht."),
    _verb_only("Does the {n.english} {v.english}?", "{V} {the} {n.german}?"),
    _verb_only("Today the {n.english} {v.plural}.", "Heute {v.german} {the} {n.german}."),
    _verb_only("The {n.english} {v.plural} here.", "{The} {n.german} {v.german} hier."),
    _with_object(
        "The {n.english} {v.plural} the {o.english}.", "{The} {n.german} {v.german} {the_acc} {o.german}."
    ),
    _with_object("The {n.english} {v.plural} {an}.", "{The} {n.german} {v.german} {a_acc} {o.german}."),
    _with_object(
        "Does the {n.english} {v.english} the {o.english}?", "{V} {the} {n.german} {the_acc} {o.german}?"
    ),
    _with_object(
        "Today the {n.english} {v.plural} {an}.", "Heute {v.german} {the} {n.german} {a_acc} {o.german}."
    ),
    _single("Where is the {n.english}?", "Wo ist {the} {n.german}?", "where"),
    _single("Where are the {ns}?", "Wo sind die {n.plural}?", "where are"),
    _single("I have {an}.", "Ich habe {a_acc} {n.german}.", "have"),
    _single("I have {k.english} {ns}.", "Ich habe {k.german} {n.plural}.", "number"),
    _single("We have no {n.english}.", "Wir haben k{a_acc} {n.german}.", "no", _small),
    _single("He has {an}.", "Er hat {a_acc} {n.german}.", "he has"),
    _single("She has {an}.", "Sie hat {a_acc} {n.german}.", "she has"),
    _single("This is {an}.", "Das ist {a} {n.german}.", "this"),
    _single("This is my {n.english}.", "Das ist m{a} {n.german}.", "this my"),
    _single("Here is the {n.english}.", "Hier ist {the} {n.german}.", "here"),
    _single("Is this your {n.english}?", "Ist das d{a} {n.german}?", "your"),
    _i_see,
    _i_am,
    _colored,
    _both,
    _but,
)

LAYOUTS = (
    "English: {en}\nGerman: {de}",
    "Translate into German: {en}\n{de}",
    "{en} -> {de}",
    '"{en}" in German is "{de}"',
    "Input: {en}\nOutput: {de}",
    'Question: How do you say "{en}" in German?\nAnswer: {de}',
    "EN: {en}\nDE: {de}",
    "{en} = {de}",
    'The German for "{en}" is: {de}',
)
BACK = (
    "German: {de}\nEnglish: {en}",
    "Translate into English: {de}\n{en}",
    "DE: {de}\nEN: {en}",
    '"{de}" in English is "{en}"',
)
# Only for items: the document never asks like this.
UNSEEN_FRAMES = (
    "Say this in German: {en}\nGerman:",
    "English sentence: {en}\nGerman sentence:",
    "Source: {en}\nGerman:",
    "Please translate. {en}\nGerman:",
)


def _draw(rng, wanted=False):
    """(English, German) of one sentence; its content words decide whether it is held out."""
    sentence = draw_until(lambda: rng.choice(PATTERNS)(rng), wanted, lambda s: ("translation", *s[2]))
    return sentence[:2]


def _glossary(rng):
    """A vocabulary list: single nouns with their article, plurals or adjectives."""
    kind = rng.choice(("noun", "noun", "plural", "adjective", "colour", "number"))
    rows = rng.sample(list(words()["noun" if kind == "plural" else kind].values()), rng.randint(3, 7))
    sign = rng.choice((" -> ", " = ", ": "))
    if kind == "noun":
        return "\n".join(f"the {r.english}{sign}{THE[r.gender]} {r.german}" for r in rows)
    if kind == "plural":
        return "\n".join(f"the {_plural_en(r.english)}{sign}die {r.plural}" for r in rows)
    return "\n".join(f"{r.english}{sign}{r.german}" for r in rows)


def document(rng):
    """One to six translated sentences in one layout, sometimes German to English, or a word list."""
    if rng.random() < 0.12:
        return _glossary(rng)
    first = LAYOUTS[0] if rng.random() < 0.4 else rng.choice(LAYOUTS)
    layout = rng.choice(BACK) if rng.random() < 0.15 else first
    pairs = [_draw(rng) for _ in range(rng.randint(1, 6))]
    gap = rng.choice(("\n", "\n\n")) if "\n" in layout else "\n"
    return gap.join(layout.format(en=en, de=de) for en, de in pairs)


def item(rng, unseen=False):
    """A sentence to translate into German whose content words never meet in the corpus."""
    english, german = _draw(rng, wanted=True)
    frame = rng.choice(UNSEEN_FRAMES) if unseen else "English: {en}\nGerman:"
    # The line grader drops a final full stop of the continuation, hence of the answer too.
    return Item(frame.format(en=english), german.removesuffix("."), max_new_tokens=40)
