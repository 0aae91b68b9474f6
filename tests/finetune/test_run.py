"""Holding back, early stop, and the loss that decides."""

import pytest
import torch

from course_utils import data, losses
from course_utils.finetune import chat_format, recipe, run
from tests.helpers.tiny import tiny_llama

RECORDS = [{"prompt": f"Who is {i}?", "completion": "It is " + "ab"[i % 2] * (i % 5 + 1)} for i in range(12)]


def test_few_records_serve_for_both():
    learned, shown = run.held_back(RECORDS)
    assert learned is shown
    for count, kept in ((39, 39), (40, 4), (100, 10), (3000, 200)):
        records = [{"prompt": f"p{i}", "completion": "c"} for i in range(count)]
        learned, shown = run.held_back(records)
        assert len(shown) == kept
        if kept < count:
            assert len(learned) == count - kept
            assert not {r["prompt"] for r in learned} & {r["prompt"] for r in shown}


def test_a_prompt_that_occurs_twice_stays_on_one_side():
    records = [{"prompt": f"p{i % 60}", "completion": f"c{i}"} for i in range(120)]
    learned, held = run.held_back(records)
    assert len(held) == 12 and not {r["prompt"] for r in learned} & {r["prompt"] for r in held}


def test_the_loss_is_that_of_one_record_after_the_other_weighed_by_tokens():
    model, tokenizer = tiny_llama()
    total, count = 0.0, 0
    for example in chat_format.encoded(tokenizer, RECORDS):
        batch = data.collate([example], 0)
        with torch.no_grad():
            mean = losses.sft(model(batch["input_ids"]).logits, batch["input_ids"], batch["mask"])
        total, count = total + mean.item() * sum(example["mask"]), count + sum(example["mask"])
    assert run.loss_on(model, tokenizer, RECORDS) == pytest.approx(total / count, rel=1e-5)


def test_training_ends_when_the_held_back_loss_rises_and_the_best_is_kept():
    """Held-back records that contradict what is learned: the first evaluations are the best."""
    model, tokenizer = tiny_llama()
    learned = [{"prompt": f"Who is {i}?", "completion": "aaaa"} for i in range(16)]
    held = [{"prompt": f"Who is {i}?", "completion": "bbbb"} for i in range(100, 104)]
    settings = {"epochs": 200, "lr": 1e-2, "batch_size": 4, "copies": 1, "anchor": 0.0}
    model, history = run.learn(model, tokenizer, learned, "full", settings, held=held, progress=False)
    values = [value for _, value in history.evaluations]
    best = values.index(max(values))
    assert len(values) == best + 1 + recipe.PATIENCE and len(history.losses) < 800
    assert run.loss_on(model, tokenizer, held) == pytest.approx(-max(values), rel=1e-4)


def test_the_seed_decides_where_lora_starts():
    def started(seed):
        model, tokenizer = tiny_llama()
        torch.manual_seed(seed + 40)  # what happened before does not matter
        model, _ = run.tune(model, tokenizer, RECORDS, "lora", 1, 1e-9, seed, 10, False)
        return {name: value for name, value in model.state_dict().items() if "lora_A" in name}

    one, again, other = started(0), started(0), started(1)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.allclose(one[name], other[name], atol=1e-3) for name in one)


def test_an_unknown_method_is_refused():
    model, tokenizer = tiny_llama()
    with pytest.raises((KeyError, ValueError), match="magic"):
        run.tune(model, tokenizer, RECORDS, "magic")


@pytest.mark.parametrize("method", recipe.RATES)
@pytest.mark.parametrize("parameters", [1_000_000, 135_000_000])
@pytest.mark.parametrize("count", [1, 10, 39, 40, 300, 10_000])
def test_the_recipe_has_an_answer_for_every_size(method, parameters, count):
    usual = recipe.settings(method, parameters, count)
    steps = recipe.steps(count, usual["epochs"], usual["batch_size"])
    assert 0 < usual["lr"] < 0.1 and usual["batch_size"] >= 1 and steps >= min(3, count)
    assert 1 <= recipe.evaluate_every(count, usual["batch_size"]) <= recipe.LONGEST


def test_few_records_have_a_rate_of_their_own_beside_rehearsal():
    few, many = (recipe.settings("full", 135_000_000, count) for count in (10, 5000))
    assert (few["lr"], few["copies"]) == recipe.FEW_RECORDS["full"] and few["anchor"] > 0
    assert few["lr"] > many["lr"] == recipe.RATES["full"][1]
    assert recipe.settings("full", 135_000_000, 10, copies=1)["lr"] == recipe.RATES["full"][1], (
        "as they stand"
    )
