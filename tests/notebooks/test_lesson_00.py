"""What lesson 00 says of its two models, checked beside the notebook."""

import pytest
import torch

from course_utils import generation, models
from course_utils.lessons import l00
from course_utils.storage import real_model
from tests.helpers.lesson import Lesson

LESSON = Lesson("00")
TEXTS = {
    "A": "The train was late, so we drank tea and waited.",
    "B": "Late tea so the waited and was train drank we,.",
    "C": "Le train avait du retard, alors nous avons bu du thé.",
}


@pytest.mark.skipif(not real_model.is_ready(), reason="the real model is not in the cache: run start.py once")
def test_the_exercises_on_the_real_model_have_its_answers():
    model, tokenizer = models.load(real_model.folder())
    token, probability = generation.next_token(model, tokenizer, "The opposite of hot is")[0]
    assert token == l00.q5.reference and probability > 0.5

    def loss(letter):
        ids = tokenizer(TEXTS[letter], return_tensors="pt").input_ids.to(model.device)
        with torch.no_grad():
            return l00.next_token_loss(model(ids).logits[0].float(), ids[0]).item()

    assert all(text in l00.q6.question for text in TEXTS.values())
    losses = {letter: loss(letter) for letter in TEXTS}
    assert "".join(sorted(losses, key=losses.get)) == l00.q6.reference
    assert min(losses["C"] - losses["A"], losses["B"] - losses["C"]) > 1  # far from a tie


def test_the_toy_s_attention_is_the_exercise_s():
    x = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    looks, passes = torch.tensor([[4.0, 0.0], [0.0, 4.0], [0.0, 0.0]]), torch.tensor([[0.0], [0.0], [1.0]])
    output = l00.attention_of(x @ looks, x @ looks, x @ passes)
    assert torch.allclose(output, torch.tensor([[1.0], [2.0], [0.5]]), atol=1e-3)
    assert "[1.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 0.0, 0.0]" in LESSON.source


def test_headings_name_the_model_they_measure():
    headings = [
        line
        for cell in LESSON.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    plain = [line for line in headings if not line.endswith(("(SmolLM2)", "(glass box)"))]
    assert len(headings) >= 12 and len(plain) == 3  # the table of techniques, exercises, what to keep
