"""One technique, one seed: what is measured, and in which process."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.scoreboard import columns, measure
from course_utils.storage.records import write_records
from course_utils.tasks import base
from course_utils.tasks.toy_desk import generate
from course_utils.techniques import registry
from course_utils.techniques.base import Result
from tests.helpers import desk_records
from tests.helpers.desk_records import TASK
from tests.helpers.tiny import tiny_llama

TEST = desk_records.records(6, part="test")


def test_grading_keeps_hits_and_rewards_in_order():
    replies = [TEST[0]["completion"], "nonsense", *(record["completion"] for record in TEST[2:])]
    items = measure.graded(TEST, replies, TASK)
    assert items["whole"].tolist() == [True, False, True, True, True, True]
    assert items["gold_reward"].tolist() == [2, -1, 2, 2, 2, 2] and items["ids"][1] == "test-1"
    assert items["gold_reward"].dtype == np.float32


def test_the_divergence_from_itself_is_zero_and_from_another_model_is_not():
    model, tokenizer = tiny_llama(context=1024)
    texts, replies = [TEST[0]["prompt"]], [TEST[0]["completion"]]
    assert measure.kl(model, model, tokenizer, texts, replies) == pytest.approx((0, 0))
    other = tiny_llama(seed=1, context=1024)[0]
    assert measure.kl(model, other, tokenizer, texts, replies)[0] > 1
    with torch.inference_mode():  # by hand: at " ", at "T", and where it might end
        ids = tokenizer(texts[0] + " T", return_tensors="pt")["input_ids"]
        p, q = (m(input_ids=ids).logits[0, -3:].softmax(-1) for m in (model, other))
    by_hand = float((p * (p / q).log()).sum())
    both = measure.kl(model, other, tokenizer, texts, [" T"])
    assert both == pytest.approx((by_hand, by_hand / 3), rel=1e-3)


def test_what_is_forgotten_is_the_fall_of_the_suite_and_twice_where_it_grades_twice():
    once = measure.retention_drops({"a": [1, 1], "b": [1, 0]}, {"a": [1, 0], "b": [0, 0]})
    assert once == {"retention_drop": 0.5}
    before = {"a": {"strict": [1, 1], "lenient": [1, 1]}}
    after = {"a": {"strict": [0, 0], "lenient": [1, 0]}}
    assert measure.retention_drops(before, after) == {"retention_drop": 0.5, "format_drop": 1.0}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is inherited on Linux only")
def test_the_peak_is_that_of_the_process_itself():
    ballast = np.ones(50_000_000)  # 400 MB that a child would inherit in ru_maxrss
    code = "from course_utils.scoreboard import measure; print(measure.peak_memory_mb())"
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert 10 < float(said.stdout) < 300 < measure.peak_memory_mb()
    assert ballast[0] == 1


def test_a_fresh_process_measures_every_column(tmp_path):
    for part in ("train", "dev", "test"):
        write_records(tmp_path / f"{part}.jsonl", generate.records(part)[:12])
    where = {"task": "toy_desk", "model": "glass-box-tiny", "folder": tmp_path}
    numbers, items = measure.in_fresh_process("majority_class", 0, {}, **where)
    known = {"technique", "lesson", "seed", "model"}
    assert set(numbers) | known == set(columns.COLUMNS)
    assert set(items) == {*columns.item_names(TASK).values(), "ids"} and len(items["ids"]) == 12
    with pytest.raises(RuntimeError, match="seed 0"):
        measure.in_fresh_process("few_shot", 0, {"k": 13}, **where)


def test_a_trial_has_its_own_budget_and_items(tmp_path, monkeypatch):
    for part in ("train", "dev"):
        write_records(tmp_path / f"{part}.jsonl", generate.records(part)[:12])
    budgets = []

    def learn(model, tokenizer, train, seed, task):
        budgets.append(task.budget)
        return Result(lambda requests: [train[0]["completion"]] * len(requests))

    short = replace(TASK, folder=tmp_path, trial=base.Budget(4, 2, 2), dev_items=5)
    monkeypatch.setattr(measure.base, "find", lambda name: short)
    monkeypatch.setattr("course_utils.models.load", lambda name: tiny_llama())
    monkeypatch.setitem(registry.TECHNIQUES, "own", registry.Technique("own", "control", "99", learn, {}))
    numbers, items = measure.measure("own", 0, {}, "dev", "toy_desk")
    assert budgets == [short.trial] and len(items["ids"]) == 5
    assert set(numbers) == set(columns.SCORES), "no costs are measured on dev"
    assert len(measure.measure("own", 0, {}, "dev", "toy_desk", limit=3)[1]["ids"]) == 3


def test_the_machine_says_in_which_format_was_trained(monkeypatch):
    monkeypatch.setattr("course_utils.storage.number_formats.bf16_is_native", lambda kind: True)
    assert measure.machine(1).endswith("1 threads, fp32")
    assert measure.machine(1, bf16=True).endswith("1 threads, bf16")
