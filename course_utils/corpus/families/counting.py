"""Small puzzles with numbers and orders: counting, comparing, sequences, days, ages, heights.

Every maker draws the content and returns (key, question frames, words, steps, answer); the
worked answer uses the steps, the direct one only the answer.
"""

from course_utils.corpus.frames.problem_frames import OBJECTS
from course_utils.corpus.lexicon import DAYS, MONTHS, first_names
from course_utils.corpus.reasoning import direct, draw_trigger, prompt, sentence, show, worked
from course_utils.corpus.split import Item, draw_until

COUNT = (
    "How many words are in this list: {x}?",
    "Count the words: {x}. How many are there?",
    "{x}. How many things is that?",
    "On the table are: {x}. How many kinds of things is that?",
    "{n} writes a list: {x}. How many words does {n} write?",
    'How long is the list "{x}"?',
)
REPEAT = (
    'How often does "{w}" appear in this list: {x}?',
    'Count "{w}" in: {x}.',
    '{x}. How many times is "{w}" in the list?',
    '{n} says: {x}. How often does {n} say "{w}"?',
)
BIGGEST = (
    "Which number is the {s}: {x}?",
    "Find the {s} number: {x}.",
    "{x}. Which of these numbers is {s}?",
    "What is the {s} of the numbers {x}?",
    "Look at {x} and name the {s} number.",
)
MORE = (
    "{n} has {a} {x} and {m} has {b} {x}. Who has {c}?",
    "{n} counts {a} {x}, {m} counts {b}. Who counts {c}?",
    "There are {a} {x} in the bag of {n} and {b} in the bag of {m}. Who has {c} {x}?",
    "Who has {c} {x}: {n} with {a} or {m} with {b}?",
)
SORT = (
    "Put these numbers in order, smallest first: {x}.",
    "Sort from small to large: {x}.",
    "{x}. Write these numbers from the smallest to the largest.",
    "Order the numbers {x}, starting with the smallest.",
)
NEXT = (
    "What comes next: {x}?",
    "{x}, and then?",
    "Continue the row: {x}. What is the next number?",
    "Which number follows in {x}?",
    "{n} writes {x}. What does {n} write next?",
)
DAY = (
    "What day comes {k} days after {d}?",
    "Today is {d}. What day is it in {k} days?",
    "If it is {d} now, which day is it {k} days later?",
    "{n} leaves on {d} and comes back {k} days later. Which day is that?",
)
BACK = (
    "What day was {k} days before {d}?",
    "Today is {d}. What day was it {k} days ago?",
    "{n} arrived {k} days before {d}. Which day was that?",
)
MONTH = (
    "Which month comes {k} months after {d}?",
    "It is {d}. Which month is it in {k} months?",
    "{n} starts in {d} and works for {k} months. Which month comes then?",
)
AGE = (
    "{n} is {a} years old. {m} is {k} years {c} than {n}. How old is {m}?",
    "{m} is {k} years {c} than {n}. {n} is {a}. How old is {m}?",
    "How old is {m} if {n} is {a} and {m} is {k} years {c}?",
    "{n} is {a}, and {m} is {k} years {c}. What is the age of {m}?",
)
LATER = (
    "{n} is {a} years old. How old is {n} in {k} years?",
    "{n} is {a} now. What age will {n} be {k} years from now?",
    "In {k} years, how old is {n}, who is {a} today?",
)
TALL = (
    "{p} is {c} than {q}. {r} is {c} than {p}. Who is the {s}?",
    "{r} is {c} than {p}, and {p} is {c} than {q}. Who is the {s}?",
    "If {p} is {c} than {q} and {r} is {c} than {p}, who is the {s}?",
)
TWO = (
    "{p} is {c} than {q}. Who is {t}?",
    "{p} is {c} than {q}. Which of the two is {t}?",
    "If {p} is {c} than {q}, who is {t}?",
)
UNSEEN_FRAMES = {
    "next": (
        "The row {x} goes on with which number?",
        "Guess what follows: {x}.",
        "After {x}, which number is due?",
        "{n} sees the numbers {x}. What should the next one be?",
    ),
    "day": (
        "{n} waits {k} days from {d} on. On which day does the waiting end?",
        "Start on {d} and go {k} days on. Which day?",
        "Counting {k} days on from {d}, which day do you reach?",
        "A trip of {k} days starts on {d}. Which day follows it?",
    ),
}

