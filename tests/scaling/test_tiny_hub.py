"""Checkpoints with the manners of three families load; and a whole lesson runs on one."""

from pathlib import Path

import pytest

from course_utils import models
from course_utils.prompts.templates import CHAT_TEMPLATE
from course_utils.scaling import tiny_hub

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("family", tiny_hub.FAMILIES)
def test_families_load_with_their_special_tokens(tmp_path, family):
    model, tokenizer = models.load(tiny_hub.make(family, tmp_path))
    special = tiny_hub.FAMILIES[family][1]
    assert model.config.model_type == family and tokenizer.chat_template == CHAT_TEMPLATE
    assert tokenizer.eos_token == special["eos_token"] and model.config.eos_token_id == tokenizer.eos_token_id
    assert tokenizer.pad_token == special.get("pad_token", special["eos_token"])
    starts = tokenizer("a cat")["input_ids"][0] == tokenizer.bos_token_id
    assert starts == ("bos_token" in special)
    assert (
        tokenizer.decode(tokenizer("The dog is big.")["input_ids"], skip_special_tokens=True)
        == "The dog is big."
    )


def test_the_same_seed_gives_the_same_checkpoint(tmp_path):
    files = [tiny_hub.make("llama", tmp_path / name) / "model.safetensors" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    with pytest.raises(ValueError, match="No family 'bert'"):
        tiny_hub.make("bert", tmp_path)
