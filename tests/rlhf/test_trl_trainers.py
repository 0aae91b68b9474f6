"""TRL as the course calls it: the reference is the start, the policy learns, nothing else moves."""

import math

import pytest
import torch

from course_utils.rlhf import trl_trainers
from tests.helpers.tiny import tiny_llama

PAIRS = [
    {"prompt": "Which team?", "chosen": " Owls", "rejected": " Who cares", "reason": "it is shorter"},
    {"prompt": "Hi", "chosen": " Good day", "rejected": " Go away"},
] * 8


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def test_dpo_begins_at_log_two_and_learns_the_pairs():
    policy, tokenizer = tiny_llama()
    history = trl_trainers.dpo(policy, tokenizer, PAIRS, lr=3e-3, epochs=3, batch_size=8)
    losses = history.column("loss")
    assert len(losses) == 6 and history.seconds > 0
    assert losses[0] == pytest.approx(math.log(2), abs=1e-3)
    assert losses[-1] < 0.5
    assert not policy.training and all(parameter.grad is None for parameter in policy.parameters())


@pytest.mark.parametrize("name", ["grpo", "rloo"])
def test_on_policy_trainers_begin_at_the_policy_and_ask_the_reward(name):
    policy, tokenizer = tiny_llama()
    with torch.no_grad():  # not what its configuration would make: the reference must be the policy itself
        for parameter in policy.parameters():
            parameter.mul_(1.5)
    before, calls = [p.clone() for p in policy.parameters()], []

    def reward_fn(prompts, replies):
        calls.append((prompts, replies))
        return [float(len(reply)) for reply in replies]

    settings = dict(lr=1e-3, beta=0.1, steps=2, batch_size=8, group=4, max_new_tokens=5)
    history = getattr(trl_trainers, name)(policy, tokenizer, ["Hi", "Why?"], reward_fn, **settings)
    assert history.column("kl")[0] == pytest.approx(0, abs=1e-4)
    assert len(history.column("reward")) == len(calls) == 2
    prompts, replies = calls[0]
    assert sorted(prompts) == ["Hi"] * 4 + ["Why?"] * 4
    assert all(isinstance(reply, str) for reply in replies) and len(set(replies)) > 1
    assert any(not torch.equal(a, b) for a, b in zip(before, policy.parameters()))
    assert policy.config._name_or_path == "" and not policy.training
    with pytest.raises(ValueError, match="20"):  # groups of 8 do not fill a batch of 20
        getattr(trl_trainers, name)(policy, tokenizer, ["Hi"], reward_fn, lr=1e-3, steps=1, batch_size=20)
    assert policy.config._name_or_path == ""
