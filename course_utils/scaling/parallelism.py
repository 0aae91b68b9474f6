"""How a model too large for one device is divided, counted on real shapes without their weights.

Three ways, which can be combined: the *data* (each device its rows; with ZeRO its part of weights,
gradients and moments), the *matrices* (tensor parallel), the *blocks* (pipeline parallel). Everything is
counted on torch's meta device. Taught in lesson 08. Left out: activations, and the time that sending takes.
"""

from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM

from course_utils.peft import memory_estimates
from course_utils.peft.memory_estimates import Shape

SHAPES = {
    "7B": Shape(
        LlamaForCausalLM,
        LlamaConfig,
        dict(
            **dict(vocab_size=32000, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32),
            **dict(num_attention_heads=32, num_key_value_heads=32, tie_word_embeddings=False),
        ),
        "Llama 2 7B: Touvron et al. 2023, and its published configuration",
    ),
    "530B": Shape(  # OPT's blocks hold the same matrices as this model's
        OPTForCausalLM,
        OPTConfig,
        dict(
            **dict(vocab_size=50257, max_position_embeddings=2048, hidden_size=20480, ffn_dim=81920),
            **dict(num_hidden_layers=105, num_attention_heads=128, word_embed_proj_dim=20480),
        ),
        "Megatron-Turing NLG: Smith et al. 2022, section 3.2",
    ),
}
BYTES = {"weights": 2, "gradients": 2, "moments": 12}  # mixed precision; the moments with the fp32 copy
STAGES = {0: (), 1: ("moments",), 2: ("moments", "gradients"), 3: ("moments", "gradients", "weights")}
COLUMNS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "fc1")  # divided by their outputs
ROWS = ("o_proj", "out_proj", "down_proj", "fc2")  # divided by their inputs


def build(name):
    """The model of SHAPES on the meta device. Raises ValueError for another name."""
    return memory_estimates.build(name, SHAPES)


def blocks(model):
    """The model's blocks: its longest list of modules."""
    return max((m for m in model.modules() if isinstance(m, nn.ModuleList)), key=len)


def count(module):
    """How many numbers a module holds, tied ones once."""
    return sum(parameter.numel() for parameter in module.parameters())


def zero(total, devices, stage):
    """Bytes on each device for `total` trained numbers: data parallel (0), or ZeRO's stage 1, 2 or 3.

    Source: Rajbhandari et al. 2020, "ZeRO", figure 1: weights and gradients in 16 bits, and for Adam an
    fp32 copy and two moments. What a stage divides, each device has a part of; the rest it holds whole.
    """
    divided = STAGES[stage]
    return sum(size * total / (devices if kind in divided else 1) for kind, size in BYTES.items())


def tensor_share(module, ways):
    """How many of a module's numbers each of `ways` devices holds when the matrices are divided.

    Queries, keys, values and the first layer of the feed-forward network by their outputs (with the bias),
    the layers behind them by their inputs (the bias stays whole), embeddings and head by the vocabulary.
    Norms and positions are in every device. Source: Shoeybi et al. 2019, "Megatron-LM", section 3.
    """
    held = 0
    for name, parameter in module.named_parameters():
        *_, layer, kind = name.split(".")
        by_rows = layer in ROWS and kind == "weight"
        divided = layer in COLUMNS or by_rows or layer in ("embed_tokens", "lm_head")
        held += -(-parameter.numel() // ways) if divided else parameter.numel()
    return held


def stages(count, devices):
    """How many of `count` blocks each of `devices` pipeline stages gets: as equal as can be."""
    return [count // devices + (place < count % devices) for place in range(devices)]


def bubble(devices, parts):
    """The share of time that a pipeline's devices wait while a batch goes through in so many parts.

    (p - 1) / (m + p - 1) for p devices and m parts. Source: Huang et al. 2019, "GPipe", section 2.3.
    """
    return (devices - 1) / (parts + devices - 1)


def schedule(devices, parts):
    """[(device, time, part)] of a forward pass through the pipeline: a device works on one part at a time."""
    return [(device, device + part, part) for device in range(devices) for part in range(parts)]