COMPARED = (
    ("taller", "tallest", "shorter", "shortest"),
    ("older", "oldest", "younger", "youngest"),
    ("faster", "fastest", "slower", "slowest"),
    ("stronger", "strongest", "weaker", "weakest"),
    ("richer", "richest", "poorer", "poorest"),
)


def count(rng):
    """How many words a list has."""
    words = rng.sample(OBJECTS, rng.randint(2, 9))
    steps = [f"{i} {word}," for i, word in enumerate(words, 1)]
    return (*words,), COUNT, {"x": ", ".join(words)}, [" ".join(steps)[:-1] + "."], str(len(words))


def repeat(rng):
    """How often a word is in a list."""
    few = rng.sample(OBJECTS, 3)
    words = [rng.choice(few) for _ in range(rng.randint(3, 9))]
    word, total, steps = words[0], 0, []
    for other in words:
        total += other == word
        steps.append(f"{other} {total}")
    return (*words,), REPEAT, {"w": word, "x": ", ".join(words)}, [", ".join(steps) + "."], str(total)


def biggest(rng):
    """The largest or smallest number."""
    numbers = rng.sample(range(1, 300 if rng.random() < 0.3 else 100), rng.randint(2, 6))
    large = rng.random() < 0.5
    name = rng.choice(("largest", "biggest", "highest") if large else ("smallest", "lowest"))
    best, steps = numbers[0], []
    for number in numbers[1:]:
        old, best = best, max(best, number) if large else min(best, number)
        steps.append(f"{old} or {number}: {best}.")
    return (large, *numbers), BIGGEST, {"s": name, "x": ", ".join(map(str, numbers))}, steps, str(best)


def more(rng):
    """Who has more or fewer things."""
    a, b = rng.sample(range(2, 100), 2)
    n, m = rng.sample(first_names(), 2)
    most = rng.random() < 0.5
    answer = n if (a > b) == most else m
    steps = [f"{max(a, b)} is more than {min(a, b)}."]
    words = {"n": n, "m": m, "a": a, "b": b, "c": "more" if most else "fewer", "x": rng.choice(OBJECTS)}
    return (a, b, n, m, most), MORE, words, steps, answer


def sort(rng):
    """Numbers in order."""
    numbers = rng.sample(range(1, 100), rng.randint(3, 6))
    ordered = sorted(numbers)
    steps = ["The smallest is {}, then {}.".format(ordered[0], ", then ".join(map(str, ordered[1:])))]
    return (*numbers,), SORT, {"x": ", ".join(map(str, numbers))}, steps, ", ".join(map(str, ordered))


def following(rng):
    """The next number of a sequence that grows, falls or doubles."""
    if rng.random() < 0.2:
        start = rng.randint(1, 9)
        row, rule = [start * 2**i for i in range(rng.randint(3, 4))], "* 2"
        answer = row[-1] * 2
    else:
        k, length = rng.randint(1, 12), rng.randint(3, 5)
        start, up = rng.randint(1, 40), rng.random() < 0.65
        row = [start + k * i for i in range(length + 1)]
        row = row if up else row[::-1]
        answer, rule = row.pop(), f"{'+' if up else '-'} {k}"
    steps = [f"Each step is {rule}.", f"{row[-1]} {rule} = {answer}."]
    return (*row,), NEXT, {"x": ", ".join(map(str, row))}, steps, str(answer)


def in_circle(rng, names, most, sign, frames):
    """The name k places on (or back) in a circle of days or months, one place per step."""
    i, k = rng.randrange(len(names)), rng.randint(2, most)
    row = [names[(i + sign * j) % len(names)] for j in range(1, k + 1)]
    steps = [", ".join(f"{j} {name}" for j, name in enumerate(row, 1)) + "."]
    return (sign, i, k), frames, {"k": k, "d": names[i]}, steps, row[-1]


