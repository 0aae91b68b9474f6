"""Word problems of one to four steps (items: up to eight), answered directly or step by step.

A problem is a start number and a list of operations. The key of a problem is these numbers and
operations, so an evaluated combination is never in the corpus, in no wording. Wordings are in
problem_frames.py, nested parts ("half of the golf balls") in nested.py, bare sums in arithmetic.py.
"""

from course_utils.corpus import arithmetic, nested
from course_utils.corpus.frames.problem_frames import PEOPLE, SETTINGS, UNSEEN_FRAMES
from course_utils.corpus.lexicon import first_names
from course_utils.corpus.nested import JUGGLER_ANSWER, JUGGLER_QUESTION, juggler
from course_utils.corpus.reasoning import (
    LAYOUTS,
    REQUESTED,
    REQUESTS,
    TRIGGERS,
    UNSEEN_TRIGGERS,
    direct,
    draw_trigger,
    pick,
    prompt,
    sentence,
    show,
    worked,
)
from course_utils.corpus.split import Item, draw_until

__all__ = ["JUGGLER_ANSWER", "JUGGLER_QUESTION", "TRIGGERS", "UNSEEN_TRIGGERS", "document", "item", "juggler"]

LIMIT = 50  # no value of a problem is larger: small numbers, so that a small model can know its sums
REASONED = 0.7  # share of worked answers
OPERATIONS = ("add", "sub", "double", "half", "triple", "each")
WEIGHTS = (32, 32, 11, 15, 5, 5)
CONNECTORS = ("then", "later", "next,", "after that,", "now", "in the afternoon,")


def draw_step(rng, value):
    """(operation, its numbers, the value after it), or None if the operation does not fit."""
    op = rng.choices(OPERATIONS, WEIGHTS)[0]
    k = rng.randint(2, 9 if rng.random() < 0.75 else 20)
    if op == "add" and value + k <= LIMIT:
        return op, (k,), value + k
    if op == "sub" and k < value:
        return op, (k,), value - k
    if op == "double" and value * 2 <= LIMIT:
        return op, (), value * 2
    if op == "half" and value % 2 == 0 and value >= 4:
        return op, (), value // 2
    if op == "triple" and value * 3 <= LIMIT:
        return op, (), value * 3
    if op == "each":
        k, m = rng.randint(2, 5), rng.randint(2, 5)
        if k * m < value:
            return op, (k, m), value - k * m
    return None


def draw_problem(rng, count):
    """(start, ((operation, numbers), …), answer) with `count` operations."""
    start = value = rng.randint(3, 15 if rng.random() < 0.5 else 30)
    steps = []
    while len(steps) < count:
        step = draw_step(rng, value)
        if step:
            steps.append(step[:2])
            value = step[2]
    return start, tuple(steps), value


def key(problem):
    """The start number and the operations with their numbers."""
    return ("problem", problem[0], *(f"{op}{','.join(map(str, k))}" for op, k in problem[1]))


def people(rng):
    """The words for the persons of a story."""
    female = rng.random() < 0.5
    name = rng.choice(first_names("f" if female else "m"))
    p, o, h = ("she", "her", "her") if female else ("he", "him", "his")
    friend = name
    while friend == name:
        friend = rng.choice(first_names())
    return {"N": name, "F": friend, "p": p, "o": o, "h": h}


def story(rng, problem, unseen=False):
    """(the question text, the plural of the things)"""
    setting = PEOPLE if unseen else pick(rng, SETTINGS)
    frames = UNSEEN_FRAMES if unseen else setting
    things = rng.choice(setting["things"])
    words = people(rng) | {"X": things}
    sentences = [rng.choice(frames["start"]).format(k=problem[0], **words)]
    for op, numbers in problem[1]:
        frame = rng.choice(frames[op])
        if frame.startswith("{") and rng.random() < 0.2:
            frame = f"{rng.choice(CONNECTORS)} {frame}"
        k, m = (*numbers, 0, 0)[:2]
        sentences.append(frame.format(k=k, m=m, **words))
    ask = rng.choice(frames["ask"]).format(**words)
    return " ".join([*map(sentence, sentences), ask]), things


