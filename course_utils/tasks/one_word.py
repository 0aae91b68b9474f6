"""One-word answers: questions of general knowledge that a chat model should answer with a single word.

    train, test = one_word.questions("train"), one_word.questions("test")
    records = one_word.records(tokenizer, train)              # to train on
    replies = generate(model, tokenizer, one_word.prompts(tokenizer, test, instruction), one_word.ROOM)
    hits = one_word.exact(test, replies)

SmolLM2 knows many of the answers and is hardly moved by an instruction to give them in one word, so the
task shows what an instruction cannot do and what training adds. A reply is graded twice: is it one word
(the form), and is it the right word? Taught in lesson 02. Left out: answers of several words.
"""

import csv
import functools
import random
import re
from dataclasses import dataclass

from course_utils.prompts.templates import render_chat
from course_utils.storage.paths import DATA

FILE = DATA / "one_word" / "questions.csv"
ROOM = 24  # new tokens of a reply: enough for a short sentence, which then fails the form
WORDINGS = {
    "capital": ("What is the capital of {}?", "Name the capital city of {}."),
    "opposite": ("What is the opposite of {}?", "Give me a word that means the opposite of {}."),
    "plural": ("What is the plural of {}?", "How do you write {} in the plural?"),
    "past tense": ("What is the past tense of {}?", "How do you write the verb {} in the past tense?"),
    "color": ("What color is {}?", "Tell me the color of {}."),
    "language": ("Which language do most people in {} speak?",),
}
UNSEEN = "language"  # the kind that nobody trains on
COUNTS = {"test": 20, "dev": 10}  # subjects of each other kind
PARTS = ("train", "dev", "test", "unseen")
MARK = "<instruction>"  # stands for the system turn's text while a prompt is cut in two


@dataclass(frozen=True)
class Question:
    """One question: its kind, the text that is asked, and the words that count as right."""

    kind: str
    text: str
    answers: tuple


@functools.cache
def questions(part):
    """The questions of "train" (shuffled), "dev", "test" or "unseen", always the same.

    Parts share no subject of a kind. "train" asks about each subject twice, in both wordings, the others
    once. Raises KeyError for another name.
    """
    if part not in PARTS:
        raise KeyError(f"{part!r} is none of {', '.join(PARTS)}")
    with open(FILE, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    if part == "unseen":
        return tuple(_question(row, 0) for row in rows if row["kind"] == UNSEEN)
    chosen = []
    for kind in [kind for kind in WORDINGS if kind != UNSEEN]:
        own = [row for row in rows if row["kind"] == kind]
        random.Random(f"one word {kind}").shuffle(own)
        test, dev = COUNTS["test"], COUNTS["test"] + COUNTS["dev"]
        rows_of_part = {"test": own[:test], "dev": own[test:dev], "train": own[dev:]}[part]
        wordings = (0, 1) if part == "train" else (None,)
        for w in wordings:
            chosen += [_question(row, i % 2 if w is None else w) for i, row in enumerate(rows_of_part)]
    return tuple(random.Random(f"one word {part}").sample(chosen, len(chosen)))


def _question(row, wording):
    return Question(
        row["kind"], WORDINGS[row["kind"]][wording].format(row["subject"]), tuple(row["answers"].split("|"))
    )


def chat(tokenizer, text, instruction=MARK, shots=()):
    """(what stands before the end of the system turn, the rest) of a conversation that ends with a question.

    The first part ends with the instruction, so that a soft prompt can take its place; the rest holds the
    end of that turn, solved questions as turns of their own, and the question.
    """
    turns = [{"role": "system", "content": MARK}]
    for shot in shots:
        turns += [{"role": "user", "content": shot.text}, {"role": "assistant", "content": shot.answers[0]}]
    front, rest = render_chat(tokenizer, [*turns, {"role": "user", "content": text}]).split(MARK)
    return front + instruction, rest


def prompts(tokenizer, asked, instruction=None, shots=(), turn="system"):
    """A prompt for each question, with an instruction in the system turn, or with solved questions.

    Without an instruction, or with one in the "user" turn, in front of the question, the model gets the
    system turn of its own template.
    """
    if turn == "user":
        texts = [f"{instruction} {q.text}" for q in asked]
        return [render_chat(tokenizer, [{"role": "user", "content": text}]) for text in texts]
    if instruction is not None or shots:
        return ["".join(chat(tokenizer, q.text, instruction or "", shots)) for q in asked]
    return [render_chat(tokenizer, [{"role": "user", "content": q.text}]) for q in asked]


def records(tokenizer, asked, instruction=None):
    """Questions as {"prompt", "completion"} to train on.

    Without an instruction the prompt begins behind the system turn's text: there a soft prompt belongs.
    """
    texts = [chat(tokenizer, q.text)[1] for q in asked]
    if instruction is not None:
        texts = prompts(tokenizer, asked, instruction)
    return [{"prompt": text, "completion": q.answers[0]} for text, q in zip(texts, asked)]


def one_word(replies):
    """[bool]: is a reply one word, a final full stop aside?"""
    return [re.fullmatch(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?", reply.strip()) is not None for reply in replies]


def exact(asked, replies):
    """[bool]: is a reply one of the right words and nothing else, a final full stop and case aside?"""
    return [
        reply.strip().removesuffix(".").lower() in [answer.lower() for answer in q.answers]
        for q, reply in zip(asked, replies, strict=True)
    ]


def contained(asked, replies):
    """[bool]: does one of the right words stand anywhere in the reply?"""
    return [
        any(re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", reply, re.IGNORECASE) for answer in q.answers)
        for q, reply in zip(asked, replies, strict=True)
    ]
