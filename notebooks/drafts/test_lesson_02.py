"""What lesson 02 defines is what the exercises and the package compute."""

import ast
from pathlib import Path

import nbformat
import pytest
import torch

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
        assert f"{name}.ask()" in source and f"{name}.check(" in source


@pytest.mark.parametrize("name", ["soft_logits"])
def test_a_definition_of_the_lesson_is_computed_as_the_package_does(name):
    names = {"torch": torch}
    exec(compile(ast.Module([functions(code())[name]], []), "lesson", "exec"), names)
    model, tokenizer = tiny_llama()
    vectors = soft_prompts.random_start(model, 3)
    ids = tokenizer("a cat", return_tensors="pt").input_ids
    ours = soft_prompts.SoftPrompted(model, Direct(vectors))(input_ids=ids).logits
    assert torch.allclose(names[name](model, vectors, ids), ours, atol=1e-4)
