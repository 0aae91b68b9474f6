"""The loop: it learns, it touches only what it may, and it can be killed, parted and padded at will."""

import contextlib
import copy
import itertools
import multiprocessing
import os
import time

import pytest
import torch

from course_utils import batching, losses, training
from course_utils.data import collate, encode
from course_utils.generation import generate
from course_utils.peft import soft_prompts
from course_utils.peft.bottleneck import add as add_adapters
from course_utils.storage import checkpoint, onednn
from course_utils.training import accumulate_gradients, batches, lr_multiplier, train
from tests.helpers.tiny import PARITY, tiny_llama

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def subject():
    """(model, tokenizer, examples)"""
    model, tokenizer = tiny_llama()
    return model, tokenizer, encode(tokenizer, PARITY)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def quiet(model, examples, **settings):
    """`train` with what these tests share."""
    return train(
        model,
        examples,
        **{"lr": 3e-3, "steps": 8, "batch_size": 4, "progress": False, "bf16": False} | settings,
    )


def test_it_learns_to_reply_and_to_stop(subject):
    model, tokenizer, examples = subject
    history = quiet(model, examples[:6], lr=2e-2, steps=60, batch_size=6)
    assert len(history.losses) == 60 and history.losses[-1] < 0.05 * history.losses[0]
    assert history.tokens == sum(len(e["input_ids"]) for e in examples[:6]) * 60
    assert history.seconds > 0 and not model.training
    replies = generate(model, tokenizer, [r["prompt"] for r in PARITY[:6]], max_new_tokens=8)
    assert replies == [r["completion"] for r in PARITY[:6]]


def test_the_first_loss_is_that_of_the_untrained_model(subject):
    model, _, examples = subject
    batch = collate(examples, 0)
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    before = losses.sft(logits, batch["input_ids"], batch["mask"]).item()
    assert quiet(model, examples, batch_size=12, steps=1).losses[0] == pytest.approx(before, abs=1e-5)


def test_the_prompt_has_no_influence_as_a_target(subject):
    """With the embedding frozen and one layer, prompt tokens could only enter the loss as targets."""
    model, _, examples = subject
    ids = torch.tensor([examples[0]["input_ids"]])
    embedded = model.get_input_embeddings()(ids).detach()
    changed = copy.deepcopy(examples[0])
    start = changed["mask"].index(1)

    def loss_with_targets(targets):
        logits = model(inputs_embeds=embedded).logits  # the inputs stay, only the targets change
        return losses.sft(logits, torch.tensor([targets]), torch.tensor([changed["mask"]]))

    other = [(i + 1) % 200 for i in changed["input_ids"][:start]] + changed["input_ids"][start:]
    a, b = (
        torch.autograd.grad(loss_with_targets(t), model.lm_head.weight)[0]
        for t in (changed["input_ids"], other)
    )
    assert torch.equal(a, b)
    counted = [(i + 1) % 200 for i in changed["input_ids"]]
    assert not torch.equal(a, torch.autograd.grad(loss_with_targets(counted), model.lm_head.weight)[0])


def test_padding_changes_no_gradient(subject):
    model, _, examples = subject
    long = max(examples, key=lambda e: len(e["input_ids"]))
    short = min(examples, key=lambda e: len(e["input_ids"]))
    assert len(long["input_ids"]) > len(short["input_ids"])
    found = {}
    for pad_id in (0, 77):
        model.zero_grad()
        value = accumulate_gradients(model, [long, short], pad_id=pad_id)
        found[pad_id] = value, [p.grad.clone() for p in model.parameters()]
    assert found[0][0] == found[77][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[77][1]))
    model.zero_grad()
    parted = accumulate_gradients(model, [long, short], accumulate=2)  # each alone, so without padding
    assert parted == pytest.approx(found[0][0], abs=1e-5)
    for p, together in zip(model.parameters(), found[0][1]):
        torch.testing.assert_close(p.grad, together, atol=1e-5, rtol=1e-4)


def test_two_half_batches_equal_one(subject):
    whole, _, examples = subject
    parted = copy.deepcopy(whole)
    first = quiet(whole, examples, batch_size=6)
    second = quiet(parted, examples, batch_size=3, accumulate=2)
    assert second.losses == pytest.approx(first.losses, abs=1e-4)
    for a, b in zip(whole.parameters(), parted.parameters()):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_only_the_parameters_change(subject):
    model, _, examples = subject
    before = weights(model)
    chosen = list(model.model.layers[1].parameters())
    model.model.layers[0].requires_grad_(False)
    needed = [p.requires_grad for p in model.parameters()]
    quiet(model, examples, parameters=chosen)
    after = weights(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("model.layers.1.") for name in changed)
    assert [p.requires_grad for p in model.parameters()] == needed  # and nothing is left behind
    assert all(p.grad is None for p in model.parameters())
    assert model.config._attn_implementation == "sdpa"


