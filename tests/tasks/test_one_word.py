"""One-word questions: disjoint parts, prompts cut where a soft prompt belongs, grades of form and content."""

import pytest

from course_utils.prompts.templates import render_chat
from course_utils.tasks import one_word
from tests.helpers.tiny import byte_tokenizer


def subjects(part):
    return {(q.kind, q.answers, q.text.split()[-1]) for q in one_word.questions(part)}


def test_parts_have_their_sizes_and_share_no_question():
    parts = {part: one_word.questions(part) for part in one_word.PARTS}
    assert [len(parts[part]) for part in ("dev", "test")] == [50, 100]
    assert len(parts["train"]) > 400 and {q.kind for q in parts["unseen"]} == {one_word.UNSEEN}
    texts = [q.text for part in parts.values() for q in part]
    assert len(texts) == len(set(texts))
    assert not subjects("test") & subjects("train") and not subjects("test") & subjects("dev")
    assert all(" " not in answer for part in parts.values() for q in part for answer in q.answers)


def test_an_unknown_part_is_refused():
    with pytest.raises(KeyError, match="none of train"):
        one_word.questions("validation")


def test_a_prompt_is_the_front_and_what_training_sees_behind_it():
    tokenizer, asked = byte_tokenizer(), one_word.questions("test")[:2]
    front, _ = one_word.chat(tokenizer, "", "One word.")
    whole, behind = one_word.prompts(tokenizer, asked, "One word."), one_word.records(tokenizer, asked)
    assert whole == [front + record["prompt"] for record in behind]
    turns = [{"role": "system", "content": "One word."}, {"role": "user", "content": asked[0].text}]
    assert whole[0] == render_chat(tokenizer, turns)
    assert [record["completion"] for record in behind] == [q.answers[0] for q in asked]
    turns = [{"role": "user", "content": f"One word. {asked[0].text}"}]
    assert one_word.prompts(tokenizer, asked, "One word.", turn="user")[0] == render_chat(tokenizer, turns)


def test_solved_questions_come_before_the_question():
    tokenizer, train = byte_tokenizer(), one_word.questions("train")
    (text,) = one_word.prompts(tokenizer, one_word.questions("test")[:1], "One word.", train[:2])
    places = [text.index(piece) for piece in (train[0].text, train[0].answers[0], train[1].text)]
    assert places == sorted(places) and places[-1] < text.index(one_word.questions("test")[0].text)


def test_form_and_content_are_graded_apart():
    replies = ["Paris", "paris.", "The capital is Paris.", "Lyon", "", "42", "Paris France"]
    asked = [one_word.Question("capital", "What is the capital of France?", ("Paris",))] * len(replies)
    assert one_word.one_word(replies) == [True, True, False, True, False, False, False]
    assert one_word.exact(asked, replies) == [True, True, False, False, False, False, False]
    assert one_word.contained(asked, replies) == [True, True, True, False, False, False, True]