def day(rng):
    """The weekday some days later."""
    return in_circle(rng, DAYS, 9, 1, DAY)


def day_back(rng):
    """The weekday some days earlier."""
    return in_circle(rng, DAYS, 6, -1, BACK)


def month(rng):
    """The month some months later."""
    return in_circle(rng, MONTHS, 7, 1, MONTH)


def age(rng):
    """The age of one person from the age of another."""
    n, m = rng.sample(first_names(), 2)
    a, k, older = rng.randint(12, 70), rng.randint(2, 10), rng.random() < 0.5
    answer = a + k if older else a - k
    words = {"n": n, "m": m, "a": a, "k": k, "c": "older" if older else "younger"}
    return (a, k, older), AGE, words, [f"{a} {'+' if older else '-'} {k} = {answer}."], str(answer)


def later(rng):
    """The age some years from now."""
    a, k = rng.randint(3, 70), rng.randint(2, 25)
    return (a, k), LATER, {"a": a, "k": k}, [f"{a} + {k} = {a + k}."], str(a + k)


def tall(rng):
    """Who is the tallest, oldest, … of three people."""
    p, q, r = rng.sample(first_names(), 3)
    c, most, _, least = rng.choice(COMPARED)
    top = rng.random() < 0.5
    words = {"p": p, "q": q, "r": r, "c": c, "s": most if top else least}
    steps = [f"From {most} to {least}: {r}, {p}, {q}."]
    return (p, q, r, c, top), TALL, words, steps, r if top else q


def two(rng):
    """Who of two people is taller or shorter."""
    p, q = rng.sample(first_names(), 2)
    c, _, d, _ = rng.choice(COMPARED)
    same = rng.random() < 0.3
    words = {"p": p, "q": q, "c": c, "t": c if same else d}
    return (p, q, c, same), TWO, words, [f"{q} is {d} than {p}."], p if same else q


MAKERS = {
    "count": count,
    "repeat": repeat,
    "biggest": biggest,
    "more": more,
    "sort": sort,
    "next": following,
    "day": day,
    "back": day_back,
    "month": month,
    "age": age,
    "later": later,
    "tall": tall,
    "two": two,
}


def draw(rng, kind=None):
    """(kind, key, frames, words, steps, answer)"""
    kind = kind or rng.choice(tuple(MAKERS))
    return kind, *MAKERS[kind](rng)


def key(puzzle):
    """The kind and the numbers or words of the puzzle."""
    return ("counting", puzzle[0], *puzzle[1])


def question(rng, puzzle, unseen=False):
    """The puzzle in one of its wordings."""
    kind, _, frames, words, _, _ = puzzle
    frames = UNSEEN_FRAMES.get(kind, frames) if unseen else frames
    return sentence(rng.choice(frames).format(**({"n": rng.choice(first_names())} | words)))


def document(rng):
    """One puzzle, or two to four of one kind; about half of them worked."""
    reasoned, trigger, kind = rng.random() < 0.5, draw_trigger(rng), rng.choice(tuple(MAKERS))
    number = 1 if rng.random() < 0.75 else rng.randint(2, 4)
    layout = None if number == 1 else "Question: {q}\nAnswer: {a}"
    texts = []
    for _ in range(number):
        puzzle = draw_until(lambda: draw(rng, kind), False, key)
        text = question(rng, puzzle)
        answer = worked(trigger, puzzle[4], puzzle[5]) if reasoned else direct(rng, puzzle[5])
        texts.append(show(rng, text, answer, layout))
    return "\n\n".join(texts)


def item(rng, kind=None, reasoning=True, unseen=False, trigger="Let's think step by step.", cue=""):
    """A held-out puzzle; unseen wordings exist for "next" and "day"."""
    kind = kind or (rng.choice(tuple(UNSEEN_FRAMES)) if unseen else None)
    puzzle = draw_until(lambda: draw(rng, kind), True, key)
    text = question(rng, puzzle, unseen)
    if reasoning:
        return Item(prompt(text, trigger), puzzle[5], "final", 100)
    return Item(prompt(text, cue), puzzle[5], "line", 24)
