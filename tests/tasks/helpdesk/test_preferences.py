"""Preference pairs of the help desk: the better reply is chosen, with a reason that is true."""

import random

import pytest

from course_utils.rlhf import sample_pairs
from course_utils.tasks import base
from course_utils.tasks.helpdesk import gold, mixed_quality, preferences

TASK = base.find("helpdesk")
TRAIN = TASK.read("train")


def flawed(flaw, record):
    return mixed_quality.worsened(record, flaw, random.Random(0))


@pytest.mark.parametrize(
    "flaw, words",
    [
        ("rambling", "is too long"),
        ("name left out", "leaves out the name"),
        ("number invented", "invents a number"),
        ("refund promised", "promises a refund"),
    ],
)
def test_the_flaw_is_the_reason(flaw, words):
    record = next(r for r in TRAIN if r["name"])
    for replies in (
        (record["completion"], flawed(flaw, record)),
        (flawed(flaw, record), record["completion"]),
    ):
        pair = preferences.labeled(record, *replies)
        assert (
            pair["chosen"] == record["completion"]
            and pair["rejected"].strip() == flawed(flaw, record).strip()
        )
        assert pair["chosen_gold"] == 1.0 > pair["rejected_gold"] and words in pair["reason"]


def test_what_is_worth_the_same_is_no_pair():
    record = TRAIN[0]
    assert preferences.labeled(record, record["completion"], record["completion"]) is None


def test_the_better_one_may_have_faults_of_its_own():
    record = next(r for r in TRAIN if r["name"] and r["order"])
    one = flawed("name left out", record)
    why = preferences.reason(record, one, "nonsense")
    assert why == "the other one is not in the form, though this one leaves out the name"
    both = preferences.reason(record, record["completion"], flawed("refund promised", record))
    assert both.startswith("the other one") and "though" not in both
    assert set(preferences.WORDS) >= set(gold.PENALTIES)


def test_every_worse_way_of_the_worsener_breaks_something():
    worsen, rng = mixed_quality.worsener(TRAIN), random.Random(1)
    worse = [(record, worsen(record, rng)) for record in TRAIN[:80]]
    changed = [(record, reply) for record, reply in worse if reply != record["completion"]]
    assert len(changed) > 50
    for record, reply in changed:
        assert gold.grade(record, reply)["form"] and not gold.grade(record, reply)["whole"]


def test_the_stored_pairs_are_what_the_rules_say_of_them():
    pairs, records = TASK.pairs(), {r["id"]: r for r in TRAIN + TASK.read("dev")}
    assert len({pair["id"] for pair in pairs}) == len({pair["record"] for pair in pairs}) == len(pairs)
    for pair in pairs:
        again = preferences.labeled(records[pair["record"]], pair["rejected"], pair["chosen"])
        assert again == {name: pair[name] for name in again}, pair["id"]
        assert pair["record"].startswith(sample_pairs.SPLITS[pair["split"]])
    assert (len(TASK.pairs("train")), len(TASK.pairs("held_out"))) == (300, 100)
    shown = TASK.sample(TRAIN, TASK.feedback.records, sample_pairs.SEED)  # what the sampled model was taught
    assert not {record["id"] for record in shown} & {pair["record"] for pair in pairs}
