"""Counts on the meta device that the lessons state, and memory from states, computed and measured."""

import pytest
import torch

from course_utils import models
from course_utils.peft import lora, memory_estimates
from tests.helpers.adapters import loss_of
from tests.helpers.tiny import tiny_llama

KNOWN = {  # published counts, in millions
    "GPT-2 medium": (345, 356),
    "Qwen2.5 0.5B": (490, 500),
    "Llama 3 8B": (8000, 8060),
    "T5-XXL 11B": (11000, 11200),
    "GPT-3 175B": (174000, 176000),
}


@pytest.mark.parametrize("name", memory_estimates.SHAPES)
def test_shapes_have_the_published_counts_and_no_weights(name):
    model = memory_estimates.build(name)
    low, high = KNOWN[name]
    assert low < models.count_parameters(model) / 1e6 < high
    assert all(weight.is_meta for weight in model.parameters())
    assert memory_estimates.SHAPES[name].source


def test_lora_trains_ten_thousand_times_fewer_numbers_of_gpt3():
    model = memory_estimates.build("GPT-3 175B")
    total, sizes = models.count_parameters(model), memory_estimates.layer_sizes(model)
    trained = sum(p.numel() for p in lora.add(model, rank=4))
    assert trained == memory_estimates.lora_count(sizes, 4, ("q_proj", "v_proj")) == 18_874_368
    assert round(175e9 / trained) == 9272 and round(total / trained) == 9251
    full, small = (memory_estimates.memory(total, n, "16-bit, no gradients") for n in (total, trained))
    assert round(full / 1e12, 2) == 1.05 and round(small / 1e9) == 349 and round(full / small, 1) == 3.0
    assert round(memory_estimates.memory(total, total, "16-bit") / 1e12, 2) == 1.40


def test_prompts_and_prefixes_are_small():
    width = memory_estimates.SHAPES["T5-XXL 11B"].settings["d_model"]
    assert 5 * width == 20_480
    medium = memory_estimates.SHAPES["GPT-2 medium"].settings
    total = models.count_parameters(memory_estimates.build("GPT-2 medium"))
    share = {
        n: memory_estimates.prefix_count(medium["n_layer"], medium["n_embd"], n) / total for n in (5, 10)
    }
    assert 0.0006 < share[5] < 0.001 < share[10] < 0.0015  # "0.1 %" lies between


def test_memory_by_hand():
    assert memory_estimates.memory(100, 100, "fp32") == 1600
    assert memory_estimates.memory(100, 10, "fp32") == 400 + 160
    assert memory_estimates.memory(100, 10, "4-bit base") == 50 + 160


@pytest.mark.parametrize("small", [False, True])
def test_states_measured_equal_states_computed(small):
    model, _ = tiny_llama()
    total = models.count_parameters(model)
    trained = lora.add(model) if small else list(model.parameters())
    optimizer = torch.optim.AdamW(trained)
    loss_of(model).backward()
    optimizer.step()
    measured, count = memory_estimates.states(model, optimizer), sum(p.numel() for p in trained)
    assert measured["gradients"] == 4 * count and measured["moments"] == 8 * count
    assert sum(measured.values()) == memory_estimates.memory(total, count, "fp32")


def test_an_unknown_shape():
    with pytest.raises(ValueError, match="there are GPT-2 medium"):
        memory_estimates.build("GPT-5")
