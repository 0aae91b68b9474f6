"""Memory estimates from the shapes of real models, without their weights.

`build` makes a model on torch's meta device, where a tensor has a shape and no values, so that a
laptop can count the parameters of a model of 700 GB. CONVENTIONS holds the bytes per parameter.
Taught in lessons 02 and 03. Left out: activations, which depend on the batch, and a framework's buffers.
"""

from typing import Any, NamedTuple

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from course_utils.peft import adapter_layer


class Shape(NamedTuple):
    """A model class with its configuration's class and settings, and where these were published."""

    model: Any
    config: Any
    settings: dict
    source: str


SHAPES = {
    "GPT-2 medium": Shape(
        GPT2LMHeadModel,
        GPT2Config,
        dict(vocab_size=50257, n_positions=1024, n_embd=1024, n_layer=24, n_head=16),
        "Radford et al. 2019, table 2",
    ),
    "Qwen2.5 0.5B": Shape(
        Qwen2ForCausalLM,
        Qwen2Config,
        dict(
            **dict(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24),
            **dict(num_attention_heads=14, num_key_value_heads=2, tie_word_embeddings=True),
        ),
        "Qwen2.5 technical report 2024, table 1, and its published configuration",
    ),
    "Llama 3 8B": Shape(
        LlamaForCausalLM,
        LlamaConfig,
        dict(
            **dict(vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32),
            **dict(num_attention_heads=32, num_key_value_heads=8, tie_word_embeddings=False),
        ),
        "Grattafiori et al. 2024, table 3",
    ),
    "T5-XXL 11B": Shape(
        T5ForConditionalGeneration,
        T5Config,
        dict(
            **dict(vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64),
            feed_forward_proj="gated-gelu",  # here without the original's own output matrix (0.13 B)
        ),
        "T5 1.1 XXL's published configuration; used by Lester et al. 2021 for prompt tuning",
    ),
    "GPT-3 175B": Shape(  # OPT's blocks hold the same matrices as GPT-3's, query, key and value apart
        OPTForCausalLM,
        OPTConfig,
        dict(
            **dict(vocab_size=50257, max_position_embeddings=2048, hidden_size=12288, ffn_dim=49152),
            **dict(num_hidden_layers=96, num_attention_heads=96, word_embed_proj_dim=12288),
        ),
        "Brown et al. 2020, table 2.1",
    ),
}


class Convention(NamedTuple):
    """Bytes per parameter: frozen, and trained with Adam {"weights", "gradients", "moments"}.

    An fp32 copy of the weights, which mixed precision needs, counts with the moments.
    """

    frozen: float
    trained: dict
    says: str


def _trained(weights, gradients, moments):
    return {"weights": weights, "gradients": gradients, "moments": moments}


CONVENTIONS = {
    "fp32": Convention(4, _trained(4, 4, 8), "weight, gradient and two moments, 4 bytes each"),
    "mixed precision": Convention(
        2, _trained(2, 2, 12), "weight and gradient of 2 bytes; fp32 copy and two moments of 4"
    ),
    "16-bit": Convention(2, _trained(2, 2, 4), "weight, gradient and two moments, 2 bytes each"),
    "16-bit, no gradients": Convention(
        2, _trained(2, 0, 4), "as 16-bit, each gradient used and dropped at once"
    ),
    "4-bit base": Convention(
        0.5, _trained(2, 2, 12), "frozen weights of 4 bits (QLoRA), trained ones as in mixed precision"
    ),
}


def build(name, shapes=SHAPES):
    """The model of that name (a key of `shapes`) on the meta device: it can be counted, not run.

    Raises ValueError for another name.
    """
    if name not in shapes:
        raise ValueError(f"No shape {name!r}: there are {', '.join(shapes)}.")
    shape = shapes[name]
    with torch.device("meta"):
        return shape.model(shape.config(**shape.settings))


def layer_sizes(model):
    """{name: [(out, in), …]} of the model's linear layers by the last part of their name, such as q_proj."""
    sizes = {}
    for path, layer in adapter_layer.linear_layers(model).items():
        sizes.setdefault(path.rpartition(".")[2], []).append((layer.out_features, layer.in_features))
    return sizes


def lora_count(sizes, rank, targets):
    """How many parameters LoRA trains: rank · (out + in) for each target layer; sizes as from layer_sizes."""
    return sum(rank * (out + into) for name in targets for out, into in sizes[name])


def prefix_count(layers, width, length):
    """How many parameters a prefix holds: a key and a value of `width` for each position and layer."""
    return 2 * layers * width * length


def memory(total, trained, convention):
    """Bytes of weights, gradients and Adam's moments to train `trained` of `total` parameters.

    convention: a key of CONVENTIONS. trained == total is full fine-tuning; otherwise the `total`
    parameters are all frozen and the trained ones are additional.
    """
    frozen, sizes, _ = CONVENTIONS[convention]
    for_trained = sum(sizes.values()) * trained
    return for_trained if trained == total else frozen * total + for_trained


def states(model, optimizer):
    """The same, measured: {"weights", "gradients", "moments"} in bytes, as they are in memory now."""
    weights = list(model.parameters())
    moments = [value for state in optimizer.state.values() for value in state.values()]
    kept = {
        "weights": weights,
        "gradients": [weight.grad for weight in weights if weight.grad is not None],
        "moments": [value for value in moments if isinstance(value, torch.Tensor) and value.dim()],
    }
    return {name: sum(t.numel() * t.element_size() for t in tensors) for name, tensors in kept.items()}
