"""Lesson 03 teaches what the package does, and its widget has a figure beside it."""

import ast
import builtins
import random

from course_utils import models
from course_utils.peft import explorer, lora, memory_estimates, mixed_batch, nf4
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.lesson import Lesson, definitions, same
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("03")


def test_it_names_the_rows_that_it_added():
    recap = next(cell.source for cell in LESSON.cells if "**On the scoreboard:**" in cell.source)
    named = recap.partition("**On the scoreboard:**")[2].partition(".")[0].replace("`", "").split(", ")
    ours = {name for name, each in TECHNIQUES.items() if each.lesson == "03"}
    assert {name.strip() for name in named} == ours


def test_nf4_is_the_package_s():
    with open(nf4.__file__, encoding="utf-8") as source:
        package = definitions(source.read())
    for name in ("nf4_levels", "unpack"):
        assert same(package[name], LESSON.definitions()[name]), name


def test_what_it_builds_is_short():
    for name in ("Lora", "Bottleneck", "Rescale", "nf4_levels", "unpack"):
        lines = ast.get_source_segment(LESSON.source, LESSON.definitions()[name]).splitlines()
        assert len(lines) <= 24, name


def test_the_widget_has_a_picture_beside_it():
    cells = LESSON.cells
    widget = next(i for i, cell in enumerate(cells) if "explorer.lora_explorer(" in cell.source)
    assert "lora_picture(" in cells[widget + 2].source
    assert any("image/png" in output.get("data", {}) for output in cells[widget + 2].outputs)


# ---- mixed ---------------------------------------------------------------------------------


def test_a_mixed_reply_ends_at_the_context():
    model, tokenizer = tiny_llama(context=16)
    lora.add(model, "a")
    assert all(
        len(text) <= 6 for text in mixed_batch.reply(model, tokenizer, ["0123456789"] * 2, ["a", None])
    )


# ---- the explorer --------------------------------------------------------------------------


def test_the_explorer_counts_what_lora_trains():
    model, _ = tiny_llama()
    total = models.count_parameters(model)
    lora.add(model, "there already")
    state = explorer.Explorer(model)
    name, draw = state.names[0], random.Random(0)
    assert state.sizes(name)[0] == total  # parts that are there do not count as the model's
    for _ in range(3):
        targets = draw.sample(sorted(state.sizes(name)[1]), 2)
        fresh, _ = tiny_llama()
        trained = sum(p.numel() for p in lora.add(fresh, rank=3, targets=targets))
        assert state.count(name, 3, targets) == trained
    rows = state.rows("GPT-3 175B", 4, explorer.QUERIES_AND_VALUES)
    assert rows[0] == ["trained parameters", "18,874,368", "174,604,283,904"]
    assert rows[2][1:] == ["37.7 MB", "349 GB"]
    assert rows[-1][1] == "87.6 GB" and len(rows) == 7


def test_sizes_have_units():
    assert [explorer.size(n) for n in (5, 20_480, 3.5e11, 2.79e12)] == [
        "5 bytes",
        "20.5 kB",
        "350 GB",
        "2.79 TB",
    ]


def test_the_widgets_follow_and_the_picture_stands_in(monkeypatch):
    model, _ = tiny_llama()
    box = explorer.lora_explorer(model)
    name, rank, layers, shown = box.children
    assert f"{2 * 8 * (64 + 48):,}" in shown.value
    rank.value = 16
    assert f"{2 * 16 * (64 + 48):,}" in shown.value
    name.value = "Llama 3 8B"
    buttons = {button.description: button for button in layers.children[1].children}
    assert {name for name, button in buttons.items() if button.value} == {"q_proj", "v_proj"}
    buttons["v_proj"].value = False
    count = memory_estimates.lora_count({"q_proj": [(4096, 4096)] * 32}, 16, ["q_proj"])
    assert f"{count:,}" in shown.value and "Grattafiori" in shown.value

    def without_widgets(module, *arguments):
        if module == "ipywidgets":
            raise ImportError
        return imported(module, *arguments)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_widgets)
    picture = explorer.lora_explorer(model)
    assert len(picture.get_lines()) == 7 and picture.get_xscale() == "log"
