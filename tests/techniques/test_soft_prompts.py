"""Soft prompts on the ladder begin as the few-shot prompt, leave the base alone and count their costs."""

import pytest
import torch

from course_utils import training
from course_utils.techniques import prompting, soft_prompts
from tests.helpers.desk_records import records
from tests.helpers.tiny import tiny_llama

TRAIN, TEST = records(24), records(5, part="test")
REQUESTS = [record["prompt"] for record in TEST]
SHOTS = 2


@pytest.fixture(scope="module")
def subject():
    return tiny_llama(context=512)


@pytest.fixture(params=list(soft_prompts.RUNGS))
def name(request):
    return request.param


def learn(name, subject, lr=0.05, steps=3, seed=0):
    return soft_prompts.RUNGS[name].learn(*subject, TRAIN, seed, lr=lr, shots=SHOTS, steps=steps)


def test_before_the_first_step_it_is_the_few_shot_prompt(name, subject):
    untrained = learn(name, subject, lr=0.0, steps=1)
    assert untrained.reply(REQUESTS) == prompting.few_shot_drawn(*subject, TRAIN, 0, k=SHOTS).reply(REQUESTS)


def test_training_changes_the_replies_and_nothing_of_the_base(name, subject):
    model, _ = subject
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trained = learn(name, subject)
    assert trained.reply(REQUESTS) != learn(name, subject, lr=0.0, steps=1).reply(REQUESTS)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert trained.model is None
    assert trained.reply(REQUESTS) == [trained.reply([request])[0] for request in REQUESTS]


def test_the_loss_falls(name, subject, monkeypatch):
    seen = []

    def watched(model, examples, **settings):
        seen.append(original(model, examples, **settings))
        return seen[-1]

    original = training.train
    monkeypatch.setattr(training, "train", watched)
    learn(name, subject, lr=0.02, steps=12)
    losses = seen[0].losses
    assert sum(losses[-3:]) < sum(losses[:3])


def test_what_it_cost(name, subject):
    model, tokenizer = subject
    result, start = learn(name, subject, steps=1), soft_prompts.begin(*subject, TRAIN, 0, SHOTS)
    per_position = 2 * 2 * 2 * 8 if name.startswith("prefix") else 32  # layers, keys and values, heads, size
    assert result.stored_parameters == len(start) * per_position
    assert 4 * result.stored_parameters < result.stored_bytes < 4 * result.stored_parameters + 200
    if name in ("prompt_tuning", "prefix_tuning"):
        assert result.trainable_parameters == result.stored_parameters
    else:
        assert result.trainable_parameters != result.stored_parameters
    assert result.prompt_tokens == len(start) + 2  # bytes: two line ends
    assert result.examples == len(TRAIN) and result.labels == 0


def test_the_seed_chooses_the_shots(subject):
    first, second = (soft_prompts.begin(*subject, TRAIN, seed, SHOTS) for seed in (0, 1))
    assert first.shape != second.shape or not torch.equal(first, second)


def test_shots_leave_where_the_context_is_short():
    model, tokenizer = tiny_llama(context=320)
    few, many = (soft_prompts.begin(model, tokenizer, TRAIN, 0, shots) for shots in (1, 9))
    assert len(few) <= len(many) < 320 - prompting.ROOM
    with pytest.raises(ValueError, match="does not fit"):
        soft_prompts.begin(*tiny_llama(context=200), TRAIN, 0, 3)
