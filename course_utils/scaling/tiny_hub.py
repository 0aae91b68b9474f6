"""Tiny checkpoints with random weights and the file layout of real ones, to test the code without a hub.

    folder = tiny_hub.make("qwen2", "my_folder")
    model, tokenizer = models.load(folder)

Real architectures, each with its family's special tokens and without a chat template. Their replies are
meaningless: they show that code runs. Taught in lesson 08. Left out: real weights, which need a network.
"""

from pathlib import Path

import torch
from tokenizers import Tokenizer, processors
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config

from course_utils import models

FAMILIES = {  # the configuration's class, and the special tokens (a family without one has no key for it)
    "llama": (LlamaConfig, {"bos_token": "<s>", "eos_token": "</s>"}),
    "qwen2": (Qwen2Config, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}),
    "gemma": (GemmaConfig, {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}),
}


def make(family, folder, seed=0):
    """Write a checkpoint of a family into a folder; returns the folder. Raises ValueError for another name.

    Texts are tokenized as by the course's own tokenizer. A start token is put in front of every text.
    """
    if family not in FAMILIES:
        raise ValueError(f"No family {family!r}: there are {', '.join(FAMILIES)}.")
    configuration, special = FAMILIES[family]
    tokenizer = _tokenizer(special)
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    shape = dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
    shape |= dict(num_key_value_heads=2, head_dim=16, max_position_embeddings=2048)
    config = configuration(vocab_size=len(tokenizer), **shape, **{n: getattr(tokenizer, n) for n in names})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


def _tokenizer(special):
    """The course's tokenizer with a family's special tokens, and no template."""
    source = models.GLASS_BOX["glass-box"]
    backend = Tokenizer.from_file(str(models.paths.DATA / "models" / source / "tokenizer.json"))
    backend.add_special_tokens(list(special.values()))
    if start := special.get("bos_token"):
        known = [(start, backend.token_to_id(start))]
        backend.post_processor = processors.TemplateProcessing(single=f"{start} $A", special_tokens=known)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **special)
