"""The retention suite in English, for real models: what fine-tuning on something else must not destroy.

Five abilities: capitals, antonyms and sentiment by examples in the prompt, common facts asked in a chat,
word problems of one step with worked examples. Each answer is graded twice. *Strict*: the answer in the
form that was asked for. *Lenient*: the answer anywhere in the reply. A model that still knows the answer
but wraps it in the form of its new task (one line of JSON, say) fails the first and passes the second:
that is format collapse. One that fails both has forgotten. Left out: abilities that 135 M parameters lack.
"""

import csv
import functools
import random
import re
from dataclasses import dataclass

from course_utils.generation import generate
from course_utils.prompts.templates import question
from course_utils.storage.paths import DATA

FILE = DATA / "retention" / "english.csv"
ABILITIES = ("capitals", "antonyms", "sentiment", "common facts", "word problems")
FORM = "{} -> {}"
SHOTS = {  # shown before each question; the file does not ask them
    "capitals": (("France", "Paris"), ("Japan", "Tokyo"), ("Kenya", "Nairobi"), ("Poland", "Warsaw")),
    "antonyms": (("tall", "short"), ("black", "white"), ("give", "take"), ("front", "back"),
                 ("noisy", "quiet"), ("ugly", "beautiful"), ("start", "stop"), ("lazy", "hardworking")),
    "sentiment": (("The seat was broken.", "negative"), ("We had a lovely evening.", "positive")),
}  # fmt: skip
WORKED = (
    ("Anna has 5 pens. Anna buys 3 pens. How many pens does Anna have now?",
     "Anna has 5 pens and buys 3 pens. 5 + 3 = 8. The answer is 8."),
    ("Tom has 9 eggs. Tom gives away 4 eggs. How many eggs does Tom have now?",
     "Tom has 9 eggs and gives away 4 eggs. 9 - 4 = 5. The answer is 5."),
)  # fmt: skip
NAMES = ("Lucy", "Sam", "Nina", "Paul", "Emma", "Jack", "Ruth", "Leo", "Kate", "Adam")
THINGS = ("apples", "books", "stamps", "balls", "shells", "coins", "cards", "roses", "keys", "plums")
GAINS, LOSSES = ("buys", "finds"), ("gives away", "loses")
PROBLEMS = 64


@dataclass(frozen=True)
class Question:
    """One question: what is sent to the model, and the answers that count (any of them)."""

    ability: str
    text: str
    answers: tuple
    chat: bool = False  # a user turn in the model's chat template, or plain text to continue


@functools.cache
def questions(ability):
    """All questions of an ability, in a fixed order. Raises KeyError for a name not in ABILITIES."""
    if ability not in ABILITIES:
        raise KeyError(f"{ability!r} is not in the suite: {', '.join(ABILITIES)}")
    if ability == "word problems":
        return tuple(_problems())
    with open(FILE, encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["ability"] == ability]
    return tuple(_question(ability, row["question"], tuple(row["answers"].split("|"))) for row in rows)


def measure(model, tokenizer, count=None, batch_size=32, progress=False):
    """{ability: {"strict": [bool], "lenient": [bool]}} on the first `count` questions of each, greedily."""
    hits = {}
    for ability in ABILITIES:
        asked = questions(ability)[:count]
        texts = [_sent(tokenizer, q) for q in asked]
        limit = 40 if ability in ("common facts", "word problems") else 10
        stop = None if asked[0].chat else "\n"
        replies = generate(model, tokenizer, texts, limit, stop, batch_size=batch_size, progress=progress)
        hits[ability] = {
            "strict": [strict(q, reply) for q, reply in zip(asked, replies)],
            "lenient": [lenient(q, reply) for q, reply in zip(asked, replies)],
        }
    return hits


def strict(asked, reply):
    """Is the answer given in the form that was asked for?

    By examples: the line is the answer. A word problem: the answer follows "The answer is". A chat: the
    first sentence says it, in prose (no braces or brackets of a data format).
    """
    line = reply.strip().split("\n")[0].strip()
    if asked.ability == "word problems":
        match = re.search(r"The answer is (-?\d+)", line)
        return bool(match) and match[1] in asked.answers
    if asked.chat:
        sentence = re.split(r"(?<=[.!?])\s", line)[0]
        return not re.search(r"[{}\[\]|]", line) and lenient(asked, sentence)
    return line.rstrip(".").lower() in [answer.lower() for answer in asked.answers]


def lenient(asked, reply):
    """Does one of the answers stand in the reply as a whole word (or words), in whatever form?"""
    return any(re.search(rf"(?<!\w){re.escape(a)}(?!\w)", reply, re.IGNORECASE) for a in asked.answers)


def _question(ability, text, answers):
    if ability == "common facts":
        return Question(ability, text, answers, chat=True)
    shown = [FORM.format(*shot) for shot in SHOTS[ability]]
    return Question(ability, "\n".join([*shown, FORM.format(text, "").rstrip()]), answers)


def _problems():
    rng, seen = random.Random("english word problems"), set()
    while len(seen) < PROBLEMS:
        name, thing, gains = rng.choice(NAMES), rng.choice(THINGS), len(seen) % 4 != 3
        start = rng.randint(3, 9)
        change = rng.randint(1, 9 if gains else start - 1)
        story = (
            f"{name} has {start} {thing}. {name} {rng.choice(GAINS if gains else LOSSES)} {change} {thing}."
        )
        if story not in seen:
            seen.add(story)
            text = question(f"{story} How many {thing} does {name} have now?", examples=WORKED)
            yield Question("word problems", text, (str(start + change if gains else start - change),))


def _sent(tokenizer, asked):
    if not asked.chat:
        return asked.text
    turns = [{"role": "user", "content": asked.text}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
