"""A wheel with a tiny GGUF model, made as the real one is made: Q4_1 tensors, byte-level BPE, a template."""

import hashlib
import zipfile

import gguf
import numpy as np

from course_utils.storage.real_model import RealModel

NAME = "tiny_wheel_model-0.1.0-py3-none-any.whl"
INSIDE = "tiny_wheel_model/tiny.Q4_1.gguf"
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{{ m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HIDDEN, INNER, LAYERS, HEADS, KEY_HEADS, HEAD = 96, 64, 2, 3, 1, 32
MERGES = ["Ġ t", "h e", "Ċ Ċ", "Ġ Ġ"]  # the last two show whether digits are split off first


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes, in order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(others))]


def write_gguf(path, seed=0):
    """Write the model; returns {name in the file: fp32 array that the quantized tensor stands for}."""
    rng = np.random.default_rng(seed)
    words = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_alphabet()]
    words += [merge.replace(" ", "") for merge in MERGES]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_freq_base(100_000.0)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * (len(words) - 3))
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    shapes = {"token_embd": (len(words), HIDDEN)}
    for layer in range(LAYERS):
        shapes |= {
            f"blk.{layer}.attn_q": (HEADS * HEAD, HIDDEN),
            f"blk.{layer}.attn_k": (KEY_HEADS * HEAD, HIDDEN),
            f"blk.{layer}.attn_v": (KEY_HEADS * HEAD, HIDDEN),
            f"blk.{layer}.attn_output": (HIDDEN, HEADS * HEAD),
            f"blk.{layer}.ffn_gate": (INNER, HIDDEN),
            f"blk.{layer}.ffn_up": (INNER, HIDDEN),
            f"blk.{layer}.ffn_down": (HIDDEN, INNER),
        }
    meant = {}
    for name, shape in shapes.items():
        kind = gguf.GGMLQuantizationType.Q4_1
        packed = gguf.quants.quantize(rng.normal(0, 0.3, shape).astype(np.float32), kind)
        writer.add_tensor(f"{name}.weight", packed, raw_dtype=kind)
        meant[name] = gguf.quants.dequantize(packed, kind)
    norms = [f"blk.{layer}.{norm}" for layer in range(LAYERS) for norm in ("attn_norm", "ffn_norm")]
    for name in [*norms, "output_norm"]:
        meant[name] = rng.uniform(0.5, 1.5, HIDDEN).astype(np.float32)
        writer.add_tensor(f"{name}.weight", meant[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


def build(folder):
    """Write a wheel into a folder, as pip finds it with --find-links; returns its RealModel."""
    folder.mkdir(parents=True, exist_ok=True)
    gguf_file = folder / "tiny.gguf"
    write_gguf(gguf_file)
    content = gguf_file.read_bytes()
    gguf_file.unlink()
    info = "tiny_wheel_model-0.1.0.dist-info/"
    about = (
        "Metadata-Version: 2.1\nName: tiny-wheel-model\nVersion: 0.1.0\nRequires-Dist: not-on-this-machine\n"
    )
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INSIDE, content)
        archive.writestr(info + "METADATA", about)
        archive.writestr(info + "WHEEL", tags)
        archive.writestr(info + "RECORD", f"{INSIDE},,\n{info}METADATA,,\n{info}WHEEL,,\n{info}RECORD,,\n")
    wheel = (folder / NAME).read_bytes()
    return RealModel(
        name="tiny",
        title="Tiny",
        requirement="tiny-wheel-model==0.1.0",
        wheel=NAME,
        wheel_bytes=len(wheel),
        wheel_sha256=hashlib.sha256(wheel).hexdigest(),
        gguf=INSIDE,
        gguf_sha256=hashlib.sha256(content).hexdigest(),
        disk_bytes=2_000_000,
        peak_bytes=3_000_000,
        parameters=0,
        memory_bytes=0,
    )
