"""The techniques of lesson 03 train what they should, reply with it, and tell what it cost."""

import copy
import importlib.util

import pytest
import torch

from course_utils import generation
from course_utils.batching import left_pad
from course_utils.peft import adapter_layer, lora
from course_utils.techniques import peft, registry
from tests.helpers.adapters import IDS, logits, loss_of, shaken
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import byte_tokenizer, shape, tiny_llama

TRAIN = records(24)
SMALL = {"ia3": {}, "llama_adapter": {"length": 4}, "bottleneck_adapter": {"width": 4}}
OWN = {}  # {method: parts of the names of the base model's weights that it trains}
COUNTS = {  # two blocks; q, o 32 x 32, k, v 16 x 32, gate, up 64 x 32, down 32 x 64
    "bottleneck_adapter": 2 * 2 * (32 * 4 + 4 + 4 * 32 + 32),
    "ia3": 2 * (16 + 16 + 64),
    "lora_qv": 2 * 2 * (64 + 48),
    "lora_all": 2 * 2 * (64 + 48 + 48 + 64 + 96 + 96 + 96),
    "dora": 2 * (2 * (64 + 48 + 48 + 64 + 96 + 96 + 96) + 32 + 16 + 16 + 32 + 64 + 64 + 32),
    "llama_adapter": 2 * (4 * 32 + 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_technique_trains_its_parts_and_nothing_else(name):
    model, tokenizer = tiny_llama(context=512)
    frozen = {key: value.clone() for key, value in model.state_dict().items()}
    setting = SMALL.get(name, {"rank": 2})
    result = registry.find(name).learn(model, tokenizer, TRAIN, 0, TASK, lr=0.01, **setting)
    assert result.trainable_parameters == result.stored_parameters == COUNTS[name]
    assert 4 * COUNTS[name] < result.stored_bytes < 4 * COUNTS[name] + 8000
    assert result.examples == len(TRAIN) and result.train_seconds > 0 and result.prompt_tokens == 0

    after = {undecorated(key): value for key, value in result.model.state_dict().items()}
    changed = [key for key, value in frozen.items() if not torch.equal(after[key], value)]
    changed = [key for key in changed if not any(part in key for part in OWN.get(name, ()))]
    assert not changed, f"{name} changed weights of the base model; if it is meant to, name them in OWN"
    untouched = tiny_llama(context=512)[0]
    assert not torch.equal(logits(result.model), logits(untouched))
    assert result.reply([TRAIN[0]["prompt"]]) == result.reply([TRAIN[0]["prompt"]])


def undecorated(key):
    """A base weight's name without what LoRA, AdapterLayer and PEFT put around it."""
    key = key.replace("base_model.model.", "").replace(".base_layer.", ".").replace(".layer.", ".")
    return key.removeprefix("base_model.").replace("self_attn.model.", "self_attn.")


def test_dora_leaves_out_layers_with_a_dead_neuron():
    """PEFT's DoRA divides by the length of each row: a row of zeros makes every logit "not a number"."""
    from peft import LoraConfig

    model, tokenizer = tiny_llama(context=512)
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[3] = 0
    assert len(peft.alive(model)) == 2 * 7 - 1
    settings = LoraConfig(r=2, target_modules="all-linear", use_dora=True)
    everywhere, _ = peft.by_peft(copy.deepcopy(model), settings, 0)
    assert not logits(everywhere).isfinite().all()
    assert logits(peft.dora(model, tokenizer, TRAIN, 0, TASK, rank=2).model).isfinite().all()


def test_the_seed_decides():
    made = []
    for seed in (1, 1, 2):
        model, tokenizer = tiny_llama(context=512)
        made.append(peft.lora_all(model, tokenizer, TRAIN, seed, TASK, lr=0.01, rank=2).model)
    assert torch.equal(logits(made[0]), logits(made[1]))
    assert not torch.equal(logits(made[0]), logits(made[2]))


def test_the_methods_of_lesson_03_all_have_equal_trials():
    assert {technique.name for technique in peft.TECHNIQUES} == set(COUNTS), "add its number of parameters"
    for technique in peft.TECHNIQUES:
        assert technique.lesson == "03" and technique.family == "PEFT"
        trials = {task: len(settings) for task, settings in technique.settings.items()}
        assert trials.pop("toy_desk_smollm2", 4) == 4 and trials == {"toy_desk": 6, "helpdesk": 4}


def variations():
    from peft import AdaptionPromptConfig, LoraConfig, VeraConfig

    on = dict(target_modules=["q_proj", "v_proj"])
    return {
        "LoRA": LoraConfig(r=4, **on),
        "rsLoRA": LoraConfig(r=4, use_rslora=True, **on),
        "DoRA": LoraConfig(r=4, use_dora=True, **on),
        "VeRA": VeraConfig(r=8, **on),
        "LLaMA-Adapter": AdaptionPromptConfig(adapter_len=4, adapter_layers=2, task_type="CAUSAL_LM"),
    }


@pytest.mark.parametrize("name", variations())
def test_through_peft_step_0_is_the_base_and_padding_changes_nothing(name):
    model, tokenizer = tiny_llama()
    before = logits(model)
    wrapped, trained = peft.by_peft(model, variations()[name], seed=0)
    assert torch.equal(logits(wrapped.eval()), before)
    shaken(trained)
    ids, mask, positions = left_pad([IDS[0].tolist(), IDS[1, :2].tolist()], model.device)
    with torch.no_grad():
        padded = wrapped(input_ids=ids, attention_mask=mask, position_ids=positions).logits[1, -2:]
    assert (padded - logits(wrapped, IDS[1:2, :2])[0]).abs().max() < 1e-4
    prompts = ["Hello there, how are you", "A"]
    together = generation.generate(wrapped, tokenizer, prompts, max_new_tokens=8)
    assert together == [generation.generate(wrapped, tokenizer, [p], max_new_tokens=8)[0] for p in prompts]


def test_pefts_llama_adapter_is_wrong_without_positions():
    """Why every call here gives position_ids. If this fails, PEFT has mended it."""
    model, _ = tiny_llama()
    wrapped, trained = peft.by_peft(model, variations()["LLaMA-Adapter"], seed=0)
    shaken(trained)
    ids, mask, _ = left_pad([IDS[0].tolist(), IDS[1, :2].tolist()], model.device)
    with torch.no_grad():
        padded = wrapped.eval()(input_ids=ids, attention_mask=mask).logits[1, -2:]
    assert (padded - logits(wrapped, IDS[1:2, :2])[0]).abs().max() > 1e-3


@pytest.mark.skipif(not importlib.util.find_spec("bitsandbytes"), reason="QLoRA needs bitsandbytes")
def test_qlora_has_the_gradients_of_the_unpacked_weights(tmp_path):
    """4-bit weights under our LoRA. The model is not asked before it trains: on some CPUs that spoils it."""
    import bitsandbytes
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    wide = dict(hidden_size=64, intermediate_size=128, head_dim=16, num_key_value_heads=4)  # blocks of 64
    plain = LlamaForCausalLM(LlamaConfig(**shape(byte_tokenizer()) | wide, initializer_range=0.3)).eval()
    plain.save_pretrained(tmp_path)
    four = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
    )
    packed = AutoModelForCausalLM.from_pretrained(tmp_path, quantization_config=four)
    for (path, layer), small in zip(
        adapter_layer.linear_layers(plain).items(), adapter_layer.linear_layers(packed).values()
    ):
        unpack = bitsandbytes.functional.dequantize_4bit
        with torch.no_grad():
            layer.weight.copy_(unpack(small.weight.data, small.weight.quant_state))
        assert small.weight.numel() * small.weight.element_size() * 8 == layer.weight.numel() * 4, path
    gradients = []
    for model in (plain, packed):
        trained = shaken(lora.add(model, targets="all"))
        loss_of(model.train()).backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in trained]))
    assert torch.allclose(*gradients, atol=1e-5)
    with pytest.raises(ValueError, match="4-bit"):
        lora.merge(packed, "lora")
