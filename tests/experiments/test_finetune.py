"""The sweep stores what it should, skips what is there, and its parts do what their names say."""

import functools
import itertools
import json

import pytest
import torch

from course_utils import models
from course_utils.experiments import __main__ as command
from course_utils.experiments import finetune, runner
from course_utils.finetune import few_records
from course_utils.tasks import instructions, retention
from tests.helpers.desk_records import Gold, records
from tests.helpers.tiny import tied_llama

COLUMNS = {
    "examples": {"right", "team_right", "n", "train_right", "train_n", "trained", "loss", "seconds"},
    "noise": {"right", "team_right", "n", "train_right", "train_n", "trained", "loss", "seconds"},
    "forgetting": {"right", "team_right", "n", "retention", "trained", "seconds"},
    "instructions": {"before", "after", "n", "seconds"},
    "custom": {"before", "after", "n", "records_before", "records_after", "records_n", "seconds"},
    "lora": {"right", "team_right", "n", "trained", "seconds"},
}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny random model, few records and few steps."""
    monkeypatch.setattr(finetune, "FILE", tmp_path / "fine_tuning.json")
    monkeypatch.setattr(finetune, "gold", Gold)
    monkeypatch.setattr(finetune, "desk", lambda: [records(48), records(6, part="dev")])
    monkeypatch.setattr(finetune.models, "load", lambda *arguments: tied_llama())
    sizes = {
        "STEPS": 2,
        "LONGER": 2,
        "ITEMS": 4,
        "ON_TRAIN": 4,
        "KEPT": 1,
        "PER_FAMILY": 1,
        "TOLD": 16,
        "REPLAYED": 6,
    }
    for name, value in (sizes | {"BATCH": 8, "ROOM": 4}).items():
        monkeypatch.setattr(finetune, name, value)
    monkeypatch.setattr(few_records, "COPIES", 1)
    monkeypatch.setattr(finetune, "stratified", lambda train, count, seed: train[: min(count, 24)])
    # A byte is a token here, so long items are cut.
    monkeypatch.setattr(
        retention, "measure", lambda model, tokenizer, count: {"a": [True] * count, "b": [False] * count}
    )
    monkeypatch.setattr(instructions, "ROOM", 2)
    monkeypatch.setattr(few_records, "replies", lambda model, tokenizer, asked: ["?"] * len(asked))
    monkeypatch.setattr(finetune, "untouched", functools.cache(finetune.untouched.__wrapped__))
    firsts = {
        "examples": [{"count": 50, "seed": 0}],
        "noise": [{"noise": 0.3, "seed": 1}],
        "forgetting": [{"depth": depth, "seed": 0} for depth in ("untouched", "head", "full with replay")],
        "instructions": [{"mixture": "even", "seed": 0}],
        "custom": [{"method": "lora", "form": "reworded", "seed": 0}],
        "lora": [{"rank": 4, "steps": 2, "seed": 0}, {"rank": None, "steps": 2, "seed": 0}],
    }
    monkeypatch.setattr(finetune, "TABLES", firsts)
    return firsts


def test_every_table_stores_its_columns(small):
    assert all(finetune.read(name) == [] for name in small)
    runner.run(finetune, list(small))
    for name, settings in small.items():
        rows = finetune.read(name)
        assert len(rows) == len(settings)
        for setting, row in zip(settings, rows):
            assert setting.items() <= row.items() and COLUMNS[name] <= row.keys() | {"loss", "seconds"}
            assert 0 <= row.get("right", 0) <= row["n"]
    (told,) = finetune.read("instructions")
    assert set(told["before"]) == set(told["after"]) == set(instructions.FAMILIES)


def test_a_run_that_is_there_is_skipped(small, monkeypatch):
    done = []
    monkeypatch.setattr(
        finetune, "RUNS", {"examples": lambda **setting: done.append(setting) or {"right": 1}}
    )
    monkeypatch.setitem(small, "examples", [{"count": 50, "seed": seed} for seed in range(3)])
    stored = {"examples": [{"count": 50, "seed": 1, "right": 9}], "other": [1]}
    finetune.FILE.write_text(json.dumps({"model": models.fingerprint()} | stored))
    runner.run(finetune, ["examples"])
    runner.run(finetune, ["examples"])
    assert done == [{"count": 50, "seed": 0}, {"count": 50, "seed": 2}]
    assert [row["right"] for row in finetune.read("examples")] == [9, 1, 1]
    assert finetune.read("other") == [1]
    finetune.FILE.write_text(json.dumps({"model": "another@1"} | stored))
    with pytest.raises(ValueError, match="another@1"):
        runner.run(finetune, ["examples"])


def test_a_killed_sweep_keeps_its_runs(small, monkeypatch):
    def run(seed, count):
        if seed == 2:
            raise KeyboardInterrupt
        return {"right": seed}

    monkeypatch.setattr(finetune, "RUNS", {"examples": run})
    monkeypatch.setitem(small, "examples", [{"count": 50, "seed": seed} for seed in range(3)])
    with pytest.raises(KeyboardInterrupt):
        runner.run(finetune, ["examples"])
    assert [row["seed"] for row in finetune.read("examples")] == [0, 1]


def test_listing_runs_nothing(small, capsys):
    command.main(["finetune", "--list", "--table", "examples", "custom"])
    assert capsys.readouterr().out.split("\n")[0].split() == ["examples", "0", "of", "1", "runs"]
    assert not finetune.FILE.exists()


def test_a_depth_trains_its_own_parameters(small):
    (_, head), (_, full) = (
        finetune.desk_run(depth, *[finetune.desk()[0][:8]] * 2, finetune.desk()[1], 0, 2)
        for depth in ("head", "full")
    )
    assert head["trained"] == 258 * 32 < full["trained"]


def test_swapping_moves_completions_and_nothing_else():
    clean = [{"id": str(i), "prompt": f"p{i}", "completion": f"c{i}"} for i in range(20)]
    assert finetune.swapped(clean, 0.0, 0) == clean
    noisy = finetune.swapped(clean, 0.3, 0)
    assert sum(a != b for a, b in zip(clean, noisy)) == 6
    assert [row["prompt"] for row in noisy] == [row["prompt"] for row in clean]
    assert sorted(row["completion"] for row in noisy) == sorted(row["completion"] for row in clean)
    assert noisy != finetune.swapped(clean, 0.3, 1) and clean[0]["completion"] == "c0"


def test_replay_counts_every_token_and_holds_no_item_of_the_suite():
    _, tokenizer = tied_llama()
    found = finetune.replay(tokenizer, 40, seed=0)
    assert found == finetune.replay(tokenizer, 40, seed=0) != finetune.replay(tokenizer, 40, seed=1)
    assert all(sum(e["mask"]) == len(e["input_ids"]) <= finetune.WIDTH for e in found)
    texts = " ".join(text for _, text in itertools.islice(finetune.mix.documents("replay 0", 0), 200))
    for name in ("relation, 4 shots", "word problem, 2 steps, reasoning", "English to German"):
        assert not any(item.prompt in texts for item in retention.items(name))


def test_replay_goes_over_the_desk_as_often(small, monkeypatch):
    steps = []
    real = finetune.training.train
    monkeypatch.setattr(
        finetune.training, "train", lambda *a, **k: steps.append((len(a[1]), k["steps"])) or real(*a, **k)
    )
    train, dev = finetune.desk()
    for depth in ("full", "full with replay"):
        finetune.desk_run(depth, train, train, dev, 0, 2)
    (plain, few), (mixed, more) = steps
    assert plain == 48 and few == 2 and mixed > plain and more == round(few * mixed / plain)


def test_the_drop_is_paired_with_the_untouched_model(small):
    rows = [
        {"depth": "untouched", "seed": 0, "retention": {"a": "1111", "b": "1100"}},
        {"depth": "full", "seed": 0, "retention": {"a": "1001", "b": "1100"}},
    ]
    with pytest.raises(LookupError, match="untouched"):
        finetune.retention_drop(rows[1])
    finetune.FILE.write_text(json.dumps({"forgetting": rows}))
    drop, low, high = finetune.retention_drop(rows[1])
    assert drop == pytest.approx(0.25) and low < drop < high
    assert finetune.retention_drop(rows[0])[0] == 0


def test_the_settings_are_those_of_the_issue():
    tables = finetune.TABLES
    assert [len(tables[name]) for name in tables] == [30, 9, 19, 9, 22, 12]
    assert all(len({json.dumps(s) for s in table}) == len(table) for table in tables.values())
    assert set(finetune.RUNS) == set(tables)


def test_the_seed_decides(small):
    losses = []
    for seed in (0, 0, 1):
        torch.manual_seed(99)
        losses.append(finetune.examples(50, seed)["loss"])
    assert losses[0] == losses[1] != losses[2]
