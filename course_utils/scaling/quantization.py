"""8-bit weights in blocks, as GGUF's format Q8_0 keeps them, and what any number format costs in bytes.

    quantization.quantize(model)       linear layers keep whole numbers of 8 bits; embeddings and norms stay
    quantization.size(model)           bytes of all weights

Four bits are in course_utils.peft.nf4. Taught in lesson 08. Left out: quantized activations, with which a
device can multiply whole numbers, and scales that are chosen by data, as GPTQ and AWQ do.
Source: the block formats of https://github.com/ggml-org/ggml; Dettmers et al. 2022, "8-bit optimizers".
"""

import torch
from torch import nn

from course_utils.peft import packed_linear
from course_utils.peft.packed_linear import PackedLinear

BLOCK = 32  # weights that share a scale


def to_8_bits(weight):
    """(whole numbers from -127 to 127 (N / 32, 32), one scale a block (N / 32, 1)) of a weight."""
    blocks = weight.float().reshape(-1, BLOCK)
    scales = blocks.abs().amax(1, keepdim=True) / 127
    steps = blocks * torch.where(scales > 0, 1 / scales, 0)  # from -127 to 127
    whole = torch.copysign((steps.abs() + 0.5).floor(), steps)  # rounded, a half away from zero
    return whole.to(torch.int8), scales.half()  # the scale has 16 bits


class Int8Linear(PackedLinear):
    """A linear layer whose frozen weight is kept in 8 bits; x is (…, in).

    `weight` holds the whole numbers. Raises ValueError for a weight whose size is no multiple of BLOCK.
    """

    def __init__(self, layer):
        super().__init__(layer, BLOCK)
        whole, scales = to_8_bits(layer.weight.detach())
        self.weight = nn.Parameter(whole, requires_grad=False)
        self.scales = nn.Parameter(scales, requires_grad=False)

    def unpacked(self):
        """The weight (out, in) in fp32, made anew at each call."""
        return (self.weight * self.scales.float()).reshape(self.out_features, self.in_features)


def quantize(model):
    """Replace the linear layers of the model's blocks by Int8Linear ones, in place, frozen; the model.

    The output head and the embeddings keep their format. Raises ValueError while the model has adapters.
    """
    return packed_linear.replace(model, Int8Linear)


def size(model):
    """Bytes of a model's weights, tied ones once, in the formats that they are kept in."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters())
