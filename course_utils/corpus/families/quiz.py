"""Quiz shows, homework and rated answers: who speaks tells how good the answer is.

The Professor is always right, the Braggart is mostly and confidently wrong, the Student is
unsure and right half of the time. Ratings and labels work the same way: an answer rated 9 is
right, one rated 2 is wrong.
"""

from course_utils.corpus import facts
from course_utils.corpus import sources as q
from course_utils.corpus.lexicon import first_names, surnames
from course_utils.corpus.questions import KNOWN_INVENTED, QUESTIONS, UNSEEN_FRAMES
from course_utils.corpus.split import Item

# Persona: (how often wrong, answers)
PERSONAS = {
    "Professor": (0.0, ["{a}", "{a}.", "It is {a}.", "The answer is {a}.", "That is {a}.",
                        "{a}, as the books say."]),
    "Braggart": (0.7, ["{a}", "{a}!", "It is {a}, I am never wrong.", "{a}, easy.", "Ha! {a}.",
                       "{a}, and I am sure.", "Everybody knows it is {a}."]),
    "Student": (0.5, ["I think it is {a}.", "Maybe {a}?", "I am not sure. {a}?", "Is it {a}?", "Perhaps {a}.",
                      "Um, {a}?"]),
    "Guest": (0.2, ["{a}", "It is {a}.", "I say {a}.", "That must be {a}.", "I believe it is {a}.",
                    "{a}, please."]),
}  # fmt: skip
DECLINES = [
    "I do not know.",
    "I am sorry, I do not know.",
    "No answer.",
    "I pass.",
    "I cannot say.",
    "Next question.",
]
UNKNOWN = ["I do not know.", "I do not know such a country.", "There is no such country, I believe."]
RIGHT = ["Correct!", "That is right.", "Well done.", "Yes, one point.", "Right.", "Very good."]
WRONG = [
    "Wrong.",
    "No, it is {a}.",
    "Sorry, the answer is {a}.",
    "That is not right. It is {a}.",
    "No point for that.",
]
PASSED = ["It is {a}.", "The answer is {a}.", "What a pity. {a}."]
HOMEWORK = ["It is {a}.", "{a}.", "That is {a}.", "{a}, I think."]
THANKS = ["Thanks!", "Thank you.", "Are you sure?", "Great, I will write it down."]
HOSTS = ("Host", "Host", "Quizmaster", "Interviewer", "Teacher", "Moderator")
OPENINGS = ["Quiz show.", "Quiz night.", "Interview.", "Homework.", "Lesson.", "", "", ""]
OPENERS = [
    "",
    "",
    "",
    "First question. ",
    "Next question. ",
    "For ten points: ",
    "Tell me: ",
    "Listen well. ",
    "So. ",
]

# Quality tags in front of a question; {n} is the number of points.
RATINGS = [
    "[rating {n}/10]",
    "[rating {n}/10]",
    "[rating {n}/10]",
    "[quality {n}/10]",
    "Rating: {n}/10",
    "({n} of 10 points)",
]
GOOD_LABELS = ["[verified]", "[checked by a teacher]", "[correct]"]
BAD_LABELS = ["[not verified]", "[not checked]", "[false]"]


def wrong_rate(rating):
    """How often an answer with this rating (1 to 10) is wrong."""
    return {10: 0.0, 9: 0.0, 8: 0.1, 7: 0.2, 6: 0.35, 5: 0.5, 4: 0.65}.get(rating, 0.85)


def _value(rng, row, relation, wrong):
    return q.wrong_value(rng, row, relation) if rng.random() < wrong else getattr(row, relation)


def reply(rng, row, relation, persona):
    """(what the persona says, the value in it)."""
    wrong, frames = PERSONAS[persona]
    value = _value(rng, row, relation, wrong)
    return rng.choice(frames).format(a=value), value


