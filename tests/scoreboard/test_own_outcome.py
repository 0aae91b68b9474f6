"""Verdicts against the cheap baselines: a lucky constant must not look like skill."""

import numpy as np
import pytest

from course_utils.scoreboard import own_outcome
from course_utils.scoreboard.own_outcome import Outcome

COSTS = dict.fromkeys(own_outcome.COSTS, 0)
ITEMS = np.arange(100)


def outcome(groups=None, **hits):
    made = Outcome(groups, "m")
    for name, right in hits.items():
        made.add(name, {}, np.atleast_2d(right), [], COSTS)
    return made


def test_labels_of_68_to_32_do_not_fool_it():
    """A model that learned the majority, with four lucky records, is right on .72, and shows nothing."""
    constant = ITEMS < 68
    lucky = constant.copy()
    lucky[[80, 81, 82, 83]] = True
    found = outcome(majority=constant, lora_all=lucky, constant_too=constant)
    said = " ".join(found.verdict())
    assert "lora_all: cannot be told from majority (+0.04" in said
    assert "constant_too: cannot be told from majority (+0.00" in said
    assert "Nothing here beats majority" in said


def test_what_beats_all_baselines_is_said_and_one_seed_is_named():
    found = outcome(majority=ITEMS < 68, tfidf_classifier=ITEMS < 75, lora_all=ITEMS < 95)
    assert found.verdict() == [
        "lora_all: better than tfidf_classifier (+0.20, +0.12 to +0.29).",
        "With one seed, the luck of the seed is in no interval: run several (seeds=3).",
    ]
    several = outcome(majority=ITEMS < 68, lora_all=np.tile(ITEMS < 95, (3, 1)))
    assert len(several.verdict()) == 1


def test_the_strongest_baseline_counts():
    found = outcome(majority=ITEMS < 50, tfidf_classifier=ITEMS < 95, lora_all=ITEMS < 80)
    assert found.verdict()[0].startswith("lora_all: worse than tfidf_classifier")
    assert "Nothing here beats tfidf_classifier" in found.verdict()[1]


def test_few_records_are_never_certain():
    """Five right against five wrong: the bootstrap would call it exactly 1."""
    value, low, high = outcome(majority=np.zeros(5), x=np.ones(5)).compare("x", "majority")
    assert value == 1 and low < 0.6 and high == 1
    assert outcome(majority=np.ones(5)).rows[0]["low"] == pytest.approx(0.566, abs=0.001)  # Wilson


def test_groups_widen_the_interval():
    hits = ITEMS % 10 < 6  # whole groups are right or wrong
    alone, grouped = (
        outcome(groups=g, majority=np.zeros(100), x=hits) for g in (None, [str(i % 10) for i in ITEMS])
    )
    (_, low, high), (_, wide_low, wide_high) = (o.compare("x", "majority") for o in (alone, grouped))
    assert wide_high - wide_low > 2 * (high - low)


def test_a_saved_run_is_the_same(tmp_path):
    found = outcome(groups=[str(i // 2) for i in ITEMS], majority=ITEMS < 50, x=np.tile(ITEMS < 60, (2, 1)))
    found.notes.append("a note")
    found.save(tmp_path / "new")
    again = own_outcome.load(tmp_path / "new")
    assert repr(again) == repr(found) and again.groups == found.groups
    assert again.compare("x", "majority") == found.compare("x", "majority")
    with pytest.raises(FileNotFoundError, match="holds no run of your own: make one with"):
        own_outcome.load(tmp_path)
