"""Linear layers whose frozen weight is packed: unpacked where it is used, and dropped again.

A number format is a subclass with `unpacked()`: course_utils.peft.nf4 (4 bits), and
course_utils.scaling.quantization (8 bits). Gradients pass through to what comes before the layer, so that
adapters can be trained beside it. Left out: fused kernels, which multiply without unpacking a whole weight.
Source: Dettmers et al. 2023, "QLoRA", section 3.
"""

import torch
from torch import nn

from course_utils.peft import adapter_layer


class PackedLinear(nn.Linear):
    """A frozen linear layer that makes its weight anew at each call; x is (…, in).

    A subclass sets `weight` to what it keeps, and defines unpacked() -> (out, in). Raises ValueError for a
    weight whose size is no multiple of `block`.
    """

    def __init__(self, layer, block):
        nn.Module.__init__(self)  # a weight of nn.Linear's own would be made only to be dropped
        if layer.weight.numel() % block:
            raise ValueError(f"{type(self).__name__} needs a weight of a multiple of {block} values.")
        self.in_features, self.out_features, self.bias = layer.in_features, layer.out_features, layer.bias

    def forward(self, x):
        out = _Product.apply(x, self)
        return out if self.bias is None else out + self.bias


class _Product(torch.autograd.Function):
    """x times a weight that is unpacked in the forward pass and again in the backward pass."""

    @staticmethod
    def forward(ctx, x, layer):
        ctx.layer = layer
        return x @ layer.unpacked().to(x.dtype).T

    @staticmethod
    def backward(ctx, grad):
        return grad @ ctx.layer.unpacked().to(grad.dtype), None


def replace(model, make):
    """Replace each linear layer of the model's blocks by make(layer), in place, frozen; the model.

    The output head and the embeddings stay. Raises ValueError while the model has adapters.
    """
    if adapter_layer.adapter_layers(model):
        raise ValueError("Quantize the model before its adapters are added: they would be lost.")
    for path, layer in adapter_layer.linear_layers(model).items():
        _put(model, path, make(layer))
    return model.requires_grad_(False)


def unpack(model):
    """Replace packed layers by plain ones with the same values in fp32, in place; adapters stay; the model.

    It computes the same, faster and in more memory.
    """
    for path, layer in adapter_layer.linear_layers(model).items():
        if isinstance(layer, PackedLinear):
            plain = nn.Linear(layer.in_features, layer.out_features, bias=False, device="meta")
            plain.weight, plain.bias = nn.Parameter(layer.unpacked(), requires_grad=False), layer.bias
            _put(model, path, plain)
    return model


def _put(model, path, layer):
    """Put a layer where another one is, inside its adapter layer if it has one."""
    parent, _, name = path.rpartition(".")
    place = model.get_submodule(path)
    if isinstance(place, adapter_layer.AdapterLayer):
        place.layer = layer
    else:
        setattr(model.get_submodule(parent), name, layer)
