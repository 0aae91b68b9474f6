"""A GGUF file of a fine-tuned Llama: the original file's metadata, the new tensors.

GGUF is the one-file format of llama.cpp and of the programs built on it. What such a program needs
beyond the weights (vocabulary, pre-tokenizer, chat template, rotary base) is in the file's metadata, and a
wrong pre-tokenizer is not an error there: the model merely answers worse. So nothing is guessed here.
Left out: architectures other than Llama, and formats below 8 bits.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import GGUFReader, GGUFValueType, GGUFWriter, quantize
from gguf.constants import GGML_QUANT_SIZES, MODEL_ARCH, LlamaFileType
from gguf.tensor_mapping import get_tensor_name_map
from tqdm.auto import tqdm

FORMATS = {  # name: (number format of matrices, the file's own word for the whole)
    "f16": (Kind.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (Kind.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
COPIED = ("rope_freqs.weight",)  # tensors that no fine-tuning changes and no Hugging Face model holds
SHAPES = {  # metadata: the configuration's name
    "llama.block_count": "num_hidden_layers",
    "llama.embedding_length": "hidden_size",
    "llama.feed_forward_length": "intermediate_size",
    "llama.attention.head_count": "num_attention_heads",
    "llama.attention.head_count_kv": "num_key_value_heads",
    "llama.rope.dimension_count": "head_dim",
    "llama.rope.freq_base": "rope_theta",
    "llama.attention.layer_norm_rms_epsilon": "rms_norm_eps",
}


class CannotExport(ValueError):
    """A model that cannot be written as GGUF; the message is one sentence."""


def opened(path):
    """The GGUFReader of a Llama's GGUF file. Raises FileNotFoundError or CannotExport."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path.name} in {path.parent}.")
    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise CannotExport(f"{path.name} is no GGUF file, or damaged.") from error
    if value(reader, "general.architecture") != "llama":
        raise CannotExport(f"{path.name} is not of a Llama-shaped model; only those can be exported.")
    return reader


def value(reader, key, default=None):
    """A value of the file's metadata."""
    field = reader.fields.get(key)
    return default if field is None else field.contents()


def misfit(reader, config, tokenizer):
    """Why a model cannot take this file's metadata, in one sentence, or None if it can.

    Compared are the shape, what the rotary positions and norms are computed with, and every token's number.
    """
    if config.model_type != "llama":
        return f"its architecture is {config.model_type}, and the original's is llama"
    rope = getattr(config, "rope_parameters", None) or {}
    for key, name in SHAPES.items():
        here = rope.get(name) if name == "rope_theta" else getattr(config, name)
        there = value(reader, key)
        if there is not None and here is not None and not np.isclose(here, there, rtol=1e-6):
            return f"its {name} is {here:g}, and the original's is {there:g}"
    tokens = value(reader, "tokenizer.ggml.tokens")
    here = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    if len(here) != len(tokens) or config.vocab_size != len(tokens):
        return f"it knows {max(len(here), config.vocab_size)} tokens, and the original {len(tokens)}"
    if (odd := next((i for i, pair in enumerate(zip(here, tokens)) if pair[0] != pair[1]), None)) is not None:
        return f"its token {odd} is {here[odd]!r}, and the original's is {tokens[odd]!r}"
    return None


def renamed(model):
    """{GGUF name: tensor} of a Hugging Face Llama, q and k as llama.cpp keeps them; no tensor is copied yet.

    Raises CannotExport for a tensor that a Llama does not have.
    """
    config, named = model.config, {}
    table = get_tensor_name_map(MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue  # an engine that finds no output matrix takes the embeddings
        place = table.get_name(name, try_suffixes=(".weight", ".bias"))
        if place is None:
            raise CannotExport(f"The model has {name}, which no Llama has: merge what was trained first.")
        named[place] = tensor
    return named


def permuted(weight, heads):
    """Rows of a q or k projection in llama.cpp's order: (heads · D, in) -> the same shape.

    A rotary position turns pairs of rows. Hugging Face pairs row i of a head with row i + D/2, llama.cpp
    row 2i with row 2i + 1.
    """
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def converted(name, tensor, config, kind):
    """One tensor as an array of the file. Raises CannotExport for numbers that the format cannot hold."""
    weight = tensor.detach().float().cpu().numpy()
    if ".attn_q." in name:
        weight = permuted(weight, config.num_attention_heads)
    elif ".attn_k." in name:
        weight = permuted(weight, config.num_key_value_heads)
    if not np.isfinite(weight).all() or np.abs(weight).max(initial=0) > np.finfo(np.float16).max:
        raise CannotExport(f"{name} holds numbers that are not finite or too large for 16 bits.")
    return quantize(np.ascontiguousarray(weight), kind)


def kind_of(tensor, kind):
    """The number format of a tensor: norms stay in 32 bits, rows that blocks do not divide in 16."""
    if tensor.ndim < 2:
        return Kind.F32
    return kind if tensor.shape[-1] % GGML_QUANT_SIZES[kind][0] == 0 else Kind.F16


def size(tensor, kind):
    """Bytes of a tensor in a number format."""
    block, width = GGML_QUANT_SIZES[kind_of(tensor, kind)]
    return tensor.numel() // block * width


def write(path, reader, model, template, name, form):
    """Write the file: the reader's metadata with another name, chat template and number format; new tensors.

    form: "f16" or "q8_0". Raises OSError, and CannotExport for tensors that differ from the original's.
    """
    kind, file_type = FORMATS[form]
    tensors = renamed(model)
    originals = {tensor.name: tensor for tensor in reader.tensors}
    if missing := sorted(originals.keys() - tensors.keys() - {*COPIED, "output.weight"}):
        raise CannotExport(f"The model lacks {missing[0]}, which the original file has.")
    writer = GGUFWriter(path, "llama")
    changed = {"general.name": name, "general.file_type": int(file_type)}
    changed |= {"tokenizer.chat_template": template} if template else {}
    _copy_metadata(reader, writer, changed)
    for copy in (originals[name] for name in COPIED if name in originals):
        writer.add_tensor_info(copy.name, copy.data.shape, copy.data.dtype, copy.n_bytes, copy.tensor_type)
    for place, tensor in tensors.items():
        own = kind_of(tensor, kind)
        stored = np.float32 if own is Kind.F32 else np.float16
        writer.add_tensor_info(place, tuple(tensor.shape), np.dtype(stored), size(tensor, kind), own)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for copy in (originals[name] for name in COPIED if name in originals):
            writer.write_tensor_data(copy.data)
        for place, tensor in tqdm(tensors.items(), desc=f"writing {name}", unit="tensor", delay=3):
            writer.write_tensor_data(converted(place, tensor, model.config, kind_of(tensor, kind)))
    finally:
        writer.close()


def _copy_metadata(reader, writer, changed):
    """Every field with its own type; those in `changed` with another value, or as a new one."""
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":  # the writer's own
            continue
        kind, sub_kind = field.types[0], field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(key, changed.get(key, field.contents()), kind, sub_kind)
    for key in changed.keys() - reader.fields.keys():
        kind = GGUFValueType.STRING if isinstance(changed[key], str) else GGUFValueType.UINT32
        writer.add_key_value(key, changed[key], kind)
    if alignment := value(reader, "general.alignment"):
        writer.data_alignment = alignment
