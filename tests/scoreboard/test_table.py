"""The scoreboard compares by hand-worked cases, and shows every technique."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.scoreboard import runner
from course_utils.scoreboard import table as scoreboard
from tests.helpers.scoreboards import NAMES, TASK, fake, keep


def test_all_right_against_all_wrong_is_one(tmp_path):
    keep(tmp_path, "good", np.ones((5, 60)))
    keep(tmp_path, "bad", np.zeros((3, 60)))
    assert scoreboard.compare("good", "bad", task=TASK, folder=tmp_path) == pytest.approx((1, 1, 1))
    assert scoreboard.compare("bad", "good", task=TASK, folder=tmp_path) == pytest.approx((-1, -1, -1))


def test_equal_techniques_differ_by_nothing(tmp_path):
    hits = np.tile(np.arange(60) % 3 == 0, (5, 1))
    keep(tmp_path, "one", hits)
    keep(tmp_path, "other", hits)
    value, low, high = scoreboard.compare("one", "other", task=TASK, folder=tmp_path)
    # Every seed agrees and items are drawn together: the pairs cancel.
    assert value == pytest.approx(0) and low == pytest.approx(0) and high == pytest.approx(0)
    rng = np.random.default_rng(1)
    keep(tmp_path, "one", rng.random((5, 400)) < 0.5)
    keep(tmp_path, "other", rng.random((5, 400)) < 0.5)
    value, low, high = scoreboard.compare("one", "other", task=TASK, folder=tmp_path)
    assert low < 0 < high and low < value < high


def test_pairs_make_a_small_difference_certain(tmp_path):
    hard = np.arange(200) % 2 == 0
    better = hard | (np.arange(200) < 20)  # right wherever the other is, and on ten more
    keep(tmp_path, "plain", np.tile(hard, (5, 1)))
    keep(tmp_path, "better", np.tile(better, (5, 1)))
    value, low, high = scoreboard.compare("better", "plain", task=TASK, folder=tmp_path)
    assert value == pytest.approx(0.05) and low > 0
    # By hand: n(1-n) of a share of .05 over 200 items has a deviation of .0154.
    assert high - low == pytest.approx(2 * 1.96 * 0.0154, rel=0.1)


def test_seeds_widen_the_interval(tmp_path):
    unstable = np.zeros((4, 100))
    unstable[:2] = 1  # two seeds learn, two do not
    keep(tmp_path, "unstable", unstable)
    value, low, high = scoreboard.mean("unstable", task=TASK, folder=tmp_path)
    assert value == 0.5 and low == 0.0 and high == 1.0  # 1/16 of all draws hold one kind only


def test_comparisons_refuse_what_cannot_be_compared(tmp_path):
    keep(tmp_path, "one", np.ones((2, 10)))
    keep(tmp_path, "other", np.ones((2, 10)), ids=np.arange(1, 11))
    with pytest.raises(ValueError, match="different items"):
        scoreboard.compare("one", "other", task=TASK, folder=tmp_path)
    with pytest.raises(ValueError, match="No column 'speed'"):
        scoreboard.compare("one", "one", "speed", task=TASK, folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="has not been measured"):
        scoreboard.compare("one", "third", task=TASK, folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="no scoreboard of toy_desk yet"):
        scoreboard.read(TASK, tmp_path)


def test_the_picture_shows_every_technique_and_both_baselines(tmp_path):
    runner.run(NAMES, 2, 1, tmp_path, fake, task=TASK)
    ax = scoreboard.plot("train_seconds", task=TASK, folder=tmp_path)
    assert {text.get_text() for text in ax.texts} == {"facts_in_prompt", "few_shot"}
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert labels == {"lesson 01", "majority class", "random reply"}
    with pytest.raises(ValueError, match="No cost 'beauty'"):
        scoreboard.plot("beauty", task=TASK, folder=tmp_path)
    plt.close("all")


def test_the_same_test_with_another_model_is_compared_across_tables():
    where = dict(resamples=200, task="toy_desk_smollm2")
    value, low, high = scoreboard.compare("lora_all", "lora_all", other="toy_desk", **where)
    means = [scoreboard.mean("lora_all", resamples=10, task=t)[0] for t in ("toy_desk_smollm2", "toy_desk")]
    assert value == pytest.approx(means[0] - means[1]) and low < value < high
    with pytest.raises(ValueError, match="different items"):
        scoreboard.compare("lora_all", "lora_all", other="helpdesk", **where)
