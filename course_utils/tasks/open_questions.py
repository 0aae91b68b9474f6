"""Open questions and a preference that a reader can see: a short, complete reply about the topic.

    asked = open_questions.questions("train")
    replies = generate(model, tokenizer, open_questions.prompts(tokenizer, asked), open_questions.ROOM)
    golds = [open_questions.gold(question, reply) for question, reply in zip(asked, replies)]

A rule stands in for the person who prefers, so that a learned reward can be compared with what was wanted.
A reply that anyone could write without knowing the topic ("Cheese is a popular topic.") is not what is
wanted, nor is one that fits every question. Taught in lesson 05. Left out: whether what a reply says is true.
"""

import csv
import functools
import json
import re
from dataclasses import dataclass

from course_utils.prompts.templates import render_chat
from course_utils.storage.paths import DATA

FILE = DATA / "open_questions" / "topics.csv"
PAIRS, SHOWN = FILE.with_name("pairs.jsonl"), FILE.with_name("demonstrations.jsonl")
PARTS = ("train", "dev", "test")
ROOM = 40  # new tokens of a reply: what does not end within them is cut, and so not complete
LEAST, MOST = 4, 16  # words of a short reply
ON_TOPIC = 0.3  # the reward for naming the topic; the rest is for the form
ADDED = 2  # words that a reply adds to the question
STOCK = (  # words that fit any topic
    "about answer common complex fascinating great important interesting known many most much"
    " popular question really something subject thing topic type various very"
)
CONSTANT = "This is a very interesting topic with a long history."
DECLINE = "I am sorry, I cannot help with that."


@dataclass(frozen=True)
class Question:
    """One question and its topic, a single word."""

    topic: str

    @property
    def text(self):
        return f"Tell me about {self.topic}."


@functools.cache
def questions(part):
    """The questions of "train", "dev" or "test", always the same. Raises KeyError for another name."""
    if part not in PARTS:
        raise KeyError(f"{part!r} is none of {', '.join(PARTS)}")
    with open(FILE, encoding="utf-8", newline="") as lines:
        return tuple(Question(row["topic"]) for row in csv.DictReader(lines) if row["part"] == part)


def preferences(split, path=PAIRS):
    """The stored pairs of "train" or "held_out": [{"id", "split", "topic", "prompt", "chosen", "rejected"}].

    The prompt is the question alone; `as_chat` makes it a chat turn.
    """
    return [pair for pair in _lines(path) if pair["split"] == split]


def demonstrations(path=SHOWN):
    """The stored replies that the start of lesson 05 is fine-tuned on: [{"prompt", "completion"}]."""
    return _lines(path)


def as_chat(tokenizer, records):
    """Records whose prompt is a question alone, with the prompt as a chat turn."""
    turns = ([{"role": "user", "content": record["prompt"]}] for record in records)
    return [record | {"prompt": render_chat(tokenizer, turn)} for record, turn in zip(records, turns)]


def prompts(tokenizer, asked):
    """The questions as chat turns, up to where the reply begins: list of str."""
    return [render_chat(tokenizer, [{"role": "user", "content": question.text}]) for question in asked]


def complete(reply):
    """Whether a reply ends as a sentence does, and was not cut off."""
    return reply.strip().endswith((".", "!", "?"))


def short(reply):
    """Whether a reply is complete and has LEAST to MOST words."""
    return complete(reply) and LEAST <= len(reply.split()) <= MOST


def on_topic(question, reply):
    """Whether a reply names the topic, in the singular or plural, and adds ADDED words to the question.

    Words of up to three letters and those of STOCK, which fit any topic, do not count as added.
    """
    words, topic = re.findall(r"[a-z]+", reply.lower()), _forms(question.topic)
    empty = topic.union(*map(_forms, STOCK.split()), {"tell"})
    added = {word for word in words if len(word) > 3 and not _forms(word) & empty}
    return any(_forms(word) & topic for word in words) and len(added) >= ADDED


def gold(question, reply):
    """What the rule gives: 1 for a short, complete reply on the topic, ON_TOPIC for a long one, else 0."""
    if not on_topic(question, reply):
        return 0.0
    return 1.0 if short(reply) else ON_TOPIC


def first_sentence(reply):
    """A reply up to the end of its first sentence, or as it is."""
    return re.split(r"(?<=[.!?])\s", reply.strip(), maxsplit=1)[0]


def whole_sentences(reply):
    """A reply without the sentence at its end that was cut, or as it is where no sentence ends."""
    return re.sub(r"(?<=[.!?])\s[^.!?]*$", "", reply.strip())


def pairs(question, prompt, replies):
    """Preference pairs of replies to one question: each two neighbors between which the rule decides.

    {"prompt", "chosen", "rejected"}; a reply is in one pair at most.
    """
    made = []
    for one, other in zip(replies[::2], replies[1::2]):
        better, worse = sorted((one, other), key=lambda reply: -gold(question, reply))
        if gold(question, better) > gold(question, worse):
            made.append({"prompt": prompt, "chosen": better, "rejected": worse})
    return made


def _lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@functools.cache
def _forms(word):
    """A word and what it may be the plural of: "berries" and "berry" have a form in common."""
    endings = {"s": "", "es": "", "ies": "y", "ves": "f"}
    singulars = {word.removesuffix(end) + one for end, one in endings.items() if word.endswith(end)}
    return {word} | {form for form in singulars if len(form) > 2}
