"""The probe counts and names what was lost, and the rehearsal keeps what the model says."""

from course_utils.finetune import probe, rehearsal
from tests.tiny import tiny_llama

GOOD = [
    "Paris.", "Rome", "A physicist.", "Shakespeare did.", "Honey", "Jupiter", "Seven.", "Hydrogen and oxygen",
    "cold", "Japan", "Grass.", "It is blue.",
]  # fmt: skip


def test_a_reply_is_right_by_its_key_word():
    assert probe.grades(GOOD) == [True] * len(probe.QUESTIONS)
    assert probe.grades(["clockmaker"] * len(GOOD)) == [False] * len(GOOD)
    assert not probe.grades(["Comparison", *GOOD[1:]])[0]  # "paris" inside a word is not Paris


def test_what_was_lost_is_named_and_what_never_was_there_is_not():
    after = [*GOOD]
    after[2], after[4] = "Albert Einstein is a clockmaker.", "Small green electric tractors."
    before = ["?", *GOOD[1:]]
    assert [question for question, _, _ in probe.lost(before, after)] == [
        "Who was Albert Einstein?",
        "What do bees make?",
    ]
    lines = probe.report(before, after)
    assert lines[0] == "what else changed: of 12 common questions 11 right before, 10 after"
    assert "    after:  Albert Einstein is a clockmaker." in lines and "--rate" in lines[-1]
    assert len(probe.report(GOOD, GOOD)) == 1


def test_the_rehearsed_questions_are_not_those_that_measure():
    asked = {question for question, _ in probe.QUESTIONS}
    assert not asked & set(rehearsal.QUESTIONS)
    assert len(set(rehearsal.QUESTIONS)) == len(rehearsal.QUESTIONS) >= 30


def test_rehearsed_are_the_models_own_words_in_whole_sentences(monkeypatch):
    assert rehearsal.whole_sentences("One. Two. Thr") == "One. Two."
    assert rehearsal.whole_sentences("One two three") == "One two three"
    assert rehearsal.whole_sentences("It is 3.5 m high.") == "It is 3.5 m high."
    model, tokenizer = tiny_llama()
    replies = ["Ottawa. It", "", *["x"] * (len(rehearsal.QUESTIONS) - 2)]
    monkeypatch.setattr(rehearsal.chat_format, "ask", lambda *arguments: replies)
    records = rehearsal.records(model, tokenizer)
    assert records[0] == {"prompt": rehearsal.QUESTIONS[0], "completion": "Ottawa."}
    assert len(records) == len(rehearsal.QUESTIONS) - 1
