"""Bottleneck adapters by hand, and every method's files: round trips, and refusals that change nothing."""

import json
import os

import pytest
import safetensors.torch
import torch

from course_utils.peft import adapter_files, adapter_layer, bottleneck, ia3, lora
from course_utils.peft.adapter_files import BadFile
from tests.helpers.adapters import IDS, WITHIN, logits, loss_of, shaken
from tests.helpers.tiny import tiny_llama

METHODS = {"lora": lora.add, "ia3": ia3.add, "bottleneck": bottleneck.add}


@pytest.fixture
def model():
    return tiny_llama()[0]


def test_the_formula_by_hand():
    adapter = bottleneck.Bottleneck(size=2, width=1)
    x = torch.tensor([[[3.0, -1.0], [-3.0, 1.0]]])
    assert torch.equal(adapter(x), x)  # the identity at step 0
    with torch.no_grad():
        adapter.down.weight.copy_(torch.tensor([[1.0, 1.0]]))
        adapter.down.bias.fill_(0.5)
        adapter.up.weight.copy_(torch.tensor([[2.0], [0.0]]))
        adapter.up.bias.copy_(torch.tensor([0.0, 1.0]))
    # relu(3 - 1 + 0.5) = 2.5, so + (5, 1); relu(-3 + 1 + 0.5) = 0, so + (0, 1)
    assert adapter(x).tolist() == [[[8.0, 0.0], [-3.0, 2.0]]]


@pytest.mark.parametrize("placement, layers", [("houlsby", 2), ("pfeiffer", 1)])
def test_placements_start_as_the_base_and_stand_before_the_residual_sum(model, placement, layers):
    before = logits(model)
    trained = bottleneck.add(model, width=4, placement=placement)
    assert torch.equal(logits(model), before)
    assert sum(p.numel() for p in trained) == 2 * layers * (4 * 32 + 4 + 32 * 4 + 32)
    blocks = model.model.layers
    assert isinstance(blocks[0].mlp.down_proj, adapter_layer.AdapterLayer)
    assert isinstance(blocks[0].self_attn.o_proj, adapter_layer.AdapterLayer) == (placement == "houlsby")
    shaken(trained)
    hidden, residual = {}, {}
    block = blocks[0]
    block.mlp.register_forward_hook(lambda m, i, out: hidden.update(out=out))
    block.mlp.down_proj.layer.register_forward_hook(lambda m, i, out: hidden.update(plain=out))
    block.register_forward_hook(lambda m, i, out: residual.update(out=out))
    block.post_attention_layernorm.register_forward_pre_hook(lambda m, i: residual.update(into=i[0]))
    logits(model)
    adapter = block.mlp.down_proj.adapters["adapter"]
    assert torch.allclose(hidden["out"], adapter(hidden["plain"]), atol=WITHIN)
    out = residual["out"][0] if isinstance(residual["out"], tuple) else residual["out"]
    assert torch.allclose(out, residual["into"] + hidden["out"], atol=WITHIN)


def test_adapters_learn_and_mix_in_a_batch(model):
    base = logits(model)
    optimizer, losses = torch.optim.AdamW(bottleneck.add(model), lr=0.05), []
    for _ in range(5):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
        losses.append(loss_of(model).item())
    assert losses[-1] < losses[0]
    apart = logits(model)
    adapter_layer.set_adapter(model, [None, "adapter", None])
    together = logits(model)
    assert (together[1] - apart[1]).abs().max() < WITHIN < (apart[1] - base[1]).abs().max()
    assert (together[[0, 2]] - base[[0, 2]]).abs().max() < WITHIN


def test_impossible_settings(model):
    for wrong in ({"width": 0}, {"placement": "somewhere"}):
        with pytest.raises(ValueError, match="houlsby, pfeiffer"):
            bottleneck.add(model, **wrong)
    assert not adapter_layer.adapter_layers(model)


# ---- files ---------------------------------------------------------------------------------


def saved(tmp_path, method="lora"):
    """(model, file) with shaken adapters of the method, saved."""
    model = tiny_llama()[0]
    shaken(METHODS[method](model, "desk"))
    file = tmp_path / "desk.safetensors"
    adapter_files.save(model, "desk", file)
    return model, file


def refuses(model, file, message, error=BadFile):
    """Loading fails with this message and leaves the model's weights and modules as they were."""
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    wanted = [p.requires_grad for p in model.parameters()]
    with pytest.raises(error, match=message) as caught:
        adapter_files.load(model, file)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    after = model.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(after[k], before[k]) for k in before)
    assert [p.requires_grad for p in model.parameters()] == wanted


