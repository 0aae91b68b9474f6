"""Sampling the help desk's pairs: split by message, resumable, and the stored file holds what it says."""

from dataclasses import replace

import pytest

from course_utils.rlhf import sample_pairs
from course_utils.tasks import base
from course_utils.tasks.helpdesk import preferences
from tests.helpers.tiny import tiny_llama

DESK = base.find("helpdesk")
SIZES = DESK.feedback._replace(records=8, sft_steps=2, sft_batch=4, room=6)
TASK = replace(DESK, feedback=SIZES)
RECORDS = {record["id"]: record for part in ("train", "dev") for record in DESK.read(part)}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(preferences, "labeled", lambda record, one, other: {"record": record["id"]})


def test_it_continues_where_it_stopped(monkeypatch):
    asked, real = [], sample_pairs.generate

    def generate(model, tokenizer, texts, **options):
        asked.append(texts)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(model, tokenizer, texts, **options)

    monkeypatch.setattr(sample_pairs, "generate", generate)
    counts = {"train": 30, "held_out": 5}
    with pytest.raises(KeyboardInterrupt):
        sample_pairs.build(*tiny_llama(context=4096), TASK, counts)
    pairs = sample_pairs.build(*tiny_llama(context=4096), TASK, counts)
    assert len(asked) == 4, "the first batch was not sampled again"
    assert [pair["split"] for pair in pairs] == ["train"] * 30 + ["held_out"] * 5
    assert len({pair["record"] for pair in pairs}) == 35
    assert pairs == sample_pairs.build(*tiny_llama(context=4096), TASK, counts) and len(asked) == 4


def test_too_few_messages_are_said(monkeypatch):
    monkeypatch.setattr(sample_pairs.adapter_layer, "parameters", lambda *arguments: [])
    with pytest.raises(ValueError, match="300 messages gave only 300 pairs, and 301"):
        sampler = sample_pairs.Sampler(None, None, TASK, 0, 1.0, "")
        sampler.replies = lambda batch: [("a", "b") for _ in batch]
        sampler.pairs(DESK.read("dev"), 301)
