"""Parallelism for models too large for one device: memory and idle time, counted without any weights.

Three kinds, which can be combined: data parallelism (each device its rows; with ZeRO its shard of weights,
gradients and moments), tensor parallelism (matrices are split), pipeline parallelism (blocks are split).
All counts are made on torch's meta device. Taught in lesson 08. Left out: activations, and communication.
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
SHARDED = {0: (), 1: ("moments",), 2: ("moments", "gradients"), 3: ("moments", "gradients", "weights")}
COLUMN_PARALLEL = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "fc1")  # split by their outputs
ROW_PARALLEL = ("o_proj", "out_proj", "down_proj", "fc2")  # split by their inputs


def build(name):
    """The model of SHAPES on the meta device. Raises ValueError for another name."""
    return memory_estimates.build(name, SHAPES)


def blocks(model):
    """The model's blocks: its longest list of modules."""
    return max((m for m in model.modules() if isinstance(m, nn.ModuleList)), key=len)


def zero_memory(parameters, devices, stage):
    """Bytes on each device to train so many parameters: data parallel (0), or ZeRO's stage 1, 2 or 3.

    In mixed precision. The kinds in SHARDED[stage] are sharded over the devices, the others replicated.
    Source: Rajbhandari et al. 2020, "ZeRO", figure 1.
    """
    sizes = memory_estimates.CONVENTIONS["mixed precision"].trained
    return sum(size * parameters / (devices if kind in SHARDED[stage] else 1) for kind, size in sizes.items())


def tensor_parallel_count(module, devices):
    """How many of a module's parameters each device holds under tensor parallelism.

    Queries, keys, values and the first layer of the feed-forward network are split by their outputs (with
    the bias), the layers after them by their inputs (the bias is replicated), embeddings and head by the
    vocabulary. Norms and positions are replicated. Source: Shoeybi et al. 2019, "Megatron-LM", section 3.
    """
    held = 0
    for name, parameter in module.named_parameters():
        *_, layer, kind = name.split(".")
        row_parallel = layer in ROW_PARALLEL and kind == "weight"
        split = layer in COLUMN_PARALLEL or row_parallel or layer in ("embed_tokens", "lm_head")
        held += -(-parameter.numel() // devices) if split else parameter.numel()
    return held


def pipeline_bubble(devices, micro_batches):
    """The bubble: the share of time that a pipeline's devices are idle during a batch's forward pass.

    (p - 1) / (m + p - 1) for p devices and m micro-batches. Source: Huang et al. 2019, "GPipe", section 2.3.
    """
    return (devices - 1) / (micro_batches + devices - 1)


def pipeline_schedule(devices, micro_batches):
    """[(device, time, micro-batch)] of a forward pass: each device works on one micro-batch at a time."""
    return [(device, device + batch, batch) for device in range(devices) for batch in range(micro_batches)]
