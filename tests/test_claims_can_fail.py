"""A lesson's claims must be able to fail: with random weights in place of the model's, it goes red."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
FIRST, *REST = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
# Random weights never end a reply, so the other lessons take minutes: they run with --all.
LESSONS = [FIRST, *(pytest.param(path, marks=pytest.mark.slow) for path in REST)]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_claim_fails_on_random_weights(lesson, tmp_path):
    """Each cell with a claim about the model alone, run on random weights, raises or shows a miss.

    The whole notebook is run with errors allowed; at most a quarter of the claims may still hold,
    as those on stored results or on training do.
    """
    notebook = nbformat.read(lesson, as_version=4)
    out = tmp_path / lesson.name
    nbformat.write(notebook, out)
    environment = os.environ | {"COURSE_RANDOM_WEIGHTS": "1", "COURSE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    command += ["--allow-errors", "--ExecutePreprocessor.timeout=600", "--inplace", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    claims = held = 0
    for cell in nbformat.read(out, as_version=4).cells:
        if cell.cell_type == "code" and "claim(" in cell.source:
            claims += cell.source.count("claim(")
            held += sum(output.get("text", "").count("✓") for output in cell.outputs)
    assert claims >= 6 and held <= claims / 4, f"{held} of {claims} claims hold on random weights"
