"""The plan from shapes is what a step with values takes; a model gives nothing but its configuration."""

import pytest
import torch
from transformers import LlamaForCausalLM

from course_utils import models
from course_utils.scaling import measured_step, memory_planner
from tests.helpers.tiny import tiny_llama


def shapes_of(model):
    with torch.device("meta"):
        return LlamaForCausalLM(model.config).float()


@pytest.mark.parametrize("method", memory_planner.METHODS)
def test_planned_is_what_a_step_takes(method):
    model, _ = tiny_llama()
    planned = memory_planner.plan(shapes_of(model), method, batch=3, length=40)
    counted = measured_step.step(model, method, batch=3, length=40)
    assert planned["weights"] == counted["weights"] and planned["moments"] == counted["moments"]
    assert sum(planned.values()) == pytest.approx(sum(counted.values()), rel=0.02)


def test_full_training_keeps_16_bytes_per_parameter():
    model, _ = tiny_llama()
    count = models.count_parameters(model)
    for bf16 in (False, True):
        planned = memory_planner.plan(shapes_of(model), "full", batch=1, length=8, bf16=bf16)
        assert sum(planned[kind] for kind in ("weights", "gradients", "moments")) == 16 * count
    mixed = memory_planner.plan(shapes_of(model), "full", batch=1, length=8, bf16=True)
    assert mixed["weights"] == 2 * count


def test_activations_grow_with_the_batch_and_faster_with_the_length():
    def activations(batch, length):
        return memory_planner.plan(shapes_of(tiny_llama()[0]), "LoRA", batch, length)["activations"]

    small = activations(2, 32)
    assert activations(8, 32) == pytest.approx(4 * small, rel=0.05)
    assert activations(2, 128) > 5 * small


def test_checkpointing_is_planned_too():
    def peak(**how):
        planned = memory_planner.plan(shapes_of(tiny_llama()[0]), "LoRA", 4, 64, **how)
        return planned["activations"]

    assert peak(checkpointing=True) < 0.8 * peak()


def test_models_are_found_by_name_and_methods_are_checked():
    glass_box = memory_planner.on_meta("glass-box")
    assert all(weight.is_meta and weight.dtype == torch.float32 for weight in glass_box.parameters())
    assert models.count_parameters(glass_box) == 1_328_512
    with pytest.raises(ValueError, match="No method 'lora'"):
        memory_planner.plan(glass_box, "lora", 1, 8)


def test_a_fresh_process_reports_counted_and_resident_memory():
    found = measured_step.in_fresh_process("glass-box", "full", batch=16, length=128)
    counted = sum(found["counted"].values())
    assert found["counted"]["weights"] == 4 * 1_328_512
    assert 0.6 * counted < found["resident"] < 2 * counted  # other systems keep what was freed
