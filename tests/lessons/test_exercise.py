"""Every checker is tried: the reference passes, wrong answers get their own messages, a hole is no error."""

import dataclasses
import inspect
import pkgutil

import pytest

from course_utils import lessons
from course_utils.lessons import progress
from course_utils.lessons.exercise import (
    LESSON,
    RIGHT,
    UNWRITTEN,
    WRONG,
    Exercise,
    Prediction,
    cases,
    expect,
    in_lessons,
)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    return tmp_path


def mean_loss(losses, mask):
    """The mean of the losses where the mask is 1."""
    return sum(x * m for x, m in zip(losses, mask)) / sum(mask)


def _test_labels(answer):
    labels = answer([7, 8, 9], 2)
    expect(len(labels) == 3, "one label for each token")
    expect(labels[1] == -100, "your mask still counts the prompt")
    expect(labels[2] == 9, "the completion must count")


EXAMPLES = [
    Exercise(
        id="00.1",
        question="Write mean_loss(losses, mask).",
        reference=mean_loss,
        test=cases(
            (([1.0, 2.0, 3.0], [0, 1, 1]), 2.5, "your mean still counts masked tokens"),
            (([4.0, 2.0], [1, 0]), 4.0, "divide by the number of tokens that count"),
        ),
        wrong=[
            (lambda losses, mask: sum(losses) / len(losses), "counts masked tokens"),
            (lambda losses, mask: 2.5 if len(losses) == 3 else 2.0, "divide by the number"),
            (lambda losses, mask: losses[5], "IndexError"),
            (lambda losses, mask: [2.5], "counts masked"),
        ],
        hints=["What does the mask multiply?", "How many tokens count?"],
    ),
    Exercise(
        id="00.2",
        question="Write labels(input_ids, prompt_length).",
        reference=lambda ids, n: [-100] * n + ids[n:],
        test=_test_labels,
        wrong=[
            (lambda ids, n: ids, "still counts the prompt"),
            (lambda ids, n: ids[n:], "one label for each"),
            (lambda ids, n: [-100] * len(ids), "the completion must count"),
        ],
        hints=["-100 is left out of the loss."],
        solution_text="def labels(input_ids, prompt_length): ...",
    ),
]


@pytest.mark.parametrize("exercise", [*EXAMPLES, *in_lessons()], ids=lambda exercise: exercise.id)
def test_the_checker_knows_right_from_wrong(exercise, capsys):
    assert exercise.judge(exercise.reference) == (RIGHT, "right")
    assert exercise.wrong, "an exercise needs wrong answers to be tested with"
    for answer, fragment in exercise.wrong:
        outcome, message = exercise.judge(answer)
        assert outcome == WRONG and fragment and fragment in message, (fragment, message)
    for hole in holes(exercise):
        assert exercise.judge(hole)[0] == UNWRITTEN
        exercise.check(hole)
        assert "not written yet" in capsys.readouterr().out
    assert exercise.question.strip() and exercise.hints and exercise.solution_source().strip()


def holes(exercise):
    def unfinished(*_, **__):
        raise NotImplementedError

    yield ...
    if not exercise.none_is_an_answer:
        yield None
    if inspect.isroutine(exercise.reference):
        yield lambda *_, **__: ...
        yield unfinished
        if not exercise.none_is_an_answer:
            yield lambda *_, **__: None


def test_every_lesson_has_exercises():
    modules = [info.name for info in pkgutil.iter_modules(lessons.__path__) if LESSON.fullmatch(info.name)]
    found = {exercise.id.split(".")[0] for exercise in in_lessons()}
    assert found == {name.removeprefix("l") for name in modules}


def test_exercise_ids_are_unique():
    for kind in (Exercise, Prediction):
        ids = [thing.id for thing in in_lessons(kind)]
        assert len(set(ids)) == len(ids)


def test_unsolved_cells_leave_no_trace(home, capsys):
    EXAMPLES[0].check()
    EXAMPLES[0].check(lambda losses, mask: None)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "00.1 · not written yet" and "is a return missing?" in out[1]
    assert not list(home.iterdir())


def test_check_prints_and_keeps_score(capsys):
    EXAMPLES[1].check(lambda ids, n: ids)
    EXAMPLES[1].check(EXAMPLES[1].reference)
    EXAMPLES[1].check(lambda ids, n: ids)
    assert capsys.readouterr().out.splitlines() == [
        "00.2 ✗ your mask still counts the prompt",
        "00.2 ✓ right",
        "00.2 ✗ your mask still counts the prompt",
    ]
    assert progress.load()["exercises"] == {"00.2": {"solved": True, "tries": 3}}


