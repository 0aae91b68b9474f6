"""The sweep of lesson 08 measures what it says, and its stored rows are complete."""

import pytest
import torch

from course_utils import models
from course_utils.experiments import runner, scaling
from course_utils.scaling import measured_step, memory_planner
from course_utils.tasks import english_retention
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny model, with one run of each kind."""
    monkeypatch.setattr(scaling, "real_model", lambda: tiny_llama(context=2048))
    monkeypatch.setattr(models, "fingerprint", lambda name: "tiny@1")
    monkeypatch.setattr(english_retention, "measure", lambda *_: {"x": {"strict": [True, False]}})
    monkeypatch.setattr(
        measured_step, "in_fresh_process", lambda *_: {"counted": {"weights": 3, "moments": 4}, "resident": 8}
    )
    for name, value in dict(RECORDS=4, ITEMS=2, FILE=tmp_path / "scaling.json").items():
        monkeypatch.setattr(scaling, name, value)
    qlora = [{"method": method, "seed": 0} for method in ("LoRA", "QLoRA")]
    planner = [{"name": "glass-box-tiny", "method": "full", "batch": 1, "length": 8}]
    monkeypatch.setattr(
        scaling, "TABLES", {"formats": scaling.TABLES["formats"], "qlora": qlora, "planner": planner}
    )
    return scaling


def test_every_run_is_kept_with_what_was_measured(small):
    runner.run(small, list(small.TABLES))
    sizes = {row["format"]: row["bytes"] for row in small.read("formats")}
    assert sizes["fp32"] == 2 * sizes["bf16"] and sizes["8 bits"] > sizes["4 bits (NF4)"]
    assert {row["hits"] for row in small.read("formats")} == {"10"}
    by_method = {row["method"]: row for row in small.read("qlora")}
    assert by_method["QLoRA"]["bytes"] < by_method["LoRA"]["bytes"]
    assert all(set(row["team"]) <= {"0", "1"} and len(row["team"]) == 2 for row in by_method.values())
    (plan,) = small.read("planner")
    assert plan["counted"] == 7 and plan["resident"] == 8 and plan["planned"] > 0


def test_runs_leave_the_base_model_as_it_was(small, monkeypatch):
    model, tokenizer = tiny_llama(context=2048)
    monkeypatch.setattr(scaling, "real_model", lambda: (model, tokenizer))
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    scaling.formats("4 bits (NF4)")
    scaling.qlora("QLoRA", 0)
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_all_runs_are_stored():
    for name, settings in scaling.TABLES.items():
        assert len(scaling.read(name)) == len(settings), name
    assert {row["method"] for row in scaling.read("planner")} == set(memory_planner.METHODS)
