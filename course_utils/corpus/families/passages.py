"""Reading passages: a few sentences about several people, and questions answered by a span.

Every fact of a passage exists for two to four people with different values, so the answer
cannot be guessed from the kind of word that is asked for: the right person must be found.
The frames are in passage_frames.py. An attribute block (people and values) is the key.
"""

import functools

from course_utils.corpus.frames.passage_frames import SITUATIONS
from course_utils.corpus.lexicon import column, first_names, nouns_by_category
from course_utils.corpus.split import Item, draw_until

UNKNOWN = "The passage does not say."
ODD = frozenset(("pliers", "scissors", "dice", "desk", "back", "chest"))  # plural, unclear or unwanted
POOLS = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "room": "kitchen,living room,bedroom,bathroom,garden,cellar,attic,hall,garage,library,office,dining room",
    "subject": "music,history,art,biology,chemistry,geography,English,German,French,drama,sport,physics",
    "vehicle": "bus train tram bicycle car ferry taxi boat van plane",
    "the animal": "cow horse pig sheep goat donkey duck hen goose dog cat rabbit turkey calf lamb foal",
}


def with_article(word):
    """a kite, an apple."""
    return ("an " if word[0] in "aeiou" else "a ") + word


@functools.cache
def pool(name):
    """The values of a pool: "place", "number", "a toy" (with article), "colour", "clothing" …"""
    if name == "place":
        return column("places", "place")
    if name == "name":
        return first_names()
    if name == "number":
        return tuple(str(n) for n in range(3, 100))
    if name == "clothing":  # a red scarf
        words = [r.noun for r in nouns_by_category()["clothing"]]
        return tuple(with_article(f"{c} {w}") for c in pool("colour")[:12] for w in words)
    if name == "colour":  # none that would need "an"
        return tuple(r.noun for r in nouns_by_category()["colour"] if r.noun[0] not in "aeiou")
    if name in POOLS:
        separator = "," if "," in POOLS[name] else " "
        article = "the " if name.startswith("the ") else ""
        return tuple(article + word for word in POOLS[name].split(separator))
    article, _, category = name.rpartition(" ")
    words = [r.noun for r in nouns_by_category()[category] if r.noun not in ODD]
    if name == "profession" or article in ("a", "an"):
        return tuple(map(with_article, words))
    return tuple(f"the {word}" for word in words) if article == "the" else tuple(words)


@functools.cache
def _subjects(about):
    """Whom or what a passage is about: (name, pronoun)."""
    if about != "people":
        return [(name, "It") for name in pool(about)]
    return [(name, "She") for name in first_names("f")] + [(name, "He") for name in first_names("m")]


LAYOUTS = (  # (passage, question and answer, question first)
    ("Passage: {passage}", "Question: {q}\nAnswer: {a}", False),
    ("Text: {passage}", "Q: {q}\nA: {a}", False),
    ("Read the text and answer.\n{passage}", "Question: {q}\nAnswer: {a}", False),
    ("Read the passage and answer the questions.\nPassage: {passage}", "Question: {q}\nAnswer: {a}", False),
    ("{passage}", "{q} {a}", False),
    ("{passage}", "Question: {q}\nAnswer: {a}", False),
    ("Context: {passage}", "Question: {q}\nAnswer: {a}", False),
    ("Passage: {passage}", "Question: {q}\nAnswer: {a}", True),
    ("Text: {passage}", "User: {q}\nAgent: {a}", False),
)


def _block(rng, attribute, names, wanted):
    """Different values of one attribute for these people; held out or not as a whole."""
    values = pool(attribute.values)
    return draw_until(
        lambda: rng.sample(values, len(names)),
        wanted,
        lambda drawn: ("passage", *sorted(zip(names, drawn, strict=True))),
        tries=300,
    )


