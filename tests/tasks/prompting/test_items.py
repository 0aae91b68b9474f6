"""What lesson 01 asks: no question is among its shots, the rules of reply styles and of facts can fail."""

import pytest

from course_utils.corpus import reasoning
from course_utils.evaluation import grade
from course_utils.tasks.helpdesk import shop
from course_utils.tasks.prompting import everyday, glass_box, policy_questions, reply_styles, word_lists


@pytest.mark.parametrize("task", word_lists.TASKS)
def test_word_lists(task):
    items = {k: word_lists.items(task, k) for k in (0, 4, 8)}
    assert [item.prompt for item in items[0]] == [item.prompt.splitlines()[-1] for item in items[8]]
    asked = {item.prompt.removesuffix(" ->") for item in items[0]}
    shown = {x for x, _ in word_lists.shots(task, 8)}
    assert len(asked) == 40 and len(shown) == 8 and not asked & shown
    item = items[4][0]
    assert item.prompt.count(" -> ") == 4 and item.prompt.endswith(" ->")
    assert grade(item, f" {item.answer}.\nmore") and grade(item, item.answer.upper())
    assert not grade(item, "") and not grade(item, f"{item.answer} x")


def test_what_does_not_exist():
    with pytest.raises(ValueError, match="colors"):
        word_lists.pairs("colors")
    with pytest.raises(ValueError, match="9"):
        word_lists.shots("plurals", 9)


@pytest.mark.parametrize(
    "style, good, bad",
    [
        ("pirate", "Ahoy, matey! Ye want tea?", "The sea is wide, my friend."),
        ("German", "Der Himmel ist blau, und das Wasser ist es auch.", "The sky is blue and is in the air."),
        ("numbered list", "Here:\n1. Boil water.\n2. Add tea.", "First boil water, then add 1.5 g of tea."),
        ("short", "Boil water and add tea.", "Boil water. Then add tea."),
        ("short", "Tea.", "word " * 21),
        ("one word", "Water.", "Hot water."),
    ],
)
def test_styles(style, good, bad):
    check = reply_styles.STYLES[style].check
    assert check(good) and not check(bad) and not check("")


def test_policy_questions():
    asked = policy_questions.questions()
    assert len(asked) == 2 * len(shop.FACTS) == len({a.text for a in asked})
    for one in asked:
        assert one.grade(one.statement) and not one.grade("We will look into it.")
        wrong = next(a for a in asked if a.key != one.key)
        assert not one.grade(wrong.statement)


def test_reviews_and_stories():
    reviews, stories = everyday.reviews(), everyday.stories()
    assert len(reviews) == len(stories) == 64
    assert sum(label == "positive" for _, label in reviews[:40]) == 20
    assert not {question for question, _ in everyday.WORKED} & {question for question, _ in stories}
    assert all(question.endswith("now?") and answer.isdigit() for question, answer in stories)


def test_items_of_the_glass_box():
    plain, cued = glass_box.puzzles(3), glass_box.puzzles(3, "Let me think.")
    assert all(item.prompt.endswith("\nAnswer:") for item in plain)
    assert [item.prompt for item in cued] == [f"{item.prompt} Let me think." for item in plain]
    assert grade(plain[0], f"so it is {plain[0].answer}.") and not grade(plain[0], "many")
    assert {t for t, share in glass_box.TRIGGERS.items() if share} == set(reasoning.TRIGGERS)
    assert glass_box.questions(2, "a forum")[1].prompt.startswith("Forum.")
    assert len({item.prompt for item in glass_box.stories(2, 5, True)}) == 5
    assert glass_box.new_labels(2, 3)[0].prompt.count("Label: ") == 2
