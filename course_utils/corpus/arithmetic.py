"""Bare arithmetic: the elementary steps that word problems are made of.

Most sums stay in the range of the problems (up to 50); the rest goes up to 120.
"""

SIGNS = ("+", "-", "*2", "*3", "/2", "/4", "*")
WEIGHTS = (34, 34, 9, 5, 11, 2, 5)
WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def small_or_large(rng, low, high):
    """A number from low to high; every second time at most 20, because small ones matter most."""
    return rng.randint(low, max(low, min(high, 20) if rng.random() < 0.5 else high))


def equation(rng, limit=50):
    """(a, sign, b, result) with whole numbers from 0 to limit."""
    sign = rng.choices(SIGNS, WEIGHTS)[0]
    if sign == "+":
        a = small_or_large(rng, 1, limit - 2)
        b = small_or_large(rng, 1, min(limit - a, 25))
        return a, "+", b, a + b
    if sign == "-":
        a = small_or_large(rng, 1, limit)
        b = small_or_large(rng, 1, min(a, 25))
        return a, "-", b, a - b
    if sign == "*":
        a, b = rng.randint(2, 9), rng.randint(2, 9)
        return a, "*", b, a * b
    b = int(sign[1])
    c = small_or_large(rng, 1, limit // b)
    return (c, "*", b, c * b) if sign[0] == "*" else (c * b, "/", b, c)


def equations(rng):
    """A function that draws equations for one document."""
    limit = 50 if rng.random() < 0.8 else 120
    return lambda: equation(rng, limit)


def table(rng):
    """A half or double table, in words or signs."""
    kind = rng.choice(("half", "double", "plus", "minus"))
    start, k = rng.randint(1, 32), rng.randint(2, 20)
    rows = range(start, start + rng.randint(4, 8))
    if kind == "half":
        frame = rng.choice(("Half of {b} is {a}.", "{b} / 2 = {a}", "half {b} -> {a}", "{a} is half of {b}."))
    elif kind == "double":
        frame = rng.choice(("Double {a} is {b}.", "{a} * 2 = {b}", "double {a} -> {b}", "Twice {a} is {b}."))
    elif kind == "plus":
        return "\n".join(f"{a} + {k} = {a + k}" for a in rows)
    else:
        return "\n".join(f"{a + k} - {k} = {a}" for a in rows)
    rows = list(rows)
    if rng.random() < 0.5:
        rng.shuffle(rows)
    return "\n".join(frame.format(a=a, b=2 * a) for a in rows)


def document(rng):
    """A list of sums, a table, or a few arithmetic questions."""
    style = rng.random()
    if style < 0.2:
        return table(rng)
    equation = equations(rng)
    if style < 0.75:
        sep = rng.choice(("\n", "\n", ". ", ", "))
        text = sep.join("{} {} {} = {}".format(*equation()) for _ in range(rng.randint(3, 14)))
        return text + "." if sep == ". " else text
    if style < 0.87:
        frame = rng.choice(("{} {} {} is {}.", "{} {} {} makes {}.", "What is {} {} {}? {}"))
        rows = [equation() for _ in range(rng.randint(3, 7))]
        return "\n".join(frame.format(a, WORDS[s], b, c) for a, s, b, c in rows)
    frame = rng.choice(
        (
            "Question: What is {} {} {}?\nAnswer: {}",
            "Question: {} {} {} = ?\nAnswer: {}",
            "Q: Work out {} {} {}.\nA: {}",
            "Input: {} {} {}\nOutput: {}",
        )
    )
    sep = "\n" if frame.startswith("Input") else "\n\n"
    return sep.join(frame.format(*equation()) for _ in range(rng.randint(1, 5)))