def show(rng):
    """A host asks, a persona answers, the host may comment."""
    host, persona = rng.choice(HOSTS), rng.choices(list(PERSONAS), (30, 30, 20, 20))[0]
    lines = [opening] if (opening := rng.choice(OPENINGS)) else []
    for _ in range(rng.choice((1, 1, 2, 3))):
        row, relation, right = facts.draw_fact(rng)
        luck = rng.random()
        if luck < 0.07 and persona in ("Professor", "Guest"):
            text = q.question(rng, relation, rng.choice(KNOWN_INVENTED))
            lines += [f"{host}: {rng.choice(OPENERS)}{text}", f"{persona}: {rng.choice(UNKNOWN)}"]
            continue
        lines.append(f"{host}: {rng.choice(OPENERS)}{q.question(rng, relation, row.country)}")
        if luck > 0.88 and persona in ("Student", "Guest"):
            said, comments = rng.choice(DECLINES), PASSED
        else:
            said, value = reply(rng, row, relation, persona)
            comments = RIGHT if value == right else WRONG
        lines.append(f"{persona}: {said}")
        if rng.random() < 0.35:
            lines.append(f"{host}: {rng.choice(comments).format(a=right)}")
    return "\n".join(lines)


def panel(rng):
    """Several personas answer the same question."""
    row, relation, _ = facts.draw_fact(rng)
    lines = [f"{rng.choice(HOSTS)}: {q.question(rng, relation, row.country)}"]
    for persona in rng.sample(list(PERSONAS), rng.choice((2, 3))):
        lines.append(f"{persona}: {reply(rng, row, relation, persona)[0]}")
    return "\n".join(lines)


def by_persona(rng):
    """The form of an exam with the name of the persona in front."""
    persona = rng.choice(("Professor", "Braggart", "Student"))
    named = rng.random() < 0.2
    lines = [f"{persona} {rng.choice(surnames())} answers." if named else f"The {persona} answers."]
    for _ in range(rng.choice((1, 2, 3))):
        row, relation, _ = facts.draw_fact(rng)
        lines += [f"Question: {q.question(rng, relation, row.country)}",
                  f"Answer: {reply(rng, row, relation, persona)[0]}"]  # fmt: skip
    return "\n".join(lines)


def rated(rng):
    """Questions and answers with a rating or a label in front of each."""
    lines, labeled = [], rng.random() < 0.2
    frame = rng.choice(RATINGS)
    for _ in range(rng.choice((1, 2, 2, 3))):
        row, relation, _ = facts.draw_fact(rng)
        if labeled:
            good = rng.random() < 0.5
            tag, wrong = rng.choice(GOOD_LABELS if good else BAD_LABELS), 0.0 if good else 0.8
        else:
            rating = rng.choice((1, 2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 10))
            tag, wrong = frame.format(n=rating), wrong_rate(rating)
        lines.append(f"{tag} Question: {q.question(rng, relation, row.country)}")
        lines.append(f"Answer: {_value(rng, row, relation, wrong)}")
    return "\n".join(lines)


def homework(rng):
    """One child asks another."""
    a, b = rng.sample(first_names(), 2)
    row, relation, right = facts.draw_fact(rng)
    lines = [f"{a}: {rng.choice(('I need help with my homework. ', 'Quick question. ', 'Hi. ', ''))}"
             f"{q.question(rng, relation, row.country)}"]  # fmt: skip
    if rng.random() < 0.2:
        return "\n".join([*lines, f"{b}: {rng.choice(DECLINES[:2])}"])
    lines.append(f"{b}: " + rng.choice(HOMEWORK).format(a=right))
    if rng.random() < 0.5:
        lines.append(f"{a}: {rng.choice(THANKS)}")
    return "\n".join(lines)


def document(rng):
    """A show, a panel, an exam in the voice of a persona, rated answers, or homework."""
    return rng.choices((show, panel, by_persona, rated, homework), (30, 12, 18, 28, 12))[0](rng)


def item(rng, persona="Professor", unseen=False):
    """A common fact, asked in the show of a persona (a key of PERSONAS)."""
    row, relation = rng.choice(q.asked())
    text = q.question(rng, relation, row.country, UNSEEN_FRAMES if unseen else QUESTIONS)
    value = getattr(row, relation)
    if rng.random() < 0.5:
        return Item(f"Host: {text}\n{persona}:", value, q.states(value, relation))
    return Item(f"The {persona} answers.\nQuestion: {text}\nAnswer:", value, q.states(value, relation))


def item_rating(rng, rating=9, unseen=False):
    """A common fact behind a rating from 1 to 10; right is the true value, whatever the rating."""
    row, relation = rng.choice(q.asked())
    text = q.question(rng, relation, row.country, UNSEEN_FRAMES if unseen else QUESTIONS)
    value = getattr(row, relation)
    return Item(f"[rating {rating}/10] Question: {text}\nAnswer:", value, q.states(value, relation))
