"""Questions about passages: answers are spans, train and test share none, grades are SQuAD's."""

import random

import pytest

from course_utils.corpus.families import passages
from course_utils.tasks import extractive_qa
from tests.helpers.tiny import tiny_llama

_, TOKENIZER = tiny_llama()


@pytest.mark.parametrize("part, count", [("train", 96), ("test", 60)])
def test_answers_are_spans_of_their_passage(part, count):
    records = extractive_qa.read(part, TOKENIZER)
    assert len(records) == count and len({r["passage"] for r in records}) == count // 3
    for record in records:
        assert record["completion"].lower() in record["passage"].lower()
        assert record["question"].endswith("?") and record["question"] in record["prompt"]
        exact, f1 = extractive_qa.grade([record], [record["completion"]])
        assert exact == [True] and f1 == [1.0]


def test_train_and_test_share_no_passage():
    train, test = ({r["passage"] for r in extractive_qa.read(p, TOKENIZER)} for p in ("train", "test"))
    assert not train & test


def test_f1_by_hand():
    assert extractive_qa.f1(["red", "cap"], ["red", "cap"]) == 1
    assert extractive_qa.f1(["red", "cap"], ["red"]) == pytest.approx(2 / 3)
    assert extractive_qa.f1(["red", "red"], ["red", "cap"]) == 0.5
    assert extractive_qa.f1([], ["red"]) == extractive_qa.f1(["blue"], ["red"]) == 0
    assert extractive_qa.words('The "red Cap", a hat.') == ["red", "cap", "hat"]


def test_the_best_of_several_answers_counts():
    records = [{"answers": ["on his feet", "his feet"], "completion": "on his feet"}] * 3
    replies = ["His feet.", "It is on his feet", "the sea"]
    assert extractive_qa.grade(records, replies) == ([True, False, False], [1.0, pytest.approx(0.75), 0.0])
    assert extractive_qa.contained(records, replies) == [True, True, False]
    assert extractive_qa.contained(records[:1], ["on this feet"]) == [False]


# ---- the glass box's notes ---------------------------------------------------------------------


def test_notes_are_spans_and_not_shared():
    train, test = extractive_qa.notes(300, "train"), extractive_qa.notes(100, "test")
    assert train == extractive_qa.notes(300, "train") and len({r["prompt"] for r in train}) == 300
    for record in test:
        passage, _, question = record["prompt"].partition("\nQuestion: ")
        assert record["completion"].startswith(" ") and record["completion"].strip() in passage
        assert question.endswith("?\nAnswer:")
    texts = [{r["prompt"].partition("\nQuestion")[0] for r in part} for part in (train, test)]
    assert not texts[0] & texts[1]


def test_a_question_about_notes_has_rivals_and_one_answer():
    for record in extractive_qa.notes(200, "test"):
        passage, _, question = record["prompt"].removeprefix("Passage: ").partition("\nQuestion: ")
        notes = dict(note.split(": ", 1) for note in passage.removesuffix(".").split(". "))
        assert 2 <= len(notes) <= 4
        holders = [
            name for name, values in notes.items() if record["completion"].strip() in values.split(", ")
        ]
        assert len(holders) == 1 and holders[0] in question, record


def test_notes_and_corpus_share_no_passage():
    corpus = " ".join(passages.document(random.Random(i)) for i in range(500))
    for record in extractive_qa.notes(50, "test"):
        assert record["prompt"].partition("\nQuestion")[0].removeprefix("Passage: ") not in corpus
