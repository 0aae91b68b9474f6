"""The retention suite is the stored one, its right answers are graded right, and it measures a model."""

import json

import pytest

from course_utils import evaluation
from course_utils.tasks import retention
from tests.helpers.tiny import tiny_llama

ROWS = [json.loads(line) for line in retention.SUITE.read_text(encoding="utf-8").splitlines()]


def test_the_stored_suite_is_made_again():
    assert retention.make() == ROWS
    assert (retention.SUITE.parent / "README.md").read_text(encoding="utf-8") == retention.readme(ROWS)


@pytest.mark.parametrize("name", retention.ABILITIES)
def test_each_ability_has_its_items(name):
    items = retention.items(name)
    assert len({item.prompt for item in items}) == len(items) == retention.COUNT
    for item in items:
        lead = "The answer is" if item.grade == "final" else ""
        assert evaluation.grade(item, f"{lead} {item.answer}.\nMore.")
        assert not evaluation.grade(item, f"{lead} zzz\n{item.answer}")


def test_rules_are_data():
    assert {row["grade"] for row in ROWS} == {"line", "final", "word"}
    assert list(ROWS[0]) == ["ability", "prompt", "answer", "grade", "max_new_tokens"]


def test_a_whole_word_is_asked_for():
    item = retention.items("common facts, exam")[0]
    assert evaluation.grade(item, f" I think it is {item.answer}.")
    assert not evaluation.grade(item, f" {item.answer}ish")


def test_an_unknown_name_is_refused():
    with pytest.raises(KeyError, match="not in the suite"):
        retention.items("juggling")


def test_measure_gives_hits_by_ability():
    model, tokenizer = tiny_llama(context=1024)
    hits = retention.measure(model, tokenizer, count=2)
    assert list(hits) == list(retention.ABILITIES)
    assert all(len(found) == 2 and set(found) <= {True, False} for found in hits.values())
