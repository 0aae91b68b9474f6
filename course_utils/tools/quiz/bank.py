"""The quiz bank: data/quiz/<lesson>.yaml, ten single-choice questions a lesson, read and checked.

    lesson: "00"
    title: Start here
    questions:
      - id: "00.softmax"
        question: one text
        answer: the right one
        distractors: [three, wrong, ones]
        explanation: why

Questions are about what holds in general, not about digits measured in a lesson, so that they stay right when
a lesson is run again. Left out: several right answers, and texts to grade by hand.
"""

import hashlib
import random
import re
from dataclasses import dataclass

import yaml

from course_utils.storage.paths import DATA

FOLDER = DATA / "quiz"
DISTRACTORS = 3
ID = re.compile(r"\d\d\.[a-z0-9-]+")


@dataclass(frozen=True)
class Question:
    """One question; choices() is the order in which the answers are shown, the same everywhere."""

    id: str
    question: str
    answer: str
    distractors: tuple
    explanation: str

    def choices(self):
        """[(text, is it right?)] in an order that follows from the id, so that every export agrees."""
        options = [(self.answer, True)] + [(text, False) for text in self.distractors]
        random.Random(hashlib.sha256(self.id.encode()).hexdigest()).shuffle(options)
        return options


@dataclass(frozen=True)
class Quiz:
    lesson: str
    title: str
    questions: tuple


def parse(text, name="quiz"):
    """The Quiz of a YAML text. Raises ValueError with the file, the question and what is wrong."""
    try:
        raw = yaml.safe_load(text)
        lesson, title = str(raw["lesson"]), str(raw["title"])
        questions = tuple(_question(each, lesson) for each in raw["questions"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: {' '.join(str(error).split())}") from None
    ids = [question.id for question in questions]
    if twice := {each for each in ids if ids.count(each) > 1}:
        raise ValueError(f"{name}: the id {min(twice)} is used twice")
    return Quiz(lesson, title, questions)


def _question(raw, lesson):
    wanted = {"id", "question", "answer", "distractors", "explanation"}
    where = raw.get("id", "a question") if isinstance(raw, dict) else "a question"
    if not isinstance(raw, dict) or set(raw) != wanted:
        raise ValueError(f"{where} needs exactly {', '.join(sorted(wanted))}")
    texts = [raw["question"], raw["answer"], raw["explanation"], *raw["distractors"]]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{where}: every text must be a text (quote numbers)")
    if not ID.fullmatch(str(raw["id"])) or not raw["id"].startswith(lesson + "."):
        raise ValueError(f"{where}: an id looks like {lesson}.two-words")
    options = [raw["answer"], *raw["distractors"]]
    if len(options) != DISTRACTORS + 1 or len({option.strip().casefold() for option in options}) != len(
        options
    ):
        raise ValueError(f"{where}: one answer and {DISTRACTORS} distractors, all different")
    clean = {key: " ".join(raw[key].split()) for key in ("question", "answer", "explanation")}
    return Question(id=raw["id"], distractors=tuple(" ".join(d.split()) for d in raw["distractors"]), **clean)


def read(folder=FOLDER):
    """[Quiz] of all lessons that have one, in order. Raises ValueError for a file that is not right."""
    return [parse(path.read_text("utf-8"), path.name) for path in sorted(folder.glob("[0-9]*.yaml"))]