def equations(problem):
    """[(operation, "5 + 3 = 8."), …]; giving k to each of m people takes two equations."""
    value, lines = problem[0], []
    for op, numbers in problem[1]:
        if op == "each":
            k, m = numbers
            lines.append(("each", f"{k} * {m} = {k * m}."))
            op, numbers = "sub", (k * m,)
        sign, k = {"add": "+", "sub": "-"}.get(op), numbers[0] if numbers else 0
        if op in ("double", "triple"):
            sign, k = "*", 2 if op == "double" else 3
        elif op == "half":
            sign, k = "/", 2
        result = {"+": value + k, "-": value - k, "*": value * k, "/": value // k if k else 0}[sign]
        lines.append((op, f"{value} {sign} {k} = {result}."))
        value = result
    return lines


OPENINGS = (
    "There are {n} {x} at first.",
    "There are {n} {x}.",
    "Start with {n} {x}.",
    "We begin with {n}.",
    "Start with {n}.",
)
LABELS = {
    "add": "Add",
    "sub": "Take away",
    "double": "Double",
    "half": "Half",
    "triple": "Triple",
    "each": "In all",
}


def steps(rng, problem, things):
    """The steps of a worked answer, in one of several styles."""
    lines = equations(problem)
    style = rng.random()
    if style < 0.6:
        texts = [text for _, text in lines]
    elif style < 0.75:
        texts = [f"{LABELS[op]}: {text}" for op, text in lines]
    elif style < 0.9:
        texts = [text if i == 0 else f"Then {text}" for i, (_, text) in enumerate(lines)]
    else:
        texts = [f"Now {text}" for _, text in lines]
    if rng.random() < 0.8:
        texts.insert(0, rng.choices(OPENINGS, (8, 3, 2, 1, 2))[0].format(n=problem[0], x=things))
    return texts


def corpus_problem(rng, reasoned, trigger=None, count=None):
    """(question, answer text) of a problem that is not held out."""
    count = count or rng.choices((1, 2, 3, 4), (25, 30, 27, 18))[0]
    problem = draw_until(lambda: draw_problem(rng, count), False, key)
    question, things = story(rng, problem)
    if reasoned:
        return question, worked(trigger or draw_trigger(rng), steps(rng, problem, things), problem[2])
    return question, direct(rng, problem[2])


def sheet(rng):
    """Two to four problems, all direct or all worked, as in a few-shot prompt."""
    reasoned = rng.random() < REASONED
    trigger, layout, last = draw_trigger(rng), pick(rng, LAYOUTS), "" if rng.random() < 0.9 else "."
    texts = []
    for _ in range(rng.randint(2, 4)):
        make = nested.problem if rng.random() < 0.15 else corpus_problem
        question, answer = make(rng, reasoned, trigger)
        if not reasoned:
            answer = answer.removeprefix("The answer is ").rstrip(".") + last
        texts.append(show(rng, question, answer, layout))
    head = f"{rng.choice(REQUESTS)}\n" if reasoned and rng.random() < REQUESTED else ""
    return head + "\n\n".join(texts)


def document(rng):
    """A word problem, a sheet of problems, a nested problem, or bare arithmetic."""
    kind = rng.random()
    if kind < 0.26:
        return arithmetic.document(rng)
    if kind < 0.40:
        return nested.document(rng)
    if kind < 0.50:
        return sheet(rng)
    return show(rng, *corpus_problem(rng, rng.random() < REASONED))


def item(rng, steps=3, reasoning=True, unseen=False, shots=0, trigger="Let's think step by step.", cue=""):
    """A held-out problem with `steps` operations.

    With reasoning the prompt ends in the trigger. Without, it ends in "Answer:" and the cue, if
    any (such as "The answer is"). `shots` problems from the corpus, answered in the same manner,
    come first.
    """
    texts = []
    for _ in range(shots):
        question, answer = corpus_problem(rng, reasoning, trigger, min(steps, 4))
        if not reasoning:
            answer = answer.removeprefix("The answer is ").rstrip(".")
            answer = f"{cue} {answer}.".lstrip() if cue else answer
        texts.append(show(rng, question, answer, LAYOUTS[0][0]))
    problem = draw_until(lambda: draw_problem(rng, steps), True, key)
    question, _ = story(rng, problem, unseen)
    text = "\n\n".join([*texts, prompt(question, trigger if reasoning else cue)])
    if reasoning:
        return Item(text, str(problem[2]), "final", 48 + 30 * steps)
    return Item(text, str(problem[2]), "line", 8)
