"""Soft prompts on the ladder begin as the few-shot prompt, leave the base alone and count their costs."""

from dataclasses import replace

import pytest
import torch

from course_utils import training
from course_utils.prompts import few_shot
from course_utils.techniques import prompting, registry, soft_prompts
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import tiny_llama

TRAIN, TEST = records(24), records(5, part="test")
REQUESTS = [record["prompt"] for record in TEST]
SHOTS = 2


@pytest.fixture(scope="module")
def subject():
    return tiny_llama(context=512)


@pytest.fixture(params=[technique.name for technique in soft_prompts.TECHNIQUES])
def name(request):
    return request.param


def learn(name, subject, lr=0.05, steps=3, seed=0):
    return registry.find(name).learn(*subject, TRAIN, seed, TASK, lr=lr, shots=SHOTS, steps=steps)


def test_before_the_first_step_it_is_the_few_shot_prompt(name, subject):
    untrained = learn(name, subject, lr=0.0, steps=1)
    assert untrained.reply(REQUESTS) == prompting.few_shot(*subject, TRAIN, 0, TASK, k=SHOTS).reply(REQUESTS)


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
    result, start = learn(name, subject, steps=1), soft_prompts.begin(*subject, TRAIN, 0, TASK, SHOTS)
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
    first, second = (soft_prompts.begin(*subject, TRAIN, seed, TASK, SHOTS) for seed in (0, 1))
    assert first.shape != second.shape or not torch.equal(first, second)


def test_shots_leave_where_the_context_is_short():
    model, tokenizer = tiny_llama(context=320)
    few, many = (soft_prompts.begin(model, tokenizer, TRAIN, 0, TASK, shots) for shots in (1, 9))
    assert len(few) <= len(many) < 320 - TASK.room
    with pytest.raises(ValueError, match="does not fit"):
        soft_prompts.begin(*tiny_llama(context=200), TRAIN, 0, TASK, 3)


def test_a_start_may_be_cut_to_its_end(subject):
    whole = soft_prompts.begin(*subject, TRAIN, 0, TASK, SHOTS)
    assert torch.equal(soft_prompts.begin(*subject, TRAIN, 0, TASK, SHOTS, 7), whole[-7:])


def test_in_a_chat_it_begins_as_the_solved_turns(name):
    subject = tiny_llama(context=1024)
    task = replace(TASK, chat=True, system="You sort.")
    untrained = registry.find(name).learn(*subject, TRAIN, 0, task, lr=0.0, shots=SHOTS, steps=1)
    shots = task.sample(TRAIN, SHOTS, 0)
    start = soft_prompts.solved(subject[1], shots, task)
    text = task.conversation(subject[1], shots, TEST[0]["prompt"])
    assert text.startswith(start) and few_shot.bare(TEST[0]["prompt"]) in text[len(start) :]
    assert start.count("User:") == start.count("Agent:") == SHOTS
    assert len(untrained.reply(REQUESTS[:2])) == 2
