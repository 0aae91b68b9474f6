"""A GGUF file becomes a folder that plain transformers loads, with the weights and the tokens meant."""

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from course_utils.storage import gguf_model
from tests.helpers import tiny_wheel


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    place = tmp_path_factory.mktemp("gguf")
    meant = tiny_wheel.write_gguf(place / "tiny.gguf")
    folder = place / "folder"
    folder.mkdir()
    gguf_model.convert(place / "tiny.gguf", folder)
    return folder, meant


def test_weights_are_the_dequantized_ones_to_half_precision(converted):
    folder, meant = converted
    tensors = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert "lm_head.weight" not in tensors  # tied
    embeddings = tensors["model.embed_tokens.weight"]
    assert torch.equal(embeddings, torch.from_numpy(meant["token_embd"]).half())
    down = tensors["model.layers.1.mlp.down_proj.weight"]
    assert torch.equal(down, torch.from_numpy(meant["blk.1.ffn_down"]).half())
    norm = tensors["model.norm.weight"]
    assert torch.equal(norm, torch.from_numpy(meant["output_norm"]).half())


def test_folder_loads_in_plain_transformers_as_the_gguf_file_does(converted):
    folder, _ = converted
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    options = dict(gguf_file="tiny.gguf", dtype=torch.float32)
    original = AutoModelForCausalLM.from_pretrained(folder.parent, **options)
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        for weights in original.parameters():
            weights.copy_(weights.half())
        assert torch.allclose(model(ids).logits, original(ids).logits, atol=1e-4)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert model.config.rope_parameters["rope_theta"] == 100_000
    assert model.config.eos_token_id == model.config.pad_token_id == 2


def test_config_has_what_transformers_4_reads_and_no_path(converted):
    folder, _ = converted
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["rope_theta"] == 100_000 and config["torch_dtype"] == "float16"
    assert "quantization_config" not in config and str(folder) not in json.dumps(config)
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert tokenizer["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert "token_type_ids" not in tokenizer["model_input_names"]


def test_numbers_are_split_into_digits_before_anything_else(converted):
    folder, _ = converted
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("a\n\n12") == ["a", "ĊĊ", "1", "2"]
    assert tokenizer.tokenize("a  7") == ["a", "ĠĠ", "7"]


def test_special_tokens_and_template(converted):
    folder, _ = converted
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>" and tokenizer.eos_token_id == 2
    assert tokenizer.bos_token == "<|im_start|>"
    assert tokenizer("the").input_ids[0] != tokenizer.bos_token_id  # no start token
    assert tokenizer("<|im_end|>").input_ids == [2]
    text = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert text == "<|im_start|>user\nHi<|im_end|>\n"


def test_weights_are_readable_by_whoever_can_read_the_rest(converted):
    folder, _ = converted
    assert (folder / "model.safetensors").stat().st_mode == (folder / "config.json").stat().st_mode
