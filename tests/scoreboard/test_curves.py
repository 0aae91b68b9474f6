"""Curves keep every run with its items, compare paired points, and find where one technique begins to win."""

import numpy as np
import pytest

from course_utils.scoreboard import curves, table
from course_utils.tasks import base
from tests.helpers.scoreboards import keep_curve


def test_runs_come_back_with_their_items(tmp_path):
    keep_curve(tmp_path, "full", 100, 10)
    keep_curve(tmp_path, "full", 25, 4)
    assert curves.points("label", tmp_path) == {"full": [25, 100]}
    rows = curves.rows("label", tmp_path)
    assert [(r["records"], r["seed"], r["accuracy"]) for r in rows] == [
        *((100, 0, 0.25), (100, 1, 0.25), (25, 0, 0.1), (25, 1, 0.1)),
    ]
    values, ids = curves.items("label", "full", 25, folder=tmp_path)
    assert values.shape == (2, 40) and values.sum() == 8 and len(ids) == 40
    assert curves.mean("label", "full", 100, folder=tmp_path)[0] == 0.25
    assert curves.rows("size", tmp_path) == []
    header = (tmp_path / "label_curve_helpdesk.csv").read_text("utf-8").splitlines()[0]
    assert header.startswith("technique,model,parameters,records,steps,seed,accuracy,routing")


def test_points_are_written_in_figures_that_fit_an_axis():
    assert [curves.tick("label", 1200), curves.tick("size", 135e6)] == ["1,200", "135"]
    assert [curves.tick("size", n) for n in (142_464, 1_331_328)] == ["0.14", "1.3"]


def test_a_run_that_was_killed_between_items_and_row_is_replaced(tmp_path):
    keep_curve(tmp_path, "full", 25, 4)
    file = tmp_path / "label_curve_helpdesk.csv"
    file.write_text("\n".join(file.read_text("utf-8").splitlines()[:1]) + "\n", "utf-8")  # the rows are lost
    keep_curve(tmp_path, "full", 25, 8)
    values, _ = curves.items("label", "full", 25, folder=tmp_path)
    assert values.shape == (2, 40) and values.sum() == 16


def test_other_test_items_are_refused(tmp_path):
    keep_curve(tmp_path, "full", 25, 4)
    with pytest.raises(ValueError, match="full.npz holds other test items: move the old results away"):
        keep_curve(tmp_path, "full", 100, 4, ids=[f"x{i}" for i in range(40)])
    keep_curve(tmp_path, "lora_all", 25, 4, ids=[f"x{i}" for i in range(40)])
    with pytest.raises(ValueError, match="measured on different items"):
        curves.compare("label", "full", "lora_all", 25, folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="full was not measured at 400 records: run `python -m"):
        curves.items("label", "full", 400, folder=tmp_path)


def test_where_one_begins_to_win(tmp_path):
    for count, right in ((25, 2), (100, 20), (400, 30), (1200, 36)):
        keep_curve(tmp_path, "lora_all", count, right)
        keep_curve(tmp_path, "few_shot_nearest", count, 20)
    pair = "lora_all", "few_shot_nearest"
    assert curves.wins("label", *pair, folder=tmp_path) == 400, "at 100 the two are equal"
    assert curves.wins("label", *pair[::-1], folder=tmp_path) is None, "it wins at 25 only, not from there on"
    value, low, high = curves.compare("label", *pair, 25, folder=tmp_path)
    assert value == pytest.approx(-0.45) and high < 0


def test_intervals_draw_sentence_frames(tmp_path):
    """Hits that go by frame: as wide as 10 frames make them, not 40 messages."""
    records = base.find("helpdesk").read("test")
    frames = table.groups([r["id"] for r in records], "helpdesk")
    assert len(set(frames)) == 106 and frames[0] == records[0]["frames"][0]
    many = sorted(set(frames), key=frames.count)[-10:]
    ids = [r["id"] for frame in many for r, f in zip(records, frames) if f == frame][:40]
    keep_curve(tmp_path, "full", 25, 20, ids=ids)
    _, low, high = curves.mean("label", "full", 25, folder=tmp_path)
    keep_curve(tmp_path, "alone", 25, 20)
    _, narrow_low, narrow_high = curves.mean("label", "alone", 25, folder=tmp_path)
    assert high - low > 1.4 * (narrow_high - narrow_low)
    assert np.isclose(narrow_high - narrow_low, 2 * 1.96 * 0.5 / 40**0.5, rtol=0.15)
