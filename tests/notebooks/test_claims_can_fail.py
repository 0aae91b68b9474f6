"""A lesson's claims must be able to fail: on random weights in place of the model's, they are missed.

Each lesson's cells run in a process of their own, in order, with a `claim` that notes hit or miss and
goes on, so that every claim is tried and not only the first. Random weights never end a reply of
their own accord, so replies are cut off early: eight tokens are as random as eighty.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
UNTRAINED = ("00", "01")  # lessons that train nothing
QUICK = ("00",)  # under a minute; the others, of several minutes each, run with --all
TOKENS = 8  # of a reply
STORED = "(stored"  # marks a claim about stored rows, which no live model can change


def outcomes(lesson):
    """{"claims": [[text, held]], "raised": [message]} of a lesson's code cells, run in this process."""
    import matplotlib

    matplotlib.use("Agg")
    from course_utils import generation
    from course_utils.lessons import claims

    noted, raised, real, longer = [], [], claims.claim, generation.continue_ids

    def claim(text, *arguments, **bounds):
        try:
            real(text, *arguments, **bounds)
            noted.append([text, True])
        except claims.ClaimFailed:
            noted.append([text, False])

    def shorter(model, rows, max_new_tokens, *others, **more):
        return longer(model, rows, min(TOKENS, max_new_tokens), *others, **more)

    claims.claim, generation.continue_ids = claim, shorter
    names = {"__name__": "lesson"}
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code":
            try:
                exec(compile(cell.source, lesson, "exec"), names)
            except Exception as problem:  # such as a question about a reply that random weights never give
                raised.append(f"{type(problem).__name__}: {problem}")
    return {"claims": noted, "raised": raised}


@pytest.fixture(
    scope="module",
    params=[
        path if path.stem[:2] in QUICK else pytest.param(path, marks=pytest.mark.slow) for path in LESSONS
    ],
    ids=lambda path: path.stem,
)
def on_random_weights(request, tmp_path_factory):
    """(lesson, what its claims gave)"""
    out = tmp_path_factory.mktemp("random") / "outcomes.json"
    environment = os.environ | {"COURSE_RANDOM_WEIGHTS": "1", "COURSE_HOME": str(out.parent)}
    environment.pop("OMP_NUM_THREADS", None)  # as a lesson, it chooses its threads
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    command = [sys.executable, __file__, str(request.param), str(out)]
    done = subprocess.run(command, env=environment, cwd=ROOT / "notebooks", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return request.param, json.loads(out.read_text(encoding="utf-8"))


def test_claims_are_missed(on_random_weights):
    """Without training of its own, a lesson misses every claim; with it, all but a quarter."""
    lesson, found = on_random_weights
    live = [(text, held) for text, held in found["claims"] if STORED not in text]
    held = [text for text, held in live if held]
    allowed = 0 if lesson.stem[:2] in UNTRAINED else len(live) / 4
    assert len(live) >= 6 and len(held) <= allowed, f"hold on random weights: {held}"


def test_claims_are_tried(on_random_weights):
    """Nearly every claim of the notebook was reached: a cell that raises is red, but shows less."""
    lesson, found = on_random_weights
    cells = nbformat.read(lesson, as_version=4).cells
    written = sum(cell.source.count("claim(") for cell in cells if cell.cell_type == "code")
    assert len(found["claims"]) >= 0.75 * written, found["raised"]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(outcomes(sys.argv[1])), encoding="utf-8")
