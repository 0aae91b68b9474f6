"""Mediocre records: each quality is what it says, and knowledge has its tiers."""

from collections import Counter

import pytest

from course_utils.tasks.toy_desk import company, gold, noisy_demonstrations
from course_utils.tasks.toy_desk.records import read as read_desk

TRAIN = read_desk("train")
EXPECTED = {
    "good": "right",
    "hedged": "right, hedged",
    "wrong": "wrong",
    "rude": "right",
    "unsigned": "right",
}


@pytest.fixture(scope="module")
def worse():
    return noisy_demonstrations.records(TRAIN)


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
    for quality, share in noisy_demonstrations.QUALITIES.items():
        assert abs(counts[quality] / len(worse) - share) < 0.03
    assert sum(noisy_demonstrations.QUALITIES.values()) == pytest.approx(1)


def test_records_are_seeded_and_the_given_ones_stay(worse):
    before = [record["completion"] for record in TRAIN]
    assert noisy_demonstrations.records(TRAIN) == worse != noisy_demonstrations.records(TRAIN, seed=1)
    assert [record["completion"] for record in TRAIN] == before


def test_withheld_facts_are_never_taught_and_rare_ones_twice():
    known = noisy_demonstrations.tiers()
    assert Counter(known.values()) == {"known": 18, "rare": 6, "withheld": 6}
    asked = [record for record in noisy_demonstrations.thinned(TRAIN, known) if record["skill"] == "facts"]
    taught = Counter(record["facts"][0] for record in asked)
    products = {}
    for key, level in known.items():
        assert (taught[key] == 0) == (level == "withheld")
        assert (taught[key] == noisy_demonstrations.RARE_COPIES) == (level == "rare")
        assert level == "known" or company.FACTS[key].subject != company.NAME
        products.setdefault(company.FACTS[key].subject, set()).add(level)
    assert all(len(levels) == 1 for levels in products.values()), "a product is known, or it is not"
    assert known != noisy_demonstrations.tiers(seed=1)
    assert noisy_demonstrations.tier(TRAIN[0], known) is None  # it asks for no fact


def test_new_messages_are_new_and_in_wordings_that_were_taught():
    found = {use: noisy_demonstrations.messages(TRAIN, use) for use in noisy_demonstrations.USES}
    prompts = [record["prompt"] for some in (TRAIN, *found.values()) for record in some]
    assert len(set(prompts)) == len(prompts)
    assert min(map(len, found.values())) > 1300
    facts = Counter(
        noisy_demonstrations.tiers()[r["facts"][0]] for r in found["questions"] if r["skill"] == "facts"
    )
    assert min(facts.values()) >= 20 and facts["known"] > 60
    openings = {record["prompt"][:14] for record in TRAIN}
    assert sum(record["prompt"][:14] in openings for record in found["pairs"]) > 0.8 * len(found["pairs"])
    assert found["policy"] == noisy_demonstrations.messages(TRAIN)
    with pytest.raises(ValueError):
        noisy_demonstrations.messages(TRAIN, "another")
