"""Intervals against numbers worked out by hand or published, their limits, and the grades."""

import math
import random
import re

import numpy as np
import pytest

from course_utils import evaluation
from course_utils.corpus import nested
from course_utils.corpus.families import problems
from course_utils.corpus.split import Item
from course_utils.evaluation import (
    bootstrap_mean,
    exact_match,
    grade,
    interval,
    last_number,
    paired_difference,
)
from tests.helpers.tiny import tiny_llama


def test_exact_match_ignores_outer_space_only():
    assert exact_match([" a\n", "a  b", "A"], ["a", "a b", "a"]) == [True, False, False]
    with pytest.raises(ValueError):
        exact_match(["a"], [])


def test_wilson_by_hand():
    z2 = 1.959964**2  # with no hits the interval is [0, z²/(n + z²)]
    assert interval(0, 10) == (0.0, pytest.approx(z2 / (10 + z2)))
    assert interval(10, 10) == (pytest.approx(10 / (10 + z2)), 1.0)
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998a, table I
    assert interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_wilson_is_symmetric_and_shrinks():
    low, high = interval(30, 100)
    assert interval(70, 100) == pytest.approx((1 - high, 1 - low))
    assert math.dist(interval(300, 1000), (0.3, 0.3)) < math.dist((low, high), (0.3, 0.3))


@pytest.mark.parametrize("hits, n", [(0, 0), (-1, 5), (6, 5), (1, -1)])
def test_wilson_refuses(hits, n):
    with pytest.raises(ValueError):
        interval(hits, n)


def test_wilson_covers_the_truth_about_95_times_in_100():
    draw, n, rate = np.random.default_rng(0), 50, 0.2
    covered = [low <= rate <= high for low, high in (interval(h, n) for h in draw.binomial(n, rate, 2_000))]
    assert 0.93 < np.mean(covered) < 0.975


def pairs(both, only_a, only_b, neither):
    a = [1] * both + [1] * only_a + [0] * only_b + [0] * neither
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    return a, b


@pytest.mark.parametrize(
    "counts, phi",
    [
        ((20, 12, 2, 16), (20 * 16 - 12 * 2 - 25) / math.sqrt(32 * 18 * 22 * 28)),  # corrected by n/2
        ((1, 1, 7, 12), 0),  # 12 - 7 = 5 is less than n/2
        ((2, 10, 8, 4), (2 * 4 - 10 * 8) / math.sqrt(12 * 12 * 10 * 14)),  # negative: not corrected
        ((18, 14, 0, 18), (18 * 18 - 25) / math.sqrt(32 * 18 * 18 * 32)),
        ((36, 14, 0, 0), 0),  # a is always right: no correlation to speak of
    ],
)
def test_paired_difference_by_hand(counts, phi):
    """Newcombe's formula written out, with phi worked out by hand for each table."""
    both, only_a, only_b, neither = counts
    n = sum(counts)
    pa, pb = (both + only_a) / n, (both + only_b) / n
    (la, ua), (lb, ub) = interval(both + only_a, n), interval(both + only_b, n)
    down = math.sqrt((pa - la) ** 2 - 2 * phi * (pa - la) * (ub - pb) + (ub - pb) ** 2)
    up = math.sqrt((pb - lb) ** 2 - 2 * phi * (pb - lb) * (ua - pa) + (ua - pa) ** 2)
    assert paired_difference(*pairs(*counts)) == pytest.approx((pa - pb, pa - pb - down, pa - pb + up))


def test_paired_difference_limits():
    same = pairs(20, 0, 0, 20)
    difference, low, high = paired_difference(*same)
    assert difference == 0 and low == pytest.approx(-high) and 0 < high < 0.06  # not [0, 0]: n is only 40
    assert paired_difference(*pairs(0, 30, 0, 0))[0::2] == (1.0, 1.0)
    assert paired_difference(*pairs(0, 0, 30, 0))[:2] == (-1.0, -1.0)
    a, b = pairs(20, 12, 2, 16)
    flipped = [-x for x in paired_difference(b, a)]
    assert paired_difference(a, b) == pytest.approx((flipped[0], flipped[2], flipped[1]))
    assert paired_difference(np.array(a), [bool(x) for x in b]) == pytest.approx(paired_difference(a, b))


def test_pairing_narrows_the_interval():
    _, low, high = paired_difference(*pairs(45, 10, 5, 40))
    _, apart_low, apart_high = paired_difference(*pairs(27, 28, 23, 22))  # the same rates, unrelated
    assert high - low < 0.7 * (apart_high - apart_low)


def test_paired_difference_covers_the_truth():
    draw, covered = np.random.default_rng(0), []
    for both, only_a, only_b, neither in draw.multinomial(60, [0.4, 0.2, 0.1, 0.3], 1_000):
        _, low, high = paired_difference(*pairs(both, only_a, only_b, neither))
        covered.append(low <= 0.1 <= high)
    assert 0.93 < np.mean(covered) < 0.985


