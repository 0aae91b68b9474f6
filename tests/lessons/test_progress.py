"""Progress survives damage, read-only folders, and a trip through export and import."""

import json
import subprocess
import sys

import pytest

from course_utils.lessons import progress
from course_utils.lessons.exercise import Exercise
from course_utils.storage import paths


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
    command = [sys.executable, "-m", "course_utils.lessons", "--export", str(tmp_path / "out.json")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=paths.DATA.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    said, first, *_ = done.stdout.splitlines()
    assert "out.json: the progress of " in said and first.startswith("lesson 00")
    assert json.loads((tmp_path / "out.json").read_text())["exercises"] == {"00.1": {"solved": True}}


def test_an_export_never_replaces_what_this_learner_lacks(tmp_path, monkeypatch, capsys):
    """In a new session, to export where one meant to import would lose all."""
    progress.note("exercises", "00.1", solved=True, tries=1)
    kept = tmp_path / "mine.json"
    assert progress.main(["--export", str(kept)]) == 0
    assert progress.main(["--export", str(kept)]) == 0, "the same learner may write it again"
    before = kept.read_bytes()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "new session"))
    assert progress.main(["--export", str(kept)]) == 2
    assert "yours lack (00.1)" in capsys.readouterr().err and kept.read_bytes() == before
    assert progress.main(["--import", str(kept), "--export", str(kept)]) == 0
    assert json.loads(kept.read_text("utf-8"))["exercises"]["00.1"]["solved"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file"))
    assert progress.main(["--export", str(tmp_path / "mine.json")]) == 2
    assert "set COURSE_HOME to another" in capsys.readouterr().err


@pytest.mark.parametrize("entry", [{"tries": "many"}, {"tries": None}, {"answer": 10**400}, {"answer": "1"}])
def test_impossible_entries_are_no_progress(entry):
    with pytest.raises(ValueError, match="not a progress file"):
        progress.parse(json.dumps({"exercises": {"00.1": entry}, "predictions": {}}))


def test_names_without_half_characters_and_files_with_a_mark_at_the_start():
    text = json.dumps({"exercises": {}, "predictions": {}, "learner": {"name": "\ud800 Ada ", "seed": 3}})
    assert progress.learner(text) == {"name": "Ada", "seed": 3}
    assert progress.learner('{"learner": {"name": " "}}') == {}
    assert progress.parse("\ufeff" + text) == {"exercises": {}, "predictions": {}}


def test_every_damaged_file_is_kept(capsys):
    for content in ("first", "second"):
        (paths.course_home() / "progress.json").write_text(content)
        progress.load()
    kept = sorted(path.read_text() for path in paths.course_home().glob("progress.damaged*.json"))
    assert kept == ["first", "second"]
