"""IA3 rescales what it should, equals PEFT's, and mixes tasks in a batch, which PEFT's does not."""

import copy

import pytest
import torch

from course_utils.peft import adapter_layer, ia3, lora, mixed_batch
from tests.helpers.adapters import IDS, WITHIN, logits, loss_of, shaken
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def model():
    return tiny_llama()[0]


def test_step_0_equals_the_base_exactly_and_the_count_is_the_vectors(model):
    before = logits(model)
    trained = ia3.add(model)
    assert torch.equal(logits(model), before)
    keys, values, fed = 16, 16, 64
    assert sum(p.numel() for p in trained) == 2 * (keys + values + fed)


def test_the_formula_by_hand(model):
    ia3.add(model, "a")
    attention, feed = model.model.layers[0].self_attn, model.model.layers[0].mlp
    with torch.no_grad():
        attention.k_proj.adapters["a"].factors.fill_(3.0)
        feed.down_proj.adapters["a"].factors[1:] = 0.0
        x = torch.randn(1, 2, 32)
        assert torch.allclose(attention.k_proj(x), 3 * attention.k_proj.layer(x))  # behind the keys
        h = torch.randn(1, 2, 64)
        only_first = h[..., :1] @ feed.down_proj.layer.weight[:, :1].T
        assert torch.allclose(feed.down_proj(h), only_first, atol=1e-6)  # before the down-projection


def peft_twin(model, task):
    from peft import IA3Config, get_peft_model

    plain = copy.deepcopy(model)
    adapter_layer.remove(plain)
    settings = IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"])
    twin = get_peft_model(plain, settings).eval()
    for path, layer in adapter_layer.adapter_layers(model).items():
        theirs = twin.base_model.model.get_submodule(path).ia3_l["default"]
        with torch.no_grad():
            theirs.copy_(layer.adapters[task].factors.reshape(theirs.shape))
    return twin


def test_equal_to_peft_in_logits_and_in_a_training_step(model):
    for p in ia3.add(model, "a"):
        with torch.no_grad():
            p.uniform_(0.5, 1.5)
    twin = peft_twin(model, "a")
    assert (logits(model) - logits(twin)).abs().max() < WITHIN
    for each in (model, twin):
        optimizer = torch.optim.AdamW([p for p in each.parameters() if p.requires_grad], lr=0.05)
        loss_of(each).backward()
        optimizer.step()
    for path, layer in adapter_layer.adapter_layers(model).items():
        theirs = twin.base_model.model.get_submodule(path).ia3_l["default"]
        assert torch.allclose(layer.adapters["a"].factors, theirs.flatten(), atol=WITHIN)
    assert (logits(model) - logits(twin)).abs().max() < WITHIN


def test_each_row_its_own_task_equals_each_task_apart(model):
    for seed, task in enumerate(("a", "b"), 1):
        shaken(ia3.add(model, task), seed)
    apart = {}
    for task in ("a", "b", None):
        adapter_layer.set_adapter(model, task)
        apart[task] = logits(model)
    adapter_layer.set_adapter(model, ["b", "a", None])
    together = logits(model)
    for row, task in enumerate(("b", "a", None)):
        assert (together[row] - apart[task][row]).abs().max() < WITHIN
        others = [apart[other][row] for other in apart if other != task]
        assert all((together[row] - other).abs().max() > 100 * WITHIN for other in others)


def test_peft_ignores_the_rows_of_ia3(model):
    """Why ours exists: adapter_names= is accepted and has no effect. If this fails, PEFT has learned it."""
    from peft import IA3Config

    shaken(ia3.add(model, "a"), 1)
    twin = peft_twin(model, "a")
    twin.add_adapter("b", IA3Config(target_modules=["k_proj"], feedforward_modules=[]))
    with torch.no_grad():
        named = twin(input_ids=IDS, adapter_names=["b", "b", "b"]).logits
    assert torch.equal(named, logits(twin))


def test_methods_mix_in_one_batch(model):
    shaken(ia3.add(model, "vectors"), 1)
    shaken(lora.add(model, "matrices", targets=("k_proj", "q_proj")), 2)
    apart = {}
    for task in ("vectors", "matrices"):
        adapter_layer.set_adapter(model, task)
        apart[task] = logits(model)
    adapter_layer.set_adapter(model, ["matrices", "vectors", "matrices"])
    for row, task in enumerate(("matrices", "vectors", "matrices")):
        assert (logits(model)[row] - apart[task][row]).abs().max() < WITHIN


def test_mixed_replies_stop_where_they_should():
    model, tokenizer = tiny_llama()
    shaken(ia3.add(model, "a"))
    long = mixed_batch.reply(model, tokenizer, ["Hello", "Good day"], ["a", None], max_new_tokens=10)
    stop = next(c for c in long[0] if c.isascii() and c.isprintable())
    short = mixed_batch.reply(model, tokenizer, ["Hello", "Good day"], ["a", None], 10, stop=stop)
    assert short == [text.split(stop)[0] for text in long]


def test_a_layer_that_is_not_there(model):
    with pytest.raises(ValueError, match="No linear layer is called wo"):
        ia3.add(model, fed=("wo",))
    assert not adapter_layer.adapter_layers(model)
