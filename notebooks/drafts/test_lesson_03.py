"""Lesson 03 teaches what the package does; its data, its grades and its explorer hold."""

import ast
import builtins
import inspect
import random

import nbformat
import pytest

from course_utils import adapters, ia3, lora, lora_explorer, mixed, models, reading, shapes
from course_utils.notebooks import ROOT
from tests.tiny import tiny_llama

LESSON = ROOT / "notebooks" / "03_peft.ipynb"
TAUGHT = {"Lora": lora.Lora, "Bottleneck": adapters.Bottleneck, "Rescale": ia3.Rescale}


def definitions(source):
    """{name: syntax tree as text} of the classes and functions at the top of a source."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return {node.name: ast.dump(node) for node in ast.parse(source).body if isinstance(node, kinds)}


def test_taught_definitions_are_the_packages():
    cells = [c.source for c in nbformat.read(LESSON, as_version=4).cells if c.cell_type == "code"]
    lesson = {name: tree for cell in cells for name, tree in definitions(cell).items()}
    for name, ours in TAUGHT.items():
        assert lesson[name] == definitions(inspect.getsource(ours))[name], name
    assert len(TAUGHT) == 3


def test_the_lesson_has_its_claims_exercises_and_predictions():
    code = [c.source for c in nbformat.read(LESSON, as_version=4).cells if c.cell_type == "code"]
    lines = [line.strip() for cell in code for line in cell.splitlines()]
    assert sum(line.startswith("claim(") for line in lines) >= 6
    for name in ("q1", "q2", "q3", "q4", "q5"):
        assert any(line.startswith(f"{name}.check(") for line in lines)
    for name in ("p1", "p2", "p3"):
        asked, revealed = (lines_with(code, f"{name}.{what}(") for what in ("answer", "reveal"))
        assert len(asked) == len(revealed) == 1 and asked < revealed


def lines_with(cells, text):
    return [i for i, cell in enumerate(cells) if text in cell]


# ---- reading -------------------------------------------------------------------------------


def test_answers_are_spans_and_passages_are_not_shared():
    train, test = reading.records(300, "train"), reading.records(100, "test")
    assert train == reading.records(300, "train") and len({r["prompt"] for r in train}) == 300
    for record in test:
        passage, _, question = record["prompt"].partition("\nQuestion: ")
        assert record["completion"].startswith(" ") and record["completion"].strip() in passage
        assert question.endswith("?\nAnswer:")
    passages = [{r["prompt"].partition("\nQuestion")[0] for r in part} for part in (train, test)]
    assert not passages[0] & passages[1]


def test_f1_by_hand():
    assert reading.f1(["red", "cap"], ["red", "cap"]) == 1
    assert reading.f1(["red", "cap"], ["red"]) == pytest.approx(2 / 3)
    assert reading.f1(["red", "red"], ["red", "cap"]) == 0.5
    assert reading.f1([], ["red"]) == reading.f1(["blue"], ["red"]) == 0
    assert reading.words("A red Cap") == ["red", "cap"]


def test_grades_are_of_the_models_answers(monkeypatch):
    items = [{"prompt": "x", "completion": " a red cap"}, {"prompt": "y", "completion": " Monday"}]
    said = {"x": " a green cap.", "y": " Monday. "}
    monkeypatch.setattr(reading, "generate", lambda m, t, prompts, **_: [said[p] for p in prompts])
    assert reading.grade(None, None, items) == ([False, True], [0.5, 1.0])


# ---- mixed ---------------------------------------------------------------------------------


def test_a_mixed_reply_ends_at_the_context():
    model, tokenizer = tiny_llama(context=16)
    lora.add(model, "a")
    assert all(len(text) <= 6 for text in mixed.reply(model, tokenizer, ["0123456789"] * 2, ["a", None]))


# ---- the explorer --------------------------------------------------------------------------


def test_the_explorer_counts_what_lora_trains():
    model, _ = tiny_llama()
    total = models.count_parameters(model)
    lora.add(model, "there already")
    state = lora_explorer.Explorer(model)
    name, draw = state.names[0], random.Random(0)
    assert state.sizes(name)[0] == total  # parts that are there do not count as the model's
    for _ in range(3):
        targets = draw.sample(sorted(state.sizes(name)[1]), 2)
        fresh, _ = tiny_llama()
        trained = sum(p.numel() for p in lora.add(fresh, rank=3, targets=targets))
        assert state.count(name, 3, targets) == trained
    rows = state.rows("GPT-3 175B", 4, lora_explorer.QUERIES_AND_VALUES)
    assert rows[0] == ["numbers that train", "18,874,368", "174,604,283,904"]
    assert rows[2][1:] == ["37.7 MB", "349 GB"]
    assert rows[-1][1] == "87.6 GB" and len(rows) == 7


def test_sizes_have_units():
    assert [lora_explorer.size(n) for n in (5, 20_480, 3.5e11, 2.79e12)] == [
        "5 bytes",
        "20.5 kB",
        "350 GB",
        "2.79 TB",
    ]


def test_the_widgets_follow_and_the_picture_stands_in(monkeypatch):
    model, _ = tiny_llama()
    box = lora_explorer.lora_explorer(model)
    (name, rank), targets, shown = box.children[0].children, *box.children[1:]
    assert f"{2 * 8 * (64 + 48):,}" in shown.value
    rank.value = 16
    assert f"{2 * 16 * (64 + 48):,}" in shown.value
    name.value = "Llama 3 8B"
    targets.value = ("q_proj",)
    count = shapes.lora_count({"q_proj": [(4096, 4096)] * 32}, 16, ["q_proj"])
    assert f"{count:,}" in shown.value and "Grattafiori" in shown.value

    def without_widgets(module, *arguments):
        if module == "ipywidgets":
            raise ImportError
        return imported(module, *arguments)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_widgets)
    picture = lora_explorer.lora_explorer(model)
    assert len(picture.get_lines()) == 7 and picture.get_xscale() == "log"
