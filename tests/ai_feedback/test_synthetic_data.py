"""Synthetic records: valid or not, near-duplicates, leaks, parents, pseudo-labels."""

import pytest

from course_utils import generation
from course_utils.ai_feedback import synthetic_data
from course_utils.tasks.toy_desk.records import read as read_desk
from tests.helpers.tiny import tiny_llama

REAL = read_desk("train")[:400]
PLAIN = "Message: My Fendle makes a loud noise.\nRecord:"


def record(answer, prompt=PLAIN, team="silver", priority="normal"):
    return {
        "id": "x",
        "prompt": prompt,
        "completion": f" Team: {team} | Priority: {priority} | Answer: {answer} Your Ombly.",
    }


def problems(synthetic):
    return synthetic_data.problems(
        synthetic, {"silver", "orange", "turquoise", "purple"}, {"low", "normal", "high"}, SHEET
    )


SHEET = {"The Fendle is blue.", "The Fendle costs 24 dollars.", "Ombly opens at 7."}


def test_the_program_passes_every_real_record():
    assert synthetic_data.valid(REAL, REAL) == REAL


@pytest.mark.parametrize(
    "synthetic, problem",
    [
        (record("The silver team will take care of it.") | {"completion": ""}, "form"),
        (record("x", prompt="Message: a\nRecord: b\nRecord:"), "form"),
        (record("The gold team will take care of it.", team="gold"), "name"),
        (record("The silver team will take care of it.", priority="never"), "name"),
        (record("x") | {"completion": " Team: silver | Priority: low | Answer: Well."}, "voice"),
        (record("The Fendle is red."), "fact"),
        (record("The Fendle costs 25 dollars."), "fact"),
        (record("Ombly opens at 8."), "fact"),
        (record("We are sorry about your Kordle. The silver team will call you today."), "copy"),
        (record("Name=Anna; Item=Fendle; Day=Monday."), "copy"),
        (record("The orange team will take care of it."), "team"),
    ],
)
def test_each_problem_is_found_and_no_other(synthetic, problem):
    assert problems(synthetic) == [problem]


def test_what_is_right_has_no_problems():
    assert problems(record("The silver team will take care of it.")) == []
    assert problems(record("The Fendle is blue.", team="turquoise")) == []


@pytest.mark.parametrize(
    "answer, right",
    [
        ("30 - 8 = 22. Refund: 22.", True),
        ("30 - 8 = 22. 22 + 4 = 26. Refund: 26.", True),
        ("30 - 8 = 23. Refund: 23.", False),
        ("30 - 8 = 22. 23 + 4 = 27. Refund: 27.", False),
        ("30 - 8 = 22. Refund: 30.", False),
        ("31 - 8 = 23. Refund: 23.", False),
        ("Refund: 22.", False),
        ("30 - 8 = 22.", False),
        ("We do not know that.", True),
        ("Name=Anna; Item=Fendle; Day=Monday.", True),
    ],
)
def test_sums_are_worked_out_again(answer, right):
    assert synthetic_data.sums_right("I return the scarf for 30 dollars.", answer) == right


def test_near_duplicates_go_and_the_first_stays():
    texts = ["My Fendle is broken.", "My Fendle is broken!", "Where is my parcel?", "My Kordle is broken."]
    records = [{"prompt": f"Message: {text}\nRecord:", "completion": "x"} for text in texts]
    assert synthetic_data.deduplicated(records, alike=94) == [records[0], records[2], records[3]]
    assert synthetic_data.deduplicated(records, alike=80) == [records[0], records[2]]
    assert synthetic_data.deduplicated(records[1:], [records[0]], alike=94) == records[2:]


def test_a_planted_leak_is_found_and_nothing_else():
    held_out = [
        {"prompt": f"Message: {text}\nRecord:"} for text in ("Two zebras ate it.", "Nine geese flew.")
    ]
    planted = {"prompt": "Message: Nine geese flew!\nRecord:"}
    leaks = synthetic_data.leaks([*REAL[:20], planted], held_out)
    assert [(a, b) for a, b, _ in leaks] == [(planted, held_out[1])]
    assert synthetic_data.leaks(REAL[:20], held_out) == []


def test_parents_are_the_nearest_message_and_the_nearest_reply():
    ancestors = [
        {"id": "a", "prompt": "Message: My Fendle is broken.\nRecord:", "completion": " Team: silver"},
        {"id": "b", "prompt": "Message: Where is it?\nRecord:", "completion": " Team: orange | Late"},
        {"id": "c", "prompt": "Message: zzz\nRecord:", "completion": " qqq"},
    ]
    child = {"id": "d", "prompt": "Message: My Kordle is broken.\nRecord:", "completion": " Team: orange"}
    assert synthetic_data.with_parents([child], ancestors) == [child | {"parents": ["a", "b"]}]


def test_generated_texts_are_cut_into_records(monkeypatch):
    texts = [" Hello.\nRecord: Team: x\nmore", " no reply", " a\nRecord:"]
    monkeypatch.setattr(generation, "generate", lambda *a, **k: texts)
    records = synthetic_data.generate_records(None, None, 3, seed=4, level=2)
    assert [m["completion"] for m in records] == [" Team: x", "", ""]
    assert records[0]["prompt"] == "Message: Hello.\nRecord:"
    assert {m["generation"] for m in records} == {2} and len({m["id"] for m in records}) == 3


def test_a_teacher_learns_whole_records_and_writes_them_again():
    model, tokenizer = tiny_llama()
    records = [{"prompt": "Message: ab\nRecord:", "completion": " cd"}] * 4
    assert synthetic_data.whole(records)[0]["completion"] == " ab\nRecord: cd"
    synthetic_data.teach(model, tokenizer, records, steps=120, lr=1e-2)
    written = synthetic_data.generate_records(model, tokenizer, 4, temperature=0.1)
    assert (
        written[0]["prompt"] == records[0]["prompt"] and written[0]["completion"] == records[0]["completion"]
    )


def test_confidence_is_the_probability_of_the_whole_reply():
    model, tokenizer = tiny_llama()
    prompts = ["Message: ab\nRecord:", "Message: xyz\nRecord:"]
    records = synthetic_data.pseudo_labeled(model, tokenizer, prompts)
    probabilities = (
        generation.logps(model, tokenizer, prompts, [m["completion"] for m in records]).exp().tolist()
    )
    assert [m["confidence"] for m in records] == pytest.approx(probabilities) and records[0][
        "generation"
    ] == 1