def run_learner(source):
    """Run source as a notebook cell would be: from a file name that is not a file of the course."""
    names = {}
    exec(compile(source, "<cell 7>", "exec"), names)
    return EXAMPLES[0].judge(names["answer"])


def test_an_exception_becomes_a_sentence_with_the_line():
    outcome, message = run_learner("import json\n\ndef answer(losses, mask):\n    return json.loads('{')\n")
    assert outcome == WRONG and "stopped at line 4" in message and "JSONDecodeError" in message
    assert "Traceback" not in message and "\n" not in message


@pytest.mark.parametrize("body", ["exit()", "answer(losses, mask)", "{}[1]", "assert False", "raise 3"])
def test_no_learner_code_raises(body):
    outcome, message = run_learner(f"def answer(losses, mask):\n    {body}\n")
    assert outcome == WRONG and "line 2" in message


def test_odd_objects_are_judged_not_raised():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("odd")

    for answer in (3, "text", [], Odd, Odd(), len, mean_loss(*[[1.0], [1]]), lambda: 3, lambda *_: Odd()):
        assert EXAMPLES[0].judge(answer)[0] == WRONG


def test_a_learner_cannot_spoil_the_next_case():
    def spoils(losses, mask):
        value = mean_loss(losses, mask)
        losses.clear()
        mask.clear()
        return value

    assert EXAMPLES[0].judge(spoils)[0] == EXAMPLES[0].judge(spoils)[0] == RIGHT


def test_none_may_be_an_answer_later_or_where_allowed():
    def find(text):
        return int(text) if text.isdigit() else None

    rows = (("5",), 5, "a number is found"), (("x",), None, "without a number, None")
    later = Exercise("01.1", "q", find, cases(*rows), [(int, "ValueError")], ["h"])
    first = Exercise("01.2", "q", find, cases(*rows[::-1]), [(int, "x")], ["h"], none_is_an_answer=True)
    assert later.judge(find)[0] == first.judge(find)[0] == RIGHT
    assert first.judge(lambda text: 5)[1] == "without a number, None"


def test_hints_come_one_by_one(capsys):
    exercise = Exercise("00.1", "q", 1, print, [], ["first", "second"])
    for _ in range(3):
        exercise.hint()
    lines = capsys.readouterr().out.splitlines()
    assert ["1 of 2" in lines[0], "2 of 2" in lines[1], lines[1] == lines[2]] == [True] * 3


def test_question_and_solution_are_printed(capsys):
    EXAMPLES[0].ask()
    EXAMPLES[0].solution()
    out = capsys.readouterr().out
    assert "Exercise 00.1 · about 5 min · ●○○" in out and "Write mean_loss" in out
    assert inspect.getsource(mean_loss).strip() in out
    assert progress.load()["exercises"]["00.1"] == {"solution_seen": True}
    progress.note("exercises", "00.2", solved=True, tries=1)
    dataclasses.replace(EXAMPLES[0], id="00.2").solution()
    assert "solution_seen" not in progress.load()["exercises"]["00.2"], "who is right may compare"


@pytest.mark.parametrize("bad", [{"id": "1.1"}, {"difficulty": 4}, {"minutes": 0}])
def test_an_exercise_refuses(bad):
    with pytest.raises(ValueError):
        Exercise(**({"id": "00.1"} | bad), question="q", reference=1, test=print, wrong=[], hints=[])


def test_prediction_without_a_guess_stays_green(home, capsys):
    guess = Prediction("00.p1", "How many of 100?")
    guess.answer()
    guess.reveal(0.41234)
    out = capsys.readouterr().out
    assert "How many of 100? No guess yet." in out and "measured: 0.412 (you made no guess)" in out
    assert not list(home.iterdir())


def test_prediction_beside_the_measurement(capsys):
    number, choice = Prediction("00.p1", "How many?"), Prediction("00.p2", "Which?", ["up", "down"])
    number.answer(0.4)
    number.reveal(0.25)
    choice.answer("up")
    choice.reveal("up")
    choice.reveal("down")
    out = capsys.readouterr().out
    assert "00.p1 your guess: 0.4 · measured: 0.25." in out
    assert "measured: up. Right." in out and "measured: down. A surprise: why?" in out
    assert progress.load()["predictions"]["00.p1"] == {"guess": 0.4, "measured": 0.25}


@pytest.mark.parametrize("guess", ["sideways", 3, [], True])
def test_an_impossible_guess_is_not_kept(guess, home, capsys):
    Prediction("00.p2", "Which?", ["up", "down"]).answer(guess)
    if guess != 3:
        Prediction("00.p1", "How many?").answer(guess)
    assert "is not possible here" in capsys.readouterr().out.splitlines()[-1]
    assert not list(home.iterdir())
