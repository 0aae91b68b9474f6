"""Lesson 07: what its notebook asserts, asks and teaches; its definitions are the package's."""

import ast

from course_utils.lessons import l07
from tests.helpers.lesson import Lesson

LESSON = Lesson("07")


def test_claims_about_rows_say_that_they_are_stored():
    """A live claim speaks of the office, which is measured in the notebook; all others of stored rows."""
    texts = [ast.unparse(call.args[0]) for call in LESSON.calls("claim")]
    stored = [text for text in texts if "(stored" in text]
    live = [text for text in texts if "the office" in text]
    assert len(stored) >= 6 and len(live) >= 3 and sorted(stored + live) == sorted(texts)


def test_the_belief_is_about_families_that_exist():
    from course_utils.scoreboard import advisor

    settings = next(cell.source for cell in LESSON.code if "LADDER =" in cell.source)
    line = next(line for line in settings.splitlines() if line.startswith("LADDER ="))
    assert set(ast.literal_eval(line.partition("=")[2].partition("#")[0].strip())) <= set(advisor.FAMILIES)


def test_the_exercise_walks_the_path_of_the_package():
    from itertools import product

    from course_utils.scoreboard import advisor

    for given in product(("yes", "no"), ("yes", "no"), ("yes", "no"), advisor.QUESTIONS["model_can"][1]):
        assert l07.family(*given) == advisor.path(*given)[0][0]
