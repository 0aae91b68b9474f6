"""Repeated random sequences and small list operations.

To continue a sequence that has been seen before is the simplest thing that a model can do with
its context, and the base of learning from examples. The sequences are random, so only the text
itself tells how it goes on.
"""

import functools

from course_utils.corpus.lexicon import all_words, column, first_names
from course_utils.corpus.routing import new_name
from course_utils.corpus.split import Item, held_out

JOINERS = [" ", " ", " ", ", ", ", ", "; ", " - ", " | ", " / ", " and ", "\n"]
BREAKS = ["\n", "\n", "\n\n", ". ", " ... ", " || ", "\nAgain: ", "\nOnce more: ", "\n---\n"]
COPY_FRAMES = [
    "Copy: {a}\nCopy: {a}",
    "Text: {a}\nCopy: {a}",
    "Repeat: {a}\nAnswer: {a}",
    "Input: {a}\nOutput: {a}",
    "Say this: {a}\nAnswer: {a}",
    "Copy this line: {a}\n{a}",
    "{a}\nRepeat the line:\n{a}",
    "Question: Repeat this: {a}\nAnswer: {a}",
    "User: Please repeat: {a}\nAgent: {a}",
    "First line: {a}\nSecond line: {a}",
    "Original: {a}\nCopy: {a}",
    "He said {a}, and she said {a}",
    'He wrote "{a}" and she wrote "{a}"',
    "{a} -> {a}",
    "{a} = {a}",
    "Say it twice: {a} {a}",
]

# Operations on a list of words: a name, instructions, and the function that gives the answer.
OPERATIONS = {
    "copy": (["Copy", "Repeat", "Write the same"], lambda w: " ".join(w)),
    "reverse": (["Reverse", "Backwards", "Reverse the list", "Turn around"], lambda w: " ".join(w[::-1])),
    "first": (["First word", "Give the first word", "First", "Which word is first?"], lambda w: w[0]),
    "last": (["Last word", "Give the last word", "Last", "Which word is last?"], lambda w: w[-1]),
    "second": (["Second word", "Give the second word", "Second"], lambda w: w[1]),
    "sort": (
        ["Sort", "Sort the words", "In alphabetical order", "Sort from a to z"],
        lambda w: " ".join(sorted(w, key=str.lower)),
    ),
    "count": (["Count", "How many words?", "Number of words", "Count the words"], lambda w: str(len(w))),
    "join": (["Join with commas", "Put commas between the words", "With commas"], lambda w: ", ".join(w)),
    "and": (["Join with and", "Put and between the words", "With and"], lambda w: " and ".join(w)),
    "no first": (["Remove the first word", "Without the first word"], lambda w: " ".join(w[1:])),
    "no last": (["Remove the last word", "Without the last word"], lambda w: " ".join(w[:-1])),
    "swap": (
        ["Swap the first and the last word", "Swap the ends"],
        lambda w: " ".join([w[-1], *w[1:-1], w[0]]),
    ),
    "double": (
        ["Double every word", "Say every word twice"],
        lambda w: " ".join([x for x in w for _ in "ab"]),
    ),
    "capitals": (["Write in capitals", "Capital letters"], lambda w: " ".join(w).upper()),
}
# An instruction and a list make a task, in one of these forms; the answer follows after one space.
TASK_FRAMES = [
    "{i}: {w}\nAnswer:",
    "{i}: {w}\nOutput:",
    "{i}: {w} ->",
    "Input: {w}\nOutput:",
    "{w} ->",
    "{w} =",
    "Question: {i}: {w}\nAnswer:",
    "User: {i}: {w}\nAgent:",
    "List: {w}\n{i}:",
    "Words: {w}\n{i}:",
    "{w} | {i}:",
]
SPELLING = [
    "{w}: {s}",
    "Spell {w}: {s}",
    "{w} -> {s}",
    "Word: {w}\nLetters: {s}",
    "Input: {w}\nOutput: {s}",
    "Question: How do you spell {w}?\nAnswer: {s}",
    "{s} = {w}",
    "{s}: {w}",
    "{w} is spelt {s}.",
]


@functools.cache
def kinds():
    """The kinds of elements that a sequence can have."""
    return {
        "word": all_words(),
        "noun": column("nouns", "noun"),
        "name": first_names(),
        "place": column("places", "place"),
        "letter": tuple("abcdefghijklmnopqrstuvwxyz"),
        "capital letter": tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        "digit": tuple("0123456789"),
        "number": tuple(str(n) for n in range(10, 1000)),
    }


KIND_NAMES = (
    "word",
    "word",
    "word",
    "word",
    "noun",
    "name",
    "place",
    "letter",
    "capital letter",
    "digit",
    "number",
    "new name",
    "new name",
)


