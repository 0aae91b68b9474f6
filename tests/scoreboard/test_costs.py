"""Hours and money by hand-worked cases."""

import pandas
import pytest

from course_utils.scoreboard import costs
from course_utils.techniques.base import FAMILIES

ROW = {"examples": 400, "labels": 60, "train_seconds": 3600, "latency_ms": 720}


def test_a_case_by_hand():
    # 400 records at 3 minutes and 60 preferences at half a minute: 20.5 hours; 8 to set up.
    cost = costs.of("PEFT", "clean", ROW)
    assert cost.hours == 28.5
    assert cost.once == pytest.approx(28.5 * 40 + 0.10)
    assert cost.per_thousand == pytest.approx(720 / 3600 * 0.10)  # 720 seconds of the machine
    assert str(cost) == "28 hours of people, $1,140 once, $0.02 per 1,000 messages"


def test_records_of_mixed_quality_cost_nobody_an_hour():
    assert costs.of("RLHF", "mixed quality", ROW).hours == 40.5


def test_assumptions_are_stated_and_can_be_changed():
    assumed = costs.Assumptions(wage=0, machine=1)
    assert costs.of("PEFT", "clean", ROW, assumed).once == 1
    assert all(f"{value:g}" in str(assumed) for value in assumed)


def test_every_family_has_hours_and_a_board_gets_its_columns():
    assert set(FAMILIES) <= set(costs.SETUP_HOURS)
    board = costs.added(pandas.DataFrame([ROW | {"technique": "lora_all"}, ROW | {"technique": "dpo"}]))
    assert list(board.human_hours) == [28.5, 40.5] and {"money_once", "money_per_1000"} <= set(board)
