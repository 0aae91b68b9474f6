"""Solutions open on a teacher's date or word, and the sentence says which."""

import datetime
import subprocess
import sys

import pytest

from course_utils.lessons import progress, solutions
from course_utils.lessons.exercise import Exercise

DAY = datetime.date(2026, 12, 1)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.delenv("COURSE_SOLUTIONS", raising=False)


def test_without_a_setting_solutions_are_shown():
    assert solutions.withheld() is None


@pytest.mark.parametrize("setting", ["2026-12-01", "2026-12-1", " 2026-12-01 "])
def test_a_date_opens_on_its_day(monkeypatch, setting):
    monkeypatch.setenv("COURSE_SOLUTIONS", setting)
    assert "2026-12-01" in solutions.withheld(today=DAY - datetime.timedelta(days=1))
    assert solutions.withheld(today=DAY) is None


def test_an_impossible_date_keeps_them_closed_and_says_so(monkeypatch):
    monkeypatch.setenv("COURSE_SOLUTIONS", "2026-13-01")
    assert "is no date" in solutions.withheld(today=DAY)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_word_opens_them(monkeypatch, hidden):
    monkeypatch.setenv("COURSE_SOLUTIONS", solutions.fingerprint("Kingfisher") if hidden else "Kingfisher")
    assert "a word from your teacher" in solutions.withheld()
    assert "not the word" in solutions.withheld("heron")
    assert "not the word" in solutions.withheld(solutions.fingerprint("Kingfisher"))
    assert solutions.withheld(" kingfisher ") is None


def test_a_withheld_solution_prints_no_code_and_is_not_noted(monkeypatch, capsys):
    exercise = Exercise("00.1", "q", 1, print, [], [], solution_text="the secret")
    monkeypatch.setenv("COURSE_SOLUTIONS", "kingfisher")
    exercise.solution()
    assert "secret" not in capsys.readouterr().out and not progress.load()["exercises"]
    exercise.solution("kingfisher")
    assert "secret" in capsys.readouterr().out and progress.load()["exercises"]["00.1"]["solution_seen"]


def test_the_command_prints_a_setting_that_works(monkeypatch):
    command = [sys.executable, "-m", "course_utils.lessons.solutions", "owl"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    name, setting = done.stdout.strip().split("=")
    monkeypatch.setenv(name, setting)
    assert "owl" not in setting and solutions.withheld("owl") is None
