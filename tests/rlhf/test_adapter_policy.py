"""Start, policy and reward model as adapters of one set of weights; what was trained once is loaded."""

import pytest
import torch

from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy, reward_model
from tests.helpers.adapters import logits
from tests.helpers.tiny import PARITY, tiny_llama

SETTINGS = dict(lr=1e-2, steps=3, batch_size=4)
PAIRS = [{"prompt": f"Ask {i}:", "chosen": f" good {i}", "rejected": f" bad {i}"} for i in range(12)]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def started():
    model, tokenizer = tiny_llama(context=512)
    seconds = adapter_policy.sft(model, tokenizer, PARITY, (4, 1), seed=1, **SETTINGS)
    return model, tokenizer, seconds


def test_only_the_last_blocks_hold_the_adapter_and_the_policy_begins_as_its_copy():
    model, _, seconds = started()
    begun = logits(model).clone()
    parameters = adapter_policy.policy(model)
    assert {path.split(".")[2] for path in adapter_layer.adapter_layers(model)} == {"1"} and seconds > 0
    assert torch.equal(logits(model), begun)
    assert {id(p) for p in model.parameters() if p.requires_grad} == {id(p) for p in parameters}
    with adapter_layer.active(model, None):
        assert torch.equal(logits(model), logits(tiny_llama(context=512)[0]))
    assert not torch.equal(begun, logits(tiny_llama(context=512)[0]))


def test_what_was_trained_is_loaded(monkeypatch):
    first, _, seconds = started()
    monkeypatch.setattr(adapter_policy.training, "train", lambda *a, **k: pytest.fail("trained again"))
    again, _, same = started()
    assert same == seconds and torch.equal(logits(first), logits(again))


def test_a_reward_model_learns_beside_the_policy(monkeypatch):
    model, tokenizer, _ = started()
    adapter_policy.policy(model)
    before = logits(model).clone()
    settings = dict(lr=1e-2, epochs=8, batch_size=6)
    reward, seconds = adapter_policy.fit_reward(model, tokenizer, PAIRS, 0, **settings)
    assert reward_model.accuracy(reward, tokenizer, PAIRS)[0] == 1.0 and seconds > 0
    assert torch.equal(logits(model), before), "the policy stays, and stays active"
    adapter = adapter_layer.parameters(model, adapter_policy.REWARD)
    assert len(reward.trained()) == len(adapter) + 1
    scores = reward.score(tokenizer, ["Ask 1:"], [" good 1"])
    for parameter in adapter_layer.parameters(model, adapter_policy.POLICY):
        parameter.data += 0.1
    assert reward.score(tokenizer, ["Ask 1:"], [" good 1"]) == scores
    monkeypatch.setattr(reward_model, "train", lambda *a, **k: pytest.fail("trained again"))
    other, _, _ = started()
    adapter_policy.policy(other)
    loaded, _ = adapter_policy.fit_reward(other, tokenizer, PAIRS, 0, **settings)
    assert loaded.score(tokenizer, ["Ask 1:"], [" good 1"]) == pytest.approx(scores)
