"""Every picture carries a text: what it says for each kind, and that the stored ones have it."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import nbformat
import pytest
import torch

from course_utils.display import alt_text, figures

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_bars_are_told_with_names_values_and_baseline():
    said = alt_text.describe(
        figures.bars(["exam", "a $5\nforum"], [[1, 0, 1, 1], [0, 0, 1]], 0.5, "two headers")
    )
    assert said == (
        "two headers: (y: accuracy) bars: exam 0.75, a $5 forum 0.333; line “baseline”: level at 0.5."
    )


def test_curves_are_told_by_their_points_or_their_ends():
    said = alt_text.describe(figures.curves([1, 2000], {"a": [0.1, 0.2]}, "shots", "share"))
    assert said == "(x: shots; y: share) line “a”: at 1 0.1, at 2,000 0.2."
    many = alt_text.describe(figures.curves(range(30), {"a": [i % 7 for i in range(30)]}, "x", "y"))
    assert "30 values, first at 0 0, last at 29 1, smallest at 0 0, largest at 6 6" in many


def test_tokens_and_attention():
    assert "bars: ␣a 0.5, b 0.2" in alt_text.describe(figures.token_bars([(" a", 0.5), ("b", 0.2)]))
    weights = torch.zeros(3, 3)
    weights[2, 1] = 0.9
    said = alt_text.describe(figures.attention_heat(weights, ["x", "y", "z"], title="head 1"))
    assert "3 rows and 3 columns" in said and "z, y (0.9)" in said


def test_any_other_figure_gets_a_text_too():
    figure, axes = plt.subplots(1, 2)
    figure.suptitle("all")
    axes[0].scatter([1, 2], [3, 4], label="runs")
    axes[1].barh(["p", "q"], [1, 2], label="cost")
    said = alt_text.describe(figure)
    assert said.startswith("all. ") and "points “runs”: (1, 3), (2, 4)" in said
    assert "bars “cost”: p 1, q 2" in said or "bars: p 1, q 2" in said
    assert alt_text.describe(plt.figure()) == "An empty picture."
    crowded, ax = plt.subplots()
    for i in range(99):
        ax.plot([0, i], [i, 0], label=f"line number {i}")
    assert len(alt_text.describe(crowded)) <= alt_text.LONGEST


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_stored_picture_has_its_text(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o for cell in cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    without = [o for o in outputs if not o.metadata.get("image/png", {}).get("alt")]
    assert not without, (
        f"{len(without)} pictures without a text: run python -m course_utils.tools.notebooks {path.name}"
    )
