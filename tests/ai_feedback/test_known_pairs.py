"""Pairs with a known better reply: the same form, one answer right, length as it is set."""

from course_utils.ai_feedback import known_pairs

PAIRS = known_pairs.facts(40)


def test_the_wrong_reply_is_the_right_one_with_another_answer():
    for pair in PAIRS:
        right, wrong = (pair[side].removesuffix(".").split(" is ") for side in ("right", "wrong"))
        assert right[0] == wrong[0] and right[1] != wrong[1]
        assert right[0].split(" of ")[1] in pair["prompt"]
    assert len({pair["prompt"] for pair in PAIRS}) == 40


def test_kinds_take_turns():
    starts = [pair["prompt"].split(" ")[3] for pair in PAIRS if pair["prompt"].startswith("What is the ")]
    assert {starts.count(kind) for kind in ("capital", "opposite", "plural", "past")} == {8}


def test_the_seed_changes_wrong_answers_alone():
    other = known_pairs.facts(40, seed=1)
    assert [p["right"] for p in other] == [p["right"] for p in PAIRS]
    assert [p["wrong"] for p in other] != [p["wrong"] for p in PAIRS]


def test_padding_makes_one_side_longer():
    for side, same in (("right", "wrong"), ("wrong", "right")):
        for pair, longer in zip(PAIRS, known_pairs.padded(PAIRS, side)):
            assert longer[side] == f"{pair[side]} {known_pairs.PADDING}" and longer[same] == pair[same]
    (twice,) = known_pairs.padded(PAIRS[:1], "right", None)
    assert twice["right"] == f"{PAIRS[0]['right']} {PAIRS[0]['right']}"


def test_shown_mixes_the_sides_and_keeps_the_gold():
    prompts, a, b, gold = known_pairs.shown(PAIRS)
    assert prompts == [pair["prompt"] for pair in PAIRS] and 10 < gold.count(1) < 30
    for pair, one, two, sign in zip(PAIRS, a, b, gold):
        assert (one, two) == ((pair["right"], pair["wrong"]) if sign > 0 else (pair["wrong"], pair["right"]))


def test_the_beginning_of_a_reply_ends_before_its_answer():
    opened = known_pairs.opened("test")
    assert len(opened) > 40 and len({question.text for question, _ in opened}) == len(opened)
    for question, opening in opened:
        words = opening.split(" ")
        assert opening == opening.strip() and words[-1] == "is" and not opening.endswith(".")
        assert not any(f" {answer}" in opening.partition(" of ")[2] for answer in question.answers)
        assert words[1] in question.text  # "capital", "color", …
