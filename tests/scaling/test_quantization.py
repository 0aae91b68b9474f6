"""Weights in 8 bits are those of GGUF's Q8_0, and gradients pass through layers that keep them."""

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants

from course_utils.peft import adapter_layer, lora, packed_linear
from course_utils.scaling import quantization
from tests.helpers.adapters import logits, loss_of
from tests.helpers.tiny import tiny_llama


def test_blocks_are_those_of_gguf():
    weight = torch.randn(64, 96, generator=torch.Generator().manual_seed(0))
    weight[0, :32], weight[1, :32] = 0.0, torch.linspace(-127, 127, 32).round() / 2  # no scale; halves
    whole, scales = quantization.to_8_bits(weight)
    kind = GGMLQuantizationType.Q8_0
    theirs = quants.dequantize(quants.quantize(weight.numpy(), kind), kind)
    assert np.array_equal((whole * scales.float()).reshape(weight.shape).numpy(), theirs)
    assert whole.dtype == torch.int8 and whole.abs().max() == 127 and scales.dtype == torch.float16


def test_a_quantized_model_is_smaller_and_nearly_the_same():
    model, _ = tiny_llama()
    before, bytes_before = logits(model), quantization.size(model)
    kept = sum(p.nbytes for name, p in model.named_parameters() if "proj" not in name)
    quantization.quantize(model)
    layers = adapter_layer.linear_layers(model).values()
    assert all(isinstance(layer, quantization.Int8Linear) for layer in layers)
    assert quantization.size(model) - kept == (bytes_before - kept) / 4 * (1 + 2 / quantization.BLOCK)
    gap = (logits(model) - before).abs().max()
    assert 0 < gap < 0.05 * before.abs().max()


def test_lora_trains_beside_8_bits_and_unpacked_layers_compute_the_same():
    model, _ = tiny_llama()
    quantization.quantize(model)
    trained = lora.add(model, targets="all")
    optimizer, losses = torch.optim.AdamW(trained, lr=0.02), []
    for _ in range(5):
        optimizer.zero_grad()
        losses.append(loss_of(model))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.01
    packed = logits(model)
    packed_linear.unpack(model)
    layers = adapter_layer.linear_layers(model).values()
    assert all(type(layer) is torch.nn.Linear for layer in layers)
    assert torch.allclose(logits(model), packed, atol=1e-4)
    assert adapter_layer.tasks(model) == ["lora"]


def test_what_cannot_be_quantized_is_refused():
    with pytest.raises(ValueError, match="multiple of 32"):
        quantization.Int8Linear(torch.nn.Linear(3, 5))
    model, _ = tiny_llama()
    lora.add(model)
    with pytest.raises(ValueError, match="before its adapters"):
        quantization.quantize(model)
