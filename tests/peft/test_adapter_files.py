"""Adapters on disk in the format of the library PEFT: read as they are, or refused."""

import json

import pytest
import torch

from course_utils.peft import adapter_files, adapter_layer
from tests.helpers.adapters import logits
from tests.helpers.tiny import tiny_llama


def test_the_folder_that_peft_wrote_is_the_same_adapter(tmp_path):
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"])
    theirs = get_peft_model(tiny_llama()[0], settings).eval()
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.1)
    theirs.save_pretrained(tmp_path / "adapter")
    model, _ = tiny_llama()
    base = logits(model)
    adapter_files.load_peft(model, tmp_path / "adapter", "theirs")
    assert torch.allclose(logits(model), logits(theirs), atol=1e-5)
    assert (logits(model) - base).abs().max() > 0.1
    adapter_layer.set_adapter(model, None)
    assert torch.equal(logits(model), base)


@pytest.mark.parametrize("changed", [{"use_dora": True}, {"peft_type": "IA3"}, {"r": 3}])
def test_peft_folders_that_do_not_fit_are_refused(tmp_path, changed):
    from peft import LoraConfig, get_peft_model

    theirs = get_peft_model(tiny_llama()[0], LoraConfig(r=4, target_modules=["q_proj"]))
    theirs.save_pretrained(tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changed), encoding="utf-8")
    model, _ = tiny_llama()
    with pytest.raises(adapter_files.BadFile, match="no plain LoRA|does not fit"):
        adapter_files.load_peft(model, tmp_path / "adapter", "theirs")
    assert not adapter_layer.tasks(model)
