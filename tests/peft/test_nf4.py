"""NF4 has its published levels, keeps weights to half a step, and LoRA trains beside it."""

import pytest
import torch

from course_utils.peft import adapter_layer, lora, nf4
from tests.helpers.adapters import IDS, logits, loss_of
from tests.helpers.tiny import tiny_llama

PUBLISHED = (  # Dettmers et al. 2023, appendix E
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip


def test_the_levels_are_the_published_ones():
    assert torch.allclose(nf4.nf4_levels(), torch.tensor(PUBLISHED), atol=1e-5)


def test_a_block_by_hand():
    levels = nf4.nf4_levels()
    weight = torch.tensor([2.0, -2.0, 0.0, 0.2])  # by its largest: 1, -1, 0, 0.1
    codes, scales = nf4.pack(weight, levels, block=4)
    assert scales.tolist() == [2.0] and codes.tolist() == [15 * 16 + 0, 7 * 16 + 8]
    assert torch.allclose(nf4.unpack(codes, scales, levels), torch.tensor([2.0, -2.0, 0.0, 2 * PUBLISHED[8]]))


def test_no_value_moves_by_more_than_half_a_step():
    levels, weight = nf4.nf4_levels(), torch.randn(32, 128)
    codes, scales = nf4.pack(weight, levels)
    assert codes.dtype == torch.uint8 and len(codes) == weight.numel() // 2 and len(scales) == 64
    moved = (nf4.unpack(codes, scales, levels).reshape(64, 64) - weight.reshape(64, 64)).abs().amax(1)
    assert (moved <= scales * (levels[1:] - levels[:-1]).max() / 2 + 1e-6).all()


def test_scales_keep_seven_bits():
    scales = torch.rand(300) + 0.5
    whole, steps, mean = nf4.pack_scales(scales)
    assert whole.dtype == torch.int8 and (len(whole), len(steps)) == (300, 2)
    assert (nf4.unpack_scales(whole, steps, mean) - scales).abs().max() <= steps.max() / 2 + 1e-6


def test_a_layer_unpacks_as_the_function_that_is_taught():
    layer = nf4.Nf4Linear(torch.nn.Linear(64, 48))
    scales = nf4.unpack_scales(layer.whole, layer.steps, layer.mean)
    taught = nf4.unpack(layer.weight, scales, nf4.nf4_levels()).reshape(48, 64)
    assert torch.equal(layer.unpacked(), taught)


def test_a_quantized_model_trains_lora_and_nothing_else():
    model, _ = tiny_llama()
    before = logits(model)
    bytes_before = sum(layer.weight.nbytes for layer in adapter_layer.linear_layers(model).values())
    nf4.quantize(model)
    layers = adapter_layer.linear_layers(model).values()
    assert all(isinstance(layer, nf4.Nf4Linear) for layer in layers)
    assert sum(p.nbytes for layer in layers for p in layer.parameters()) < bytes_before / 6
    after = logits(model)
    alike = torch.cosine_similarity(after.flatten(), before.flatten(), dim=0)
    assert 0.9 < alike < 1 - 1e-4
    trained = lora.add(model, targets="all")
    codes = [layer.weight.clone() for layer in adapter_layer.linear_layers(model).values()]
    optimizer, losses = torch.optim.AdamW(trained, lr=0.02), []
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    now = [layer.weight for layer in adapter_layer.linear_layers(model).values()]
    assert all(torch.equal(a, b) for a, b in zip(codes, now))
    with pytest.raises(ValueError, match="Packed weights"):
        lora.merge(model, "lora")


def test_its_gradient_is_that_of_the_unpacked_weight():
    layer = nf4.Nf4Linear(torch.nn.Linear(64, 8))
    x, y = torch.randn(3, 64, requires_grad=True), torch.randn(3, 64, requires_grad=True)
    with torch.no_grad():
        y.copy_(x)
    layer(x).pow(2).sum().backward()
    (torch.nn.functional.linear(y, layer.unpacked(), layer.bias)).pow(2).sum().backward()
    assert torch.allclose(x.grad, y.grad, atol=1e-5)


def test_refusals():
    model, _ = tiny_llama()
    lora.add(model)
    with pytest.raises(ValueError, match="before its adapters"):
        nf4.quantize(model)
    with pytest.raises(ValueError, match="multiple of 64"):
        nf4.Nf4Linear(torch.nn.Linear(3, 5))
    assert logits(model, IDS).isfinite().all()
