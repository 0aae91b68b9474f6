"""Lesson 06: it asserts, asks and teaches what it should; its exercises and pictures can fail."""

import ast

import matplotlib
import pytest

matplotlib.use("Agg")

from course_utils.ai_feedback import llm_judge, plots
from course_utils.experiments import ai_feedback
from course_utils.lessons import l06
from tests.helpers.lesson import Lesson
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("06")


# ---- the notebook ----------------------------------------------------------------------------


def test_the_odds_that_it_teaches_are_the_package_s():
    import torch

    model, tokenizer = tiny_llama()
    log_odds = LESSON.taught("log_odds", torch=torch, tokenizer=tokenizer)
    texts = ["ab", "a longer text"]
    ours = [log_odds(model, text, "y", "n") for text in texts]
    assert ours == pytest.approx(llm_judge.odds(model, tokenizer, texts, "y", "n"), abs=1e-4)


def test_claims_about_stored_rows_say_so():
    for cell in LESSON.code:
        calls = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id == "claim":
                names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
                stored = bool(names & {"lost", "helped", "ruined", "alone", "quicker"})
                assert stored == ("(stored" in ast.unparse(call.args[0])), ast.unparse(call)


# ---- the exercises ---------------------------------------------------------------------------


def test_the_exercises_agree_with_the_package():
    one, two = [2.0, -1.0, 3.0], [1.0, -2.0, -1.0]  # as by llm_judge.orders: both about the same reply
    consistent = l06.both_orders(one, [-value for value in two])
    assert sum(map(abs, consistent)) / 3 == llm_judge.position_bias(one, two)["same"]
    assert l06.kappa(["yes", "no"], ["yes", "no"]) == 1


# ---- the figures ----------------------------------------------------------------------------


def row(**columns):
    return {"right": 6, "n": 10, "hits": "1111110000", "records": 600} | columns


def test_a_gap_is_paired_over_items_and_averaged_over_seeds():
    a, b = [row(hits="1100"), row(hits="1000")], [row(hits="1000"), row(hits="0000")]
    value, low, high = plots.gap(a, b)
    assert value == 1 / 4 and 0 <= low <= value <= high <= 1
    assert plots.gap(a, a) == (0, 0, 0)


def test_orders_shows_each_pair_once_and_two_hatched_quarters():
    ax = plots.orders([1.0, -2.0, 0.5], [1.0, 2.0, -3.0])
    assert len(ax.lines[0].get_xdata()) == 3 and len(ax.patches) == 2
    assert all(patch.get_hatch() for patch in ax.patches)
    corners = sorted(patch.get_xy() for patch in ax.patches)
    assert corners == [pytest.approx((-3.15, 0)), pytest.approx((0, -3.15))]


def test_labels_students_and_effort_hold_every_row():
    rows = [
        row(source=s, labels=n, seed=i, right=5 + i) for s in plots.NAMES for n in (100, 400) for i in (0, 1)
    ]
    ax = plots.labels(rows)
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert sum(len(line.get_xdata()) for line in dots) == len(rows)
    assert {text.get_text() for text in ax.get_legend().get_texts()} >= set(plots.NAMES.values())

    ax = plots.students([row(added=a, seed=s) for a in ("nothing", "filtered") for s in (0, 1, 2)])
    assert len(ax.patches) == 2 and [t.get_text().split("\n")[0] for t in ax.get_xticklabels()] == [
        "nothing",
        "filtered",
    ]
    batches = [{"labels": n, "scratch": 30.0, "seconds": 20.0 - i} for i, n in enumerate((50, 100))]
    ax = plots.effort([{"batches": batches}, {"batches": batches}], limit=2.5)
    assert list(ax.lines[0].get_ydata()) == [30 / 20, 30 / 19] and ax.get_ylim()[1] > 2.5


def test_generations_has_four_panels_and_two_lines_each():
    students = [{"right": 5, "n": 10, "distinct_3": 0.5, "facts": 20, "mark_written": 0.2}] * 6
    rows = [{"fresh": f, "seed": s, "students": students} for f in (0.0, 0.5) for s in (0, 1)]
    axes = plots.generations(rows)
    assert len(axes) == 4
    for ax, value in zip(axes, (0.5, 0.5, 20, 0.2)):
        means = [line for line in ax.lines if line.get_marker() != "."]
        assert len(means) == 2 and all(list(line.get_ydata()) == pytest.approx([value] * 6) for line in means)


def test_the_stored_tables_are_whole_once_they_are_there():
    for name, settings in ai_feedback.TABLES.items():
        rows = ai_feedback.read(name)
        assert not rows or all(any(s.items() <= r.items() for r in rows) for s in settings), name
