"""The simulated annotator's seconds, by hand; what it overlooks; and a campaign's batches."""

import random

import pytest

from course_utils.ai_feedback import annotation

COSTS = dict(zip(annotation.COSTS, (10.0, 2.0, 1.0, 0.5, 1.0)))
RECORD = {
    "prompt": "Message: My Fendle fell.\nRecord:",
    "completion": " Team: silver | Priority: normal | Answer: The silver team will take care of it. "
    "Your Ombly.",
    "skill": "routing",
    "facts": [],
}
WORDS, ANSWER = len(RECORD["completion"].split()), 10


def fixed(proposal, missed=0.0):
    return annotation.corrected(RECORD, proposal, random.Random(0), COSTS, missed)


def test_from_scratch_by_hand():
    assert annotation.from_scratch(RECORD, COSTS) == (RECORD["completion"], 10 + 2 * 2 + ANSWER + 1)


def test_a_right_proposal_costs_its_reading():
    assert fixed(RECORD["completion"]) == (RECORD["completion"], 10 + 0.5 * WORDS + 1)


def test_only_wrong_fields_are_made_anew():
    wrong_team = RECORD["completion"].replace("Team: silver", "Team: pink")
    assert fixed(wrong_team) == (RECORD["completion"], 10 + 0.5 * WORDS + 1 + 2)
    wrong_answer = " Team: silver | Priority: normal | Answer: Hm. Your Ombly."
    assert fixed(wrong_answer) == (RECORD["completion"], 10 + 0.5 * 10 + 1 + ANSWER)


def test_a_proposal_without_form_is_read_in_vain():
    assert fixed("no idea") == (RECORD["completion"], 0.5 * 2 + 10 + 4 + ANSWER + 1)


def test_what_is_overlooked_stays_wrong_and_costs_nothing():
    wrong_team = RECORD["completion"].replace("Team: silver", "Team: pink")
    assert fixed(wrong_team, missed=1.0) == (wrong_team, 10 + 0.5 * WORDS + 1)
    _, spent = annotation.batch([RECORD] * 200, [wrong_team] * 200, costs=COSTS, missed=0.1)
    assert 5 <= spent["wrong_labels"] <= 40 and spent["right"] == 0


def test_no_model_is_faster_than_the_limit():
    most = annotation.limit([RECORD], COSTS)
    assert most == pytest.approx((15 + ANSWER) / (11 + 0.5 * WORDS))
    _, spent = annotation.batch([RECORD] * 5, [RECORD["completion"]] * 5, costs=COSTS)
    assert spent["scratch"] / spent["seconds"] == pytest.approx(most, abs=1e-3) and spent["right"] == 5


def test_a_campaign_learns_from_all_labels_so_far():
    records = [RECORD | {"id": i} for i in range(40)]
    seen = []

    def learn(labeled, turn):
        seen.append([r["id"] for r in labeled])
        return lambda requests: [RECORD["completion"] if turn else "?"] * len(requests)

    rows = annotation.campaign(records, (5, 10, 20), learn, costs=COSTS, timed=8)
    assert seen == [list(range(5)), list(range(10)), list(range(20))]
    assert [row["labels"] for row in rows] == [5, 10, 20] and [row["n"] for row in rows] == [5, 8, 8]
    assert [row["right"] for row in rows] == [0, 8, 8]
    assert rows[0]["seconds"] > rows[0]["scratch"] and rows[1]["seconds"] < rows[1]["scratch"]
