"""What holds for every lesson: its exercises and predictions are asked, and its claims can be missed."""

import ast
import re

import pytest

from course_utils import teaching
from course_utils.exercises import Exercise, in_lessons
from course_utils.lessons import numbers
from course_utils.personal import Personal
from tests.lesson import FOLDER, Lesson

NUMBERS = sorted(path.name[:2] for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module", params=NUMBERS)
def lesson(request):
    return Lesson(request.param)


def test_every_exercise_is_asked_and_checked(lesson):
    assert len(lesson.exercises) >= 4
    for name, exercise in lesson.exercises.items():
        assert f"{name}.ask()" in lesson.source
        (stub,) = re.findall(rf"\b{name}\.check\((\w+)\)", lesson.source)
        if callable(exercise.reference):
            assert stub == exercise.reference.__name__ and f"def {stub}(" in lesson.source
        else:
            assert f"{stub} = ..." in lesson.source


def test_every_prediction_is_made_before_the_measurement(lesson):
    assert len(lesson.predictions) >= 2
    for name in lesson.predictions:
        assert lesson.source.index(f"{name}.answer(...)") < lesson.source.index(f"{name}.reveal(")


def test_the_question_with_numbers_of_one_s_own_is_asked(lesson):
    name = f"n{lesson.file.name[:2]}"
    assert hasattr(numbers, name)
    assert f"{name}.ask()" in lesson.source and f"{name}.check(...)" in lesson.source


def test_every_claim_has_a_bound(lesson):
    claims = lesson.calls("claim")
    assert len(claims) >= 6
    for call in claims:
        assert {keyword.arg for keyword in call.keywords} & {"above", "below", "between"}, ast.unparse(call)


def test_it_says_how_long_it_takes_as_the_teacher_s_table_does(lesson):
    said = re.search(r"about (\d+) minutes to read, (\d+) for the exercises", lesson.cells[0].source)
    parts, practice = teaching.rows(lesson.file, {}, in_lessons((Exercise, Personal)))
    assert int(said[1]) == pytest.approx(sum(minutes for _, minutes, _ in parts), abs=5)
    assert int(said[2]) == pytest.approx(practice, abs=5)
