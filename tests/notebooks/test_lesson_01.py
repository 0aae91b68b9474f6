"""Lesson 01: what its notebook holds, and that the small functions it teaches do what the text says."""

import ast
import contextlib
import random
import re

from course_utils.corpus import lexicon, reasoning
from course_utils.corpus.families import capital, translation
from course_utils.corpus.split import Item
from course_utils.evaluation import last_number
from course_utils.lessons import l01
from course_utils.prompts import templates
from course_utils.tasks.base import vote
from course_utils.tasks.toy_desk import replies
from course_utils.tasks.toy_desk.task import TASK as TOY_DESK
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.lesson import Lesson

LESSON = Lesson("01")
CELLS, CODE = LESSON.cells, LESSON.code


def taught(name):
    """The function that the notebook defines, with the constants of its cell that need no model."""
    cell = next(cell for cell in CODE if f"def {name}(" in cell.source)
    names = {"re": re, "lexicon": lexicon, "Item": Item}
    for node in ast.parse(cell.source).body:
        if isinstance(node, (ast.Assign, ast.FunctionDef)):
            with contextlib.suppress(NameError):
                exec(compile(ast.Module([node], []), f"<{name}>", "exec"), names)
    return names[name]


def test_every_claim_has_a_bound_that_random_weights_miss():
    bounds = [keyword.arg for call in LESSON.calls("claim") for keyword in call.keywords]
    assert bounds.count("above") == len(LESSON.calls("claim"))


def test_every_measurement_has_two_hundred_items():
    settings = next(cell.source for cell in CODE if "ITEMS =" in cell.source)
    names = {}
    exec("\n".join(line for line in settings.splitlines() if line.startswith("ITEMS =")), names)
    assert names["ITEMS"] >= 200


def test_widget_has_a_picture_beside_it():
    widget = next(i for i, cell in enumerate(CELLS) if "prompt_playground(" in cell.source)
    assert "cost_picture(" in CELLS[widget + 2].source
    assert any("image/png" in output.get("data", {}) for output in CELLS[widget + 2].outputs)


def test_prompt_in_a_list_is_the_librarys():
    pairs = [("cat", "cats"), ("fox", "foxes")]
    assert taught("in_a_list")(pairs, "mouse") == templates.arrow(pairs, "mouse")


def test_senses_know_every_sentence_of_the_library():
    sense = taught("sense")
    words = {"c": "Italy", "l": "I", "x": "roads", "y": "banks"}
    for frames, name in ((capital.LETTER, "a letter"), (capital.MONEY, "money")):
        for frame in frames:
            assert sense(frame.format(**words).removeprefix("The capital of Italy is")) == name, frame
    assert sense(" Rome.") == "a city" and sense(" blue.") == "none of these"


def test_a_sentence_comes_out_of_its_prompt_whole():
    item = translation.item(random.Random(0))
    english = taught("sentence_of")(item)
    assert f"English: {english}\nGerman:" == item.prompt


def test_last_number_reads_both_kinds_of_answer():
    assert last_number(" 8 / 2 = 4. The answer is 4.") == last_number(" 4") == "4"
    assert last_number("no idea") is None


def test_vote_takes_the_earliest_at_a_tie():
    most_frequent = taught("most_frequent")
    assert most_frequent(["5", "4", "4", "8"]) == "4"
    assert most_frequent(["5", "4", "4", "5"]) == "5"
    assert l01.majority(["5", "4", "4", "5"]) == "5"
    forms = [replies.written({"team": t, "priority": "low", "answer": "x"}) for t in ("B", "A", "A", "B")]
    assert vote(TOY_DESK, forms) == forms[0], "the desk's vote breaks ties as the lesson does"


def test_labeled_swaps_names_and_nothing_else():
    labeled = taught("labelled")
    task = [("nice song", 0), ("bad song", 1)], ("good song", 0)
    plain, swapped = labeled(task), labeled(task, ("negative", "positive"))
    assert (
        plain.prompt
        == "Input: nice song\nLabel: positive\nInput: bad song\nLabel: negative\nInput: good song\nLabel:"
    )
    assert plain.answer == "positive" and swapped.answer == "negative"
    assert swapped.prompt.count("Label: negative\nInput: bad") == 1


def test_ordered_puts_the_right_label_last_or_first():
    ordered = taught("ordered")
    task = [("a", 0), ("b", 1), ("c", 0)], ("q", 0)
    assert [label for _, label in ordered(task, True)[0]] == [1, 0, 0]
    assert [label for _, label in ordered(task, False)[0]] == [0, 0, 1]


def test_triggers_are_where_the_lesson_says():
    cell = next(cell.source for cell in CODE if cell.source.startswith("TRIGGERS"))
    names = {}
    exec(compile(ast.Module(ast.parse(cell).body[:1], []), "<triggers>", "exec"), names)
    total = sum(reasoning.TRIGGERS.values())
    for trigger, share in names["TRIGGERS"].items():
        if share == "never":
            assert trigger not in reasoning.TRIGGERS
        else:
            assert share == f"{100 * reasoning.TRIGGERS[trigger] / total:.0f} %"
    assert sum(trigger in reasoning.UNSEEN_TRIGGERS for trigger in names["TRIGGERS"]) >= 2
    assert sum(trigger in reasoning.TRIGGERS for trigger in names["TRIGGERS"]) >= 4


def test_it_names_the_rows_that_it_added():
    recap = next(cell.source for cell in CELLS if "**On the scoreboard:**" in cell.source)
    named = recap.split("**On the scoreboard:**")[1].split(".")[0].replace(",", " ").split()
    assert set(named) == {name for name, rung in TECHNIQUES.items() if rung.lesson == "01"}
