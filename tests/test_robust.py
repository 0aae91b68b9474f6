"""Odd places and company: a read-only checkout, a path with spaces and letters, several learners at once.

The tests start lessons as separate processes. Where a test runs as the superuser, whom permissions do
not stop, the comparison of the files before and after stands for the read-only folder.
"""

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from course_utils.display import explorer, figures, playground, tables
from course_utils.lessons.exercise import Exercise, Prediction, in_lessons
from course_utils.tools import bundle

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
EVIL = "<script>alert('x')</script>\x00\x07\x1b[31m\x9b2J\u202egnp\r<img src=x onerror=alert(1)>"
UNSAFE = set(map(chr, tables.CONTROLS))


# ---- model text --------------------------------------------------------------------------------


def assert_harmless(text):
    assert "<script" not in text and "<img" not in text and not UNSAFE & set(text)


def test_markup_and_control_signs_are_shown_not_obeyed():
    table = tables.table([[EVIL, 1.0]], [EVIL, "n"])
    assert_harmless(table._repr_html_())
    assert not UNSAFE & set(repr(table)), "a terminal would obey"
    assert "&lt;script&gt;" in table._repr_html_() and "␛[31m" in table._repr_html_()
    assert_harmless(explorer.bars_html([(EVIL, 0.5)]))
    assert tables.escaped("a\n\tß – 词") == "a\n\tß – 词"


def test_the_playground_s_parts_and_reply_are_harmless():
    class Words:
        def __call__(self, text, **_):
            return {"input_ids": text.split()}

    state = playground.Playground(
        None, Words(), query=EVIL, shots=[(EVIL, EVIL)], k=1, context=EVIL, system=EVIL
    )
    assert_harmless(playground.prompt_html(state, EVIL))


def test_whoever_makes_html_escapes():
    for path in (ROOT / "course_utils").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        strings = [
            n.value
            for n in ast.walk(ast.parse(text))
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        if any(
            tag in string for string in strings for tag in ("</td>", "</p>", "</span>", "</div>", "</pre>")
        ):
            assert "escape" in text, f"{path.name} makes HTML and escapes nothing"


# ---- odd places ----------------------------------------------------------------------------------


def files(folder):
    """{path: (size, time of the last change)} of a folder, Python's caches aside."""
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the course that nobody may write to, under a path with spaces and other letters."""
    folder = tmp_path_factory.mktemp("odd") / "Kurs über Sprache 词 (copy)"
    folder.mkdir()
    bundle.copy_course(folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    shutil.rmtree(folder, ignore_errors=True)


def start_lesson(checkout, lesson, where, home, cells=None):
    """A process that runs a lesson of the copy, from the folder `where`, for the learner of `home`."""
    inherited = os.environ.get("PYTHONPATH", "")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(checkout), inherited]),
        "COURSE_HOME": str(home),
    }
    command = [
        sys.executable,
        str(ROOT / "tests" / "helpers" / "run_lesson.py"),
        str(checkout / "notebooks" / lesson),
        str(where),
    ]
    command += [str(cells)] if cells else []
    return subprocess.Popen(
        command, cwd=where, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process):
    out, complaints = process.communicate(timeout=900)
    assert process.returncode == 0, complaints[-2000:]
    return out


@pytest.fixture(scope="module")
def busy_home(tmp_path_factory):
    """The folder of a learner who has done everything once: all solved, all guessed."""
    home = tmp_path_factory.mktemp("home ü")
    exercises = {
        exercise.id: {"solved": True, "tries": 3, "solution_seen": True} for exercise in in_lessons(Exercise)
    }
    guesses = {p.id: {"guess": p.choices[0] if p.choices else 0.5} for p in in_lessons(Prediction)}
    (home / "progress.json").write_text(json.dumps({"exercises": exercises, "predictions": guesses}), "utf-8")
    return home


@pytest.mark.slow
@pytest.mark.parametrize("lesson", [path.name for path in reversed(LESSONS)])
def test_a_lesson_again_in_any_order_in_an_odd_place(checkout, busy_home, tmp_path, lesson):
    """Last lesson first, for a learner who has been here, from another folder, in a read-only copy."""
    before = files(checkout)
    assert "cells ran" in finish(start_lesson(checkout, lesson, tmp_path, busy_home))
    assert files(checkout) == before, "a lesson wrote into the checkout"
    assert not list(tmp_path.iterdir()), "a lesson wrote into the folder it was started from"


@pytest.mark.slow
@pytest.mark.parametrize("learners, cells", [(2, None), (8, 12)])
def test_learners_at_once_on_one_checkout(checkout, tmp_path, learners, cells):
    """Two run the first lesson whole, eight its first cells; each has a home, and none sees another's."""
    before, places = files(checkout), [tmp_path / f"learner {i}" for i in range(learners)]
    for place in places:
        place.mkdir()
    runs = [start_lesson(checkout, LESSONS[0].name, place, place / "home", cells) for place in places]
    assert len({finish(run) for run in runs}) == 1
    assert files(checkout) == before


@pytest.mark.slow
def test_two_kernels_of_one_learner_keep_both_notes(tmp_path):
    """Progress of one learner from several notebooks at once is never a broken file."""
    code = "import sys; from course_utils.lessons import progress\n"
    code += "for i in range(40): progress.note('exercises', f'00.{i}', solved=True, tries=int(sys.argv[1]))"
    environment = os.environ | {"COURSE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    runs = [subprocess.Popen([sys.executable, "-c", code, str(n)], env=environment) for n in range(3)]
    assert [run.wait(120) for run in runs] == [0, 0, 0]
    kept = json.loads((tmp_path / "progress.json").read_text("utf-8"))["exercises"]
    assert "00.39" in kept and not list(tmp_path.glob("*damaged*"))


# ---- pictures ----------------------------------------------------------------------------------


def test_colors_differ_in_grayscale_or_a_second_way():
    """Series never differ by color alone: no two of the first seven share hatch, or marker."""
    assert len(set(figures.HATCHES)) == len(set(figures.MARKERS)) == len(figures.COLORS) == 7
    grays = [
        sum(w * int(c[i : i + 2], 16) for w, i in ((0.3, 1), (0.59, 3), (0.11, 5))) for c in figures.COLORS
    ]
    assert max(grays) - min(grays) > 100 and max(grays) < 200, "too pale on white paper"
