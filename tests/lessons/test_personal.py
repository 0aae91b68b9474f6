"""Personal exercises: right for every seed, slips recognized, every learner other numbers; the gradebook."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from course_utils.lessons import gradebook, progress
from course_utils.lessons.exercise import RIGHT, UNWRITTEN, WRONG, Exercise, in_lessons
from course_utils.lessons.numbers import n02
from course_utils.lessons.personal import Personal
from course_utils.tools import notebooks

QUESTIONS = in_lessons(Personal)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_LEARNER", raising=False)
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_every_seed_knows_right_from_wrong(question):
    own = Counter()
    for seed in range(60):
        exercise = question.exercise(seed)
        assert exercise.judge(exercise.reference) == (RIGHT, "right"), seed
        for answer, fragment in exercise.wrong:
            outcome, message = exercise.judge(answer)
            assert outcome == WRONG, (seed, answer)
            own[fragment] += fragment in message
        assert exercise.judge(...)[0] == exercise.judge(None)[0] == UNWRITTEN
        assert exercise.judge("no number")[0] == WRONG
        assert "{" not in exercise.question + exercise.solution_source()
    # Two mistakes may by chance give one number; the rest of the time each gets its own message.
    assert min(own.values()) >= 55 and len(own) == len(question.slips) + 1, own


@pytest.mark.parametrize(
    "written, right", [("{:,.2f} s", True), ("about ${:,.2f}.", True), ("-{:,.2f}", False)]
)
def test_a_number_may_be_written_with_its_unit(written, right):
    exercise = QUESTIONS[0].exercise(1)
    outcome = exercise.judge(written.format(exercise.reference))[0]
    assert outcome == (RIGHT if right else WRONG)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_neighbor_s_number_is_of_no_use(question):
    right = [question.exercise(seed).reference for seed in range(60)]
    copied = [question.exercise(seed).judge(right[(seed + 1) % 60])[0] for seed in range(60)]
    assert copied.count(RIGHT) <= 6 and len(set(right)) >= 20


def test_every_lesson_has_one():
    lessons = {path.name[:2] for path in (notebooks.ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert lessons <= {question.id[:2] for question in QUESTIONS}


def test_the_seed_is_kept_and_differs_between_learners(monkeypatch, tmp_path):
    mine = progress.seed()
    assert progress.seed() == mine
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "neighbour"))
    assert progress.seed() != mine
    monkeypatch.setenv("COURSE_LEARNER", "ada")
    ada = progress.seed()
    monkeypatch.setenv("COURSE_LEARNER", "bob")
    assert progress.seed() != ada


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"seed": "x"}'])
def test_a_damaged_or_unwritable_seed_is_no_error(home, damage, monkeypatch, tmp_path):
    home.mkdir()
    (home / "learner.json").write_text(damage)
    assert progress.seed() == progress.seed()
    monkeypatch.setenv("COURSE_HOME", str(home / "learner.json" / "below"))
    assert progress.seed() == progress.seed()


def test_eight_kernels_agree_on_one_seed(home):
    code = "from course_utils.lessons import progress; print(progress.seed())"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(notebooks.ROOT)}
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(8)]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert [path.name for path in home.iterdir()] == ["learner.json"]


def test_a_right_answer_is_kept_and_the_seed_travels(tmp_path, monkeypatch, capsys):
    n02.ask()
    n02.check(...)
    n02.check(n02.solve(**n02.numbers()))
    assert "Exercise 02.n1" in capsys.readouterr().out
    file = tmp_path / "mine.json"
    assert progress.main(["--export", str(file), "--name", "Ada"]) == 0
    assert json.loads(file.read_text())["learner"] == {"seed": progress.seed(), "name": "Ada"}
    before = n02.numbers()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "next session"))
    assert progress.main(["--import", str(file)]) == 0
    assert n02.numbers() == before and n02.holds(progress.load()["exercises"]["02.n1"], progress.seed())


def handed_in(folder, name, seed, answer_of=None, **entries):
    exercises = {key.replace("_", "."): entry for key, entry in entries.items()}
    if answer_of is not None:
        answer = n02.solve(**n02.numbers(answer_of))
        exercises["02.n1"] = {"solved": True, "tries": 1, "answer": answer}
    learner = {"seed": seed, "name": name}
    text = json.dumps({"exercises": exercises, "predictions": {}, "learner": learner})
    (folder / f"{name.strip('=')} {seed}.json").write_text(text, "utf-8")


def test_the_gradebook(tmp_path, capsys):
    folder = tmp_path / "handed in"
    (folder / "late").mkdir(parents=True)
    handed_in(folder, "Ada", 1, answer_of=1, **{"00_1": {"solved": True, "tries": 2}})
    handed_in(folder / "late", "Ada", 1, **{"00_2": {"solved": True, "tries": 1, "solution_seen": True}})
    handed_in(folder, "Bob", 2, answer_of=1, **{"00_1": {"solved": False, "tries": 4}})
    handed_in(folder, "=Cy", 1, answer_of=1)
    (folder / "broken.json").write_text("{")
    out = tmp_path / "grades.csv"
    assert gradebook.main([str(folder), "--out", str(out)]) == 0
    assert "broken.json: not a progress file" in capsys.readouterr().err
    with open(out, newline="", encoding="utf-8-sig") as file:
        table = {row["learner"]: row for row in csv.DictReader(file)}
    assert list(table) == ["'=Cy", "Ada", "Bob"]
    ada, bob = table["Ada"], table["Bob"]
    assert (ada["00.1"], ada["00.2"], ada["02.n1"]) == ("right", "right after solution", "right")
    assert (ada["solved"], ada["lesson_00"], ada["same_seed_as"]) == ("3", "2", "'=Cy")
    assert (bob["00.1"], bob["02.n1"], bob["solved"]) == ("tried 4", "not their number", "0")
    assert ada["files"] == "Ada 1.json late/Ada 1.json"
    assert set(ada) >= {exercise.id for exercise in in_lessons((Exercise, Personal))}


def test_folders_that_are_not_there_are_said(tmp_path, capsys):
    assert gradebook.main([str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    handed_in(tmp_path, "Ada", 1, **{"00_1": {"solved": True, "tries": 2}})
    assert gradebook.main([str(tmp_path), "--out", str(tmp_path / "none" / "grades.csv")]) == 2
    assert "grades.csv: No such file" in capsys.readouterr().err


def test_an_empty_folder_is_said(tmp_path, capsys):
    assert gradebook.main([str(tmp_path)]) == 2
    assert "no progress files" in capsys.readouterr().err


def test_the_gradebook_needs_no_network():
    source = Path(gradebook.__file__).read_text("utf-8")
    assert not any(word in source for word in ("urllib", "requests", "socket", "http"))
