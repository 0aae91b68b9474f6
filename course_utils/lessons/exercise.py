"""Exercises with a check, hints and a solution, and predictions to make before a result is shown.

In a notebook: `q1.check(my_function)`, `q1.hint()`, `q1.solution()`. Nothing here raises for what
a learner wrote: an unsolved cell says "not written yet", a wrong one names the misconception, and
an exception becomes a sentence. After Kaggle's learntools and ARENA. Left out: points and deadlines.
"""

import copy
import functools
import importlib
import inspect
import linecache
import pkgutil
import re
import sys
import textwrap
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from course_utils.lessons import progress
from course_utils.lessons.claims import differences
from course_utils.lessons.solutions import withheld
from course_utils.storage import paths

RIGHT, WRONG, UNWRITTEN = "right", "wrong", "not written yet"
LESSON = re.compile(r"l\d\d")  # the modules of lessons, among those of this package
MARKS = {RIGHT: "✓", WRONG: "✗", UNWRITTEN: "·"}


class Misconception(Exception):
    """Raised by a test; its message is what the learner reads."""


class _Unwritten(Exception):
    pass


def expect(condition, message):
    """Raise Misconception(message) unless the condition holds. Write one for each typical mistake."""
    if not condition:
        raise Misconception(message)


def cases(*rows, within=1e-6):
    """A test from rows (arguments, expected result, message): the first row that fails gives the message.

    Results are compared as in claims.differences; the learner's function gets copies of the arguments.
    """

    def test(answer):
        for arguments, expected, message in rows:
            result = answer(*copy.deepcopy(arguments))
            expect(all(gap <= within for gap, _ in differences(result, expected)), message)

    return test


@dataclass
class Exercise:
    """One exercise.

    id is "lesson.number"; minutes an estimate; difficulty 1 to 3. test(answer) inspects the
    learner's object and raises Misconception (see expect and cases). reference is an answer that
    passes, and its source is the solution unless solution_text is given. wrong lists pairs (wrong
    answer, fragment of the message it must get); a test tries them all.
    """

    id: str
    question: str
    reference: Any
    test: Callable[[Any], None]
    wrong: list
    hints: list
    minutes: int = 5
    difficulty: int = 1
    solution_text: str | None = None
    none_is_an_answer: bool = False
    _hints_given: int = field(default=0, init=False, repr=False)

    def __post_init__(self):
        if not re.fullmatch(r"\d\d\.n?\d+", self.id) or self.difficulty not in (1, 2, 3) or self.minutes <= 0:
            raise ValueError(f"exercise {self.id!r}: id like '00.1', difficulty 1 to 3, minutes above 0")

    def ask(self):
        """Print the question with its time and difficulty."""
        stars = "●" * self.difficulty + "○" * (3 - self.difficulty)
        print(f"Exercise {self.id} · about {self.minutes} min · {stars}")
        print(textwrap.dedent(self.question).strip())

    def check(self, answer=...):
        """Print whether the answer is right, wrong (and what it misunderstands), or not written yet."""
        outcome, message = self.judge(answer)
        if outcome != UNWRITTEN:
            tries = progress.load()["exercises"].get(self.id, {}).get("tries", 0)
            progress.note("exercises", self.id, solved=outcome == RIGHT, tries=tries + 1)
        print(f"{self.id} {MARKS[outcome]} {message}")

    def judge(self, answer):
        """(outcome, message) without printing: outcome is RIGHT, WRONG or UNWRITTEN."""
        try:
            if answer is ... or (answer is None and not self.none_is_an_answer):
                raise _Unwritten(UNWRITTEN)
            self.test(self._watch(answer) if inspect.isroutine(answer) else answer)
        except (_Unwritten, NotImplementedError) as error:
            return UNWRITTEN, (str(error) if isinstance(error, _Unwritten) else UNWRITTEN)
        except Misconception as error:
            return WRONG, str(error)
        except (Exception, SystemExit) as error:
            return WRONG, self._describe(error)
        return RIGHT, "right"

    def hint(self):
        """Print the next hint; after the last one, the last one again."""
        if not self.hints:
            print(f"{self.id} has no hints")
            return
        self._hints_given = min(self._hints_given + 1, len(self.hints))
        print(f"{self.id} hint {self._hints_given} of {len(self.hints)}: {self.hints[self._hints_given - 1]}")

    def solution(self, word=None):
        """Print one right answer, unless a teacher withholds it (see solutions.py); word may open it."""
        if reason := withheld(word):
            print(f"{self.id} {reason}")
            return
        if not progress.load()["exercises"].get(self.id, {}).get("solved"):  # who is right may compare
            progress.note("exercises", self.id, solution_seen=True)
        print(f"{self.id} one solution:\n{self.solution_source()}")

    def solution_source(self):
        """The text of one right answer: solution_text, or the source of the reference."""
        if self.solution_text is not None:
            return textwrap.dedent(self.solution_text).strip()
        is_code = inspect.isroutine(self.reference) or inspect.isclass(self.reference)
        return textwrap.dedent(inspect.getsource(self.reference)).strip() if is_code else repr(self.reference)

    def _watch(self, function):
        """The learner's function, noticing a hole: ... at any call, or None at the first."""
        calls = 0

        @functools.wraps(function)
        def watched(*positional, **named):
            nonlocal calls
            result = function(*positional, **named)
            calls += 1
            if result is ...:
                raise _Unwritten(UNWRITTEN)
            if result is None and calls == 1 and not self.none_is_an_answer:
                raise _Unwritten(f"{UNWRITTEN} (your function returns None: is a return missing?)")
            return result

        return watched

    def _describe(self, error):
        """A plain sentence about an exception, with the learner's line if it came from theirs."""
        what = f"{type(error).__name__}: {error}".strip(": ").replace("\n", " ")[:200]
        own = {__file__, getattr(getattr(self.test, "__code__", None), "co_filename", None), copy.__file__}
        libraries = (sys.prefix, sys.base_prefix, str(paths.HERE), "<frozen")
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename not in own and not frame.filename.startswith(libraries):
                code = linecache.getline(frame.filename, frame.lineno).strip()
                shown = f" ({code[:80]})" if code else ""
                return f"your code stopped at line {frame.lineno}{shown} with {what}"
        return f"the check could not use what your code gave ({what})"


