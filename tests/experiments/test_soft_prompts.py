"""The sweep of soft prompts measures what it says, goes on where it stopped, and mixes no two models."""

import json

import pytest

from course_utils import models
from course_utils.experiments import runner, soft_prompts
from course_utils.prompts import few_shot
from course_utils.tasks.toy_desk import replies
from tests.helpers.desk_records import Gold, records
from tests.helpers.tiny import tiny_llama

TRAIN, DEV = records(24), records(6, part="dev")
MEASURED = {"accuracy", "routing", "train_accuracy", "train_routing", "loss", "seconds"}
ONE_OF_EACH = {
    "starts": [{"start": start, "length": 5, "lr": 0.1} for start in soft_prompts.STARTS],
    "places": [{"behind": 10, "seed": 0}],
    "sizes": [{"size": "glass-box", "technique": name} for name in ("few-shot", "prompt", "full")],
    "examples": [{"count": 6, "technique": name, "seed": 1} for name in ("prompt", "prefix", "full")],
}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny model and made-up records, with one run of each kind."""
    monkeypatch.setattr(models, "load", lambda name=None: tiny_llama(context=512))
    monkeypatch.setattr(soft_prompts, "desk", lambda: (TRAIN, DEV))
    monkeypatch.setattr(models, "fingerprint", lambda: "tiny@1")
    monkeypatch.setattr(soft_prompts, "gold", Gold)
    monkeypatch.setattr(soft_prompts, "TABLES", ONE_OF_EACH)
    monkeypatch.setattr(soft_prompts, "STEPS", 2)
    monkeypatch.setattr(soft_prompts, "FILE", tmp_path / "soft_prompts.json")
    return soft_prompts


def test_every_run_is_kept_with_what_was_measured(small):
    runner.run(small, list(ONE_OF_EACH))
    for name, settings in ONE_OF_EACH.items():
        rows = small.read(name)
        assert len(rows) == len(settings)
        for row, setting in zip(rows, settings):
            assert setting.items() <= row.items() and set(row) - set(setting) == MEASURED
            assert (row["loss"] is None) == (row.get("technique") == "few-shot")


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


def test_runs_of_other_weights_are_refused(small):
    small.FILE.write_text(json.dumps({"model": "tiny@2", "places": []}), encoding="utf-8")
    with pytest.raises(ValueError, match="tiny@2"):
        runner.run(small, ["places"])
    assert json.loads(small.FILE.read_text(encoding="utf-8")) == {"model": "tiny@2", "places": []}


@pytest.mark.parametrize("length", [3, 40, 300])
@pytest.mark.parametrize("start", soft_prompts.STARTS)
def test_a_start_has_the_length_asked_for(small, monkeypatch, start, length):
    monkeypatch.setattr(small, "outcome", lambda soft, *rest, **named: soft)
    assert len(small.starts(TRAIN, DEV, start, length, 0.1).part()) == length


def test_few_shot_is_the_start_of_prompt_tuning(small, monkeypatch):
    monkeypatch.setattr(small, "outcome", lambda soft, *rest, **named: soft)
    few, prompt = (small.sizes(TRAIN, DEV, "glass-box", name) for name in ("few-shot", "prompt"))
    assert few.part().equal(prompt.part())
    text = few_shot.few_shot_prompt(replies.stratified(TRAIN, soft_prompts.SHOTS, 0), "").rsplit("\n\n", 1)[0]
    assert len(few.part()) == len(text.encode())


def test_the_lists_hold_what_the_lesson_draws():
    assert {row["length"] for row in soft_prompts.TABLES["starts"]} == {5, 20, 60}
    assert len({row["lr"] for row in soft_prompts.TABLES["starts"]}) >= 2
    assert {row["count"] for row in soft_prompts.TABLES["examples"]} == {50, 100, 200, 500}
    assert {row["seed"] for row in soft_prompts.TABLES["examples"]} == {0, 1, 2}
    for name, settings in soft_prompts.TABLES.items():
        assert len({json.dumps(setting) for setting in settings}) == len(settings), name
