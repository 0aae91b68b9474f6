"""Before | after cards: right is green and has a sign, text is escaped, and plain text says the same."""

import re

from course_utils.finetune import cards

HOSTILE = '<img src=x onerror="alert(1)"> & <b>physics</b>'


def shown(before, after, key="physic"):
    return cards.before_after(["Who was Einstein?"], [before], [after], [key])


def test_right_and_wrong_differ_by_sign_and_color():
    page = shown("A bell founder.", "A PHYSICIST.")._repr_html_()
    assert page.count(cards.RIGHT) == page.count(cards.WRONG) == 1
    assert cards.LOOKS[True][1] in page and cards.LOOKS[False][1] in page
    assert "<b><u>PHYSIC</u></b>IST." in page, "the words that make it right are marked"


def test_counts_are_of_right_replies():
    made = cards.before_after(["a", "b"], ["x", "y"], ["x", "x"], ["x", "x"])
    assert made.counts() == [1, 2]
    assert "before: <b>1 of 2</b>" in made._repr_html_() and repr(made).startswith("before: 1 of 2 right")


def test_text_is_escaped():
    page = cards.before_after(
        [HOSTILE], [HOSTILE], ["\x1b[31m\u202e"], ["physics"], (HOSTILE, "after")
    )._repr_html_()
    assert "<img" not in page and "\x1b" not in page and "\u202e" not in page
    assert set(re.findall(r"</?([a-z]+)", page)) <= {"p", "div", "b", "u"}


def test_plain_text_has_the_same_signs_and_no_control_signs():
    text = repr(shown("A bell\nfounder.\x1b", "A physicist."))
    assert f"{cards.WRONG} A bell founder." in text and f"{cards.RIGHT} A physicist." in text
    assert "\x1b" not in text


def test_a_long_reply_is_cut_and_still_right():
    made = shown("", "x " * 300 + "physics")
    assert made.counts() == [0, 1]
    assert "…" in made._repr_html_() and "(nothing)" in made._repr_html_()
    assert max(map(len, repr(made).splitlines())) <= 2 * cards.WIDTH + 4
