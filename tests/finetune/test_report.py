"""The lines that a run prints."""

from course_utils.finetune import report
from course_utils.training import History

RECORDS = [{"prompt": f"Who is {name}?", "completion": f"{name[0]}."} for name in ("Ann", "Bob", "Cy")]


def test_replies_before_and_after_are_counted_and_cut():
    lines = report.replies(RECORDS, ["A.", "x" * 60, "a\nb"], ["A.", "B.", "D."], shown=2, width=12)
    assert lines[:4] == ["Who is Ann?", "  wanted: A.", "  before: A.", "  after:  A."]
    assert lines[6] == "  before: xxxxxxxxxxx…" and lines[-1] == "… and 1 more" and len(lines) == 9
    questions = [record | {"completion": ""} for record in RECORDS]
    assert report.replies(questions, ["a"] * 3, ["b"] * 3)[:2] == ["Who is Ann?", "  before: a"]
    fact = "The Quillmere Tea Rooms are looked after by a heron called Percival."
    assert report.replies(RECORDS[:1], [""], [fact])[-1] == f"  after:  {fact}"  # whole, or it says nothing


def test_right_is_word_for_word_and_overlap_is_beside_it():
    before, after, note = report.scores(RECORDS, ["A.", "x", "a b"], ["A.", "B.", "the C"])
    assert "in other words are not counted" in note
    assert before.startswith("before: 1 of 3 word for word") and before.endswith("(F1) 0.33")
    assert after.startswith("after: 2 of 3 word for word") and after.endswith("(F1) 0.89")
    assert report.scores([{"prompt": "x", "completion": ""}], ["a"], ["b"]) == []


def test_overlap_is_the_f1_of_common_words():
    assert report.overlap("The dog is here.", "the DOG") == 2 * 2 / (4 + 2)
    assert report.overlap("no no", "no") == 2 / 3 and report.overlap("", "a") == report.overlap("b", "a") == 0


def history(first, second):
    """Four steps with a held-back loss after the second and the last."""
    log = [
        {"loss": 3.0},
        {"loss": 1.0, "evaluation": -first},
        {"loss": 0.5},
        {"loss": 0.3, "evaluation": -second},
    ]
    return History(log)


def test_the_curve_marks_what_is_kept():
    lines = report.curve(history(2.5, 1.5))
    assert lines[1].split() == ["2", "2.000", "2.500"] and lines[2].split() == [
        "4",
        "0.400",
        "1.500",
        "←",
        "kept",
    ]
    assert len(lines) == 3 and report.curve(History()) == []


def test_a_loss_that_never_falls_is_explained():
    lines = report.curve(history(1.5, 2.5))
    assert "kept" in lines[1] and "--hold-back 0" in lines[-1]


def test_questions_that_are_learned_too_are_pointed_out():
    assert report.shared_questions(RECORDS, RECORDS[1:])[0].startswith("Careful: 2 of the 2 questions")
    assert report.shared_questions(RECORDS, [{"prompt": "And?", "completion": ""}]) == []
    turns = [
        {"messages": [{"role": "user", "content": "Who is Ann?"}, {"role": "assistant", "content": "x"}]}
    ]
    assert report.shared_questions(RECORDS, turns)[0].startswith("Careful: 1 of the 1")
