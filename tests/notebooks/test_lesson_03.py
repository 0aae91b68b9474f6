"""Lesson 03 teaches what the package does; its data, its grades and its explorer hold."""

import builtins
import random

import matplotlib.pyplot as plt
import pytest

from course_utils import models
from course_utils.corpus.families import passages
from course_utils.peft import bottleneck, explorer, lora, memory_estimates, mixed_batch, plots
from course_utils.tasks import extractive_qa
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.lesson import Lesson
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("03")


def code():
    return [cell.source for cell in LESSON.code]


def cells_with(text):
    return [i for i, cell in enumerate(code()) if text in cell]


def test_it_names_the_rows_that_it_added():
    recap = LESSON.cells[-1].source
    named = recap.partition("**On the scoreboard:**")[2].partition(".")[0].replace("`", "").split(", ")
    ours = {name for name, rung in TECHNIQUES.items() if rung.lesson == "03"}
    assert {name.strip() for name in named} == ours
    listed = next(cell for cell in code() if "PEFT = [" in cell)
    assert all(f'"{name}"' in listed for name in ours)


def test_the_widget_has_a_picture_beside_it():
    cells = LESSON.cells
    widget = next(i for i, cell in enumerate(cells) if "explorer.lora_explorer(" in cell.source)
    assert "lora_picture(" in cells[widget + 2].source
    assert any("image/png" in output.get("data", {}) for output in cells[widget + 2].outputs)


# ---- reading -------------------------------------------------------------------------------


def test_answers_are_spans_and_passages_are_not_shared():
    train, test = extractive_qa.records(300, "train"), extractive_qa.records(100, "test")
    assert train == extractive_qa.records(300, "train") and len({r["prompt"] for r in train}) == 300
    for record in test:
        passage, _, question = record["prompt"].partition("\nQuestion: ")
        assert record["completion"].startswith(" ") and record["completion"].strip() in passage
        assert question.endswith("?\nAnswer:")
    texts = [{r["prompt"].partition("\nQuestion")[0] for r in part} for part in (train, test)]
    assert not texts[0] & texts[1]


def test_a_question_has_rivals_and_one_answer():
    for record in extractive_qa.records(200, "test"):
        passage, _, question = record["prompt"].removeprefix("Passage: ").partition("\nQuestion: ")
        notes = dict(note.split(": ", 1) for note in passage.removesuffix(".").split(". "))
        assert 2 <= len(notes) <= 4
        holders = [
            name for name, values in notes.items() if record["completion"].strip() in values.split(", ")
        ]
        assert len(holders) == 1 and holders[0] in question, record


def test_lessons_and_library_share_no_passage():
    library = " ".join(passages.document(random.Random(i)) for i in range(500))
    for record in extractive_qa.records(50, "test"):
        assert record["prompt"].partition("\nQuestion")[0].removeprefix("Passage: ") not in library


def test_f1_by_hand():
    assert extractive_qa.f1(["red", "cap"], ["red", "cap"]) == 1
    assert extractive_qa.f1(["red", "cap"], ["red"]) == pytest.approx(2 / 3)
    assert extractive_qa.f1(["red", "red"], ["red", "cap"]) == 0.5
    assert extractive_qa.f1([], ["red"]) == extractive_qa.f1(["blue"], ["red"]) == 0
    assert extractive_qa.words("A red Cap") == ["red", "cap"]


def test_grades_are_of_the_models_answers(monkeypatch):
    items = [{"prompt": "x", "completion": " a red cap"}, {"prompt": "y", "completion": " Monday"}]
    said = {"x": " a green cap.", "y": " Monday. "}
    monkeypatch.setattr(extractive_qa, "generate", lambda m, t, prompts, **_: [said[p] for p in prompts])
    assert extractive_qa.grade(None, None, items) == ([False, True], [0.5, 1.0])


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
    assert rows[0] == ["numbers that train", "18,874,368", "174,604,283,904"]
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


# ---- the pictures --------------------------------------------------------------------------


def test_the_block_shows_where_the_adapters_are():
    axes = plots.adapter_diagram()
    learned = [sum(patch.get_hatch() == "//" for patch in ax.patches) for ax in axes]
    assert learned == [2, 2, 3] and all(len(ax.patches) == 6 + n for ax, n in zip(axes, learned))
    houlsby = plots.PLACES["bottleneck: after"]
    assert tuple(houlsby) == bottleneck.PLACEMENTS["houlsby"]
    plt.close("all")


def test_a_forest_takes_hits_and_intervals():
    ax = plots.forest(["a", "b"], [[1, 1, 0, 0], (0.7, 0.6, 0.8)], baseline=0.25)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.70", "base model"]
    columns = {"x": {"full": (0.5, 0.4, 0.6)}, "y": {"full": (0.2, 0.1, 0.3)}}
    left, right = plots.ladder(columns, {"full": 1328512})
    assert left.get_yticklabels()[0].get_text() == "full  (1,328,512)"
    assert (left.get_xlabel(), right.get_xlabel()) == ("x", "y")
    plt.close("all")
