"""One set of weights as several models: which adapter is active, for how long, and copies of one."""

import pytest
import torch

from course_utils.peft import adapter_layer, lora
from tests.helpers.adapters import logits
from tests.helpers.tiny import tiny_llama


def adapted():
    model, _ = tiny_llama()
    for parameter in lora.add(model, "one", rank=2, targets="all"):
        parameter.data += 0.05
    return model


def test_an_adapter_is_active_inside_and_the_one_before_afterwards():
    model, plain = adapted(), logits(tiny_llama()[0])
    own = logits(model)
    with adapter_layer.active(model, None):
        assert torch.equal(logits(model), plain)
        with adapter_layer.active(model, "one"):
            assert torch.equal(logits(model), own)
        assert torch.equal(logits(model), plain)
    assert torch.equal(logits(model), own) and not torch.equal(own, plain)
    with pytest.raises(RuntimeError, match="stop"), adapter_layer.active(model, None):
        raise RuntimeError("stop")
    assert torch.equal(logits(model), own), "after an error, too"
    with pytest.raises(ValueError, match="No task 'two'"), adapter_layer.active(model, "two"):
        pass


def test_a_duplicate_begins_alike_and_moves_alone():
    model = adapted()
    own = logits(model)
    parameters = adapter_layer.duplicate(model, "one", "two")
    assert torch.equal(logits(model), own) and all(parameter.requires_grad for parameter in parameters)
    assert not any(parameter.requires_grad for parameter in adapter_layer.parameters(model, "one"))
    for parameter in parameters:
        parameter.data += 0.05
    assert not torch.equal(logits(model), own)
    with adapter_layer.active(model, "one"):
        assert torch.equal(logits(model), own)
    with pytest.raises(ValueError, match="has a task 'two' already"):
        adapter_layer.duplicate(model, "one", "two")
    with pytest.raises(ValueError, match="No task 'three'"):
        adapter_layer.duplicate(model, "three", "four")
