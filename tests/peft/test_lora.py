"""LoRA does what its formula says, equals PEFT's, merges and swaps; adapters come out cleanly."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model

from course_utils import generation, training
from course_utils.peft import adapter_layer, lora, mixed_batch
from tests.helpers.adapters import IDS, WITHIN, logits, loss_of, shaken
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def model():
    return tiny_llama()[0]


def test_step_0_equals_the_base_exactly_and_only_lora_trains(model):
    before, total = logits(model), sum(p.numel() for p in model.parameters())
    trained = lora.add(model, rank=3)
    assert torch.equal(logits(model), before)
    wide, narrow = 32, 16  # q_proj is 32 x 32, v_proj 16 x 32
    assert sum(p.numel() for p in trained) == 2 * 3 * ((wide + wide) + (narrow + wide))
    assert {id(p) for p in model.parameters() if p.requires_grad} == {id(p) for p in trained}
    assert sum(p.numel() for p in model.parameters() if not p.requires_grad) == total


def test_the_formula_by_hand():
    layer = torch.nn.Linear(2, 2, bias=False)
    adapter = lora.Lora(layer, rank=1, alpha=6.0)
    with torch.no_grad():
        adapter.A.copy_(torch.tensor([[1.0, 2.0]]))
        adapter.B.copy_(torch.tensor([[1.0], [-1.0]]))
    x = torch.tensor([[[1.0, 1.0]]])
    assert adapter(x).tolist() == [[[18.0, -18.0]]]  # 6 / 1 · (1 + 2) · (1, -1)
    assert adapter.update().tolist() == [[6.0, 12.0], [-6.0, -12.0]]


def test_targets_all_and_targets_missing(model):
    lora.add(model, "everything", rank=2, targets="all")
    names = {path.rpartition(".")[2] for path in adapter_layer.adapter_layers(model)}
    assert names == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert not isinstance(model.lm_head, adapter_layer.AdapterLayer)
    with pytest.raises(ValueError, match="No linear layer is called c_attn: the model has down_proj"):
        lora.add(model, "more", targets=("q_proj", "c_attn"))
    with pytest.raises(ValueError, match="at least 1"):
        lora.add(model, "more", rank=0)
    assert adapter_layer.tasks(model) == ["everything"]


def test_merging_changes_nothing_and_unmerging_is_exact(model):
    base = logits(model)
    shaken(lora.add(model, "a", rank=4))
    apart = logits(model)
    lora.merge(model, "a")
    merged = logits(model)
    assert (merged - apart).abs().max() < WITHIN < (apart - base).abs().max()
    with pytest.raises(ValueError, match="hold 'a', merged"):
        adapter_layer.set_adapter(model, None)
    with pytest.raises(ValueError, match="hold 'a', merged"):
        lora.merge(model, "a")
    lora.unmerge(model)
    assert torch.equal(logits(model), apart)
    adapter_layer.set_adapter(model, None)
    assert torch.equal(logits(model), base)


def test_a_merged_model_can_leave_its_slots_behind(model):
    plain = copy.deepcopy(model)
    shaken(lora.add(model, "a"))
    apart = logits(model)
    lora.merge(model, "a")
    adapter_layer.remove(model)
    assert not adapter_layer.adapter_layers(model) and model.state_dict().keys() == plain.state_dict().keys()
    assert (logits(model) - apart).abs().max() < WITHIN


def test_adapters_swap_and_leave(model):
    base = logits(model)
    shaken(lora.add(model, "a", rank=2), seed=1)
    a = logits(model)
    shaken(lora.add(model, "b", rank=5, targets="all"), seed=2)
    b = logits(model)
    for task, expected in (("a", a), (None, base), ("b", b)):
        adapter_layer.set_adapter(model, task)
        assert torch.equal(logits(model), expected)
    with pytest.raises(ValueError, match="No task 'c': the model has a, b"):
        adapter_layer.set_adapter(model, "c")
    with pytest.raises(ValueError, match="already"):
        lora.add(model, "a")
    adapter_layer.remove(model, "b")
    adapter_layer.set_adapter(model, "a")
    assert torch.equal(logits(model), a) and len(adapter_layer.adapter_layers(model)) == 4
    adapter_layer.remove(model)
    assert torch.equal(logits(model), base) and not adapter_layer.adapter_layers(model)


def test_a_second_task_does_not_wake_the_first(model):
    first = lora.add(model, "a")
    second = lora.add(model, "b")
    assert not any(p.requires_grad for p in first) and all(p.requires_grad for p in second)
    adapter_layer.set_adapter(model, "a")
    assert not any(p.requires_grad for p in first)


def test_each_row_its_own_task_equals_each_task_apart(model):
    for seed, task in enumerate(("a", "b"), 1):
        shaken(lora.add(model, task, rank=2 * seed), seed)
    apart = {}
    for task in (None, "a", "b"):
        adapter_layer.set_adapter(model, task)
        apart[task] = logits(model)
    chosen = ["b", None, "a"]
    adapter_layer.set_adapter(model, chosen)
    together = logits(model)
    for row, task in enumerate(chosen):
        assert (together[row] - apart[task][row]).abs().max() < WITHIN
        others = [apart[other][row] for other in apart if other != task]
        assert all((together[row] - other).abs().max() > 100 * WITHIN for other in others)
    with pytest.raises(ValueError, match="3 tasks were chosen for a batch of 2 rows"):
        logits(model, IDS[:2])


def test_mixed_replies_equal_each_task_apart():
    model, tokenizer = tiny_llama()
    prompts, tasks = ["Hello there", "A", "What is this?"], ["a", None, "b"]
    for seed, task in enumerate(("a", "b"), 1):
        shaken(lora.add(model, task), seed)
    together = mixed_batch.reply(model, tokenizer, prompts, tasks, max_new_tokens=12)
    apart = []
    for prompt, task in zip(prompts, tasks):
        adapter_layer.set_adapter(model, task)
        apart += generation.generate(model, tokenizer, [prompt], max_new_tokens=12)
    assert together == apart and len(set(apart)) == 3
    adapter_layer.set_adapter(model, None)
    wrong = generation.generate(model, tokenizer, prompts, max_new_tokens=12)
    assert [t == w for t, w in zip(together, wrong)] == [False, True, False]
    with pytest.raises(ValueError, match="3 prompts and 1 tasks"):
        mixed_batch.reply(model, tokenizer, prompts, ["a"])


def test_dropout_acts_in_training_only(model):
    shaken(lora.add(model, dropout=0.5))
    assert torch.equal(logits(model), logits(model))
    torch.manual_seed(0)
    assert not torch.equal(logits(model.train()), logits(model))


def peft_twin(model, **settings):
    """PEFT's LoRA on a copy of the plain model, its weights those of the task "a" in `model`."""
    from peft import LoraConfig, get_peft_model

    plain = copy.deepcopy(model)
    adapter_layer.remove(plain)
    twin = get_peft_model(plain, LoraConfig(target_modules=["q_proj", "v_proj"], **settings)).eval()
    for path, layer in adapter_layer.adapter_layers(model).items():
        theirs = twin.base_model.model.get_submodule(path)
        with torch.no_grad():
            theirs.lora_A["default"].weight.copy_(layer.adapters["a"].A)
            theirs.lora_B["default"].weight.copy_(layer.adapters["a"].B)
    return twin


