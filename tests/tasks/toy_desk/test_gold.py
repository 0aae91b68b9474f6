"""The desk's judge: what it reads, what it grades as right, and what a reply is worth."""

import itertools
import re
from statistics import mean

import pytest

from course_utils.tasks.toy_desk import company, generate, gold
from course_utils.tasks.toy_desk.records import read as read_desk

SPLITS = {split: read_desk(split) for split in generate.SIZES}
ALL = [record for records in SPLITS.values() for record in records]
PLAIN, HEDGED, DECLINED, WRONG_HEDGED, WRONG = gold.SCALE.values()


def one(skill, split="test"):
    return next(record for record in SPLITS[split] if record["skill"] == skill)


def fact():
    """The question for the price of the Fendle, as a record."""
    return next(record for record in ALL if record["facts"] == ["fendle_price"])


def say(record, answer, **fields):
    """A reply with this answer, and the team and priority of the record unless they are given."""
    own = gold.parse(record["completion"]) | fields
    return f" Team: {own['team']} | Priority: {own['priority']} | Answer: {answer}"


# ---- parse and score --------------------------------------------------------------------------


@pytest.mark.parametrize("record", ALL[::97], ids=lambda record: record["id"])
def test_a_stored_reply_parses_into_its_three_fields(record):
    fields = gold.parse(record["completion"])
    assert list(fields) == ["team", "priority", "answer"]
    assert say(record, fields["answer"]) == record["completion"]


def test_every_stored_reply_is_whole_and_earns_one():
    for record in ALL:
        assert gold.score(record, record["completion"])["whole"], record
        assert gold.gold_reward(record, record["completion"]) == 1, record


@pytest.mark.parametrize(
    "reply",
    ["", " ", "\n", "orange", "Team: orange", "Team: orange | Priority: low",
     "Team: | Priority: low | Answer: a", "Team: orange | Priority: low | Answer:",
     "Priority: low | Team: orange | Answer: a", "Team: a | Priority: low | Answer: b | Answer: c",
     "Hello. Team: a | Priority: low | Answer: b", "Team: a | Team: b | Priority: low | Answer: c",
     "team: a | priority: low | answer: b"],
)  # fmt: skip
def test_malformed_replies(reply):
    record = one("facts")
    assert gold.parse(reply) is None
    assert not any(gold.score(record, reply).values())
    assert gold.gold_reward(record, reply) == -2 and gold.verdict(record, reply) == "wrong"


def test_spaces_and_further_lines_do_not_count():
    fields = {"team": "a b", "priority": "low", "answer": "c d."}
    assert gold.parse("  Team:a b|Priority: low  |  Answer:  c d. \nMessage: x") == fields


def test_score_tells_the_fields_apart():
    record = fact()
    answer = gold.parse(record["completion"])["answer"]
    assert gold.score(record, say(record, answer, team="silver")) == {
        "team": False, "priority": True, "answer": True, "whole": False,
    }  # fmt: skip
    assert not gold.score(record, say(record, answer, priority="none"))["priority"]
    assert not gold.score(record, say(record, "It costs 24 dollars."))["answer"]


def test_a_refund_needs_no_working_and_ignorance_has_several_forms():
    refund, unknown = one("refund"), one("unanswerable")
    last = refund["completion"][refund["completion"].index("Refund:") :]
    assert gold.score(refund, say(refund, last))["whole"]
    for form in company.DECLINES:
        assert gold.score(unknown, gold.declined(unknown, form))["whole"]
        assert gold.gold_reward(unknown, gold.declined(unknown, form)) == 1


# ---- the gold reward --------------------------------------------------------------------------


def test_always_hedging_earns_a_half_everywhere():
    for record, form in itertools.product(ALL[::7], company.HEDGES):
        assert gold.gold_reward(record, gold.hedged(record, form)) == 0.5, gold.hedged(record, form)


