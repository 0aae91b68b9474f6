"""The runs of lesson 02 measure what they say, go on where they stopped, and choose the rate on dev."""

import json

import pytest

from course_utils import models
from course_utils.experiments import runner, soft_prompts
from course_utils.peft.soft_prompts import SoftPrompted
from course_utils.tasks import zones
from tests.helpers.tiny import tiny_llama

MEASURED = {"parameters", "dev", "test", "hits", "loss", "seconds"}
ONE_OF_EACH = {
    "sizes": [{"model": "glass-box", "method": m, "lr": 0.01, "seed": 0} for m in soft_prompts.METHODS],
    "starts": [{"start": start, "lr": 0.1, "seed": 1} for start in soft_prompts.STARTS],
    "lengths": [{"length": 3, "seed": 0}],
    "examples": [{"count": 6, "method": "full", "seed": 1}],
}


class Short(zones.Zones):
    """The task with few questions and two steps, for a tiny model."""

    steps, batch = 2, 4

    def records(self, tokenizer, part, count=8):
        return zones.zones(part)[: count if part == "train" else 5]

    def exact(self, part, replies):
        return [reply == record["completion"] for reply, record in zip(replies, self.records(None, part))]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny model, with few questions, one run of each kind, and one rate for each method."""
    monkeypatch.setattr(models, "load", lambda name=None: tiny_llama(context=512))
    monkeypatch.setattr(models, "fingerprint", lambda *name: "tiny@1")
    monkeypatch.setattr(soft_prompts, "task_of", lambda model: Short(steps=2, batch=4))
    monkeypatch.setattr(soft_prompts, "rates_of", lambda model: dict.fromkeys(soft_prompts.METHODS, (0.01,)))
    monkeypatch.setattr(soft_prompts, "TABLES", ONE_OF_EACH)
    monkeypatch.setattr(soft_prompts, "FILE", tmp_path / "soft_prompts.json")
    return soft_prompts


def test_every_run_is_kept_with_what_was_measured(small):
    runner.run(small, list(ONE_OF_EACH))
    for name, settings in ONE_OF_EACH.items():
        rows = small.read(name)
        assert len(rows) == len(settings)
        for row, setting in zip(rows, settings):
            extra = {"lr"} if name == "examples" else set()
            assert setting.items() <= row.items() and set(row) - set(setting) == MEASURED | extra
            assert row["test"] == pytest.approx(row["hits"].count("1") / len(row["hits"]))
    counts = {row["method"]: row["parameters"] for row in small.read("sizes")}
    assert counts["prompt tuning"] < counts["prefix tuning"] < counts["full"]
    assert counts["prompt tuning"] < counts["p-tuning"]


def test_a_killed_sweep_goes_on_where_it_stopped(small, monkeypatch):
    done, original = [], small.outcome

    def killed(*arguments, **named):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return original(*arguments, **named)

    monkeypatch.setattr(small, "outcome", killed)
    with pytest.raises(KeyboardInterrupt):
        runner.run(small, ["starts"])
    first = small.read("starts")
    assert len(first) == 2
    monkeypatch.setattr(small, "outcome", original)
    runner.run(small, ["starts"])
    assert small.read("starts")[:2] == first and len(small.read("starts")) == 3


def row(lr, dev, loss, hits="01"):
    run = {"model": "smollm2", "method": "LoRA", "lr": lr, "seed": 0}
    return run | {"dev": dev, "loss": loss, "hits": hits}


def test_the_rate_is_chosen_on_dev_and_the_loss_decides_between_equals(small, monkeypatch):
    monkeypatch.setattr(small, "rates_of", lambda model: {"LoRA": (0.1, 0.2, 0.3)})
    with pytest.raises(ValueError, match="missing: run the table rates"):
        small.best_rate("smollm2", "LoRA")
    rows = [row(0.1, 0.5, 0.9), row(0.2, 0.6, 0.8), row(0.3, 0.6, 0.7, "11")]
    again = row(0.3, 0.1, 1.0, "00") | {"seed": 1}
    small.FILE.write_text(json.dumps({"model": "tiny@1", "rates": rows, "seeds": [again]}), encoding="utf-8")
    assert small.best_rate("smollm2", "LoRA") == 0.3
    assert small.hits(small.best_runs("smollm2", "LoRA")).tolist() == [[1, 1], [0, 0]]


def test_lora_and_full_see_in_words_what_a_soft_prompt_begins_as(small):
    model, tokenizer = tiny_llama(context=512)
    front = Short().front(tokenizer)
    vectors = soft_prompts.text_start(model, tokenizer, front)
    soft = small.build(model, "prompt tuning", vectors, 0)
    assert isinstance(soft, SoftPrompted) and soft.part().equal(vectors)
    assert small.in_front(front, [{"prompt": "x", "completion": "y"}])[0]["prompt"] == front + "x"
    assert front.count("->") == len(zones.ZONES)


def test_the_best_rate_lies_inside_the_grid_where_a_method_learns():
    """On the smallest model nothing learns, and on the small one only full fine-tuning does."""
    for model in ("smollm2", "glass-box"):
        for method in soft_prompts.METHODS:
            rates = sorted(soft_prompts.rates_of(model)[method])
            assert soft_prompts.best_rate(model, method) in rates[1:-1], (model, method)


def test_no_run_is_listed_twice():
    for name, settings in soft_prompts.TABLES.items():
        assert len({json.dumps(setting) for setting in settings}) == len(settings), name