def test_by_default_what_requires_gradients_trains(subject):
    model, _, examples = subject
    before = weights(model)
    add_adapters(model, width=4)
    history = quiet(model, examples, lr=1e-2, steps=30)
    assert history.losses[-1] < history.losses[0]
    after = weights(model)
    assert all(torch.equal(before[name], after[name]) for name in before if name in after)
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing to train"):
        quiet(model, examples)


def test_the_seed_decides_the_order_and_nothing_else_does(subject):
    base, _, examples = subject
    results = []
    for seed in (0, 0, 1):
        model = copy.deepcopy(base)
        torch.manual_seed(seed + len(results))  # the caller's own randomness must not matter
        state = torch.get_rng_state()
        results.append((quiet(model, examples, seed=seed).losses, weights(model)))
        assert torch.equal(torch.get_rng_state(), state)
    assert results[0][0] == results[1][0] and same(results[0][1], results[1][1])
    assert results[0][0] != results[2][0] and not same(results[0][1], results[2][1])


def test_every_example_once_in_an_epoch_with_little_padding():
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(20, 90, (1003,), generator=draw).tolist()
    made = batches(lengths, 32, 64, seed=0)
    for epoch in (made[:32], made[32:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(1003))
        assert {len(batch) for batch in epoch} == {31, 32}
    assert made[:32] != made[32:]
    computed = sum(len(batch) * max(lengths[i] for i in batch) for batch in made)
    assert computed < 1.1 * 2 * sum(lengths)  # at random it would be about 1.6
    starts = [min(lengths[i] for i in batch) for batch in made[:32]]
    assert starts != sorted(starts)  # short ones do not come first
    assert batches([5, 6, 7], 32, 2, seed=1) == [[0, 1, 2]] * 2


def test_the_rate_rises_and_falls():
    rates = [lr_multiplier(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[9] == 1.0
    assert rates[-1] == pytest.approx(1 / 91)
    assert all(a > b for a, b in itertools.pairwise(rates[9:]))
    assert [lr_multiplier(step, 4, 0) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
    assert lr_multiplier(0, 1, 0.1) == 1.0


def test_evaluations_come_when_asked_for_and_in_evaluation_mode(subject):
    model, _, examples = subject
    seen = []

    def evaluate(model):
        seen.append(model.training)
        return len(seen)

    history = quiet(model, examples, evaluate=evaluate, evaluate_every=3)
    assert history.evaluations == [(3, 1), (6, 2), (8, 3)] and seen == [False] * 3
    assert quiet(model, examples, evaluate=evaluate).evaluations == [(8, 4)]


def test_patience_stops_and_keeps_the_best(subject):
    model, _, examples = subject
    scores, kept = iter([0.1, 0.5, 0.4, 0.3, 0.9]), []

    def evaluate(model):
        kept.append(weights(model))
        return next(scores)

    history = quiet(model, examples, steps=50, evaluate=evaluate, evaluate_every=2, patience=2)
    assert [step for step, _ in history.evaluations] == [2, 4, 6, 8] and len(history.losses) == 8
    assert same(weights(model), kept[1]) and not same(kept[1], kept[3])
    with pytest.raises(ValueError, match="patience"):
        quiet(model, examples, patience=2)


def test_half_precision_weights_train_in_full_and_come_back(subject):
    model, _, examples = subject
    model = model.bfloat16()
    history = quiet(model, examples, lr=1e-2, steps=30, batch_size=12)
    assert history.losses[-1] < 0.5 * history.losses[0]
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_bf16_is_close_to_fp32(subject):
    base, _, examples = subject
    low = copy.deepcopy(base)
    full = quiet(base, examples).losses
    assert quiet(low, examples, bf16=True).losses == pytest.approx(full, rel=0.05)
    assert {p.dtype for p in low.parameters()} == {torch.float32}


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch_size": 0}, {"accumulate": 0}, {"examples": []}])
def test_impossible_settings_are_refused(subject, wrong):
    model, _, examples = subject
    with pytest.raises(ValueError, match="at least one"):
        quiet(model, wrong.pop("examples", examples), **wrong)


# ---- interrupted and continued ---------------------------------------------------------------

LOOP = {"steps": 12, "evaluate_every": 2, "patience": 9}


def dropping(seed=0):
    """A tiny model with dropout, so that chance matters; and its examples."""
    model, tokenizer = tiny_llama(seed)
    for layer in model.model.layers:
        layer.mlp.down_proj = torch.nn.Sequential(layer.mlp.down_proj, torch.nn.Dropout(0.2))
    return model, encode(tokenizer, PARITY)


def measure(model):
    return model.lm_head.weight.double().norm().item()  # a number to raise, different at each step


@pytest.mark.parametrize("stop_at", [1, 5, 11])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    straight, examples = dropping()
    whole = quiet(straight, examples, evaluate=measure, **LOOP)

    class Interrupted(Exception):
        pass

    def interrupt(step, steps, warmup):
        if step == stop_at:
            raise Interrupted
        return lr_multiplier(step, steps, warmup)

    model, _ = dropping()
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(training, "lr_multiplier", interrupt)
        quiet(model, examples, evaluate=measure, checkpoint=tmp_path, **LOOP)
    fresh, _ = dropping()
    resumed = quiet(fresh, examples, evaluate=measure, checkpoint=tmp_path, **LOOP)
    assert resumed.losses == whole.losses and resumed.evaluations == whole.evaluations
    assert resumed.tokens == whole.tokens
    assert same(weights(fresh), weights(straight))
    done, _ = dropping()  # a finished run is not run again
    assert quiet(done, examples, evaluate=measure, checkpoint=tmp_path, **LOOP).losses == whole.losses
    assert same(weights(done), weights(straight))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_can_be_continued(tmp_path, monkeypatch):
    """kill -9 while checkpoints are written all the time: what is there can always be read."""
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    straight, examples = dropping()
    whole = quiet(straight, examples, steps=40)
    for part in (0.3, 0.5, 0.7):
        model, _ = dropping()
        process = multiprocessing.get_context("fork").Process(
            target=quiet, args=(model, examples), kwargs={"steps": 40, "checkpoint": tmp_path}
        )
        process.start()
        time.sleep(0.2 + part * whole.seconds)
        process.kill()
        process.join()
    model, _ = dropping()
    assert quiet(model, examples, steps=40, checkpoint=tmp_path).losses == whole.losses
    assert same(weights(model), weights(straight))


def test_a_checkpoint_of_another_run_is_refused_and_changes_nothing(tmp_path):
    model, examples = dropping()
    quiet(model, examples, checkpoint=tmp_path)
    others = {
        "settings": (dropping()[0], examples, {"lr": 1e-4}),
        "data": (dropping()[0], examples[:-1], {}),
        "model": (dropping(seed=1)[0], examples, {}),
    }
    part = dropping()[0]
    others["parameters"] = part, examples, {"parameters": list(part.model.layers[0].parameters())}
    for name, (other, data, settings) in others.items():
        before = weights(other)
        with pytest.raises(ValueError, match="another run"):
            quiet(other, data, checkpoint=tmp_path, **settings)
        assert same(before, weights(other)), name


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"hello", lambda raw: b""])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    model, examples = dropping()
    quiet(model, examples, checkpoint=tmp_path)
    file = tmp_path / checkpoint.NAME
    file.write_bytes(damage(file.read_bytes()))
    fresh, _ = dropping()
    before = weights(fresh)
    with pytest.raises(ValueError, match="damaged or not a checkpoint"):
        quiet(fresh, examples, checkpoint=tmp_path)
    assert same(before, weights(fresh))


# ---- work that is not done --------------------------------------------------------------------

CHAT = "<|system|>A text that every row of a batch begins with.<|user|>"


def plain(model, rows):
    """(loss, gradients) of rows computed whole, the head on every token."""
    batch = collate(rows, 0)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}
    loss = losses.sft(model(**inputs).logits, batch["input_ids"], batch["mask"])
    model.zero_grad()
    loss.backward()
    return loss.item(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


def chat_examples(tokenizer):
    records = [{"prompt": CHAT + r["prompt"], "completion": r["completion"] * 2} for r in PARITY]
    return encode(tokenizer, records)


@pytest.mark.parametrize("kind", ["full", "adapters", "last block", "soft prompt", "prefix"])
def test_a_shared_beginning_and_a_sparing_head_change_neither_loss_nor_gradients(kind):
    model, tokenizer = tiny_llama()
    rows = chat_examples(tokenizer)[:5]
    if kind == "adapters":
        add_adapters(model, width=4)
        for parameter in model.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.1)
    elif kind == "last block":
        model.requires_grad_(False)
        model.model.layers[1].requires_grad_(True)
    elif kind == "soft prompt":
        model = soft_prompts.SoftPrompted(model, Vectors(soft_prompts.random_start(model, 6)))
    elif kind == "prefix":
        model = soft_prompts.SoftPrompted(model, Vectors(soft_prompts.random_prefix(model, 6)))
    loss, expected = plain(model, rows)
    widths = []
    head = next(m for m in model.modules() if isinstance(m, type(tiny_llama()[0]))).lm_head
    hook = head.register_forward_hook(lambda module, given, out: widths.append(out[..., 0].numel()))
    model.zero_grad()
    value = accumulate_gradients(model, rows)
    hook.remove()
    assert value == pytest.approx(loss, abs=1e-5)
    found = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    assert widths[-1] == sum(sum(row["mask"]) for row in rows)  # the head saw what counts
    assert training.beginning(model, rows) >= len(tokenizer(CHAT)["input_ids"])


class Vectors(torch.nn.Module):
    """Learned vectors, as they are."""

    def __init__(self, values):
        super().__init__()
        self.values = torch.nn.Parameter(values)

    def forward(self):
        return self.values


def test_what_must_not_share_a_beginning_does_not(subject):
    model, tokenizer, _ = subject
    rows = chat_examples(tokenizer)
    shared = training.beginning(model, rows)
    assert shared == batching.shared_prefix([row["input_ids"] for row in rows]) > 0
    early = [dict(row, mask=[0] * 10 + [1] * (len(row["mask"]) - 10)) for row in rows]
    assert training.beginning(model, early) == 9  # what stands before a token that counts is each row's own
    assert training.beginning(model, rows[:1]) == 0
    model.config.attention_dropout = 0.1
    assert training.beginning(model, rows) == 0
    model.config.attention_dropout = 0.0
    model.gradient_checkpointing_enable()
    assert training.beginning(model, rows) == 0
    assert training.beginning(dropping()[0], rows) == 0


@pytest.mark.skipif(not onednn.available(), reason="this PyTorch has no oneDNN")
def test_a_layer_by_onednn_has_the_same_gradients():
    torch.manual_seed(0)
    layer, x = torch.nn.Linear(200, 300), torch.randn(2, 5, 200, requires_grad=True)
    found = []
    for context in (contextlib.nullcontext(), onednn.replaced(layer)):
        with context:
            layer(x).square().sum().backward()
        found.append([x.grad, layer.weight.grad, layer.bias.grad])
        x.grad = layer.weight.grad = layer.bias.grad = None
    for a, b in zip(*found):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-5)
    assert "forward" not in layer.__dict__
    frozen = copy.deepcopy(layer).requires_grad_(False)
    with onednn.replaced(frozen), torch.autocast("cpu", torch.bfloat16):
        assert frozen(x).dtype == torch.bfloat16  # another format is left to PyTorch
    with onednn.replaced(frozen):
        frozen(x).sum().backward()
    assert x.grad is not None and frozen.weight.grad is None


