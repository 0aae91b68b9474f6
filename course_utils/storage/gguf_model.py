"""Turns a GGUF file with quantized weights into a folder of safetensors that any library can load.

GGUF is llama.cpp's file format: tensors, most of them quantized to 4 bits, and the tokenizer, in one file.
transformers dequantizes it. We store float16: on SmolLM2 it is seven times closer to the dequantized
fp32 weights than bfloat16 is (relative error 0.0002 against 0.0014; the largest change of a token's
log-probability 0.03 against 0.21), and no weight is near float16's limit.

Four things are put right on the way; without them the folder would load, and be silently wrong somewhere:
- the tokenizer splits numbers into digits, as in pretraining (transformers' GGUF reader forgets that);
- its class is one that transformers 4, 5 and other engines know and that keeps that splitting;
- `rope_theta` stands where transformers 4 looks for it (version 5 reads both places);
- the config no longer says that the weights are quantized.
Written for Llama models with the "smollm" tokenizer. Left out: quantized inference.
"""

import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

LLAMA = (  # what defines the model; names of transformers' LlamaConfig
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "max_position_embeddings",
    "tie_word_embeddings",
    "attention_bias",
    "mlp_bias",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
)
SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


def convert(gguf_file, folder):
    """Write the model and the tokenizer of a GGUF file into an existing folder.

    Raises OSError or safetensors.SafetensorError if the folder cannot be written to.
    """
    gguf_file, folder = Path(gguf_file), Path(folder)
    place = {"pretrained_model_name_or_path": gguf_file.parent, "gguf_file": gguf_file.name}
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # its advice concerns quantized models
    try:
        tokenizer = AutoTokenizer.from_pretrained(**place, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(**place, local_files_only=True, dtype=torch.float32)
    finally:
        logging.set_verbosity(verbosity)
    _write_json(folder / "config.json", _config(model.config))
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write_json(folder / "generation_config.json", ends)
    _write_tokenizer(tokenizer, model.config.max_position_embeddings, folder)
    tensors = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del tensors["lm_head.weight"]  # the same as the input embeddings
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    # safetensors makes a private file; a shared cache has to be readable by all who can read the rest.
    os.chmod(folder / "model.safetensors", (folder / "config.json").stat().st_mode)


def _config(config):
    """The config as the hub has it for this model, readable by transformers 4 and 5."""
    values = {name: getattr(config, name) for name in LLAMA}
    return values | {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "rms_norm_eps": float(f"{config.rms_norm_eps:.6g}"),  # GGUF keeps it as fp32: 9.999999747e-06
        "rope_scaling": None,
        "rope_theta": config.rope_parameters["rope_theta"],
        "torch_dtype": "float16",
    }


def _write_tokenizer(tokenizer, context, folder):
    """tokenizer.json, its configuration and the chat template."""
    backend = tokenizer.backend_tokenizer
    # As in the original and in llama.cpp ("smollm"): each digit by itself, then GPT-2's rule. With GPT-2's
    # rule alone, "\n\n1" and "  7" are cut differently, and a numbered list costs the model 13 nats more.
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.save(str(folder / "tokenizer.json"), pretty=False)
    _write_json(
        folder / "tokenizer_config.json",
        {name: getattr(tokenizer, name) for name in SPECIAL}
        | {
            "clean_up_tokenization_spaces": False,
            "model_input_names": ["input_ids", "attention_mask"],  # else version 4 adds token_type_ids
            "model_max_length": context,
            # Not GPT2Tokenizer: in transformers 5 that class puts GPT-2's own splitting back.
            "tokenizer_class": "PreTrainedTokenizerFast",
        },
    )
    (folder / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8", newline="\n")


def _write_json(path, values):
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8", newline="\n")
