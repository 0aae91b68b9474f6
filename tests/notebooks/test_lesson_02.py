"""What lesson 02 defines is what the exercises and the package compute."""

import ast
import re

import pytest
import torch
from transformers import DynamicCache

from course_utils.lessons import l02
from course_utils.peft import soft_prompts
from course_utils.peft.soft_prompt_encoders import Direct
from tests.helpers.lesson import Lesson
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("02")


def test_the_exercise_s_answer_is_what_the_package_computes():
    model, tokenizer = tiny_llama()
    vectors = soft_prompts.random_start(model, 4)
    rows = tokenizer(["cat", "a dog"])["input_ids"]
    ids = torch.tensor([[7] * 2 + rows[0], rows[1]])
    mask = torch.tensor([[0] * 2 + [1] * 3, [1] * 5])
    seen, positions = l02.mask_and_positions(mask, 4)
    before = torch.arange(4).expand(2, -1)
    by_hand = model(
        inputs_embeds=l02.with_vectors(model.get_input_embeddings(), vectors, ids),
        attention_mask=seen,
        position_ids=torch.cat([before, positions], 1),
    ).logits[:, 4:]
    ours = soft_prompts.SoftPrompted(model, Direct(vectors))(input_ids=ids, attention_mask=mask).logits
    assert torch.allclose(by_hand[mask == 1], ours[mask == 1], atol=1e-4)


def test_every_claim_has_a_bound_that_can_be_missed():
    bounds = [keyword.arg for call in LESSON.calls("claim") for keyword in call.keywords]
    assert set(bounds) <= {"above", "below"}


@pytest.mark.parametrize("rows", [1, 3])
def test_what_the_lesson_builds_is_what_the_package_computes(rows):
    model, tokenizer = tiny_llama()
    vectors = soft_prompts.random_start(model, 3)
    ids = tokenizer("a cat", return_tensors="pt").input_ids.repeat(rows, 1)
    ours = soft_prompts.SoftPrompted(model, Direct(vectors))(input_ids=ids).logits
    assert torch.allclose(LESSON.taught("soft_logits", torch=torch)(model, vectors, ids), ours, atol=1e-4)
    prefix = soft_prompts.random_prefix(model, 3)
    ours = soft_prompts.SoftPrompted(model, Direct(prefix))(input_ids=ids).logits
    theirs = LESSON.taught("prefix_logits", DynamicCache=DynamicCache)(model, prefix, ids)
    assert torch.allclose(theirs, ours, atol=1e-4)


def test_what_the_lesson_builds_is_short():
    for name in ("soft_logits", "prefix_logits"):
        lines = ast.get_source_segment(LESSON.source, LESSON.definitions()[name]).splitlines()
        assert len(lines) <= 20


def test_the_silent_bug_shows():
    """The stored lesson shows PEFT's batch differ from its single rows, and the course's agree."""
    shown = "".join(o.get("text", "") for c in LESSON.cells for o in c.get("outputs", []))
    same = {name: float(share) for name, share in re.findall(r"(PEFT|ours): same .* alone ([\d.]+);", shown)}
    assert same["PEFT"] < 0.9 and same["ours"] == 1
