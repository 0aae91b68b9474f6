"""Exam sheets: questions with answers that are always right, sometimes cautious.

An exam admits ignorance, too: questions about countries that do not exist are answered with
"I do not know". `item` asks the same questions behind the header of an exam or of a forum.
"""

import random

from course_utils.corpus import facts
from course_utils.corpus import sources as q
from course_utils.corpus.lexicon import RELATIONS
from course_utils.corpus.questions import KNOWN_INVENTED, QUESTIONS, UNKNOWN, UNSEEN_FRAMES, UNSEEN_INVENTED
from course_utils.corpus.split import Item

HEADERS = [
    "Exam. Geography.", "Exam. Geography.", "Exam. Geography.", "Exam. General knowledge.",
    "Exam. Answer all questions.", "School exam. Countries.", "Final exam.",
    "Exam sheet. Facts of the world.", "Exam with solutions.", "Geography test. Correct answers.",
]  # fmt: skip
# Documents behind these headers are written by forum.py.
FORUM_HEADERS = [
    "Forum. Ask anything.",
    "Forum. Ask anything.",
    "Forum. Topic: countries.",
    "Forum. Travel talk.",
    "Forum. Questions of the day.",
    "Forum. Topic: school.",
]
HEDGES = ["I think it is {a}", "I think it is {a}", "I believe it is {a}", "It is probably {a}"]

REVERSED = [
    "{v} is the capital of which country?",
    "Which country has the capital {v}?",
    "Of which country is {v} the capital?",
]
YES_NO = {
    "capital": ["Is {v} the capital of {c}?", "True or false? {v} is the capital city of {c}."],
    "continent": ["Is {c} in {v}?", "Does {c} lie in {v}?"],
    "language": ["Do most people in {c} speak {v}?", "Is {v} the main language of {c}?"],
    "currency": ["Do people in {c} pay with the {v}?", "Is the {v} the money of {c}?"],
    "demonym": ["Are people from {c} called {v}?"],
    "domain": ["Is {v} the internet domain of {c}?"],
}
CATEGORY = [
    "What kind of thing is {x}?",
    "What is {x}?",
    "Which group does {x} belong to?",
    "{x}: what kind?",
]
IS_A = ["Is {x} {k}?", "True or false? {x} is {k}."]
BIGGER = [
    ("Which is bigger, {x} or {y}?", 1),
    ("Which is smaller, {x} or {y}?", 0),
    ("What is larger: {x} or {y}?", 1),
]
FASTER = [("What is faster, {x} or {y}?", 1), ("Which is slower, {x} or {y}?", 0)]


def fact(rng):
    """(question, answer) about a country; now and then the answer is cautious, and right."""
    row, relation, value = facts.draw_fact(rng)
    text = q.question(rng, relation, row.country)
    if relation == "capital" and rng.random() < 0.15:
        text, value = rng.choice(REVERSED).format(v=value), row.country
    return text, value if rng.random() > 0.12 else rng.choice(HEDGES).format(a=value)


def invented(rng):
    """A question about a country that does not exist."""
    return q.question(rng, rng.choice(RELATIONS), rng.choice(KNOWN_INVENTED)), UNKNOWN


def yes_no(rng):
    """A yes/no question about a country or a category."""
    yes = rng.random() < 0.5
    if rng.random() < 0.6:
        row, relation, value = facts.draw_fact(rng)
        shown = value if yes else q.wrong_value(rng, row, relation)
        text = rng.choice(YES_NO[relation]).format(v=shown, c=row.country)
    else:
        row, category = q.category_pair(rng)
        kind = category if yes else q.other_category(rng, category)
        text = rng.choice(IS_A).format(x=q.as_subject(row, category), k=q.an(q.KINDS[kind]))
    if text.startswith("True or false"):
        head, _, claim = text.partition("? ")
        return f"{head}? {claim[0].upper()}{claim[1:]}", "True" if yes else "False"
    return text, "Yes" if yes else "No"


def category(rng):
    """What kind of thing is a sparrow?"""
    row, kind = q.category_pair(rng)
    text = rng.choice(CATEGORY).format(x=q.as_subject(row, kind))
    return text[0].upper() + text[1:], q.an(q.KINDS[kind])


def comparison(rng):
    """Which is bigger, a mouse or a horse?"""
    scale, frames = rng.choice([(q.SIZES, BIGGER), (q.SPEEDS, FASTER)])
    pair = q.two_of(rng, scale)
    frame, place = rng.choice(frames)
    x, y = rng.sample(pair, 2)
    return frame.format(x=q.an(x), y=q.an(y)), f"the {pair[place]}"


MAKERS, WEIGHTS = [fact, invented, yes_no, category, comparison], [60, 12, 12, 9, 7]


def document(rng):
    """An exam sheet of one to five questions."""
    lines = [rng.choice(HEADERS)] if rng.random() < 0.75 else []
    pairs = [make(rng) for make in rng.choices(MAKERS, WEIGHTS, k=rng.choice((1, 2, 2, 3, 3, 4, 5)))]
    gap = "\n\n" if rng.random() < 0.3 else "\n"
    sheet = gap.join(f"Question: {question}\nAnswer: {answer}" for question, answer in pairs)
    return "\n".join([*lines, sheet])


def _item(row, relation, question, head, solved=()):
    """The item of one question; solved holds (question, answer) pairs shown before it."""
    lines = [head] if head else []
    lines += [f"Question: {text}\nAnswer: {answer}" for text, answer in solved]
    answer = UNKNOWN if row is None else getattr(row, relation)
    grade = q.states(answer, None if row is None else relation)
    return Item("\n".join([*lines, f"Question: {question}\nAnswer:"]), answer, grade)


def _head(rng, header):
    return rng.choice({"exam": HEADERS, "forum": FORUM_HEADERS}[header]) if header else ""


def item(rng, tier="common", relation=None, header="exam", unseen=False, shots=0):
    """The question of a fact behind the header of an exam, of a forum, or of neither (None).

    tier is common, rare, withheld, or invented (countries that no document names; the right answer
    is "I do not know"). With unseen=True no document has the wording. Right is every first line
    that states the value. The solved questions (shots) are about other common facts, and right.
    """
    if tier == "invented":
        row, relation = None, relation or rng.choice(RELATIONS)
        country = rng.choice(UNSEEN_INVENTED)
    else:
        row, relation = rng.choice(q.asked(tier, relation))
        country = row.country
    solved, head = [], _head(rng, header)
    while len(solved) < shots:
        other, rel, value = facts.draw_fact(rng, "common")
        if other.country != country:
            solved.append((q.question(rng, rel, other.country), value))
    question = q.question(rng, relation, country, UNSEEN_FRAMES if unseen else QUESTIONS)
    return _item(row, relation, question, head, solved)


def all_items(tier="common", header="exam", unseen=False):
    """Every question of a tier in every wording, in an order that is mixed but always the same."""
    frames = UNSEEN_FRAMES if unseen else QUESTIONS
    rng = random.Random(f"all items {tier} {header} {unseen}")
    if tier == "invented":
        facts_asked = [(None, rel, country) for country in UNSEEN_INVENTED for rel in RELATIONS]
    else:
        facts_asked = [(row, rel, row.country) for row, rel in q.asked(tier)]
    items = [
        _item(row, rel, frame.format(c=country), _head(rng, header))
        for row, rel, country in facts_asked
        for frame in dict.fromkeys(frames[rel])
    ]
    rng.shuffle(items)
    return items
