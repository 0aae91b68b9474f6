"""Each training happens once: the second call loads its weights; another input trains anew."""

import copy

import pytest
import torch

from course_utils import models
from course_utils.rlhf import combined_reward, reward_model, training_cache
from course_utils.tasks.toy_desk import noisy_demonstrations
from course_utils.tasks.toy_desk.records import read as read_desk
from tests.helpers.tiny import tiny_llama

TRAIN = read_desk("train")[:24]
PAIRS = [
    {"prompt": "Which team?", "chosen": " Owls, of course", "rejected": " Who cares"},
    {"prompt": "Hi", "chosen": " Good day", "rejected": " Go away, you"},
]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def counted(monkeypatch):
    """How often something was really trained."""
    calls = []
    for module, name in ((noisy_demonstrations, "tune"), (reward_model, "train")):
        real = getattr(module, name)

        def noted(*arguments, real=real, **settings):
            calls.append(real.__name__)
            return real(*arguments, **settings)

        noted.__signature__ = __import__("inspect").signature(real)
        monkeypatch.setattr(module, name, noted)
    return calls


def tied():
    model, tokenizer = tiny_llama(context=1024)
    model.lm_head.weight = model.model.embed_tokens.weight
    return model, tokenizer


def fine_tuned(seed=0, **settings):
    model, tokenizer = tied()
    seconds = training_cache.sft(model, tokenizer, TRAIN, seed, **({"steps": 2} | settings))
    return model, seconds


def test_a_policy_is_trained_once_and_then_loaded(counted):
    untouched = tied()[0].state_dict()
    first, seconds = fine_tuned()
    again, same_seconds = fine_tuned()
    assert counted == ["tune"] and seconds == same_seconds > 0
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert any(not torch.equal(value, untouched[name]) for name, value in first.state_dict().items())


def test_other_settings_records_seeds_and_weights_are_other_trainings(counted):
    fine_tuned()
    fine_tuned(seed=1)
    fine_tuned(lr=1e-4)
    model, tokenizer = tied()
    training_cache.sft(model, tokenizer, TRAIN[:12], steps=2)
    training_cache.sft(models.randomised(model, 3), tokenizer, TRAIN, steps=2)
    assert len(counted) == 5


def test_a_reward_model_is_kept_with_its_mean(counted):
    model, tokenizer = tied()
    first, _ = training_cache.fit_reward_model(model, tokenizer, PAIRS, lr=1e-2)
    again, _ = training_cache.fit_reward_model(model, tokenizer, PAIRS, lr=1e-2)
    assert counted == ["train"] and first.mean != 0
    asked = [pair["prompt"] for pair in PAIRS], [pair["chosen"] for pair in PAIRS]
    assert first.score(tokenizer, *asked) == again.score(tokenizer, *asked)
    turned = [pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]} for pair in PAIRS]
    training_cache.fit_reward_model(model, tokenizer, turned, lr=1e-2)
    assert counted == ["train"] * 2


def test_a_combined_reward_asks_the_policy_first_and_its_head_learns_the_rest(counted, monkeypatch):
    model, tokenizer = tied()
    seen, train = {}, reward_model.train
    monkeypatch.setattr(
        training_cache.reward_model, "train", lambda *a, **k: seen.update(k) or train(*a, **k)
    )
    reward, seconds = training_cache.fit_combined_reward(model, tokenizer, PAIRS, lr=1e-2)
    alone = combined_reward.CombinedReward(reward.ref, reward.weight, reward.mean)
    assert reward.weight != 0 and seconds > 0
    assert seen["prior_margins"] == pytest.approx(reward_model.margins(alone, tokenizer, PAIRS), abs=1e-5)
    asked = [pair["prompt"] for pair in PAIRS], [pair["chosen"] for pair in PAIRS]
    before = reward.score(tokenizer, *asked)
    with torch.no_grad():  # the policy goes on to learn; its reward stays
        next(model.parameters()).add_(0.1)
    assert reward.score(tokenizer, *asked) == before != alone.score(tokenizer, *asked)


def test_a_damaged_file_is_made_again(counted, home):
    first, _ = fine_tuned()
    (file,) = (home / "stages").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    again, _ = fine_tuned()
    assert counted == ["tune"] * 2
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))


def test_a_folder_that_cannot_be_written_costs_only_the_time(counted, home):
    (home / "stages").write_text("in the way")
    fine_tuned()
    fine_tuned()
    assert counted == ["tune"] * 2


def test_tied_weights_are_kept_once_and_others_all():
    model, _ = tied()
    names = set(training_cache.own_weights(model))
    assert "model.embed_tokens.weight" in names and "lm_head.weight" not in names
    assert "lm_head.weight" in training_cache.own_weights(tiny_llama()[0])
    model = reward_model.start(copy.deepcopy(model))
    assert {"mean", "head.weight"} <= set(training_cache.own_weights(model))


def test_defaults_are_part_of_the_settings():
    assert training_cache.scalar_settings(noisy_demonstrations.tune, {"lr": 5.0})["lr"] == 5.0
    assert (
        training_cache.scalar_settings(noisy_demonstrations.tune, {})["steps"] == noisy_demonstrations.STEPS
    )
