"""Techniques with a model's feedback: who judges, what is learned, what is counted."""

import pytest
import torch

from course_utils.ai_feedback import llm_judge, self_refine
from course_utils.rlhf import reward_model, training_cache
from course_utils.tasks import base
from course_utils.techniques import ai_feedback, registry
from tests.helpers.adapters import logits
from tests.helpers.desk_records import SOLVED, TASK
from tests.helpers.tiny import tiny_llama

PAIRS = [{"prompt": r["prompt"], "chosen": r["completion"], "rejected": " no"} for r in SOLVED[:6]]

SIZES = base.Feedback(updates=1, batch=4, room=4, verdicts=4, judging=2, refining=2)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(self_refine, "ROOM", 4)
    monkeypatch.setattr(base.Task, "pairs", lambda task, split: PAIRS)
    monkeypatch.setattr(training_cache, "fit", lambda *a, **k: 1.0)
    monkeypatch.setattr(
        training_cache, "fit_combined_reward", lambda model, *a, **k: (reward_model.start(model), 2.0)
    )


@pytest.mark.parametrize("critic", ["itself", "principles", "taught", "expected"])
@pytest.mark.parametrize("name", ["rlaif", "ai_reward"])
def test_a_judge_takes_the_place_of_people(quick, name, critic):
    model, tokenizer = tiny_llama(context=512)
    result = registry.find(name).learn(model, tokenizer, SOLVED, 0, TASK, sizes=SIZES, critic=critic, lr=1e-2)
    assert result.labels == 0 and result.examples == len(SOLVED)
    assert result.choice == {"verdicts": 12 if name == "rlaif" else 4}
    assert result.model is model and not torch.equal(logits(model), logits(tiny_llama(context=512)[0]))
    assert result.train_seconds > (3 if name == "rlaif" else 1), "all stages count"
    given = result.reply([SOLVED[0]["prompt"]] * 2)
    assert len(given) == 2 and given == result.reply([SOLVED[0]["prompt"]] * 2)


def test_self_refinement_is_counted_in_tokens(quick):
    model, tokenizer = tiny_llama(context=512)
    result = ai_feedback.self_reflection(model, tokenizer, SOLVED, 0, TASK, sizes=SIZES)
    assert result.prompt_tokens > 50 and result.labels == 0 and result.examples == len(SOLVED)
    assert not torch.equal(logits(model), logits(tiny_llama(context=512)[0]))
    assert len(result.reply([SOLVED[0]["prompt"]])) == 1


def test_the_untouched_judge_is_untouched_and_the_taught_one_is_a_copy(quick):
    model, tokenizer = tiny_llama(context=512)
    asked, given = [SOLVED[0]["prompt"]], [SOLVED[0]["completion"]]
    before = logits(model).clone()
    policy, _ = tiny_llama(seed=1, context=512)
    names = ("itself", "principles", "taught", "expected")
    about = (model, policy, tokenizer, SOLVED, 0, TASK, SIZES)
    grades = {name: ai_feedback.judge_of(name, *about) for name in names}
    itself, plain, taught, expected = (grade(asked, given)[0] for grade, _ in grades.values())
    assert itself == pytest.approx(llm_judge.expected(policy, tokenizer, asked, given)[0], abs=1e-3)
    assert plain == pytest.approx(llm_judge.principled(model, tokenizer, asked, given)[0], abs=1e-5)
    assert taught != pytest.approx(llm_judge.yes(model, tokenizer, asked, given, llm_judge.GOOD)[0], abs=1e-4)
    assert expected < -1 and expected > llm_judge.expected(model, tokenizer, asked, given)[0], (
        "it was learned"
    )
    assert torch.equal(logits(model), before), "the caller's weights stay"
    assert grades["principles"][1] == 0 < grades["taught"][1]
    with pytest.raises(ValueError, match="no judge"):
        ai_feedback.judge_of("people", model, policy, tokenizer, SOLVED, 0, TASK, SIZES)


def test_the_judge_s_better_reply_is_the_chosen_one():
    def grade(prompts, replies):
        return [len(text) for text in replies]

    pairs = [
        {"prompt": "1", "chosen": "long", "rejected": "no"},
        {"prompt": "2", "chosen": "no", "rejected": "long"},
    ]
    labels = ai_feedback.labeled(grade, pairs)
    assert [pair["chosen"] for pair in labels] == ["long", "long"]
    assert [pair["rejected"] for pair in labels] == ["no", "no"]


def test_a_verdict_is_a_reward_from_minus_one_to_one():
    seen = []

    def grade(prompts, replies):
        seen.extend(replies)
        return [0.0, 50.0, -50.0]

    assert ai_feedback.squeezed(grade)(["p"] * 3, ["x", "y", " "]) == pytest.approx([0.0, 1.0, -1.0])
    assert seen == ["x", "y", "-"]


def test_six_settings_each():
    for technique in ai_feedback.TECHNIQUES:
        assert technique.lesson == "06" and len(technique.settings["toy_desk"]) == 6
