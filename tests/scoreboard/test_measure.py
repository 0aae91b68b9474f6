"""One technique, one seed: what is measured, and in which process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils.scoreboard import measure
from course_utils.scoreboard import table as scoreboard
from course_utils.storage.records import write_records
from course_utils.tasks.toy_desk import generate
from tests.helpers import desk_records
from tests.helpers.desk_records import Gold
from tests.helpers.tiny import tiny_llama

TEST = desk_records.records(6, part="test")


def test_grading_keeps_hits_and_rewards_in_order():
    given = [TEST[0]["completion"], "nonsense", *(record["completion"] for record in TEST[2:])]
    items = measure.graded(TEST, given, Gold)
    assert items["whole"].tolist() == [True, False, True, True, True, True]
    assert items["gold_reward"].tolist() == [2, -1, 2, 2, 2, 2] and items["ids"][1] == "test-1"
    assert items["gold_reward"].dtype == np.float32


def test_the_divergence_from_itself_is_zero_and_from_another_model_is_not():
    model, tokenizer = tiny_llama(context=1024)
    requests, given = [TEST[0]["prompt"]], [TEST[0]["completion"]]
    assert measure.kl(model, model, tokenizer, requests, given) == pytest.approx(0)
    other = tiny_llama(seed=1, context=1024)[0]
    assert measure.kl(model, other, tokenizer, requests, given) > 1
    with torch.inference_mode():  # by hand: at " ", at "T", and where it might end
        ids = tokenizer(requests[0] + " T", return_tensors="pt")["input_ids"]
        p, q = (m(input_ids=ids).logits[0, -3:].softmax(-1) for m in (model, other))
    by_hand = float((p * (p / q).log()).sum())
    assert measure.kl(model, other, tokenizer, requests, ["T"]) == pytest.approx(by_hand, rel=1e-3)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is inherited on Linux only")
def test_the_peak_is_that_of_the_process_itself():
    ballast = np.ones(50_000_000)  # 400 MB that a child would inherit in ru_maxrss
    code = "from course_utils import scoring; print(scoring.peak_memory_mb())"
    root = Path(__file__).resolve().parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert 10 < float(said.stdout) < 300 < measure.peak_memory_mb()
    assert ballast[0] == 1


def test_a_fingerprint_names_the_weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = measure.fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert first != measure.fingerprint(str(tmp_path))
    assert measure.fingerprint("owner/model") == "owner/model"


def test_a_fresh_process_measures_every_column(tmp_path):
    for part in ("train", "dev", "test"):
        write_records(tmp_path / f"{part}.jsonl", generate.records(part)[:12])
    where = {"model": "glass-box-tiny", "desk": tmp_path}
    numbers, items = measure.in_fresh_process("majority_class", 0, {}, **where)
    known = {"technique", "lesson", "seed", "model"}
    assert set(numbers) | known == set(scoreboard.COLUMNS)
    assert set(items) == {*measure.ITEM_COLUMNS, "ids"} and len(items["ids"]) == 12
    with pytest.raises(RuntimeError, match="seed 0"):
        measure.in_fresh_process("few_shot_drawn", 0, {"k": 13}, **where)
