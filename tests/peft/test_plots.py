"""The pictures of lesson 02 show every run they are given, and can be read in grayscale."""

import matplotlib.pyplot as plt
import pytest

from course_utils.peft import plots


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_the_diagram_marks_what_is_learned():
    axes = plots.soft_prompt_diagram(vectors=3, layers=3)
    learned = [sum(bool(patch.get_hatch()) for patch in ax.patches) for ax in axes]
    assert learned == [3, 3, 9]
    assert [ax.get_title() for ax in axes] == list(plots.KINDS)


def test_starts_draws_each_length_and_start():
    rows = [
        {"start": start, "length": length, "lr": lr, "routing": lr}
        for start in ("random", "vocabulary")
        for length in (5, 20, 60)
        for lr in (0.3, 0.03)
    ]
    axes = plots.starts(rows, baseline=0.4)
    assert [ax.get_title() for ax in axes] == ["5 vectors", "20 vectors", "60 vectors"]
    for ax in axes:
        assert list(ax.lines[0].get_xdata()) == [0.03, 0.3] == list(ax.lines[0].get_ydata())
        assert len({line.get_linestyle() for line in ax.lines}) == 3


def test_few_examples_shows_the_mean_and_the_gap():
    rows = [
        {"count": count, "technique": "full", "seed": seed, "routing": 0.2 * seed, "train_routing": 0.9}
        for count in (50, 500)
        for seed in (1, 2)
    ]
    new, gap = plots.few_examples(rows)
    assert list(new.lines[0].get_ydata()) == pytest.approx([0.3, 0.3])
    assert list(gap.lines[0].get_ydata()) == pytest.approx([0.6, 0.6])
