"""The English suite asks what it says, and tells format collapse from forgetting."""

import collections

import pytest

from course_utils.tasks import english_retention as suite
from tests.helpers.tiny import tiny_llama


def answers(ability):
    return [question.answers[0] for question in suite.questions(ability)]


@pytest.mark.parametrize("ability", suite.ABILITIES)
def test_enough_questions_each_once_and_none_among_the_examples(ability):
    asked = suite.questions(ability)
    assert len(asked) >= 60 and len({question.text for question in asked}) == len(asked)
    last = [question.text.split("\n")[-1].removesuffix(" ->") for question in asked]
    assert not set(last) & {word for word, _ in suite.SHOTS.get(ability, ())}


def test_no_constant_answer_does_well():
    for ability in suite.ABILITIES:
        most = collections.Counter(answers(ability)).most_common(1)[0][1]
        assert most <= 0.5 * len(answers(ability)), ability


def test_word_problems_state_their_answer_rightly():
    for question in suite.questions("word problems"):
        story = question.text.split("Question: ")[-1].split()
        numbers = [int(word) for word in story if word.isdigit()]
        sign = 1 if {"buys", "finds"} & set(story) else -1
        assert question.answers == (str(numbers[0] + sign * numbers[1]),)


def test_the_right_answer_passes_both_grades():
    for ability in suite.ABILITIES:
        for question in suite.questions(ability):
            reply = f" The answer is {question.answers[0]}."
            if ability not in ("word problems", "common facts"):
                reply = f" {question.answers[0]}"
            assert suite.strict(question, reply) and suite.lenient(question, reply), question
            assert not suite.lenient(question, " I do not know.")


@pytest.mark.parametrize("ability", suite.ABILITIES)
def test_the_answer_in_another_form_passes_the_lenient_grade_only(ability):
    question = suite.questions(ability)[0]
    reply = f'{{"team": "orders", "reply": "It is {question.answers[0]}."}}'
    assert suite.lenient(question, reply) and not suite.strict(question, reply)


def test_part_of_a_word_is_no_answer():
    question = suite.Question("common facts", "?", ("Au",), chat=True)
    assert not suite.lenient(question, "Autumn") and suite.lenient(question, "It is Au.")


def test_measure_asks_every_ability_in_its_form():
    model, tokenizer = tiny_llama(context=1024)
    hits = suite.measure(model, tokenizer, count=2)
    assert set(hits) == set(suite.ABILITIES)
    assert all(len(grades) == 2 for of in hits.values() for grades in of.values())


def test_an_unknown_ability_is_refused():
    with pytest.raises(KeyError, match="chess"):
        suite.questions("chess")
