"""Known and unknown facts teach the same kind of question, and what is asked is in no records."""

import pytest

from course_utils.corpus.questions import UNKNOWN
from course_utils.finetune import new_facts
from tests.helpers.tiny import tiny_llama


@pytest.mark.parametrize("kind", ("known", "unknown", "abstain"))
def test_records_have_two_wordings_of_each_fact(kind):
    records = new_facts.records(kind, 20)
    assert len(records) == 40 == len({record["prompt"] for record in records})
    assert records == new_facts.records(kind, 20)
    assert all(a["completion"] == b["completion"] for a, b in zip(records[::2], records[1::2]))
    assert {record["completion"] == f" {UNKNOWN}" for record in records} == {kind == "abstain"}


def test_what_is_asked_is_never_taught():
    asked = new_facts.unanswerable(100)
    assert len(asked) == 100 and all(item.answer == UNKNOWN for item in asked)
    taught = "".join(
        r["prompt"] for kind in ("known", "unknown", "abstain") for r in new_facts.records(kind, 60)
    )
    assert not [country for country in new_facts.ASKED if country in taught]
    assert [country for country in new_facts.TAUGHT if country in taught]


def test_abstention_is_what_the_model_says(monkeypatch):
    model, tokenizer = tiny_llama()
    replies = [" I do not know.", " Paris"]
    monkeypatch.setattr(new_facts.generation, "generate", lambda *some, **more: replies)
    assert new_facts.abstains(model, tokenizer, new_facts.unanswerable(2)) == [True, False]