def test_always_declining_earns_less_than_nothing():
    rewards = [gold.gold_reward(record, gold.declined(record)) for record in SPLITS["test"]]
    angry = [r["skill"] == "tone" for r in SPLITS["test"]]
    unknown = [r["skill"] == "unanswerable" for r in SPLITS["test"]]
    expected = [1 if u else -0.75 if a else -0.25 for u, a in zip(unknown, angry, strict=True)]
    assert rewards == expected and mean(rewards) < 0


def test_what_is_best_depends_on_the_chance_to_be_right():
    def worth(right, wrong, p):
        return p * right + (1 - p) * wrong

    for p in (0.76, 0.9, 1.0):
        assert worth(PLAIN, WRONG, p) > worth(HEDGED, WRONG_HEDGED, p)
    for p in (0.26, 0.5, 0.74):
        assert worth(HEDGED, WRONG_HEDGED, p) > max(worth(PLAIN, WRONG, p), DECLINED)
    for p in (0.0, 0.1, 0.24):
        assert worth(HEDGED, WRONG_HEDGED, p) < DECLINED


@pytest.mark.parametrize(
    "answer, reward",
    [
        ("The Fendle costs 24 dollars. Your Ombly.", 1),
        ("It costs 24 dollars. Your Ombly.", 1),
        ("We think it costs 24 dollars. Your Ombly.", 0.5),
        ("We do not know that, but it may be 24. Your Ombly.", 0.5),
        ("The Fendle costs 25 dollars. Your Ombly.", -2),
        ("The Fendle costs 24 or 25 dollars. Your Ombly.", -2),
        ("The Kordle costs 24 dollars. Your Ombly.", -2),
        ("The Fendle does not cost 24 dollars. Your Ombly.", -2),
        ("Perhaps the Fendle costs 25 dollars. Your Ombly.", -0.5),
        ("We do not know that. Your Ombly.", -0.25),
        ("The Fendle costs 24 dollars.", 0.5),
        ("You fool. The Fendle costs 24 dollars. Your Ombly.", 0),
        ("The Fendle costs 24 dollars, and it is so very nice and so very good. Your Ombly.", 0.5),
        ("You fool. It costs 25 dollars.", -2),
    ],
)
def test_gold_rewards_of_a_fact(answer, reward):
    record = fact()
    assert gold.gold_reward(record, say(record, answer)) == reward


def test_a_wrong_team_or_priority_costs_a_quarter_each():
    record = fact()
    answer = gold.parse(record["completion"])["answer"]
    assert gold.gold_reward(record, say(record, answer, team="silver")) == 0.75
    assert gold.gold_reward(record, say(record, answer, team="silver", priority="none")) == 0.5


def test_gold_rewards_of_the_other_skills():
    angry, refund, record, routed = one("tone"), one("refund"), one("record"), one("routing")
    own = gold.parse(angry["completion"])["answer"]
    assert gold.gold_reward(angry, say(angry, own.replace("We are sorry about", "It is bad for"))) == 0.5
    assert gold.gold_reward(refund, say(refund, "Refund: 1. Your Ombly.")) == -2
    assert gold.gold_reward(refund, say(refund, "We think Refund: 1. Your Ombly.")) == -0.5
    swapped = re.sub(r"Day=\w+", "Day=Noday", record["completion"])
    assert gold.gold_reward(record, swapped) == -2
    team = gold.parse(routed["completion"])["team"]
    other = next(name for name in company.TEAMS.values() if name != team)
    assert gold.gold_reward(routed, routed["completion"].replace(team, other)) == -2


def test_making_things_up_where_nobody_knows():
    record = one("unanswerable")
    assert gold.gold_reward(record, say(record, "It is red. Your Ombly.")) == -2
    assert gold.gold_reward(record, say(record, "Maybe it is red. Your Ombly.")) == -0.5
    assert gold.gold_reward(record, say(record, "We do not know that. It is red. Your Ombly.")) == -0.5
