"""Nested parts: "Half of the balls are golf balls. Half of the golf balls are blue."

One to three levels: a kind, then a color, then a state. A combination of number, parts, things,
kind, color and state is either in the corpus or held out.
"""

from course_utils.corpus.lexicon import first_names
from course_utils.corpus.reasoning import direct, draw_trigger, prompt, sentence, show, worked
from course_utils.corpus.split import Item, draw_until, held_out

# The classic question in our own words; no document has 16 balls, golf balls and blue together.
JUGGLER_QUESTION = (
    "A juggler keeps 16 balls in a bag. Half of the balls are golf balls, and half of the golf balls "
    "are blue. How many blue golf balls does the juggler have?"
)
JUGGLER_ANSWER = "4"

COLORS = ("red", "blue", "green", "yellow", "white", "black", "brown", "orange", "pink", "grey")
# (things, who has them, kinds, states)
GROUPS = (
    (
        "balls",
        ("a juggler", "a club", "a coach"),
        ("golf", "tennis", "beach", "rubber", "glass"),
        ("new", "old", "wet", "heavy"),
    ),
    (
        "cars",
        ("a garage", "a dealer", "a city"),
        ("sports", "family", "toy", "electric", "racing"),
        ("fast", "slow", "clean", "dirty"),
    ),
    (
        "dogs",
        ("a farmer", "a village", "a kennel"),
        ("guard", "farm", "police", "sheep"),
        ("young", "old", "hungry", "fast"),
    ),
    (
        "books",
        ("a library", "a school", "a teacher"),
        ("picture", "school", "story", "travel"),
        ("thin", "thick", "new", "old"),
    ),
    (
        "boats",
        ("a harbour", "a sailor", "a town"),
        ("fishing", "sailing", "toy", "rowing"),
        ("fast", "slow", "long", "broken"),
    ),
    (
        "cups",
        ("a kitchen", "a cook", "a cafe"),
        ("coffee", "tea", "paper", "glass"),
        ("full", "empty", "clean", "broken"),
    ),
    (
        "shoes",
        ("a shop", "a dancer", "a runner"),
        ("sports", "dance", "leather", "winter"),
        ("wet", "dry", "new", "old"),
    ),
    (
        "hats",
        ("a shop", "a magician", "a clown"),
        ("straw", "rain", "party", "paper"),
        ("big", "small", "dirty", "new"),
    ),
    (
        "birds",
        ("a zoo", "a forest", "an island"),
        ("sea", "song", "water", "jungle"),
        ("young", "loud", "quiet", "tired"),
    ),
    (
        "houses",
        ("a town", "a builder", "a street"),
        ("brick", "wooden", "stone", "corner"),
        ("tall", "empty", "cheap", "old"),
    ),
    (
        "boxes",
        ("a warehouse", "a driver", "a post office"),
        ("gift", "wooden", "metal", "tool"),
        ("heavy", "light", "full", "empty"),
    ),
    (
        "bikes",
        ("a shop", "a school", "a club"),
        ("mountain", "racing", "city", "electric"),
        ("fast", "broken", "new", "rusty"),
    ),
)

STARTS = (
    "{w} has {n} {t}.",
    "{w} owns {n} {t}.",
    "there are {n} {t} in the picture.",
    "{w} keeps {n} {t}.",
    "{n} {t} belong to {w}.",
    "altogether {w} has {n} {t}.",
    "we can see {n} {t}.",
    "{w} counts {n} {t}.",
)
PARTS = (
    "{f} of the {a} are {b}.",
    "{f} of the {a} are {b}.",
    "{f} of them are {b}.",
    "{f} of those are {b}.",
    "of the {a}, {f} are {b}.",
    "exactly {f} of the {a} are {b}.",
)
ASKS = (
    "How many {b} are there?",
    "How many {b} are there?",
    "How many {b} does that make?",
    "What is the number of {b}?",
    "How many are {b}?",
    "Count the {b}: how many are there?",
    "So how many {b} are there?",
)
UNSEEN_STARTS = (
    "the collection of {w} is made up of {n} {t}.",
    "{w} shows us {n} {t}.",
    "imagine {n} {t}, all owned by {w}.",
    "{w} is known for {n} {t}.",
)
UNSEEN_PARTS = (
    "it turns out that {f} of the {a} are {b}.",
    "looking at the {a}, {f} are {b}.",
    "{f} of these {a} happen to be {b}.",
    "if you check the {a}, {f} are {b}.",
)
UNSEEN_ASKS = (
    "How many {b} can be found?",
    "Can you say how many {b} there are?",
    "How many {b} would you count?",
    "How large is the number of {b}?",
)