def test_a_loss_that_is_no_number_stops_the_run(subject):
    model, examples = copy.deepcopy(subject[0]), subject[2]
    with torch.no_grad():
        model.get_input_embeddings().weight[:] = float("nan")
    with pytest.raises(RuntimeError, match="nan at step 1"):
        train(model, examples, lr=1e-3, steps=2, progress=False)


def test_a_penalty_is_added_to_each_step_and_logged_apart(subject):
    """A pull of all weights to zero makes them smaller than training alone does; the loss stays as it was."""
    model, _, examples = subject
    norms, logged = {}, {}
    for name in ("alone", "pulled"):
        copy_ = copy.deepcopy(model)

        def penalty(copy_=copy_):
            yield 0.05 * sum(p.square().sum() for p in copy_.parameters())
            yield 0.05 * sum(p.square().sum() for p in copy_.parameters())

        history = training.train(
            copy_, examples, lr=1e-3, steps=5, progress=False, penalty=penalty if name == "pulled" else None
        )
        norms[name] = sum(p.detach().square().sum().item() for p in copy_.parameters())
        logged[name] = history
    assert norms["pulled"] < norms["alone"]
    assert logged["pulled"].losses[0] == logged["alone"].losses[0]
    assert len(logged["pulled"].column("penalty")) == 5 and not logged["alone"].column("penalty")
    with pytest.raises(RuntimeError, match="try a lower learning rate"):
        bad = lambda: [next(model.parameters()).sum() * float("nan")]  # noqa: E731
        training.train(model, examples, lr=1e-3, steps=1, progress=False, penalty=bad)


def test_rows_go_in_more_parts_where_memory_asks_for_it(subject, monkeypatch):
    model, _, examples = subject
    rows = examples[:4]
    assert training.parts_that_fit(model, rows) == 1
    whole = accumulate_gradients(model, rows)
    gradient = next(p for p in model.parameters() if p.grad is not None).grad.clone()
    model.zero_grad()
    seen, real = [], training.predictions
    monkeypatch.setattr(
        training, "predictions", lambda m, part, pad: seen.append(len(part)) or real(m, part, pad)
    )
    monkeypatch.setattr(training, "ACTIVATIONS", 1)
    assert accumulate_gradients(model, rows) == pytest.approx(whole, rel=1e-5)
    assert seen == [1, 1, 1, 1]
    again = next(p for p in model.parameters() if p.grad is not None).grad
    assert torch.allclose(again, gradient, atol=1e-6)
