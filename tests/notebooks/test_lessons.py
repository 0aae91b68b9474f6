"""What holds for every lesson: its exercises and predictions are asked, and its claims can be missed."""

import ast
import re
from pathlib import Path

import pytest

from course_utils import evaluation, losses
from course_utils.ai_feedback import llm_judge, model_collapse
from course_utils.lessons import numbers
from course_utils.lessons.exercise import Exercise, in_lessons
from course_utils.lessons.personal import Personal
from course_utils.peft import bottleneck, ia3, lora
from course_utils.rlhf import grpo, ppo
from course_utils.scaling import distributed, quantization
from course_utils.tools import teaching
from tests.helpers.lesson import FOLDER, Lesson, definitions, same

README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
NUMBERS = sorted(path.name[:2] for path in FOLDER.glob("*.ipynb"))
CLAIMS = {  # at least (all, measured in the lesson)
    "00": (16, 14),
    "01": (15, 15),
    "05": (8, 6),
    "06": (10, 6),
    "07": (9, 3),
    "08": (9, 8),
}
TAUGHT = [  # what a lesson writes out that is the package's, word for word
    ("03", "Lora", lora),
    ("03", "Bottleneck", bottleneck),
    ("03", "Rescale", ia3),
    ("04", "sft", losses),
    ("05", "reward", losses),
    ("05", "gae", ppo),
    ("05", "grpo_advantages", grpo),
    ("06", "position_bias", llm_judge),
    ("06", "distinct", model_collapse),
    ("07", "difference", evaluation),
    ("08", "LocalBatch", distributed),
    ("08", "global_batch_loss", distributed),
    ("08", "to_8_bits", quantization),
]


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


def test_it_claims_enough_and_every_claim_has_a_bound(lesson):
    live, stored = lesson.claims()
    at_least, measured = CLAIMS.get(lesson.file.name[:2], (6, 6))
    assert len(live) + len(stored) >= at_least and len(live) >= measured
    for call in live + stored:
        assert {keyword.arg for keyword in call.keywords} & {"above", "below", "between"}, ast.unparse(call)


@pytest.mark.parametrize("number, name, module", TAUGHT, ids=lambda value: getattr(value, "__name__", value))
def test_what_it_teaches_is_the_package_s(number, name, module):
    package = definitions(Path(module.__file__).read_text(encoding="utf-8"))[name]
    assert same(package, Lesson(number).definitions()[name])
    assert len(list(ast.walk(package))) > 20


def test_it_says_how_long_it_takes_as_the_teacher_s_table_does(lesson):
    said = re.search(r"about (\d+) minutes to read, (\d+) for the exercises", lesson.cells[0].source)
    parts, practice = teaching.rows(lesson.file, {}, in_lessons((Exercise, Personal)))
    assert int(said[1]) == pytest.approx(sum(minutes for _, minutes, _ in parts), abs=5)
    assert int(said[2]) == pytest.approx(practice, abs=5)
    (row,) = re.findall(rf"^\| {lesson.file.name[:2]} \| .*$", README, re.MULTILINE)
    assert row.endswith(f"| {said[1]}, {said[2]} |")