def _draw(rng, sentences, wanted=False, pronouns=False):
    """(passage text, facts, (about, unused attribute), people); a fact is (person, attribute, value)."""
    scene = rng.choice(SITUATIONS)
    people = rng.sample(_subjects(scene.about), min(rng.choice((2, 3, 3, 4)), sentences))
    extra = min(rng.choice((0, 0, 1, 2)), sentences - len(people))
    attributes = rng.sample(scene.attributes, len(scene.attributes))
    facts, used = [], 0
    while len(facts) < sentences - extra and used < len(attributes) - 1:
        attribute, used = attributes[used], used + 1
        names = [name for name, _ in people]
        values = _block(rng, attribute, names, wanted)
        block = list(zip(people, [attribute] * len(people), values, strict=True))
        facts += rng.sample(block, min(len(block), sentences - extra - len(facts)))
    extra = sentences - len(facts)
    by_person = pronouns or rng.random() < 0.3
    if by_person:
        facts.sort(key=lambda fact: people.index(fact[0]))
    elif rng.random() < 0.6:
        rng.shuffle(facts)
    lines, last = [], None
    for person, attribute, value in facts:
        wording = rng.choice(attribute.sentences)
        again = pronouns and person is last and wording.startswith("{p}")
        lines.append(wording.format(p=person[1] if again else person[0], v=value))
        last = person
    _fill(rng, scene, lines, extra, by_person)
    return " ".join(lines), facts, (scene.about, attributes[-1]), people


def _fill(rng, scene, lines, extra, at_ends):
    """Add an opener and other sentences; between the facts only where no pronoun refers back."""
    fillers = rng.sample(scene.fillers, min(max(extra - 1, 0), len(scene.fillers)))
    for filler in fillers:
        lines.insert(len(lines) if at_ends else rng.randint(1, len(lines)), filler)
    if extra:
        lines.insert(0, rng.choice(scene.openers))


def _question(rng, fact, unseen=False):
    """(question, answer) about one fact: mostly the value, sometimes the person."""
    (name, _), attribute, value = fact
    if unseen:
        return rng.choice(attribute.unseen).format(p=name), value
    if rng.random() < 0.3:
        return rng.choice(attribute.whos).format(v=value), name
    return rng.choice(attribute.asks).format(p=name), value


def _rivals(facts, fact):
    """How many other facts of the passage have the same attribute."""
    return sum(other[1] is fact[1] for other in facts) - 1


def _unanswerable(rng, facts, unused, people):
    """A question about something no sentence states, or about a person who is not there."""
    about, attribute = unused
    if rng.random() < 0.5:
        name = rng.choice(people)[0]
    else:
        present = {person[0] for person in people}
        name = rng.choice([p[0] for p in rng.sample(_subjects(about), 8) if p[0] not in present])
        attribute = rng.choice(facts)[1]
    return rng.choice(attribute.asks).format(p=name)


def document(rng):
    """A passage of two to eight sentences with one to five questions."""
    text, facts, unused, people = _draw(
        rng, rng.choice((2, 3, 3, 4, 4, 5, 6, 6, 7, 8)), pronouns=rng.random() < 0.2
    )
    asked = rng.sample(facts, min(len(facts), rng.choice((1, 2, 2, 3, 3, 4, 5))))
    pairs = [_question(rng, fact) for fact in asked]
    if rng.random() < 0.12:  # about one question in twenty
        pairs[rng.randrange(len(pairs))] = _unanswerable(rng, facts, unused, people), UNKNOWN
    head, turn, first = LAYOUTS[0] if rng.random() < 0.35 else rng.choice(LAYOUTS)
    if first:
        question, answer = pairs[0]
        return f"Question: {question}\n{head.format(passage=text)}\nAnswer: {answer}"
    return "\n".join([head.format(passage=text), *(turn.format(q=q, a=a) for q, a in pairs)])


def item(rng, sentences=6, unseen=False):
    """A held-out passage of `sentences` (≥ 5) sentences with one question that has a rival fact.

    Names are written out (no pronouns). unseen=True asks in words the corpus does not use.
    """
    while True:
        try:
            text, facts, _, _ = _draw(rng, sentences, wanted=True)
        except RuntimeError:  # few values and none of them held out for these people
            continue
        asked = [fact for fact in facts if _rivals(facts, fact)]
        if asked:
            question, answer = _question(rng, rng.choice(asked), unseen)
            return Item(f"Passage: {text}\nQuestion: {question}\nAnswer:", answer)
