"""The form of every lesson: executed, small, in order. What the cells compute is nbval's part."""

import re
from statistics import median

import nbformat
import pytest

from course_utils.tools import notebooks
from tests.conftest import UNSTABLE

FOLDER = notebooks.ROOT / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
FORBIDDEN = {  # never in a lesson, the Colab set-up cell aside
    "sys.path": r"\bsys\.path\b",
    "try:": r"^\s*try:",
    "a download": r"\burlopen\b|\brequests\.get\b|\bwget\b|\bcurl\b|hf_hub_download|snapshot_download",
    "a shell command": r"^\s*[!%]\s*(pip|conda|git)\b|^!",
    "an import star": r"^\s*from .+ import \*",
}
MACHINE = re.compile(r"/(?:home/\w|root/|Users/\w|tmp/)|[A-Z]:\\\\?Users|" + re.escape(str(notebooks.ROOT)))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def is_colab_cell(cell):
    return '"google.colab" in sys.modules' in cell.source


def texts(cell):
    """All text a cell shows, source and outputs, pictures aside."""
    yield cell.source
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield from (str(v) for k, v in output.get("data", {}).items() if not k.startswith("image/"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def lesson(path):
    return nbformat.read(path, as_version=4)


def test_there_are_lessons():
    assert LESSONS and LESSONS[0].name == "00_start_here.ipynb"


def test_valid_and_normal(path, lesson):
    nbformat.validate(lesson)
    assert notebooks.main(["--check", str(path)]) == 0, (
        f"run python -m course_utils.tools.notebooks --normalize {path}"
    )


def test_executed_in_order(lesson):
    cells = code_cells(lesson)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) >= len(cells) / 4, "stored without outputs"
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]


def test_small(path, lesson):
    lengths = [len(code_lines(cell)) for cell in code_cells(lesson)]
    assert path.stat().st_size <= 400_000
    assert max(lengths) <= 25 and median(lengths) <= 7


def test_nothing_forbidden(lesson):
    for cell in code_cells(lesson):
        if not is_colab_cell(cell):
            found = [name for name, rule in FORBIDDEN.items() if re.search(rule, cell.source, re.MULTILINE)]
            assert not found, f"{found} in:\n{cell.source}"


def test_no_machine_paths(lesson):
    for cell in lesson.cells:
        for text in texts(cell):
            assert not MACHINE.search(text), text[:200]


def test_every_statement_shows_and_compares_its_outcome(lesson):
    for cell in code_cells(lesson):
        if notebooks.STATED.search(cell.source):
            shown = [o for o in cell.outputs if o.get("name") == "stdout" and o.text.strip()]
            assert shown, f"no output stored:\n{cell.source}"
            assert notebooks.CHECKED in cell.metadata.tags, f"nbval would not compare:\n{cell.source}"


def test_nbval_compares_claims_and_lets_other_numbers_vary():
    def compared(text):
        for pattern, instead in UNSTABLE.items():
            text = re.sub(pattern, instead, text)
        return text

    output = "gold +0.32, 95 % interval -0.8 to +1.5\n✓ the start gains (more than 0)\nright of 40\n= equal"
    assert compared(output) == "✓ the start gains (more than 0)\n= equal"
    assert compared(output.replace("0.32", "0.26").replace("of 40", "of 41")) == compared(output)
    assert compared(output.replace("the start", "nothing")) != compared(output)
    assert compared("✓ it took 3 s") == compared("✓ it took 4.2 s")


@pytest.mark.parametrize("name", list(FORBIDDEN))
def test_the_rules_bite(name):
    wrong = {
        "sys.path": "sys.path.append('..')",
        "try:": "try:\n    x",
        "a download": "requests.get(url)",
        "a shell command": "!pip install x",
        "an import star": "from torch import *",
    }
    assert re.search(FORBIDDEN[name], wrong[name], re.MULTILINE)


def test_machine_paths_are_recognized():
    for folder in ("home", "Users", "tmp"):
        assert MACHINE.search("see " + "/".join(["", folder, "ada", "x"]))
    assert not MACHINE.search("data/toy_desk and/or notebooks/00")
