"""Lesson 07: what its notebook asserts, asks and teaches; its definitions are the package's."""

import ast
import inspect
from pathlib import Path

import nbformat
import pytest

from course_utils.exercises import RIGHT, Exercise, Prediction
from course_utils.lessons import l07

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "07_choosing.ipynb"
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells if NOTEBOOK.exists() else []
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
SOURCE = "\n\n".join(cell.source for cell in CODE)
EXERCISES = {name: value for name, value in vars(l07).items() if isinstance(value, Exercise)}
PREDICTIONS = [name for name, value in vars(l07).items() if isinstance(value, Prediction)]
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
def test_claims_about_rows_say_that_they_are_stored():
    """A live claim speaks of the office, which is measured in the notebook; all others of stored rows."""
    texts = [ast.unparse(call.args[0]) for call in calls("claim")]
    stored = [text for text in texts if "(stored" in text]
    live = [text for text in texts if "the office" in text]
    assert len(stored) >= 6 and len(live) >= 3 and sorted(stored + live) == sorted(texts)


@written
def test_the_interval_taught_is_the_packages():
    from course_utils import doubt

    assert definitions(SOURCE)["difference"] == definitions(inspect.getsource(doubt.difference))["difference"]


@written
def test_the_belief_is_about_families_that_exist():
    from course_utils import choose

    settings = next(cell.source for cell in CODE if "LADDER =" in cell.source)
    line = next(line for line in settings.splitlines() if line.startswith("LADDER ="))
    assert set(ast.literal_eval(line.partition("=")[2].partition("#")[0].strip())) <= set(choose.FAMILIES)


def test_the_exercise_walks_the_path_of_the_package():
    from itertools import product

    from course_utils import choose

    for given in product(("yes", "no"), ("yes", "no"), ("yes", "no"), choose.QUESTIONS["model_can"][1]):
        assert l07.family(*given) == choose.path(*given)[0][0]