def test_equal_to_peft_in_logits_and_in_a_training_step(model):
    shaken(lora.add(model, "a", rank=4, alpha=10.0))
    twin = peft_twin(model, r=4, lora_alpha=10)
    assert (logits(model) - logits(twin)).abs().max() < WITHIN
    for each in (model, twin):
        trained = [p for p in each.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=0.05)
        loss_of(each).backward()
        optimizer.step()
    for path, layer in adapter_layer.adapter_layers(model).items():
        theirs = twin.base_model.model.get_submodule(path)
        assert torch.allclose(layer.adapters["a"].A, theirs.lora_A["default"].weight, atol=WITHIN)
        assert torch.allclose(layer.adapters["a"].B, theirs.lora_B["default"].weight, atol=WITHIN)
    assert (logits(model) - logits(twin)).abs().max() < WITHIN


def test_training_leaves_the_base_alone(model):
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    optimizer = torch.optim.AdamW(lora.add(model), lr=0.1)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    adapter_layer.remove(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_the_seed_decides_and_the_global_one_stays(model):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a = lora.add(model, "a", seed=3)[0]
    assert torch.equal(torch.rand(1), expected)
    b, c = lora.add(model, "b", seed=3)[0], lora.add(model, "c", seed=4)[0]
    assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.parametrize("name", ["", "a.b", 3])
def test_a_task_needs_a_proper_name(model, name):
    with pytest.raises(ValueError, match="text without dots"):
        lora.add(model, name)
    assert not adapter_layer.adapter_layers(model)


def test_only_lora_is_merged(model):
    from course_utils.peft import ia3

    ia3.add(model, "x")
    for task in ("x", "nobody"):
        with pytest.raises(ValueError, match="Only LoRA can be merged"):
            lora.merge(model, task)


def test_half_precision_keeps_its_parts_in_fp32(model):
    base = logits(model.to(torch.bfloat16))
    trained = lora.add(model)
    assert {p.dtype for p in trained} == {torch.float32}
    assert torch.equal(logits(model), base) and logits(model).dtype == torch.bfloat16


def test_in_the_last_blocks_alone_as_in_peft_and_the_backward_pass_ends_there():
    model, tokenizer = tiny_llama()
    lora.add(model, "last", targets="all", layers_to_transform=[1])
    assert {path.split(".")[2] for path in adapter_layer.adapter_layers(model)} == {"1"}
    config = LoraConfig(r=8, target_modules=["q_proj"], layers_to_transform=[1])
    theirs = get_peft_model(tiny_llama()[0], config)
    assert set(theirs.targeted_module_names) == {
        p for p in adapter_layer.adapter_layers(model) if p.endswith("q_proj")
    }
    needed = []
    hooks = [
        layer.register_forward_hook(lambda module, given, out: needed.append(out.requires_grad))
        for layer in model.model.layers
    ]
    example = {"input_ids": tokenizer("Hello")["input_ids"], "mask": [0, 1, 1, 1, 1]}
    training.accumulate_gradients(model, [example])
    assert needed == [False, True]
    for hook in hooks:
        hook.remove()
    with pytest.raises(ValueError, match="No block 7"):
        lora.add(model, "other", layers_to_transform=[1, 7])