@pytest.mark.parametrize("a, b", [([], []), ([1], [1, 0]), ([0.5], [1]), ([2, 0], [1, 0])])
def test_paired_difference_refuses(a, b):
    with pytest.raises(ValueError):
        paired_difference(a, b)


def test_bootstrap_agrees_with_theory():
    values = np.random.default_rng(0).normal(3, 2, 400)
    mean, low, high = bootstrap_mean(values, seed=0)
    reach = 1.96 * values.std() / 20
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx((mean - reach, mean + reach), abs=0.02)
    assert bootstrap_mean(values, seed=0) == (mean, low, high) != bootstrap_mean(values, seed=1)
    assert bootstrap_mean([4, 4, 4], seed=0, resamples=50) == (4, 4, 4)


@pytest.mark.parametrize("values", [[], [1, math.nan], [math.inf], [[1, 2]]])
def test_bootstrap_refuses(values):
    with pytest.raises(ValueError):
        bootstrap_mean(values, seed=0)


@pytest.mark.parametrize(
    "rule, answer, continuation, right",
    [
        ("line", "Paris", " Paris.\nQuestion:", True),
        ("line", "Paris", " Paris, of course", False),
        ("line", "Paris", "\nParis", False),
        ("line", "Paris", "", False),
        ("line", "the U.S.", " the U.S.", True),
        ("line", "Paris", " paris", False),
        ("final", "12", " 5 + 7 = 12. The answer is 12.", True),
        ("final", "12", "The answer is 11. The answer is 12", True),
        ("final", "12", "The answer is 12. The answer is 11.", False),
        ("final", "12", " 12", False),
        ("final", "12", "The answer is 12.\nmore", True),
        ("final", "12", "The answer is 120.", False),
        ("number", "1200", " He paid $1,200.00. That is all.", True),
        ("number", "1,200", "1200", True),
        ("number", "3", "5 - 8 = -3", False),
        ("number", "12", "twelve", False),
        ("number", "none", "none", False),
        (lambda text: "ok" in text, "", "it is ok", True),
        (lambda text: None, "", "it is ok", False),
    ],
)
def test_grade(rule, answer, continuation, right):
    assert grade(Item("p", answer, rule), continuation) is right


@pytest.mark.parametrize(
    "text, number",
    [
        ("$1,200", "1200"),
        ("-3", "-3"),
        ("it is −3.", "-3"),
        ("2.50", "2.5"),
        ("3-4", "4"),
        ("(3)-4", "4"),
        ("3 - 4", "4"),
        ("7 * -4", "-4"),
        ("1.5.", "1.5"),
        ("-$1,234,567.80", "-1234567.8"),
        ("1,2,3", "3"),
        ("1,2345", "2345"),
        ("between 10-20", "20"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("-0.0", "0"),
        ("007", "7"),
        ("100", "100"),
        ("5% of 80 €", "80"),
        ("9" * 5000, "9" * 5000),
        ("no idea", None),
        ("", None),
    ],
)
def test_last_number(text, number):
    assert last_number(text) == number


def test_last_number_grades_the_course_s_own_problems_as_before():
    """Stored results were graded by the last run of digits, which in these texts is the same number."""
    rng = random.Random(0)
    for reasoned in [True, False] * 400:
        for question, answer in (nested.problem(rng, reasoned), problems.corpus_problem(rng, reasoned)):
            for text in (question, answer):
                assert last_number(text) == ([None, *re.findall(r"\d+", text)])[-1], text


def test_grade_refuses_an_unknown_rule():
    with pytest.raises(ValueError, match="unknown grade 'lines'"):
        grade(Item("p", "a", "lines"), "a")


def test_evaluate_keeps_the_order_and_groups_by_budget(monkeypatch):
    calls = []

    def echo(model, tokenizer, prompts, max_new_tokens, stop, batch_size):
        calls.append((max_new_tokens, len(prompts), stop))
        return [f" {prompt}." for prompt in prompts]

    monkeypatch.setattr(evaluation, "generate", echo)
    draw = random.Random(0)
    items = [Item(str(i), str(i + i % 3 % 2), max_new_tokens=draw.choice([4, 8])) for i in range(30)]
    assert evaluation.evaluate(None, None, items) == [i % 3 != 1 for i in range(30)]
    assert [call[::2] for call in calls] == [(4, "\n"), (8, "\n")] and sum(call[1] for call in calls) == 30
    assert evaluation.evaluate(None, None, []) == []


def test_evaluate_grades_what_the_model_says():
    model, tokenizer = tiny_llama()
    text = evaluation.generate(model, tokenizer, ["Hello"], max_new_tokens=6, stop="\n")[0]
    items = [Item("Hello", text, max_new_tokens=6), Item("Hello", text + "?", max_new_tokens=6)]
    assert evaluation.evaluate(model, tokenizer, items) == [True, False]
