"""The three depths train what they should, reply with it, and tell what it cost."""

import pytest
import torch

from course_utils.finetune import trainable
from course_utils.techniques import finetuning, peft_methods
from tests.desk_records import records
from tests.tiny import tiny_llama

TRAIN, TEST = records(24), records(2, part="test")
LAYER = 2 * (32 * 32 + 16 * 32) + 3 * 32 * 64 + 2 * 32


def tied_llama():
    """A tiny model whose head shares the weight of its embeddings, as the course's models do."""
    model, tokenizer = tiny_llama(context=512)
    model.config.tie_word_embeddings = True
    model.lm_head.weight = model.model.embed_tokens.weight
    return model, tokenizer


EXPECTED = {  # what may change, and how many numbers
    "full": ("", 2 * LAYER + 32 + 258 * 32),
    "feature_last_block": ("model.layers.1.", LAYER),
    "feature_head": ("lm_head.", 258 * 32),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_depth_trains_its_weights_and_nothing_else(name):
    model, tokenizer = tied_llama()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    result = finetuning.RUNGS[name].learn(model, tokenizer, TRAIN, 0, lr=1e-3, steps=2)
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
    result = finetuning.full(model, tokenizer, same, 0, lr=1e-2, steps=50)
    assert result.reply([TEST[0]["prompt"]]) == ["Owls"]


def test_a_head_that_is_its_own_already_stays():
    model, _ = tiny_llama()
    head = model.lm_head.weight
    (found,) = trainable.own_head(model)
    assert found is head
    model, _ = tied_llama()
    (found,) = trainable.own_head(model)
    assert found is not model.model.embed_tokens.weight and torch.equal(
        found, model.model.embed_tokens.weight
    )
    assert not model.config.tie_word_embeddings


def test_blocks_are_counted_from_the_end():
    model, _ = tiny_llama()
    assert sum(p.numel() for p in trainable.last_blocks(model, 2)) == 2 * LAYER
    for count in (0, 3):
        with pytest.raises(ValueError, match="blocks"):
            trainable.last_blocks(model, count)


def test_the_seed_decides():
    made = []
    for seed in (0, 0, 1):
        model, tokenizer = tied_llama()
        finetuning.full(model, tokenizer, TRAIN, seed, lr=1e-3, steps=2)
        made.append(model.lm_head.weight)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_there_are_six_settings_each_within_the_signature():
    for rung in finetuning.RUNGS.values():
        names = rung.learn.__code__.co_varnames
        assert len(rung.settings) == 6 and all(set(setting) <= set(names) for setting in rung.settings)
    assert peft_methods.BATCH * 240 <= 2 * 2000  # `full` reads at most two epochs of the desk's records
