"""Exercises about numbers of the learner's own, so that a neighbor's result is of no use.

Each learner has a seed (progress.seed), each seed its numbers, and the check knows the right result
and the usual slips for those numbers. A teacher's gradebook works the result out again.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_utils.evaluation import last_number
from course_utils.lessons import progress
from course_utils.lessons.exercise import RIGHT, Exercise, expect


@dataclass
class Personal:
    """One question with numbers drawn for each learner.

    id is like "02.n1". draw(rng) gives the numbers by name; question names them as {name};
    solve(**numbers) gives the right number. slips lists (function of the numbers, message): what a
    usual mistake would give. within is the relative error that is forgiven.
    """

    id: str
    question: str
    draw: Callable[[random.Random], dict[str, Any]]
    solve: Callable[..., float]
    slips: list
    hints: list
    working: str
    minutes: int = 4
    difficulty: int = 1
    within: float = 0.005

    def numbers(self, seed=None):
        """The numbers {name: value} of this learner, or of another seed."""
        return self.draw(random.Random(f"{progress.seed() if seed is None else seed}/{self.id}"))

    def exercise(self, seed=None):
        """The Exercise that this question is for one learner."""
        numbers = self.numbers(seed)
        right = self.solve(**numbers)

        def test(answer):
            value = _number(answer)
            for slip, message in self.slips:
                expect(self._far(value, slip(**numbers)), message)
            expect(not self._far(value, right), "not yet: work it out with the numbers of your own question")

        return Exercise(
            self.id,
            self.question.format(**numbers),
            right,
            test,
            wrong=[(slip(**numbers), message) for slip, message in self.slips]
            + [(right * 7 + 1234.5, "not yet")],
            hints=self.hints,
            minutes=self.minutes,
            difficulty=self.difficulty,
            solution_text=f"{self.working.format(**numbers)} = {right:,.6g}",
        )

    def ask(self):
        """Print the question with this learner's numbers."""
        self.exercise().ask()

    def check(self, answer=...):
        """Print whether the number is right; it is kept, so that a gradebook can check it again."""
        exercise = self.exercise()
        exercise.check(answer)
        if exercise.judge(answer)[0] == RIGHT:
            progress.note("exercises", self.id, answer=_number(answer))

    def hint(self):
        """Print the hints."""
        print("\n".join(f"{self.id} hint: {hint}" for hint in self.hints))

    def solution(self, word=None):
        """Print the working with this learner's numbers; word as in Exercise.solution."""
        self.exercise().solution(word)

    def holds(self, entry, seed):
        """Is the answer kept in a progress entry right for the numbers of this seed?"""
        answer = entry.get("answer")
        return isinstance(answer, (int, float)) and not self._far(answer, self.solve(**self.numbers(seed)))

    def _far(self, a, b):
        return not math.isclose(a, b, rel_tol=self.within, abs_tol=1e-9)


def _number(answer):
    """The answer as a float; a text such as "$1,200" or "2.5 seconds" gives its last number.

    Raises ValueError for a text without a number, TypeError for what is none.
    """
    try:
        return float(answer)
    except ValueError:
        if (number := last_number(answer)) is None:
            raise
        return float(number)
