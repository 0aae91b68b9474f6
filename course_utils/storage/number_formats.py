"""16-bit arithmetic: in which format a model's products are computed, and whether the hardware has it.

    with number_formats.autocast(model, None):      bf16 where the hardware multiplies in it
        model(input_ids=ids)

Left out: loss scaling, which only fp16 needs.
"""

import torch


def autocast(model, bf16=False):
    """Inside, products are computed in 16 bits: the model's own format, or bf16 if that is asked for.

    bf16: None asks for it where the hardware has it (bf16_is_native).
    """
    kind = next(model.parameters()).device.type
    bf16 = bf16_is_native(kind) if bf16 is None else bf16
    low = half_precision(model) or (torch.bfloat16 if bf16 else None)
    return torch.autocast(kind, low, enabled=low is not None)


def half_precision(model):
    """The 16-bit format that most of the model's weights are kept in, or None if that is fp32."""
    kept = max(model.parameters(), key=torch.numel).dtype
    return None if kept == torch.float32 else kept


def bf16_is_native(kind):
    """Whether a device of this kind multiplies matrices in bf16 by instructions of its own.

    A GPU does from capability 8.0; a CPU with AVX-512 BF16 or AMX, about twice as fast as in fp32. Others
    emulate it slowly. Asked of the hardware, not timed, so that runs do not depend on what else was running.
    """
    if kind == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return kind == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)
