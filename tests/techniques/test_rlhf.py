"""Lesson 05's techniques: one start, the stored pairs as labels, and what each does with a reward."""

import pytest
import torch

from course_utils import data
from course_utils.rlhf import preferences, reward_model, training_cache
from course_utils.storage import paths
from course_utils.techniques import rlhf
from tests.helpers.tiny import tiny_llama

TRAIN = data.read_records(paths.DATA / "toy_desk" / "train.jsonl")[:16]
PAIRS = [
    {"prompt": record["prompt"], "chosen": record["completion"], "rejected": " No."} for record in TRAIN[:8]
]
NAMES = {"sft_mediocre", "reward_best_of_n", "ppo", "dpo", "grpo", "rloo", "critic_guided"}


SIZES = {name: {"sft_steps": 2} for name in NAMES}
SIZES |= {name: {"sft_steps": 2, "updates": 1} for name in ("ppo", "grpo", "rloo")}
SIZES["critic_guided"] = {"sft_steps": 2, "rounds": 1}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(preferences, "read", lambda split=None: PAIRS)
    monkeypatch.setattr(rlhf, "ROOM", 6)  # tokens of a reply
    monkeypatch.setattr(rlhf, "BATCH", 16)


def test_the_names_are_those_of_the_scoreboard():
    assert set(rlhf.RUNGS) == NAMES
    for name, rung in rlhf.RUNGS.items():
        assert rung.lesson == "05" and len(rung.settings) == 6, name
        assert len({str(setting) for setting in rung.settings}) == 6, name


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_replies_and_tells_what_it_used(name):
    model, tokenizer = tiny_llama(context=512)
    count = sum(parameter.numel() for parameter in model.parameters())
    rung = rlhf.RUNGS[name]
    result = rung.learn(model, tokenizer, TRAIN, 0, **rung.settings[0], **SIZES[name])
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
    training_cache.sft(start, tokenizer, TRAIN, 0, steps=2)
    rlhf.RUNGS[name].learn(model, tokenizer, TRAIN, 0, lr=1e-3, **SIZES[name])
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), start.parameters()))


def test_best_of_n_takes_the_highest_reward(monkeypatch):
    def score(model, tokenizer, prompts, replies, **_):
        return [-float(len(reply)) for reply in replies]

    sampled = iter([["aaa", "a", "aa", "bb", "bbb", "bbbb"]])
    monkeypatch.setattr(reward_model.RewardModel, "score", score)
    monkeypatch.setattr(rlhf, "begun", lambda model, *rest: (reward_model.start(model), PAIRS, 1.0))
    result = rlhf.reward_best_of_n(*tiny_llama(context=512), TRAIN, 0, n=3)
    monkeypatch.setattr(rlhf, "generate", lambda *arguments, **options: next(sampled))
    assert result.reply(["x:", "y:"]) == ["a", "bb"]
