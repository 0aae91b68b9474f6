"""The page of results says what the tables hold, and when two ladders agree."""

import re
from collections import Counter

import pytest

from course_utils.scoreboard import curves, table
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
    measured = [task for task in base.TASKS if table.rows_done(task)]
    parts = {task: page.split(f"## {results_page.TITLES[task]}")[1].split("\n## ")[0] for task in measured}
    for task in measured:
        for name, seeds in Counter(row["technique"] for row in table.rows_done(task)).items():
            assert f"| `{name}` | {seeds} |" in parts[task], f"{name}: run results_page --write again"


@pytest.mark.parametrize("kind", results_page.CURVES)
def test_the_page_has_every_point_of_the_curves_and_counts_their_runs(kind):
    page = results_page.FILE.read_text(encoding="utf-8")
    part = page.split(results_page.CURVES[kind])[1].split("\n## ")[0]
    assert set(curves.points(kind)) == set(re.findall(r"^\| `(\w+)` ", part, re.MULTILINE))
    taken = Counter((row["technique"], row[curves.axis(kind)]) for row in curves.rows(kind))
    ticks = sorted({point for _, point in taken})
    for name in curves.points(kind):
        runs = ", ".join(str(taken[name, tick]) for tick in ticks)
        means = [curves.mean(kind, name, tick, resamples=10)[0] for tick in ticks if taken[name, tick]]
        line = next(line for line in part.splitlines() if line.startswith(f"| `{name}` "))
        assert line.startswith(f"| `{name}` | {runs} | "), "run results_page --write again"
        cells = [cell for cell in line.split(" | ")[2:] if not cell.startswith("not measured")]
        for cell, mean in zip(cells, means, strict=True):
            assert cell.startswith(f"{results_page.short(mean)} ("), (name, cell, mean)


def test_a_question_is_answered_by_its_own_column():
    for column in ("accuracy", "gold_reward"):
        means = [table.mean(name, column, 10, "helpdesk")[0] for name in ("dpo", "sft_mediocre")]
        found = results_page.difference("dpo", "sft_mediocre", column, "helpdesk")[0]
        assert found == pytest.approx(means[0] - means[1], abs=1e-6)
        cells = f"(`dpo`, `sft_mediocre`) | {column.replace('_', ' ')} | {results_page.short(found)} ("
        asked = ("dpo", "sft_mediocre", column) in [each[:3] for each in results_page.QUESTIONS]
        assert (cells in results_page.agreement()) == asked == (column == "gold_reward")


def test_the_page_of_the_literature_counts_as_the_rows_of_the_real_model_do():
    page = (results_page.FILE.parent / "literature.md").read_text(encoding="utf-8")
    rows = table.read("helpdesk").groupby("technique").mean(numeric_only=True)
    every = rows.trainable_parameters["full"]
    for name in ("lora_qv", "lora_all", "prompt_tuning", "prefix_tuning"):
        assert f"{rows.stored_parameters[name]:,.0f}" in page, name
    for name in ("lora_qv", "lora_all", "prompt_tuning"):
        assert f"{every / rows.stored_parameters[name]:,.0f} times" in page, name
    assert f"{100 * rows.stored_parameters['prefix_tuning'] / every:.1f} % kept" in page
    trained = every * 4 + rows.trainable_parameters["lora_qv"] * 12
    assert f"{every * 16 / 1e6:,.0f} MB → {trained / 1e6:,.0f} MB" in page
    peaks = [f"{rows.peak_memory_mb[name]:,.0f} MB" for name in ("full", "lora_qv")]
    assert " → ".join(peaks) in page
    slow = rows.loc["p_tuning_mlp"]
    assert f"{slow.train_seconds:.0f} s (MLP)" in page and f"right team {slow.routing:.2f}" in page
