"""PEFT works beside Colab's torchao, which is older than PEFT allows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LORA = """
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
model = LlamaForCausalLM(LlamaConfig(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                     num_attention_heads=1))
get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).merge_and_unload()
"""


@pytest.fixture
def beside(tmp_path):
    """beside(version, code): run code where such a torchao is installed; returns the finished process."""

    def run(version, code):
        (tmp_path / "torchao").mkdir(exist_ok=True)
        (tmp_path / "torchao" / "__init__.py").write_text("")
        about = tmp_path / f"torchao-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torchao\nVersion: {version}\n")
        places = [str(tmp_path), str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)

    return run


def test_peft_alone_refuses_an_old_torchao(beside):
    assert "Found an incompatible version of torchao" in beside("0.10.0", LORA).stderr


def test_beside_the_course_it_is_not_seen(beside):
    ended = beside("0.10.0", f"import course_utils\n{LORA}\nprint('merged')")
    assert ended.stdout == "merged\n", ended.stderr


def test_a_torchao_that_peft_takes_stays_visible(beside):
    code = "import course_utils, torchao, sys; print(sys.modules['torchao'] is not None)"
    assert beside("0.16.0", code).stdout == "True\n"
