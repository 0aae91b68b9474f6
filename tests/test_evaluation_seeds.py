"""The taught interval agrees with the scoreboard's, and with what can be worked out by hand."""

import numpy as np
import pytest

from course_utils import evaluation
from course_utils.scoreboard import table as scoreboard
from tests.helpers.scoreboards import TASK, keep


def test_all_right_against_all_wrong_is_one():
    assert evaluation.difference(np.ones((3, 20)), np.zeros((2, 20)), 200) == (1.0, 1.0, 1.0)
    assert evaluation.share(np.ones((3, 20)), 200) == (1.0, 1.0, 1.0)


def test_items_are_drawn_once_for_both():
    hits = np.tile(np.arange(40) % 2, (3, 1))
    assert evaluation.difference(hits, hits, 500) == (0.0, 0.0, 0.0), "every seed agrees: nothing can differ"
    value, low, high = evaluation.difference(hits, 1 - hits, 500)
    assert value == 0 and low < -0.3 and high > 0.3


def test_seeds_are_drawn_for_each_on_its_own():
    split = np.concatenate([np.ones((2, 50)), np.zeros((2, 50))])
    value, low, high = evaluation.difference(split, split, 1000)
    assert value == 0 and low <= -0.5 and high >= 0.5, "the same seeds need not meet"


def test_it_is_the_scoreboards_interval(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.random((5, 300)) < rng.random((5, 1)), rng.random((5, 300)) < 0.4
    keep(tmp_path, "x", x)
    keep(tmp_path, "y", y)
    stored = scoreboard.compare("x", "y", task=TASK, folder=tmp_path)
    assert stored == evaluation.crossed_bootstrap([(1.0, x * 1.0), (-1.0, y * 1.0)])
    assert evaluation.difference(x * 1.0, y * 1.0) == pytest.approx(stored, abs=0.02)


def test_the_fast_form_agrees_with_the_loop_on_one_technique_alone():
    x = np.random.default_rng(1).random((4, 200)) < 0.3
    fast = evaluation.crossed_bootstrap([(1.0, x * 1.0)], 4000)
    assert evaluation.share(x * 1.0, 4000) == pytest.approx(fast, abs=0.01)
    assert evaluation.crossed_bootstrap([(1.0, x * 1.0)], 4000, chunk=7)[0] == fast[0]


def test_verdict_needs_the_whole_interval():
    assert evaluation.verdict((0.1, 0.01, 0.2)) == "more"
    assert evaluation.verdict((-0.1, -0.2, -0.01)) == "fewer"
    assert evaluation.verdict((0.1, 0.0, 0.2)) == "cannot tell"
    assert evaluation.verdict((-0.1, -0.2, 0.0), "yes", "no", "unclear") == "unclear"


def test_items_of_one_group_are_drawn_together():
    """Ten groups of ten items, each all right or all wrong: as uncertain as ten coins, not a hundred."""
    groups = [f"frame {i // 10}" for i in range(100)]
    hits = (np.arange(100) // 10 % 2)[None] * 1.0
    value, low, high = evaluation.crossed_bootstrap([(1.0, hits)], 4000, groups=groups)
    assert value == 0.5 and high - low == pytest.approx(2 * 1.96 * 0.5 / 10**0.5, rel=0.1)
    alone = evaluation.crossed_bootstrap([(1.0, hits)], 4000)
    assert alone[2] - alone[1] == pytest.approx(2 * 1.96 * 0.5 / 10, rel=0.1)
    each = evaluation.crossed_bootstrap([(1.0, hits)], 4000, groups=range(100))
    assert each == alone, "a group for each item changes nothing"
    with pytest.raises(ValueError, match="3 groups for 100 items"):
        evaluation.crossed_bootstrap([(1.0, hits)], groups="abc")


def test_groups_of_different_sizes_count_by_their_items():
    hits = np.array([[1.0] * 9 + [0.0]])
    value, low, high = evaluation.crossed_bootstrap([(1.0, hits)], 2000, groups=[0] * 9 + [1])
    assert value == 0.9 and (low, high) == (0.0, 1.0), "two groups: one draw in four holds one of them alone"
