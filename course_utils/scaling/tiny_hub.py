"""Tiny checkpoints with random weights and the file layout of real ones, to test the code without a hub.

    folder = tiny_hub.make("qwen2", "my_folder")
    model, tokenizer = models.load(folder)

Real architectures, each with its family's special tokens and without a chat template. Their replies are
meaningless: they show that code runs. Taught in lesson 08. Left out: real weights, which need a network.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, processors
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GemmaConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from course_utils import models

FAMILIES = {  # the configuration's class, and the special tokens (a family without one has no key for it)
    "llama": (LlamaConfig, {"bos_token": "<s>", "eos_token": "</s>"}),
    "qwen2": (Qwen2Config, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}),
    "gemma": (GemmaConfig, {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}),
}

SMALL = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
SMALL |= dict(num_key_value_heads=2, head_dim=16, max_position_embeddings=2048)
# The shapes of current models, in which code written for the families above goes wrong. Weights are drawn
# wide enough for outputs to vary.
WIDE = dict(initializer_range=0.2, max_position_embeddings=256)
SHAPES = {  # (configuration, special tokens, what differs from SMALL, is the start token put in front)
    # SmolLM2-135M: three query heads share a key head, tied embeddings, many thin layers, pad = end token.
    "smollm2": (
        LlamaConfig,
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"},
        WIDE
        | dict(hidden_size=72, intermediate_size=96, num_hidden_layers=30, num_attention_heads=9)
        | dict(num_key_value_heads=3, head_dim=8, tie_word_embeddings=True),
        False,
    ),
    # Qwen3: heads wider than hidden size / heads, and norms on queries and keys.
    "qwen3": (
        Qwen3Config,
        {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        WIDE | dict(head_dim=24, tie_word_embeddings=True),
        False,
    ),
    # Gemma 3: the same, and five of six layers see only the last tokens (here the first of two, 32 tokens).
    "gemma3": (
        Gemma3TextConfig,
        {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"},
        WIDE
        | dict(head_dim=24, query_pre_attn_scalar=24, sliding_window=32, tie_word_embeddings=True)
        | dict(layer_types=["sliding_attention", "full_attention"]),
        True,
    ),
}


def make(family, folder, seed=0):
    """Write a checkpoint of a family or shape into a folder; returns it. Raises ValueError for another name.

    Texts are tokenized as by the course's own tokenizer. A start token, where the family has one, is put in
    front of every text; SmolLM2 has one and does not.
    """
    if family in FAMILIES:
        configuration, special = FAMILIES[family]
        shape, starts = SMALL, "bos_token" in special
    elif family in SHAPES:
        configuration, special, differs, starts = SHAPES[family]
        shape = SMALL | differs
    else:
        raise ValueError(f"No family {family!r}: there are {', '.join([*FAMILIES, *SHAPES])}.")
    tokenizer = _tokenizer(special, starts)
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    config = configuration(vocab_size=len(tokenizer), **shape, **{n: getattr(tokenizer, n) for n in names})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


def _tokenizer(special, starts):
    """The course's tokenizer with a family's special tokens, and no template."""
    source = models.GLASS_BOX["glass-box"]
    backend = Tokenizer.from_file(str(models.paths.DATA / "models" / source / "tokenizer.json"))
    backend.add_special_tokens(list(dict.fromkeys(special.values())))
    if starts:
        start = special["bos_token"]
        known = [(start, backend.token_to_id(start))]
        backend.post_processor = processors.TemplateProcessing(single=f"{start} $A", special_tokens=known)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)
