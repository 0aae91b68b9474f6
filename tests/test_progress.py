"""Progress survives damage, read-only folders, and a trip through export and import."""

import json
import subprocess
import sys

import pytest

from course_utils import paths, progress
from course_utils.exercises import Exercise


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def exercise(name):
    return Exercise(name, "q", 1, print, [], [])


def test_nothing_yet():
    assert progress.load() == {"exercises": {}, "predictions": {}}


def test_solved_stays_solved():
    progress.note("exercises", "00.1", solved=True, tries=4)
    progress.note("exercises", "00.1", solved=False, tries=2)
    assert progress.load()["exercises"]["00.1"] == {"solved": True, "tries": 4}


@pytest.mark.parametrize("damage", ["", "[]", '{"exercises": 3, "predictions": {}}', "[" * 100_000, "\0"])
def test_a_damaged_file_is_kept_aside(home, capsys, damage):
    home.mkdir()
    (home / "progress.json").write_text(damage)
    progress.note("exercises", "00.1", solved=True)
    assert progress.load()["exercises"] == {"00.1": {"solved": True}}
    assert (home / "progress.damaged.json").read_text() == damage
    assert "damaged" in capsys.readouterr().out


def test_a_home_that_cannot_be_written_costs_the_record_only(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "home"))
    progress.note("exercises", "00.1", solved=True)
    assert "progress was not saved" in capsys.readouterr().out
    assert progress.load()["exercises"] == {}


def test_table_by_lesson():
    entries = {"00.1": {"solved": True, "tries": 1}, "00.10": {"solved": False, "tries": 2}}
    exercises = [exercise(name) for name in ("01.1", "00.10", "00.1", "00.2")]
    lines = progress.table(exercises, {"exercises": entries, "predictions": {}})
    assert [line.split() for line in lines] == [
        ["lesson", "00", "●○◐", "1", "of", "3", "solved"],
        ["lesson", "01", "○", "0", "of", "1", "solved"],
    ]


def test_export_and_import_merge(tmp_path, monkeypatch, capsys):
    progress.note("exercises", "00.1", solved=True, tries=1)
    progress.note("predictions", "00.p1", guess=3)
    assert progress.main(["--export", str(tmp_path / "mine.json")]) == 0
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "other home"))
    progress.note("exercises", "00.1", solved=False, tries=5)
    progress.note("exercises", "00.2", solved=True)
    assert progress.main(["--import", str(tmp_path / "mine.json")]) == 0
    assert progress.load() == {
        "exercises": {"00.1": {"solved": True, "tries": 5}, "00.2": {"solved": True}},
        "predictions": {"00.p1": {"guess": 3}},
    }


@pytest.mark.parametrize("content", ["{}", "nope", b"\xff", None])
def test_import_refuses_and_changes_nothing(tmp_path, capsys, content):
    progress.note("exercises", "00.1", solved=True)
    before = (paths.course_home() / "progress.json").read_bytes()
    if content is not None:
        (tmp_path / "x.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert progress.main(["--import", str(tmp_path / "x.json")]) == 2
    assert "x.json: " in capsys.readouterr().err
    assert (paths.course_home() / "progress.json").read_bytes() == before


def test_the_command(tmp_path):
    """As a module of its own, where a class defined twice would hide every exercise."""
    progress.note("exercises", "00.1", solved=True)
    command = [sys.executable, "-m", "course_utils.exercises", "--export", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=paths.DATA.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("lesson ", "There are no exercises yet."))
    assert json.loads((tmp_path / "out.json").read_text())["exercises"] == {"00.1": {"solved": True}}
