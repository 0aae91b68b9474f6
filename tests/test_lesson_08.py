"""Lesson 08: what its notebook asserts, asks and teaches; its definitions are the package's."""

import ast
import inspect
from pathlib import Path

import nbformat
import pytest

from course_utils.exercises import RIGHT, Exercise, Prediction
from course_utils.lessons import l08

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "08_scaling_out.ipynb"
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells if NOTEBOOK.exists() else []
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
SOURCE = "\n\n".join(cell.source for cell in CODE)
EXERCISES = {name: value for name, value in vars(l08).items() if isinstance(value, Exercise)}
PREDICTIONS = [name for name, value in vars(l08).items() if isinstance(value, Prediction)]
written = pytest.mark.skipif(not CELLS, reason="the notebook is not there")


def definitions(source):
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: ast.dump(node) for node in ast.parse(source).body if isinstance(node, kinds)}


def calls(name):
    found = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == name]


@written
def test_every_exercise_and_prediction_is_asked():
    assert len(EXERCISES) >= 4 and len(PREDICTIONS) >= 2
    for name, exercise in EXERCISES.items():
        stub = exercise.reference.__name__
        assert f"{name}.ask()" in SOURCE and f"{name}.check({stub})" in SOURCE and f"def {stub}(" in SOURCE
    for name in PREDICTIONS:
        assert SOURCE.index(f"{name}.answer(...)") < SOURCE.index(f"{name}.reveal(")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda e: e.id)
def test_no_wrong_answer_passes(exercise):
    assert exercise.judge(exercise.reference)[0] == RIGHT
    assert len(exercise.wrong) >= 4
    assert all(exercise.judge(answer)[0] != RIGHT for answer, _ in exercise.wrong)


@written
def test_it_asserts_enough():
    assert len(calls("claim")) >= 6 and len(calls("check_equal")) >= 10


@written
def test_what_it_teaches_is_the_packages():
    from course_utils import distributed

    taught, package = definitions(SOURCE), definitions(inspect.getsource(distributed))
    assert [taught[name] for name in ("Share", "shared_loss")] == [package["Share"], package["shared_loss"]]


def test_the_exercises_agree_with_the_package():
    from course_utils import models, parallel

    for stage in range(4):
        assert l08.bytes_each(1000, 8, stage) == pytest.approx(parallel.zero(1000, 8, stage))
    for devices, most in ((4, 0.2), (8, 0.1), (3, 0.3)):
        parts = l08.parts_needed(devices, most)
        assert parallel.bubble(devices, parts) <= most + 1e-9 < parallel.bubble(devices, parts - 1)
    assert l08.number_format(models.device().type, (8, 0)) in ("fp32", "bf16")


@written
def test_the_server_and_the_processes_are_really_used():
    for used in (
        "serving.Server(",
        "launchers.start(",
        "launchers.by_accelerate(",
        '"--shard"',
        "tiny_hub.make(",
    ):
        assert used in SOURCE