def draw_sequence(rng, length, wanted=False, kind=None):
    """A random sequence; whether it is held out depends on its first two elements, in their order."""
    kind = kind or rng.choice(KIND_NAMES)
    while True:
        if kind == "new name":
            sequence = [new_name(rng) for _ in range(length)]
        else:
            sequence = [rng.choice(kinds()[kind]) for _ in range(length)]
        if held_out("sequence", *sequence[:2]) == wanted:
            return sequence


def draw_list(rng, length, wanted=False):
    """A sequence of different words, for the list operations."""
    while True:
        words = rng.sample(kinds()["word" if rng.random() < 0.7 or wanted else "name"], length)
        if held_out("sequence", *words[:2]) == wanted:
            return words


def repeated(rng):
    """One sequence, two to four times in a row."""
    joiner = rng.choice(JOINERS)
    text = joiner.join(draw_sequence(rng, rng.randint(3, rng.choice((8, 16, 30)))))
    gap = rng.choice(BREAKS)
    return gap.join([text] * rng.randint(2, 4))


def repeated_lines(rng):
    """Several lines, and the whole block again."""
    lines = [" ".join(draw_sequence(rng, rng.randint(1, 5))) for _ in range(rng.randint(3, 7))]
    if rng.random() < 0.5:
        lines = [f"{number}. {line}" for number, line in enumerate(lines, 1)]
    return rng.choice(("\n\n", "\nAgain:\n", "\nCopy:\n", "\n")).join(["\n".join(lines)] * rng.randint(2, 3))


def copies(rng):
    """Different short sequences, each copied, in one frame."""
    frame, joiner = rng.choice(COPY_FRAMES), rng.choice(JOINERS[:5])
    texts = [joiner.join(draw_sequence(rng, rng.randint(2, 8))) for _ in range(rng.randint(1, 6))]
    return rng.choice(("\n", "\n\n")).join([frame.format(a=text) for text in texts])


def operations(rng):
    """One list operation on several lists."""
    instructions, work = OPERATIONS[rng.choice(tuple(OPERATIONS))]
    instruction, frame = rng.choice(instructions), rng.choice(TASK_FRAMES)
    joiner = rng.choice((" ", " ", " ", ", "))
    tasks = []
    for _ in range(rng.randint(2, 8)):
        words = draw_list(rng, rng.randint(2, 6))
        task = frame.format(i=instruction, w=joiner.join(words)).replace("?:", "?")
        tasks.append(task + " " + work(words))
    return rng.choice(("\n", "\n\n")).join(tasks)


def spelling(rng):
    """Words and their letters."""
    frame, joiner = rng.choice(SPELLING), rng.choice((" ", " ", "-", ", "))
    words = [w for w in rng.sample(all_words(), rng.randint(3, 10)) if not held_out("spelling", w)]
    return "\n".join([frame.format(w=w, s=joiner.join(w)) for w in words or ["cat"]])


def repeated_long(rng):
    """One long random sequence again and again: what follows a word is learned by looking back."""
    words = draw_sequence(rng, rng.randint(6, 40), kind="word")
    times = max(2, min(8, 100 // len(words)))
    return rng.choice(("\n", " ", ", ", ". ")).join([" ".join(words)] * times)


def document(rng):
    """One document of repetition."""
    makers = (repeated, repeated_long, repeated_lines, copies, operations, spelling)
    return rng.choices(makers, (25, 25, 10, 10, 20, 10))[0](rng)


def item(rng, length=8, kind="word"):
    """Continue the second copy of a random sequence after its first two elements."""
    words = draw_sequence(rng, length, wanted=True, kind=kind)
    return Item(" ".join(words) + "\n" + " ".join(words[:2]), " ".join(words[2:]), max_new_tokens=8 * length)


def item_operation(rng, operation="reverse", length=4, shots=3):
    """A list operation shown by examples alone: Input: … Output: …"""
    work = OPERATIONS[operation][1]
    parts = []
    for _ in range(shots):
        words = draw_list(rng, length)
        parts.append(f"Input: {' '.join(words)}\nOutput: {work(words)}")
    words = draw_list(rng, length, wanted=True)
    prompt = "\n".join([*parts, f"Input: {' '.join(words)}\nOutput:"])
    return Item(prompt, work(words), max_new_tokens=16 * length)


def item_spelling(rng, shots=4):
    """Spell a word that no document of this family spells."""
    words = [w for w in rng.sample(all_words(), 4 * shots) if not held_out("spelling", w)][:shots]
    word = rng.choice([w for w in all_words() if held_out("spelling", w)])
    lines = [f"{w}: {' '.join(w)}" for w in words]
    return Item("\n".join([*lines, f"{word}:"]), " ".join(word), max_new_tokens=3 * len(word))
