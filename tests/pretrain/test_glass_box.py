"""The shipped models: their form, their limits, and a sample of their abilities."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from course_utils import evaluation, models
from course_utils.corpus import tokens
from course_utils.storage import paths
from course_utils.tasks import abilities

FOLDERS = {name: paths.DATA / "models" / name for name in ("glass_box", "glass_box_small", "glass_box_tiny")}


@pytest.fixture(scope="module")
def base():
    return models.load("glass-box")


@pytest.mark.parametrize("name", FOLDERS)
def test_loads_without_custom_code_and_is_small(name):
    folder = FOLDERS[name]
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.model_type == "llama" and model.config.max_position_embeddings >= 1024
    assert models.count_parameters(model) <= 3_900_000
    assert sum(f.stat().st_size for f in folder.iterdir()) <= 16_000_000
    assert len(tokenizer) <= 2048 and tokenizer.pad_token_id is not None and tokenizer.chat_template
    assert not list(folder.glob("*.bin")) and not list(folder.glob("*.py"))


def test_the_smaller_models_are_about_a_third_and_a_tenth():
    count = {name: models.count_parameters(models.load(str(folder))[0]) for name, folder in FOLDERS.items()}
    assert 2.2 < count["glass_box"] / count["glass_box_small"] < 4.5
    assert 7 < count["glass_box"] / count["glass_box_tiny"] < 14


def test_tokenizer_keeps_every_text_and_splits_digits(base):
    tokenizer = base[1]
    for text in ("a\n\n b\n  c\nd ", "\n", "Zürich 128\tÄpfel 中文\r\n", " lead", "x\n"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert len(tokenizer("128").input_ids) == 3
    line, inside = tokenizer("x\nviolin").input_ids, tokenizer("x violin").input_ids
    assert line[-1] == inside[-1]  # a word at the start of a line is the token it is elsewhere


def test_the_whole_context_is_usable(base):
    """Late in a long text, the model predicts no worse than after a quarter of it."""
    model, tokenizer = base
    rows = torch.from_numpy(tokens.rows(tokenizer, 7, "context test", 24, 1023).astype("int64"))
    with torch.no_grad():
        logps = model(rows[:, :-1]).logits.log_softmax(-1)
    losses = -logps.gather(-1, rows[:, 1:, None])[..., 0]
    assert losses[:, 800:].mean() < losses[:, 200:256].mean() + 0.15


def test_the_card_states_the_measured_abilities(base):
    """A fresh, smaller measurement agrees with the table in the model card."""
    card = (FOLDERS["glass_box"] / "README.md").read_text(encoding="utf-8")
    for name in ("relation, 4 shots", "common facts, exam", "system style: polite"):
        row = next(line for line in card.splitlines() if line.startswith(f"| {name} |"))
        stated = float(row.split("|")[2])
        result = abilities.measure(*base, [name], count=120)[name]
        low, high = evaluation.interval(result["right"], result["n"])
        assert low - 0.05 <= stated <= high + 0.05, name
    assert all(f"| {name} |" in card for name in abilities.ALL)


def test_results_cover_the_three_sizes():
    results = json.loads((paths.DATA / "results" / "base_model.json").read_text(encoding="utf-8"))
    assert set(results) == {"base", "small", "tiny"}
    for entry in results.values():
        assert len(entry["milestones"]) >= 8 and len(entry["loss"]) > 50
        for measured in entry["milestones"].values():
            assert set(measured) == set(abilities.OVER_TOKENS)
            assert all(0 <= m["right"] <= m["n"] for m in measured.values())
