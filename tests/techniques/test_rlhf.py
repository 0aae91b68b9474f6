"""Lesson 05: one start, the stored pairs as labels, and what each technique does with a reward model."""

import pytest
import torch

from course_utils.rlhf import reward_model
from course_utils.tasks import base
from course_utils.tasks.toy_desk.task import TASK
from course_utils.techniques import registry, rlhf
from tests.helpers.tiny import tiny_llama

TRAIN = TASK.read("train")[:16]
SIZES = base.Feedback(sft_steps=2, sft_batch=8, updates=2, batch=16, room=6, value_rounds=1)
PAIRS = [
    {"prompt": record["prompt"], "chosen": record["completion"], "rejected": " No."} for record in TRAIN[:8]
]
NAMES = {"sft_mediocre", "reward_best_of_n", "ppo", "dpo", "grpo", "rloo", "critic_guided"}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(base.Task, "pairs", lambda task, split=None: PAIRS)


def test_the_names_are_those_of_the_scoreboard():
    assert {technique.name for technique in rlhf.TECHNIQUES} == NAMES
    for technique in rlhf.TECHNIQUES:
        assert technique.lesson == "05" and len(technique.settings["toy_desk"]) == 6, technique.name


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_replies_and_tells_what_it_used(name):
    model, tokenizer = tiny_llama(context=512)
    count = sum(parameter.numel() for parameter in model.parameters())
    technique = registry.find(name)
    setting = technique.settings["toy_desk"][0]
    result = technique.learn(model, tokenizer, TRAIN, 0, TASK, sizes=SIZES, **setting)
    assert result.labels == (0 if name == "sft_mediocre" else len(PAIRS))
    assert result.examples == len(TRAIN) and result.train_seconds > 0
    assert result.trainable_parameters == count and result.model is model
    two = name in ("reward_best_of_n", "critic_guided")
    assert (result.stored_parameters > count) == two and result.stored_bytes == 4 * result.stored_parameters
    replies = result.reply([record["prompt"] for record in TRAIN[:3]])
    assert len(replies) == 3 and all("\n" not in reply for reply in replies)
    assert (result.prompt_tokens > 0) == (name == "reward_best_of_n")


@pytest.mark.parametrize("name", ["ppo", "dpo", "grpo", "rloo"])
def test_the_policy_leaves_its_start(name):
    model, tokenizer = tiny_llama(context=512)
    start, _ = tiny_llama(context=512)
    rlhf.started(start, tokenizer, TRAIN, 0, TASK, SIZES)
    registry.find(name).learn(model, tokenizer, TRAIN, 0, TASK, lr=1e-3, sizes=SIZES)
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), start.parameters()))


def test_best_of_n_takes_what_the_reward_model_likes(monkeypatch):
    def score(judge, tokenizer, prompts, replies, **_):
        return [-float(len(reply)) for reply in replies]

    samples = iter([["aaa", "a", "aa", "bb", "bbb", "bbbb"]])
    monkeypatch.setattr(reward_model.RewardModel, "score", score)
    monkeypatch.setattr(rlhf, "begun", lambda model, *rest: (reward_model.start(model), PAIRS, 1.0))
    result = rlhf.reward_best_of_n(*tiny_llama(context=512), TRAIN, 0, TASK, n=3, sizes=SIZES)
    monkeypatch.setattr(rlhf, "generate", lambda *arguments, **options: next(samples))
    assert result.reply(["x:", "y:"]) == ["a", "bb"]