@pytest.mark.parametrize("method", METHODS)
def test_what_was_saved_comes_back(tmp_path, method):
    model, file = saved(tmp_path, method)
    fresh = tiny_llama()[0]
    assert adapter_layer.tasks(fresh) == []
    assert adapter_files.load(fresh, file) == "desk"
    assert torch.equal(logits(fresh), logits(model))
    assert adapter_files.load(fresh, file, task="again") == "again"
    assert torch.equal(logits(fresh), logits(model)) and adapter_layer.tasks(fresh) == ["desk", "again"]
    assert [p.requires_grad for p in adapter_layer.parameters(fresh, "again")]
    assert list(tmp_path.iterdir()) == [file]  # no draft is left


def test_settings_survive(tmp_path, model):
    shaken(lora.add(model, "desk", rank=3, alpha=7.0, dropout=0.25, targets="all"))
    adapter_files.save(model, "desk", tmp_path / "x")
    fresh = tiny_llama()[0]
    adapter_files.load(fresh, tmp_path / "x")
    adapter = fresh.model.layers[1].mlp.up_proj.adapters["desk"]
    assert (adapter.A.shape[0], adapter.scale, adapter.dropout.p) == (3, 7 / 3, 0.25)
    about = adapter_files.read(tmp_path / "x", adapter_files.FORMAT)[1]
    assert json.dumps(about) and about["task"] == "desk" and len(about["parts"]) == 14


def test_a_truncated_file_at_any_length(tmp_path):
    _, file = saved(tmp_path)
    whole = file.read_bytes()
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        refuses(tiny_llama()[0], file, "cut short, damaged, or no safetensors file")
    refuses(tiny_llama()[0], tmp_path / "none", "There is no file none", FileNotFoundError)


def test_foreign_files(tmp_path, model):
    file = tmp_path / "foreign"
    file.write_bytes(safetensors.torch.save({"x": torch.zeros(2)}))
    refuses(model, file, "not those of this course")
    file.write_bytes(safetensors.torch.save({"x": torch.zeros(2)}, {"about": "[]"}))
    refuses(model, file, "not those of this course")
    adapter_files.write(file, {"x": torch.zeros(2)}, {"format": "prompt table 1"})
    refuses(model, file, "of the kind 'prompt table 1'")
    adapter_files.write(file, {"x": torch.zeros(2)}, {"format": adapter_files.FORMAT})
    refuses(model, file, "The description in foreign is incomplete")
    torch.save({"x": 1}, file)
    refuses(model, file, "no safetensors file")


def test_files_for_another_model(tmp_path, model):
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.helpers.tiny import byte_tokenizer, shape

    _, file = saved(tmp_path)
    refuses(tiny_llama(seed=1)[0], file, "another base model of the same shape")
    numbers = shape(byte_tokenizer())
    wider = LlamaForCausalLM(LlamaConfig(**numbers | {"hidden_size": 64}))
    refuses(wider, file, "another shape: .* does not fit")
    flatter = LlamaForCausalLM(LlamaConfig(**numbers | {"num_hidden_layers": 1}))
    refuses(flatter, file, "another shape: this one has no layer model.layers.1")


def test_tensors_that_do_not_belong(tmp_path, model):
    _, file = saved(tmp_path)
    tensors, about = adapter_files.read(file, adapter_files.FORMAT)
    first = next(iter(tensors))
    adapter_files.write(file, {k: v for k, v in tensors.items() if k != first}, about)
    refuses(model, file, "does not fit")
    adapter_files.write(file, tensors | {"more/A": torch.zeros(1)}, about)
    refuses(model, file, "numbers that belong to no layer")
    adapter_files.write(file, tensors | {first: tensors[first] * torch.nan}, about)
    refuses(model, file, "not finite")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    model, file = saved(tmp_path)
    whole = file.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        adapter_files.save(model, "desk", file)
    assert file.read_bytes() == whole and list(tmp_path.iterdir()) == [file]


def test_saving_needs_a_task_and_its_own_weights(tmp_path, model):
    with pytest.raises(ValueError, match="the model has none"):
        adapter_files.save(model, "desk", tmp_path / "x")
    lora.add(model, "desk")
    lora.merge(model, "desk")
    with pytest.raises(ValueError, match="merged"):
        adapter_files.save(model, "desk", tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_number_formats_do_not_make_another_model(tmp_path):
    _, file = saved(tmp_path)
    for dtype in (torch.bfloat16, torch.float16):
        fresh = tiny_llama()[0].to(dtype)
        adapter_files.load(fresh, file)
        assert logits(fresh, IDS).isfinite().all()
