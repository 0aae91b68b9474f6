"""The figures of lesson 05 show what they are given."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pytest

from course_utils.rlhf import plots

CURVES = {name: [0.1, 0.4, 0.2] for name in plots.PANELS}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def lines(ax):
    return [list(line.get_ydata()) for line in ax.get_lines()]


def test_the_panel_has_a_curve_for_each_run_and_name():
    axes = plots.panel(CURVES)
    assert len(axes) == 4 and all(lines(ax) == [[0.1, 0.4, 0.2]] for ax in axes)
    axes = plots.panel({"a": CURVES, "b": CURVES | {"kl": [1, 2]}}, names=("kl",))
    assert lines(axes[0]) == [[0.1, 0.4, 0.2], [1, 2]]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["a", "b"]


def test_calibration_shows_each_bin():
    ax = plots.calibration([(0.6, 0.5, 0.4, 0.7, 20), (0.9, 0.95, 0.8, 1.0, 20)])
    assert [0.5, 0.95] in lines(ax)


def test_tiers_stack_to_one():
    grades = {"verdicts": {"known": {"right": 3, "wrong": 1}, "rare": {"declined": 2}}}
    axes = plots.tiers({"before": grades, "after": [grades, grades]})
    heights = [patch.get_height() for patch in axes[0].patches]
    assert sum(heights) == pytest.approx(2) and heights[0] == 0.75 and len(heights) == 10
    assert sum(patch.get_height() for patch in axes[2].patches) == 0


def test_over_optimization_averages_seeds_and_smooths():
    curves = {"reward": [0, 2, 4, 6], "gold": [1, 1, 3, 3], "kl": [0, 0, 1, 1]}
    runs = [{"penalty": 0.0, "curves": curves}, {"penalty": 0.0, "curves": curves | {"reward": [2, 4, 6, 8]}}]
    proxy, gold = plots.over_optimization(runs, window=2)
    assert lines(proxy) == [[2, 6]] and lines(gold) == [[1, 3]]
    assert list(proxy.get_lines()[0].get_xdata()) == [0, 1]
    assert plots.smooth([1, 2, 3, 4, 5], 2) == [1.5, 3.5]


def test_rewards_against_kl_show_each_seed_their_mean_and_the_baselines():
    rows = [{"kl": 1.0, "proxy": 2.0, "gold": [0.0, 1.0]}, {"kl": 3.0, "proxy": 4.0, "gold": [1.0, 1.0]}]
    baselines = {"start": rows[0] | {"kl": 0.0}, "constant": {"proxy": -1.0, "gold": [0.0, 0.0]}}
    proxy, gold = plots.against_kl({"ppo": rows}, baselines, "Title")
    assert [0.5] in lines(gold) and [0.5, 1.0] in lines(gold) and [0.75] in lines(gold)
    assert [-1.0, -1.0] in lines(proxy) and [2.0, 4.0] in lines(proxy) and [3.0] in lines(proxy)
    assert proxy.figure._suptitle.get_text() == "Title"


def test_two_conditions_show_each_run_twice_joined_by_seed():
    without = {"ppo": [{"gold": [0.0, 1.0]}, {"gold": [0.2, 0.2]}]}
    with_it = {"ppo": [{"gold": [1.0, 1.0]}, {"gold": [0.4, 0.4]}]}
    ax = plots.with_and_without(without, with_it, {"start": 0.6}, "Title")
    lines = [list(line.get_ydata()) for line in ax.lines]
    assert lines[:4] == [[0.5, 1.0], [0.2, 0.4], [0.5, 0.2], [1.0, 0.4]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "without",
        "with the penalty",
        "start",
    ]
    assert ax.get_title() == "Title"
