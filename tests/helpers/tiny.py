"""Tiny models with random weights for tests: real architectures, no files, no network."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from course_utils.prompts.templates import CHAT_TEMPLATE

END, PAD = "<|end|>", "<|pad|>"


def byte_tokenizer(eos=END, pad=PAD, bos=None, template=CHAT_TEMPLATE):
    """A byte-level tokenizer: one token a byte, special tokens after them; bos is put in front."""
    vocabulary = {symbol: i for i, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = {k: v for k, v in {"eos_token": eos, "pad_token": pad, "bos_token": bos}.items() if v}
    backend.add_special_tokens(list(dict.fromkeys(special.values())))
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, padding_side="left", **special)
    tokenizer.chat_template = template
    return tokenizer


def shape(tokenizer, context=256):
    """Configuration values of a tiny model, for any Llama-like architecture."""
    return dict(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=context,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def tiny_llama(seed=0, context=256):
    """(model, tokenizer): a Llama of about 25,000 random parameters, wide enough to vary its output."""
    torch.manual_seed(seed)
    tokenizer = byte_tokenizer()
    model = LlamaForCausalLM(LlamaConfig(**shape(tokenizer, context), initializer_range=0.3))
    return model.eval(), tokenizer


def tied_llama():
    """A tiny model whose head shares the weight of its embeddings, as the course's models do."""
    model, tokenizer = tiny_llama(context=512)
    model.config.tie_word_embeddings = True
    model.lm_head.weight = model.model.embed_tokens.weight
    return model, tokenizer


PARITY = [  # records of a rule that a tiny model can learn
    {"prompt": f"Ask {'x' * (i % 5)}{i}:", "completion": f" {'even' if i % 2 == 0 else 'odd'}"}
    for i in range(12)
]
