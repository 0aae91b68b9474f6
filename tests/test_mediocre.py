"""Mediocre records: each quality is what it says, and knowledge has its tiers."""

from collections import Counter

import pytest

from course_utils import data, mediocre
from course_utils.desk import company, gold
from course_utils.paths import DATA

TRAIN = data.read_records(DATA / "desk" / "train.jsonl")
EXPECTED = {
    "good": "right",
    "hedged": "right, hedged",
    "wrong": "wrong",
    "rude": "right",
    "unsigned": "right",
}


@pytest.fixture(scope="module")
def worse():
    return mediocre.records(TRAIN)


def test_each_quality_has_its_verdict_and_its_price(worse):
    known = {record["id"]: record for record in TRAIN}
    for record in worse:
        own, quality = known[record["id"]], record["quality"]
        found, reward = gold.verdict(own, record["completion"]), gold.gold_reward(own, record["completion"])
        if quality == "declined":
            assert found == ("right" if own["skill"] == "unanswerable" else "declined")
        elif quality == "wrong" and record["completion"] == own["completion"]:
            assert own["skill"] == "unanswerable"  # its answers are all right
        else:
            assert found == EXPECTED[quality], (quality, record)
        assert (reward == 1) <= (quality in ("good", "declined", "wrong"))
        if quality in ("rude", "unsigned"):
            assert reward == {"rude": 0, "unsigned": 0.5}[quality], record


def test_the_shares_are_those_stated(worse):
    counts = Counter(record["quality"] for record in worse)
    for quality, share in mediocre.QUALITIES.items():
        assert abs(counts[quality] / len(worse) - share) < 0.03
    assert sum(mediocre.QUALITIES.values()) == pytest.approx(1)


def test_records_are_seeded_and_the_given_ones_stay(worse):
    before = [record["completion"] for record in TRAIN]
    assert mediocre.records(TRAIN) == worse != mediocre.records(TRAIN, seed=1)
    assert [record["completion"] for record in TRAIN] == before


def test_withheld_facts_are_never_taught_and_rare_ones_twice():
    known = mediocre.tiers()
    assert Counter(known.values()) == {"known": 18, "rare": 6, "withheld": 6}
    asked = [record for record in mediocre.thinned(TRAIN, known) if record["skill"] == "facts"]
    taught = Counter(record["facts"][0] for record in asked)
    products = {}
    for key, level in known.items():
        assert (taught[key] == 0) == (level == "withheld")
        assert (taught[key] == mediocre.RARE_COPIES) == (level == "rare")
        assert level == "known" or company.FACTS[key].subject != company.NAME
        products.setdefault(company.FACTS[key].subject, set()).add(level)
    assert all(len(levels) == 1 for levels in products.values()), "a product is known, or it is not"
    assert known != mediocre.tiers(seed=1)
    assert mediocre.tier(TRAIN[0], known) is None  # it asks for no fact


def test_new_messages_are_new_and_in_wordings_that_were_taught():
    found = {use: mediocre.messages(TRAIN, use) for use in mediocre.USES}
    prompts = [record["prompt"] for some in (TRAIN, *found.values()) for record in some]
    assert len(set(prompts)) == len(prompts)
    assert min(map(len, found.values())) > 1300
    facts = Counter(mediocre.tiers()[r["facts"][0]] for r in found["questions"] if r["skill"] == "facts")
    assert min(facts.values()) >= 20 and facts["known"] > 60
    openings = {record["prompt"][:14] for record in TRAIN}
    assert sum(record["prompt"][:14] in openings for record in found["pairs"]) > 0.8 * len(found["pairs"])
    assert found["policy"] == mediocre.messages(TRAIN)
    with pytest.raises(ValueError):
        mediocre.messages(TRAIN, "another")
