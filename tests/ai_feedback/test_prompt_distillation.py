"""The teacher is asked with the instruction, its records are without it, and the filter refuses loops."""

import pytest

from course_utils import generation
from course_utils.ai_feedback import prompt_distillation
from tests.helpers.tiny import tiny_llama

QUESTIONS = ["What is tea?", "What is rain?", "Why?"]


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama(context=512)


def test_the_instruction_stands_in_front_of_the_question(tiny):
    with_it = prompt_distillation.asked(tiny[1], "What is tea?", "Be brief.")
    assert "Be brief. What is tea?" in with_it
    assert with_it.replace("Be brief. ", "") == prompt_distillation.asked(tiny[1], "What is tea?")


def test_records_have_the_instructed_reply_and_no_instruction(tiny):
    model, tokenizer = tiny
    records = prompt_distillation.write(model, tokenizer, QUESTIONS, "Be brief.", seed=3, room=6)
    assert [record["prompt"] for record in records] == QUESTIONS
    prompts = [prompt_distillation.asked(tokenizer, q, "Be brief.") for q in QUESTIONS]
    texts = generation.generate(model, tokenizer, prompts, 6, temperature=0.7, seed=3)
    assert [record["completion"] for record in records] == [text.strip() for text in texts]
    plain = prompt_distillation.write(model, tokenizer, QUESTIONS, None, seed=3, room=6)
    assert plain != records


@pytest.mark.parametrize(
    "reply, loops",
    [
        ("Aye, aye, aye, aye, matey!", True),
        ("The sea, the sea, the sea and the sea.", True),
        ("Water boils at a hundred degrees.", False),
        ("Aye aye", False),  # two words have one pair
        ("No.", False),
    ],
)
def test_repeats(reply, loops):
    assert prompt_distillation.repeats(reply) == loops


def test_case_does_not_hide_a_loop():
    assert prompt_distillation.repeats("Tea is good. TEA IS good. tea Is GOOD.")


def test_keep_wants_the_manner_and_no_loop():
    replies = ["arr, it is hot", "it is hot", "arr, arr, arr, arr, arr", ""]
    records = [{"prompt": "?", "completion": reply} for reply in replies]
    assert prompt_distillation.keep(records, lambda reply: "arr" in reply) == records[:1]
    assert prompt_distillation.keep(records, lambda reply: True) == records[:2]
