"""The page of results says what the tables hold, and when two ladders agree."""

from collections import Counter

import pytest

from course_utils.scoreboard import table
from course_utils.tasks import base
from course_utils.tools import results_page


def entry(chosen, *rates):
    return {"chosen": {"lr": chosen}, "trials": [{"setting": {"lr": r}, "accuracy": r} for r in rates]}


def test_numbers_lose_the_zero_before_the_point_and_nothing_else():
    assert [results_page.short(x) for x in (0.5, -0.49, 1.0, 0.0, -2.0)] == [
        ".50",
        "-.49",
        "1.00",
        ".00",
        "-2.00",
    ]


def test_the_chosen_trial_is_bold():
    assert results_page.tried(entry(0.2, 0.1, 0.2)) == "lr 0.1: .10; **lr 0.2: .20**"
    assert results_page.tried(entry(0.1, 0.1)) == "", "a single setting was no choice"


def test_an_edge_needs_three_values_and_a_chosen_one_at_an_end():
    assert results_page.on_edge(entry(0.3, 0.1, 0.2, 0.3)) and results_page.on_edge(entry(0.1, 0.1, 0.2, 0.3))
    assert not results_page.on_edge(entry(0.2, 0.1, 0.2, 0.3))
    assert not results_page.on_edge(entry(0.2, 0.1, 0.2)) and not results_page.on_edge({})


@pytest.mark.parametrize(
    "differences, text",
    [
        ([(0.2, 0.1, 0.3), (0.3, 0.1, 0.5)], "holds on both"),
        ([(0.2, 0.1, 0.3), (-0.3, -0.5, -0.1)], "reverses"),
        ([(0.2, 0.1, 0.3), (0.1, -0.1, 0.3)], "cannot tell on one of them"),
        ([(0.2, -0.1, 0.3), (0.1, -0.1, 0.3)], "cannot tell on either"),
        ([None, (0.1, -0.1, 0.3)], "–"),
    ],
)
def test_two_ladders_agree_only_where_both_intervals_exclude_zero(differences, text):
    assert results_page.verdict(differences) == text


def test_the_page_has_every_row_of_today():
    page = results_page.FILE.read_text(encoding="utf-8")
    parts = {
        task: page.split(f"## {title}")[1].split("\n## ")[0] for task, title in results_page.TITLES.items()
    }
    for task in base.TASKS:
        for name, seeds in Counter(row["technique"] for row in table.rows_done(task)).items():
            assert f"| `{name}` | {seeds} |" in parts[task], f"{name}: run results_page --write again"
