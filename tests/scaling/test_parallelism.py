"""Counts of divided models, against hand-worked numbers and against what is counted as a whole."""

import pytest
import torch

from course_utils import models
from course_utils.scaling import parallelism
from course_utils.scaling.peak_memory import PeakMemory, activation_checkpointing
from tests.helpers.tiny import tiny_llama


def test_the_shapes_are_those_of_the_papers():
    assert models.count_parameters(parallelism.build("7B")) == 6_738_415_616  # Llama 2 7B's published count
    large = parallelism.build("530B")
    assert models.count_parameters(large) == pytest.approx(530e9, rel=0.005)
    assert len(parallelism.blocks(large)) == 105
    assert next(large.parameters()).is_meta
    with pytest.raises(ValueError, match="No shape '8B'"):
        parallelism.build("8B")


def test_zero_divides_what_its_stage_says():
    assert [parallelism.zero_memory(100, 4, stage) for stage in range(4)] == [1600, 700, 550, 400]
    assert parallelism.zero_memory(7.5e9, 64, 3) / 1e9 == pytest.approx(
        1.9, abs=0.05
    )  # Rajbhandari et al., figure 1
    assert parallelism.zero_memory(7.5e9, 64, 1) / 1e9 == pytest.approx(31.4, abs=0.05)
    assert parallelism.zero_memory(7.5e9, 64, 2) / 1e9 == pytest.approx(16.6, abs=0.05)


def test_tensor_shares_add_up_but_for_what_every_device_holds():
    block = parallelism.blocks(parallelism.build("7B"))[0]
    norms = sum(p.numel() for name, p in block.named_parameters() if "norm" in name)
    total = models.count_parameters(block)
    assert parallelism.tensor_parallel_count(block, 1) == total
    assert 8 * (parallelism.tensor_parallel_count(block, 8) - norms) == total - norms
    layer = torch.nn.ModuleDict({"fc1": torch.nn.Linear(4, 8), "fc2": torch.nn.Linear(8, 4)})
    assert parallelism.tensor_parallel_count(layer, 2) == 16 + 4 + 16 + 4  # fc2's bias stays whole


def test_bubble_is_the_waiting_in_the_schedule():
    for devices, micro_batches in ((4, 1), (4, 4), (3, 7), (1, 5)):
        steps = parallelism.pipeline_schedule(devices, micro_batches)
        end = 1 + max(time for _, time, _ in steps)
        assert parallelism.pipeline_bubble(devices, micro_batches) == pytest.approx(
            1 - len(steps) / (devices * end)
        )
        assert len({(device, time) for device, time, _ in steps}) == len(steps), "one micro-batch at a time"


def test_peak_counts_what_lives_at_once():
    with PeakMemory() as memory:
        a = torch.zeros(1000)
        b = a + 1
        view = b[:10]
        del a
        c = torch.zeros(500)
        b.add_(1)  # in place: nothing new
    assert memory.peak == 2 * 4000 and memory.live == 4000 + 2000
    del view, b, c
    assert memory.live == 0


def test_peak_leaves_out_what_was_there_before():
    weight = torch.zeros(1000)
    with PeakMemory() as memory:
        weight[:5].sum()
        weight.mul_(2)
    assert memory.peak <= 64


def test_micro_batches_and_checkpointing_take_less_memory_and_give_the_same_gradient():
    from course_utils import training

    model, _ = tiny_llama()
    rows = [{"input_ids": list(range(3, 60)), "mask": [0] * 5 + [1] * 52} for _ in range(16)]

    def measured(accumulate):
        model.zero_grad()
        with PeakMemory() as memory:
            training.accumulate_gradients(model, rows, accumulate)
        return memory.peak, model.lm_head.weight.grad.clone()

    plain, accumulated = measured(1), measured(8)
    with activation_checkpointing(model):
        checkpointed = measured(1)
    assert not model.training and measured(1)[0] == plain[0], "the model is as it was"
    assert accumulated[0] < 0.5 * plain[0] and checkpointed[0] < 0.9 * plain[0]
    assert torch.allclose(plain[1], accumulated[1], atol=1e-6)
    assert torch.allclose(plain[1], checkpointed[1], atol=1e-6)
