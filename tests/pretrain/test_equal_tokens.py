"""Three sizes at equal tokens: what is stored, and how it is drawn."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pytest

from course_utils import models
from course_utils.pretrain import equal_tokens, plots
from course_utils.pretrain.train import schedule
from course_utils.tasks import abilities


def test_both_metrics_measure_the_same_items():
    model, tokenizer = models.load("glass-box-tiny")
    items = abilities.items("common facts, exam", 12)
    found = equal_tokens.both_metrics(model, tokenizer, items)
    assert len(found["hits"]) == len(found["logps"]) == 12
    assert set(found["hits"]) <= {0, 1} and max(found["logps"]) < 0
    right = [logp for hit, logp in zip(found["hits"], found["logps"]) if hit]
    wrong = [logp for hit, logp in zip(found["hits"], found["logps"]) if not hit]
    assert not right or max(right) > max(wrong)


def test_store_keeps_the_other_sizes(tmp_path):
    path = tmp_path / "equal.json"
    for size, parameters in (("tiny", 10), ("small", 20)):
        equal_tokens.store(size, parameters, {"5": {"facts": {"hits": [0, 1], "logps": [-2.0, -1.0]}}}, path)
    rows = equal_tokens.summary(path)
    assert rows[1] == ("small", 20, 5, "facts", [0, 1], [-2.0, -1.0]) and len(rows) == 2


def test_the_restarts_are_the_schedule_s():
    plan = schedule(162)
    for place in plots.restarts(162):
        factors = [factor for _, _, factor, seen in plan if abs(seen / 1e6 - place) < 0.5]
        assert min(factors) < 0.05 and max(factors) > 0.3
    assert plots.restarts(162) == pytest.approx([100, 132, 146], abs=0.01)


def test_two_metrics_draws_the_last_measurement_of_each_size():
    rows = [
        (size, parameters, seen, "facts", [0, hit], [-3.0, logp])
        for size, parameters in (("tiny", 10), ("base", 1000))
        for seen, hit, logp in ((1, 0, -5.0), (2, 1, -1.0))
    ]
    left, right = plots.two_metrics(rows)
    assert list(left.lines[0].get_ydata()) == [0.5, 0.5] and list(right.lines[0].get_ydata()) == [-2.0, -2.0]
    plt.close("all")


def test_abilities_over_training_marks_the_learning_rate():
    ax = plots.abilities_over_training({"facts": "common facts, exam"})
    assert len(ax.lines) == 4 and "raised" in ax.get_legend().get_texts()[1].get_text()
    plt.close("all")
