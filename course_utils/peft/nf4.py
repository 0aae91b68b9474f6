"""NF4 and double quantization: frozen weights of four bits each, as QLoRA keeps them, on any device.

    nf4.quantize(model)                  the linear layers keep codes of 4 bits; embeddings and norms stay
    parameters = lora.add(model, "desk") what then trains is LoRA, in fp32, beside the codes

A weight is unpacked where it is used, forward and backward, and dropped again
(course_utils.peft.packed_linear). Taught in lessons 03 and 08. Left out: fused kernels, which make the
bitsandbytes library faster; its constants of the second quantization are 8-bit floats, ours are 8-bit
integers. Source: Dettmers et al. 2023, "QLoRA", sections 2 and 3.
"""

import torch
from torch import nn

from course_utils.peft import packed_linear
from course_utils.peft.packed_linear import PackedLinear

BLOCK, SCALES_BLOCK = 64, 256  # weights that share a scale; scales that share one


def nf4_levels():
    """The 16 levels, ascending from -1 to 1: equally likely parts of a normal distribution, 0 among them."""
    normal, most = torch.distributions.Normal(0.0, 1.0), 1 - (1 / 30 + 1 / 32) / 2
    positive = normal.icdf(torch.linspace(0.5, most, 9))  # 0 and eight levels above it
    negative = -normal.icdf(torch.linspace(0.5, most, 8)[1:])  # seven below
    return torch.cat([positive, negative]).sort().values / positive.max()


def pack(weight, levels, block=BLOCK):
    """(codes, scales) of a weight: two codes a byte (N / 2,), one scale a block (N / block,).

    Every block of the weight is divided by its largest absolute value; a code is the number of the
    nearest level. N must be a multiple of `block`, and block even.
    """
    blocks = weight.reshape(-1, block)
    scales = blocks.abs().amax(1)
    middles = (levels[1:] + levels[:-1]) / 2
    codes = torch.bucketize(blocks / scales.clamp(min=1e-12)[:, None], middles).flatten().to(torch.uint8)
    return codes[::2] * 16 + codes[1::2], scales


def unpack(codes, scales, levels):
    """The weight's values from `pack`, in their order: (N,)."""
    pairs = torch.stack([codes // 16, codes % 16], 1)  # (N / 2, 2)
    return (levels[pairs.int()].reshape(len(scales), -1) * scales[:, None]).flatten()


def pack_scales(scales, block=SCALES_BLOCK):
    """Double quantization: (8-bit integers (S,), their fp32 steps (S / block,), the fp32 mean) of scales."""
    mean = scales.mean()
    padded = nn.functional.pad(scales - mean, (0, -len(scales) % block)).reshape(-1, block)
    steps = padded.abs().amax(1).clamp(min=1e-12) / 127
    whole = (padded / steps[:, None]).round().to(torch.int8).flatten()
    return whole[: len(scales)], steps, mean


def unpack_scales(whole, steps, mean):
    """The scales from `pack_scales`: (S,)."""
    return whole * steps.repeat_interleave(SCALES_BLOCK)[: len(whole)] + mean


class Nf4Linear(PackedLinear):
    """A linear layer whose frozen weight is kept in NF4, its scales in 8 bits; x is (…, in).

    `weight` holds the packed codes. Raises ValueError for a weight whose size is no multiple of BLOCK.
    """

    def __init__(self, layer):
        super().__init__(layer, BLOCK)
        codes, scales = pack(layer.weight.detach().float(), nf4_levels().to(layer.weight.device))
        self.weight = nn.Parameter(codes, requires_grad=False)
        for name, values in zip(("whole", "steps", "mean"), pack_scales(scales)):
            self.register_parameter(name, nn.Parameter(values, requires_grad=False))
        levels = nf4_levels().to(codes.device)
        pairs = torch.stack([levels.repeat_interleave(16), levels.repeat(16)], 1)  # of each byte: (256, 2)
        self.register_buffer("pairs", pairs, persistent=False)

    def unpacked(self):
        """The weight (out, in) in fp32, made anew at each call: `unpack` in a quarter of the time."""
        scales = unpack_scales(self.whole, self.steps, self.mean)
        values = nn.functional.embedding(self.weight.int(), self.pairs)  # (N / 2, 2)
        values = values.reshape(len(scales), -1) * scales[:, None]
        return values.reshape(self.out_features, self.in_features)


def quantize(model):
    """Replace the linear layers of the model's blocks by Nf4Linear ones, in place, frozen; the model.

    The output head and the embeddings keep their format. Raises ValueError while the model has adapters.
    """
    return packed_linear.replace(model, Nf4Linear)
