"""Answer, critique, revise: only replies that the judge rejects are generated anew."""

import pytest

from course_utils.ai_feedback import llm_judge, self_refine
from tests.helpers.desk_records import DESK

PROMPTS = [record["prompt"] for record in DESK]


@pytest.fixture
def asked(monkeypatch):
    """The texts of each call of generate, whose replies say what was asked for."""
    calls = []

    def generate(model, tokenizer, texts, room, stop):
        calls.append(list(texts))
        return [
            " better" if text.endswith("Better reply:") else f" first {i}" for i, text in enumerate(texts)
        ]

    monkeypatch.setattr(self_refine, "generate", generate)
    return calls


def test_only_what_fails_is_revised(asked):
    verdicts = [1.0, -1.0, 0.0, -3.0]
    replies, notes = self_refine.refine(None, None, PROMPTS, judge=lambda prompts, replies: verdicts)
    assert replies == ["first 0", "better", "first 2", "better"]
    assert [note["revised"] for note in notes] == [False, True, False, True]
    assert [note["first"] for note in notes] == [f"first {i}" for i in range(4)]
    assert asked[1] == [self_refine.revision(PROMPTS[i], f"first {i}") for i in (1, 3)]


def test_a_content_judge_changes_nothing_and_nothing_is_generated_twice(asked):
    replies, _ = self_refine.refine(None, None, PROMPTS, judge=lambda prompts, replies: [1.0] * 4)
    assert replies == [f"first {i}" for i in range(4)] and len(asked) == 1


def test_the_bar_can_be_set_lower(asked):
    replies, _ = self_refine.refine(
        None, None, PROMPTS[:2], lambda prompts, replies: [-1.0, -3.0], least=-2.0
    )
    assert replies == ["first 0", "better"]


def test_the_model_judges_itself_by_default(asked, monkeypatch):
    calls = []

    def yes(model, tokenizer, prompts, replies, question):
        calls.append((list(replies), question))
        return [-1.0] * len(replies)

    monkeypatch.setattr(llm_judge, "yes", yes)
    replies, _ = self_refine.refine(None, None, PROMPTS)
    assert calls == [([f"first {i}" for i in range(4)], llm_judge.GOOD)] and replies == ["better"] * 4


def test_examples_are_verdicts_and_revisions_to_the_right_reply():
    examples = self_refine.examples(DESK, 20, seed=3)
    revisions = [r for r in examples if r["prompt"].endswith("Better reply:")]
    assert len(examples) == 30 and len(revisions) == 10
    own = {record["completion"] for record in DESK}
    for revision in revisions:
        shown = revision["prompt"].split("\nReply: ")[1].split("\nCritique")[0]
        assert revision["completion"] in own and f" {shown}" != revision["completion"]
