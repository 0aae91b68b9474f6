"""The three depths train what they should, reply with it, and tell what it cost."""

from dataclasses import replace

import pytest
import torch

from course_utils.finetune.trainable import last_blocks, own_head
from course_utils.tasks.base import Budget
from course_utils.techniques import finetune, registry
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import tied_llama, tiny_llama

TRAIN, TEST = records(24), records(2, part="test")
LAYER = 2 * (32 * 32 + 16 * 32) + 3 * 32 * 64 + 2 * 32


EXPECTED = {  # what may change, and how many numbers
    "full": ("", 2 * LAYER + 32 + 258 * 32),
    "feature_last_block": ("model.layers.1.", LAYER),
    "feature_head": ("lm_head.", 258 * 32),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_depth_trains_its_weights_and_nothing_else(name):
    model, tokenizer = tied_llama()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    result = registry.find(name).learn(model, tokenizer, TRAIN, 0, TASK, lr=1e-3, steps=2)
    start, count = EXPECTED[name]
    changed = {key for key, value in result.model.state_dict().items() if not torch.equal(value, before[key])}
    assert changed and all(key.startswith(start) for key in changed)
    if name == "full":
        assert changed == set(before)
    assert result.trainable_parameters == result.stored_parameters == count
    assert result.stored_bytes >= 4 * count
    assert result.examples == len(TRAIN) and result.train_seconds > 0
    replies = result.reply([record["prompt"] for record in TEST])
    assert len(replies) == 2 and all("\n" not in reply for reply in replies)


def test_full_learns_the_form_of_the_reply():
    model, tokenizer = tied_llama()
    same = [record | {"completion": " Owls"} for record in TRAIN[:8]]
    result = finetune.full(model, tokenizer, same, 0, TASK, lr=1e-2, steps=50)
    assert result.reply([TEST[0]["prompt"]]) == ["Owls"]


def test_a_head_that_is_its_own_already_stays():
    model, _ = tiny_llama()
    head = model.lm_head.weight
    (own,) = own_head(model)
    assert own is head
    model, _ = tied_llama()
    (own,) = own_head(model)
    assert own is not model.model.embed_tokens.weight and torch.equal(own, model.model.embed_tokens.weight)
    assert not model.config.tie_word_embeddings


def test_blocks_are_counted_from_the_end():
    model, _ = tiny_llama()
    assert sum(p.numel() for p in last_blocks(model, 2)) == 2 * LAYER
    for count in (0, 3):
        with pytest.raises(ValueError, match="blocks"):
            last_blocks(model, count)


def test_the_seed_decides():
    made = []
    for seed in (0, 0, 1):
        model, tokenizer = tied_llama()
        finetune.full(model, tokenizer, TRAIN, seed, TASK, lr=1e-3, steps=2)
        made.append(model.lm_head.weight)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_the_budget_says_how_many_records_and_steps(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "course_utils.training.train", lambda model, examples, **how: seen.append((len(examples), how))
    )
    model, tokenizer = tied_llama()
    task = replace(TASK, budget=Budget(10, 7, 4))
    results = [finetune.full(model, tokenizer, TRAIN, seed, task) for seed in (0, 1)]
    assert [count for count, _ in seen] == [10, 10] and results[0].examples == 10
    assert {(how["steps"], how["batch_size"]) for _, how in seen} == {(7, 4)}
    assert task.subset(TRAIN, 0) == task.subset(TRAIN, 0) != task.subset(TRAIN, 1)
    toy = registry.find("full").settings["toy_desk"]
    assert len(toy) == 6 and len(registry.find("full").settings["helpdesk"]) == 4
