"""The techniques with synthetic records: what they add, and what they say that they used."""

import pytest

from course_utils.ai_feedback import synthetic_data
from course_utils.tasks import base
from course_utils.techniques import registry, synthetic
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import tiny_llama

TRAIN = records(40)
SIZES = base.Synthesis(seeds=10, added=8, steps=3)
SYNTHETIC = [
    record | {"generation": 1, "prompt": record["prompt"].replace("Is it", f"Was it {i} times")}
    for i, record in enumerate(records(12, seed=5))
] + [{"id": "m", "prompt": "Message: x\nRecord:", "completion": "", "generation": 1}]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(synthetic_data, "teach", lambda model, tokenizer, seeds, seed: seeds)
    monkeypatch.setattr(synthetic_data, "generate_records", lambda teacher, *a, **k: SYNTHETIC)
    valid = [record for record in SYNTHETIC if record["completion"]][4:]
    monkeypatch.setattr(synthetic_data, "valid", lambda records, seeds, checker: valid)


@pytest.mark.parametrize(
    "name, made", [("synthetic_filtered", 8), ("synthetic_unfiltered", 8), ("synthetic_real_control", 0)]
)
def test_equally_many_are_added_and_only_real_ones_count(quick, name, made):
    model, tokenizer = tiny_llama(context=512)
    result = registry.find(name).learn(model, tokenizer, TRAIN, 0, TASK, sizes=SIZES)
    seeds, added = result.choice["seeds"], result.choice["added"]
    assert len(seeds) == 10 and len(added) == 8
    assert sum("generation" in record for record in added) == made
    assert result.examples == 18 - made and result.labels == 0 and result.train_seconds > 0
    asked = {record["prompt"] for record in seeds}
    assert not asked & {record["prompt"] for record in added}, "no record twice"
    assert all(record["completion"] for record in added)
    assert result.reply([TRAIN[0]["prompt"]]) == result.reply([TRAIN[0]["prompt"]])


def test_the_filter_filters(quick):
    model, tokenizer = tiny_llama(context=512)
    passed = synthetic.synthetic_filtered(model, tokenizer, TRAIN, 0, TASK, sizes=SIZES).choice["added"]
    model, tokenizer = tiny_llama(context=512)
    plain = synthetic.synthetic_unfiltered(model, tokenizer, TRAIN, 0, TASK, sizes=SIZES).choice["added"]
    assert passed == SYNTHETIC[4:12] and plain == SYNTHETIC[:8]


def test_the_teacher_reads_the_seeds_alone(quick, monkeypatch):
    read = []
    monkeypatch.setattr(synthetic_data, "teach", lambda model, tokenizer, seeds, seed: read.append(seeds))
    model, tokenizer = tiny_llama(context=512)
    result = synthetic.synthetic_filtered(model, tokenizer, TRAIN, 1, TASK, sizes=SIZES)
    assert read == [result.choice["seeds"]]


def test_six_settings_each():
    for technique in synthetic.TECHNIQUES:
        assert technique.lesson == "06" and len(technique.settings["toy_desk"]) == 6
