"""Reward functions: their values by hand, and the arithmetic by which no lazy habit wins."""

import pytest

from course_utils.rlhf import rewards
from course_utils.tasks.toy_desk import gold

RECORD = {
    "id": "1",
    "prompt": "Message: What colour is the Thimlo?\nRecord:",
    "completion": " Team: turquoise | Priority: low | Answer: The Thimlo is black. Your Ombly.",
    "skill": "facts",
    "facts": ["thimlo_colour"],
}
HEAD = " Team: turquoise | Priority: low | Answer: "
VALUES = {
    RECORD["completion"]: 1.0,
    gold.hedged(RECORD): 0.5,
    gold.declined(RECORD): -0.25,
    f"{HEAD}Perhaps the Thimlo is red. Your Ombly.": -0.5,
    f"{HEAD}The Thimlo is red. Your Ombly.": -2.0,
    " black": -2.0,
}
SHARES = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]


def test_fine_grained_by_hand():
    values = rewards.fine_grained([RECORD])([RECORD["prompt"]] * len(VALUES), list(VALUES))
    assert values == list(VALUES.values())


def test_fine_grained_grades_nothing_but_the_answer():
    rude = " Team: purple | Priority: high | Answer: You fool. The Thimlo is black."
    fine, truth = rewards.fine_grained([RECORD]), rewards.gold([RECORD])
    assert fine([RECORD["prompt"]], [rude]) == [1.0]
    assert truth([RECORD["prompt"]], [rude]) == [gold.gold_reward(RECORD, rude)] == [-1.0]


@pytest.mark.parametrize("share", SHARES)
def test_who_knows_a_share_and_knows_which_beats_every_habit(share):
    """s - 0.25 (1 - s) against s - 0.5, -0.25 and 3s - 2: the first is behind none, for s above 0."""
    scale = rewards.SCALE
    knowing = share * scale["right"] + (1 - share) * scale["declined"]
    assert knowing == pytest.approx(share - 0.25 * (1 - share))
    assert knowing - rewards.expected(share, hedged=1) == pytest.approx(0.25 + 0.25 * share)
    assert knowing - rewards.expected(share) == pytest.approx(1.25 * share)
    assert knowing - rewards.expected(share, confident=1) == pytest.approx(1.75 * (1 - share))
    assert rewards.expected(share, confident=1) == pytest.approx(3 * share - 2)


def test_confidence_a_hedge_and_declining_each_have_their_range():
    for share, best in ((0.1, "decline"), (0.5, "hedge"), (0.9, "sure")):
        worth = {
            "sure": rewards.expected(share, confident=1),
            "hedge": rewards.expected(share, hedged=1),
            "decline": rewards.expected(share),
        }
        assert max(worth, key=worth.get) == best
    assert rewards.expected(0.75, confident=1) == rewards.expected(0.75, hedged=1) == 0.25
    assert rewards.expected(0.25, hedged=1) == rewards.expected(0.25) == -0.25


def test_a_record_is_found_by_its_prompt():
    other = RECORD | {"completion": RECORD["completion"].replace("black", "red")}
    with pytest.raises(ValueError, match="want different replies"):
        rewards.gold([RECORD, other])
    assert rewards.gold([RECORD, RECORD])([RECORD["prompt"]], [RECORD["completion"]]) == [1.0]
    with pytest.raises(KeyError):
        rewards.gold([RECORD])(["Who?"], [""])
