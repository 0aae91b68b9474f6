"""Lesson 01: what its notebook contains, and that the small functions it teaches do what the text says."""

import ast
import random

from course_utils.corpus import reasoning
from course_utils.lessons import l01
from course_utils.prompts import templates
from course_utils.tasks.base import vote
from course_utils.tasks.toy_desk import replies
from course_utils.tasks.toy_desk.task import TASK as TOY_DESK
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.lesson import Lesson

LESSON = Lesson("01")
CELLS, CODE = LESSON.cells, LESSON.code


def outputs_with(text):
    """All text outputs of the code cells whose source contains a text."""
    cells = [cell for cell in CODE if text in cell.source]
    return "\n".join(
        str(o.get("text") or o.get("data", {}).get("text/plain")) for c in cells for o in c.outputs
    )


def test_every_claim_has_a_bound_that_random_weights_miss():
    bounds = [keyword.arg for call in LESSON.calls("claim") for keyword in call.keywords]
    assert bounds.count("above") == len(LESSON.calls("claim"))


def test_every_figure_says_whose_numbers_it_holds():
    calls = [ast.unparse(n) for n in ast.walk(ast.parse(LESSON.source)) if isinstance(n, ast.Call)]
    bars = [call for call in calls if call.startswith("figures.bars(")]
    assert len(bars) >= 8 and all(call.endswith(("SMOL)", "GLASS)")) for call in bars)
    titles = [line for line in LESSON.source.splitlines() if line.startswith("title =")]
    assert all("SmolLM2" in line or "lass box" in line for line in titles)


def test_widget_has_a_picture_beside_it():
    widget = next(i for i, cell in enumerate(CELLS) if "prompt_playground(" in cell.source)
    assert "cost_picture(" in CELLS[widget + 2].source
    assert any("image/png" in output.get("data", {}) for output in CELLS[widget + 2].outputs)


def test_prompt_in_a_list_is_the_package_s():
    pairs = [("cat", "cats"), ("fox", "foxes")]
    assert LESSON.taught("in_a_list")(pairs, "mouse") == templates.arrow(pairs, "mouse")


def test_vote_takes_the_earliest_at_a_tie():
    most_frequent = LESSON.taught("most_frequent")
    assert most_frequent(["5", "4", "4", "8"]) == "4"
    assert most_frequent(["5", "4", "4", "5"]) == "5"
    assert l01.majority(["5", "4", "4", "5"]) == "5"
    forms = [replies.written({"team": t, "priority": "low", "answer": "x"}) for t in ("B", "A", "A", "B")]
    assert vote(TOY_DESK, forms) == forms[0], "the desk's vote breaks ties as the lesson does"


def test_triggers_are_where_the_lesson_says():
    from course_utils.tasks.prompting import glass_box

    assert sum(share for share in glass_box.TRIGGERS.values()) == sum(reasoning.TRIGGERS.values()) == 100
    never = [trigger for trigger, share in glass_box.TRIGGERS.items() if not share]
    assert sum(trigger in reasoning.UNSEEN_TRIGGERS for trigger in never) >= 2
    assert not set(never) & set(reasoning.TRIGGERS)


def test_the_search_proposes_prompts_that_nobody_wrote():
    taught = LESSON.taught("proposals", ADDED=("!",), chat=str, generation=Echo, real=None, tokenizer=None)
    made = list(taught("one two three", random.Random(0)))
    assert len(made) == 4 and len(made[0].split()) == 2 and made[1] == "one two three !"


class Echo:
    """Stands for course_utils.generation."""

    @staticmethod
    def generate(model, tokenizer, prompts, *others, **more):
        return [prompt.upper() for prompt in prompts]


def test_the_toy_desk_s_failure_is_shown():
    """Every shot ends in the sign-off, no reply does: that is what the lesson's text explains."""
    assert "end in 'Your Ombly.': 8 of the 8 shots, 0 of the 3 replies" in outputs_with("TOY.read(")


def test_it_names_the_rows_that_it_added():
    recap = next(cell.source for cell in CELLS if "**On the scoreboard:**" in cell.source)
    named = recap.split("**On the scoreboard:**")[1].split(".")[0].replace(",", " ").split()
    assert set(named) == {name for name, each in TECHNIQUES.items() if each.lesson == "01"}
