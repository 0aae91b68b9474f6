"""The sweep of PEFT measures what it says, and its grids have their best rate inside."""

import pytest

from course_utils import models
from course_utils.experiments import peft, runner
from course_utils.tasks import extractive_qa, retention
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny model, with one run of each kind."""
    monkeypatch.setattr(models, "load", lambda name=None: tiny_llama(context=512))
    monkeypatch.setattr(models, "fingerprint", lambda name: "tiny@1")
    monkeypatch.setattr(
        peft, "passages", lambda: (extractive_qa.notes(8, "train"), extractive_qa.notes(3, "dev"))
    )
    monkeypatch.setattr(retention, "measure", lambda model, tokenizer, count: {"x": [1, 0]})
    monkeypatch.setattr(peft, "STEPS", 2)
    monkeypatch.setattr(peft, "ITEMS", 3)
    monkeypatch.setattr(peft, "FILE", tmp_path / "peft.json")
    rates = [{"method": method, "lr": 1e-3, "seed": 0} for method in peft.RATES]
    ranks = [{"targets": t, "rank": 2, "lr": 1e-3, "seed": 0} for t in ("q and v", "all layers", "full")]
    monkeypatch.setattr(peft, "TABLES", {"base": [{"model": "glass box"}], "ranks": ranks, "rates": rates})
    return peft


def test_every_run_is_kept_with_what_was_measured(small):
    runner.run(small, list(small.TABLES))
    assert {"exact", "kept"} <= set(small.read("base")[0])
    for table in ("ranks", "rates"):
        assert len(small.read(table)) == len(small.TABLES[table])
        for row in small.read(table):
            assert {"exact", "hits", "loss", "parameters", "seconds"} <= set(row)
    assert all(row["kept"] == {"x": 0.5} for row in small.read("ranks"))
    counts = {row["method"]: row["parameters"] for row in small.read("rates")}
    assert counts["IA3"] < counts["LoRA"] == counts["LoRA, 8 times alpha"] < counts["full"]


@pytest.mark.parametrize("method", peft.RATES)
def test_the_best_stored_rate_is_inside_its_grid(method):
    rows = sorted((row["lr"], row["exact"]) for row in peft.read("rates") if row["method"] == method)
    best = max(range(len(rows)), key=lambda i: rows[i][1])
    assert len(rows) == len(peft.RATES[method]) and 0 < best < len(rows) - 1


def test_the_best_rate_of_each_rank_is_inside_its_grid():
    best = peft.best_of_ranks()
    assert len(best) == 2 * len(peft.RANKS) + 1
    for row in best:
        grid = peft.RATES["full"] if row["targets"] == "full" else peft.RANK_RATES
        assert min(grid) < row["lr"] < max(grid), (row["targets"], row["rank"])


def test_the_best_of_ranks_is_chosen_on_dev(monkeypatch):
    rows = [
        {"targets": "q and v", "rank": 1, "lr": lr, "exact": e} for lr, e in ((1, 0.2), (2, 0.5), (3, 0.5))
    ]
    monkeypatch.setattr(peft, "read", lambda table: rows)
    assert peft.best_of_ranks() == [rows[1]]
