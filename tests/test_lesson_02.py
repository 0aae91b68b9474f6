"""What lesson 02 defines is what the exercises and the package compute."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import torch
from transformers import DynamicCache

from course_utils import exercises, soft_prompts
from course_utils.lessons import l02
from course_utils.prompt_encoders import Direct
from tests.tiny import tiny_llama

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "02_soft_prompts.ipynb"


def code():
    return "\n\n".join(c.source for c in nbformat.read(LESSON, as_version=4).cells if c.cell_type == "code")


def functions(source):
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}


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


def test_there_is_enough_to_do():
    questions = [q for q in exercises.in_lessons() if q.id.startswith("02.")]
    predictions = [p for p in exercises.in_lessons(exercises.Prediction) if p.id.startswith("02.")]
    assert len(questions) >= 4 and len(predictions) >= 2
    source = code()
    assert source.count("\nclaim(") + source.count(" claim(") >= 6
    for name in ("q1", "q2", "q3", "q4"):
        exercise = getattr(l02, name)
        assert f"{name}.ask()" in source and f"{name}.check({exercise.reference.__name__})" in source
    for name in ("p1", "p2", "p3"):
        assert source.index(f"{name}.answer(...)") < source.index(f"{name}.reveal(")


def test_every_claim_has_a_bound_that_can_be_missed():
    calls = [node for node in ast.walk(ast.parse(code())) if isinstance(node, ast.Call)]
    claims = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "claim"]
    assert len(claims) >= 6
    assert all({keyword.arg for keyword in call.keywords} & {"above", "below"} for call in claims)


def taught(name, **names):
    exec(compile(ast.Module([functions(code())[name]], []), "lesson", "exec"), names)
    return names[name]


@pytest.mark.parametrize("rows", [1, 3])
def test_what_the_lesson_builds_is_what_the_package_computes(rows):
    model, tokenizer = tiny_llama()
    vectors = soft_prompts.random_start(model, 3)
    ids = tokenizer("a cat", return_tensors="pt").input_ids.repeat(rows, 1)
    ours = soft_prompts.SoftPrompted(model, Direct(vectors))(input_ids=ids).logits
    assert torch.allclose(taught("soft_logits", torch=torch)(model, vectors, ids), ours, atol=1e-4)
    prefix = soft_prompts.random_prefix(model, 3)
    ours = soft_prompts.SoftPrompted(model, Direct(prefix))(input_ids=ids).logits
    theirs = taught("prefix_logits", DynamicCache=DynamicCache)(model, prefix, ids)
    assert torch.allclose(theirs, ours, atol=1e-4)


def test_what_the_lesson_builds_is_short():
    source = code()
    for name in ("soft_logits", "prefix_logits"):
        assert len(ast.get_source_segment(source, functions(source)[name]).splitlines()) <= 20


def test_the_silent_bug_shows():
    """The stored lesson shows PEFT's batch worse than its single rows, and the course's as good."""
    cells = nbformat.read(LESSON, as_version=4).cells
    shown = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    found = {
        name: (float(alone), float(together))
        for name, alone, together in re.findall(
            r"(PEFT|ours): right alone ([\d.]+), in a batch ([\d.]+)", shown
        )
    }
    assert found["PEFT"][0] > found["PEFT"][1] + 0.1
    assert abs(found["ours"][0] - found["ours"][1]) < 0.02
