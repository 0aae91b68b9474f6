"""The curves are measured point by point, with nested draws of records, and go on where they stopped."""

import json

import pytest

from course_utils import models
from course_utils.experiments import __main__ as command
from course_utils.experiments import curves as measuring
from course_utils.scoreboard import curves, runner, table
from course_utils.tasks import base
from course_utils.techniques.base import Result, Technique
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.tiny import tiny_llama

CALLS = []


def learns(model, tokenizer, train, seed, task, lr=1.0):
    """Knows what it was shown; notes what it was given."""
    CALLS.append((len(train), seed, lr, task.budget, {r["id"] for r in train}))
    known = train[0]["completion"]
    return Result(lambda requests: [known] * len(requests), trainable_parameters=3, examples=len(train))


@pytest.fixture
def folder(monkeypatch, tmp_path):
    CALLS.clear()
    monkeypatch.setattr(models, "load", lambda name=None: tiny_llama())
    monkeypatch.setattr(models, "fingerprint", lambda name="smollm2": f"{name}@1")
    settings = {"helpdesk": [{"lr": 1.0}, {"lr": 2.0}], "toy_desk": [{"lr": 9.0}]}
    monkeypatch.setitem(TECHNIQUES, "learns", Technique("learns", "PEFT", "03", learns, settings))
    tuning = base.results_file(base.find("helpdesk"), "tuning.json", tmp_path)
    tuning.write_text(json.dumps({"learns": {"chosen": {"lr": 2.0}}}), "utf-8")
    return tmp_path


def test_each_number_of_labels_has_its_records_steps_and_the_chosen_setting(folder):
    measuring.labels(["learns"], (25, 400), 2, 10, folder)
    assert [call[:3] for call in CALLS] == [(25, 0, 2.0), (25, 1, 2.0), (400, 0, 2.0), (400, 1, 2.0)]
    assert [call[3] for call in CALLS[::2]] == [(None, 40, 4), (None, 200, 4)]
    small, other, large, _ = (call[4] for call in CALLS)
    assert small < large and small != other, "a smaller draw is part of a larger one; seeds differ"
    rows = curves.rows("label", folder)
    assert [(r["technique"], r["records"], r["steps"], r["seed"]) for r in rows] == [
        *(("learns", 25, 40, 0), ("learns", 25, 40, 1), ("learns", 400, 200, 0), ("learns", 400, 200, 1)),
    ]
    assert rows[0]["setting"] == '{"lr": 2.0}' and rows[0]["model"] == "smollm2@1"
    values, ids = curves.items("label", "learns", 25, "form", folder)
    assert values.shape == (2, 10) and values.all() and len(ids) == 10


def test_a_killed_run_goes_on_where_it_stopped(folder, monkeypatch):
    measuring.labels(["learns"], (25,), 2, 10, folder)
    before = curves.rows("label", folder)
    measuring.labels(["learns"], (25, 100), 2, 10, folder)
    assert [call[0] for call in CALLS] == [25, 25, 100, 100]
    assert curves.rows("label", folder)[:2] == before


def test_where_nothing_is_random_all_records_are_measured_once(folder):
    measuring.labels(["nearest_copy"], (400, 1200), 2, 10, folder)
    rows = curves.rows("label", folder)
    assert [(r["records"], r["seed"]) for r in rows] == [(400, 0), (400, 1), (1200, 0)]
    assert rows[0]["steps"] == 0 and rows[0]["examples"] == 400


def test_without_a_chosen_setting_it_says_what_to_run(folder, capsys):
    (folder / "tuning.json").unlink()
    arguments = ["labels", "--technique", "learns", "--folder", str(folder)]
    assert command.main(arguments) == 2
    assert "run `python -m course_utils.scoreboard --technique learns` first" in capsys.readouterr().err
    assert command.main([*arguments, "--list"]) == 0
    assert "learns" in capsys.readouterr().out


def test_the_glass_boxes_are_tuned_on_dev_and_the_real_model_as_the_scoreboard_chose(folder, monkeypatch):
    monkeypatch.setitem(measuring.GLASS_BOX_SETTINGS, "learns", [{"lr": 5.0}, {"lr": 6.0}])
    measuring.sizes(["learns"], ("glass-box-tiny", "smollm2"), 1, 10, folder)
    trials, rows = CALLS[:2], curves.rows("size", folder)
    assert [(seed, lr) for _, seed, lr, *_ in trials] == [
        (runner.TUNING_SEED, 5.0),
        (runner.TUNING_SEED, 6.0),
    ]
    assert [lr for _, _, lr, *_ in CALLS[2:]] == [5.0, 2.0], "at a tie the first; the scoreboard's choice"
    assert [r["model"] for r in rows] == ["glass-box-tiny@1", "smollm2@1"]
    kept = json.loads((folder / "size_curve_tuning_helpdesk.json").read_text("utf-8"))
    assert len(kept["glass-box-tiny learns"]) == 2
    measuring.sizes(["learns"], ("glass-box-tiny", "smollm2"), 2, 10, folder)
    assert [seed for _, seed, *_ in CALLS[4:]] == [1, 1], "nothing is tried or measured twice"


def test_the_scoreboard_s_own_rows_are_taken_over(folder):
    runner.run(["nearest_copy"], 1, 1, folder, by_measure, task="helpdesk", model="smollm2")
    (stored,) = table.rows_done("helpdesk", folder)
    measuring.labels(["nearest_copy"], (1200,), 1, None, folder)
    (row,) = curves.rows("label", folder)
    assert row["machine"] == "there" and row["steps"] == 0, "all records and the same budget: its own row"
    measuring.sizes(["nearest_copy"], ("smollm2",), 1, None, folder)
    (row,) = curves.rows("size", folder)
    assert row["accuracy"] == pytest.approx(float(stored["accuracy"]), abs=1e-5) and row["machine"] == "there"
    values, _ = curves.items("size", "nearest_copy", row["parameters"], "routing", folder)
    assert values.mean() == pytest.approx(float(stored["routing"]), abs=1e-5)


def by_measure(technique, seed, setting, split, task, model):
    """A row of the scoreboard without a model."""
    desk = base.find(task)
    learn = TECHNIQUES[technique].learn
    records = desk.read(split)
    replies = learn(None, None, desk.read("train"), seed, desk).reply([r["prompt"] for r in records])
    items = measuring.measure.graded(records, replies, desk)
    numbers = {"accuracy": float(items["whole"].mean()), "routing": float(items["team"].mean())}
    return numbers | {"examples": 1200, "train_seconds": 1.0, "machine": "there", "versions": "v"}, items


def test_the_plan_is_the_one_that_the_figure_needs():
    assert set(measuring.STEPS) == {25, 100, 400, 1200}
    assert {"few_shot_nearest", "nearest_copy", "specialists", "prompt_tuning", "lora_all", "full"} == set(
        measuring.LABELS
    )
    assert set(measuring.SIZES) <= set(measuring.GLASS_BOX_SETTINGS)
    for name in {*measuring.LABELS, *measuring.SIZES}:
        assert TECHNIQUES[name].settings_for("helpdesk")
