"""A judge's training examples: half about right replies, half about corrupted ones; training works."""

import pytest
import torch

from course_utils import data
from course_utils.ai_feedback import judge_training, llm_judge
from course_utils.tasks.toy_desk import gold, worse_replies
from tests.helpers.desk_records import DESK
from tests.helpers.tiny import tiny_llama


def test_verdicts_are_half_yes_and_the_others_ask_about_corrupted_replies():
    examples = judge_training.verdicts(DESK, 40, seed=1)
    assert [v["completion"] for v in examples[:4]] == [" yes", " no", " yes", " no"] and len(examples) == 40
    own = {r["id"]: r["completion"].strip() for r in DESK}
    for verdict in examples:
        shown = verdict["prompt"].split("\nReply: ")[1].split("\nQuestion")[0]
        assert (shown == own[verdict["record"]]) == (verdict["completion"] == " yes")
    assert examples == judge_training.verdicts(DESK, 40, seed=1) != judge_training.verdicts(DESK, 40, seed=2)


def test_a_field_of_another_record_leaves_the_answer(monkeypatch):
    class First:
        choice = staticmethod(lambda options: options[1])

    made = worse_replies.other_field(DESK[0], DESK, First)
    parts = gold.parse(made)
    assert parts["team"] == "orange" and "silver team" in parts["answer"]


def test_training_changes_the_verdicts():
    model, tokenizer = tiny_llama(context=512)
    asked = [llm_judge.single(r["prompt"], r["completion"], llm_judge.GOOD) for r in DESK]
    before = llm_judge.odds(model, tokenizer, asked, " yes"[1:], " no"[1:])
    judge_training.train(model, tokenizer, DESK, count=8, steps=4, lr=1e-2)
    assert llm_judge.odds(model, tokenizer, asked, "y", "n") != pytest.approx(before, abs=1e-3)
    assert all(torch.isfinite(p).all() for p in model.parameters())
    assert data.encode(tokenizer, judge_training.verdicts(DESK, 2))[0]["mask"][-1] == 1
