"""A lesson's notebook and exercises, as its tests see them."""

import ast
import importlib
from pathlib import Path

import nbformat

from course_utils.lessons.exercise import Exercise, Prediction

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


class Lesson:
    """cells, code: of the notebook; source: all code; exercises, predictions: {name in the notebook: it}."""

    def __init__(self, number):
        (self.file,) = FOLDER.glob(f"{number}_*.ipynb")
        self.cells = nbformat.read(self.file, as_version=4).cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.source = "\n\n".join(cell.source for cell in self.code)
        asked = vars(importlib.import_module(f"course_utils.lessons.l{number}"))
        self.exercises = {name: value for name, value in asked.items() if isinstance(value, Exercise)}
        self.predictions = {name: value for name, value in asked.items() if isinstance(value, Prediction)}

    def calls(self, name):
        """The syntax trees of all calls of a function."""
        found = [node for node in ast.walk(ast.parse(self.source)) if isinstance(node, ast.Call)]
        return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == name]

    def claims(self):
        """(those measured in the lesson, those about stored rows): the calls of `claim`."""
        live, stored = [], []
        for call in self.calls("claim"):
            (stored if "(stored" in ast.unparse(call.args[0]) else live).append(call)
        return live, stored

    def definitions(self):
        return definitions(self.source)

    def taught(self, name, **names):
        """What the lesson defines under this name, run with these other names alone."""
        exec(compile(ast.Module([self.definitions()[name]], []), "lesson", "exec"), names)
        return names[name]


def definitions(source):
    """{name: syntax tree} of the functions and classes at the top of a source."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name: node for node in ast.parse(source).body if isinstance(node, kinds)}


def same(one, two):
    """Whether two definitions are the same code, comments apart."""
    return ast.dump(one) == ast.dump(two)