def draw(rng, levels=None):
    """(number, divisors, things, kind, color, state); unused levels are empty strings."""
    things, _, kinds, states = rng.choice(GROUPS)
    levels = levels or rng.choices((1, 2, 3), (20, 55, 25))[0]
    parts = tuple(4 if rng.random() < 0.12 else 2 for _ in range(levels))
    product = 1
    for part in parts:
        product *= part
    number = product * rng.randint(1, max(1, min(20, 64 // product)))
    labels = (rng.choice(kinds), rng.choice(COLORS), rng.choice(states))
    return number, parts, things, *(labels[i] if i < levels else "" for i in range(3))


def key(content):
    """What must not be shared by documents and items."""
    return ("nested", *content)


def in_corpus(content):
    """Whether documents may use this combination."""
    classic = content[0] == 16 and content[2:5] == ("balls", "golf", "blue")
    return not held_out(*key(content)) and not classic


def story(rng, content, unseen=False):
    """(question text, names of the levels)"""
    number, parts, things, kind, color, state = content
    names = [things, f"{kind} {things}", f"{color} {kind} {things}", f"{state} {color} {kind} {things}"]
    words = ["", f"{kind} {things}", color, state]
    owners = next(group[1] for group in GROUPS if group[0] == things)
    owner = rng.choice(owners) if rng.random() < 0.7 else rng.choice(first_names())
    starts, frames, asks = (UNSEEN_STARTS, UNSEEN_PARTS, UNSEEN_ASKS) if unseen else (STARTS, PARTS, ASKS)
    sentences = [rng.choice(starts).format(w=owner, n=number, t=things)]
    for i, part in enumerate(parts, 1):
        fraction = "half" if part == 2 else "a quarter"
        sentences.append(rng.choice(frames).format(f=fraction, a=names[i - 1], b=words[i]))
    text = " ".join(map(sentence, sentences))
    if len(parts) == 2 and rng.random() < 0.2 and not unseen:
        head, last = text[:-1].rsplit(". ", 1)
        text = f"{head}, and {last[0].lower()}{last[1:]}."
    return f"{text} {rng.choice(asks).format(b=names[len(parts)])}", names


def steps(rng, content, names):
    """(the steps as short equations, the answer)"""
    value, lines = content[0], []
    label = rng.random() < 0.4
    if rng.random() < 0.7:
        lines.append(
            rng.choice(("There are {} {}.", "There are {} {} at first.", "Start with {} {}.")).format(
                value, names[0]
            )
        )
    for name, part in zip(names[1:], content[1], strict=False):
        text = f"{value} / {part} = {value // part}."
        lines.append(f"{sentence(name)}: {text}" if label else text)
        value //= part
    return lines, str(value)


def problem(rng, reasoned, trigger=None):
    """(question, answer text) for a document."""
    while not in_corpus(content := draw(rng)):
        pass
    question, names = story(rng, content)
    lines, answer = steps(rng, content, names)
    return question, worked(trigger or draw_trigger(rng), lines, answer) if reasoned else direct(rng, answer)


def juggler(rng, reasoning=True, levels=2, unseen=False, trigger="Let's think step by step.", cue=""):
    """A held-out nested problem. `cue` follows "Answer:" in a direct prompt, e.g. "The answer is"."""
    content = draw_until(lambda: draw(rng, levels), True, key)
    question, names = story(rng, content, unseen)
    _, answer = steps(rng, content, names)
    if reasoning:
        return Item(prompt(question, trigger), answer, "final", 60 + 28 * levels)
    return Item(prompt(question, cue), answer, "line", 8)


def document(rng):
    """One nested problem."""
    return show(rng, *problem(rng, rng.random() < 0.7))