@dataclass
class Prediction:
    """A question to answer before the result is shown; choices are texts, or None for a number."""

    id: str
    question: str
    choices: list | None = None

    def answer(self, choice=...):
        """Keep the learner's guess; without one, print the question. Never raises."""
        options = f" Choose from: {', '.join(map(str, self.choices))}." if self.choices else ""
        is_number = isinstance(choice, (int, float)) and not isinstance(choice, bool)
        if choice is ... or choice is None:
            print(f"{self.id} {self.question}{options} No guess yet.")
        elif choice not in self.choices if self.choices else not is_number:
            print(f"{self.id} {str(choice)[:80]!r} is not possible here.{options or ' Give a number.'}")
        else:
            progress.note("predictions", self.id, guess=choice)
            print(f"{self.id} your guess is kept: {choice}")

    def reveal(self, value):
        """Print the learner's guess, if there is one, beside the measured value (a choice or a number)."""
        value = value if isinstance(value, str) or (self.choices and value in self.choices) else float(value)
        guess = progress.load()["predictions"].get(self.id, {}).get("guess")
        shown = value if self.choices else f"{value:.3g}"
        if guess is None:
            print(f"{self.id} measured: {shown} (you made no guess)")
            return
        progress.note("predictions", self.id, measured=value)
        verdict = "" if not self.choices else " Right." if guess == value else " A surprise: why?"
        print(f"{self.id} your guess: {guess} · measured: {shown}.{verdict}")


def in_lessons(kind=Exercise):
    """All objects of this kind (Exercise, Prediction, …, or a tuple) in the lessons, by module and name."""
    from course_utils import lessons  # here: the lessons import this module

    by_id = {}
    names = (info.name for info in pkgutil.iter_modules(lessons.__path__))
    for module in sorted(name for name in names if name == "numbers" or LESSON.fullmatch(name)):
        values = vars(importlib.import_module(f"course_utils.lessons.{module}"))
        for _, value in sorted(values.items()):
            if isinstance(value, kind):
                by_id[id(value)] = value
    return list(by_id.values())
