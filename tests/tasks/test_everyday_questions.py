"""Questions to train on and to test with: none twice, none in both."""

import pytest
from rapidfuzz import fuzz, process

from course_utils.tasks import everyday_questions


def test_no_question_stands_twice_or_in_both_parts():
    train, test = everyday_questions.read("train"), everyday_questions.read("test")
    assert len(train) == 80 and len(test) == 40 and len({*train, *test}) == 120
    assert process.cdist(test, train, scorer=fuzz.ratio).max() < 90
    assert all(question.endswith("?") for question in train + test)
    with pytest.raises(KeyError):
        everyday_questions.read("dev")
