"""Lesson 04: what its notebook holds, that what it teaches is the package's, and its pictures."""

import ast
import math
import re

import matplotlib
import pytest
import torch
from torch.nn.functional import cross_entropy

matplotlib.use("Agg")

from course_utils import data, losses, training
from course_utils.experiments import finetune
from course_utils.finetune import chat_format, plots
from course_utils.lessons import l04
from tests.helpers.lesson import Lesson
from tests.helpers.tiny import tiny_llama

LESSON = Lesson("04")
CELLS, CODE, SOURCE = LESSON.cells, LESSON.code, LESSON.source
RECORDS = [
    {"prompt": f"Ask {'x' * (i % 5)}{i}:", "completion": f" {'even' if i % 2 else 'odd'}"} for i in range(12)
]


# ---- the notebook ----------------------------------------------------------------------------


def test_loop_and_mask_are_short():
    for name in ("sft", "example", "fit"):
        assert len(ast.get_source_segment(SOURCE, LESSON.definitions()[name]).splitlines()) <= 20


def chat_tokenizer():
    _, tokenizer = tiny_llama()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role + ': ' + m.content }}"
        "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    )
    return tokenizer


def test_the_mask_that_it_teaches_is_the_package_s():
    tokenizer = chat_tokenizer()
    example = LESSON.taught("example", tokenizer=tokenizer)
    records = [{"prompt": "Who?", "completion": "Ann."}, {"prompt": "Where is it?", "completion": "Here"}]
    assert [example(record) for record in records] == chat_format.encoded(tokenizer, records)


def test_the_loop_that_it_teaches_takes_the_package_s_steps():
    (model, tokenizer), (other, _) = tiny_llama(), tiny_llama()
    examples = data.encode(tokenizer, RECORDS)
    order = training.batches([len(each["input_ids"]) for each in examples], 4, 3, seed=0)
    fit = LESSON.taught("fit", torch=torch, data=data, small_tokenizer=tokenizer, sft=losses.sft)
    own = fit(model, [[examples[i] for i in rows] for rows in order], lr=1e-3)
    theirs = training.train(
        other, examples, lr=1e-3, steps=3, batch_size=4, warmup=0, progress=False, bf16=False
    )
    assert own == pytest.approx(theirs.losses, abs=1e-4) and own[0] != pytest.approx(own[-1], abs=1e-3)
    assert not model.training


def test_colors_and_cards_are_also_shown_as_text():
    shown = [
        cell for cell in CODE if re.search(r"^(plots\.masked|cards\.)", cell.source.rstrip().split("\n")[-1])
    ]
    assert len(shown) >= 4
    for cell in shown:
        kinds = set().union(*(output.get("data", {}) for output in cell.outputs))
        assert {"text/html", "text/plain"} <= kinds


def test_it_keeps_to_the_limits():
    words = sum(len(cell.source.split()) for cell in CELLS if cell.cell_type == "markdown")
    assert len(CELLS) <= 95 and words <= 3000


def test_the_text_s_own_sums_by_hand():
    assert math.log(4) / 2 == pytest.approx(
        losses.sft(
            torch.tensor([[[0.0, 0, 0, 50], [0, 0, 0, 0], [0, 0, 0, 50], [0, 0, 0, 0]]]),
            torch.tensor([[0, 1, 2, 3]]),
            torch.tensor([[0, 0, 1, 1]]),
        ).item()
    )


def test_stored_claims_say_so():
    """A claim about stored rows is marked, so that nobody takes it for a measurement of this run."""
    for cell in CODE:
        for call in [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)]:
            if isinstance(call.func, ast.Name) and call.func.id == "claim":
                names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
                stored = {"least", "most", "drops", "by_count", "by_noise", "many", "few"}
                from_store = bool(names & stored)
                assert from_store == ("(stored" in ast.unparse(call.args[0])), ast.unparse(call)


# ---- the exercises ---------------------------------------------------------------------------


def test_the_exercises_agree_with_the_package():
    _, tokenizer = tiny_llama()
    for record, example in zip(RECORDS, data.encode(tokenizer, RECORDS)):
        prompt = tokenizer(record["prompt"])["input_ids"]
        completion = tokenizer(record["completion"], add_special_tokens=False)["input_ids"]
        made = l04.with_mask(prompt, completion, tokenizer.eos_token_id)
        assert made == (example["input_ids"], example["mask"])
    logits = torch.randn(1, len(made[0]), 300)
    pairs = l04.predictions_of(*made)
    by_pair = cross_entropy(logits[0, [p for p, _ in pairs]], torch.tensor([t for _, t in pairs]))
    whole = losses.sft(logits, torch.tensor([made[0]]), torch.tensor([made[1]]))
    assert by_pair.item() == pytest.approx(whole.item(), abs=1e-6)
    parts = [(losses.sft(torch.zeros(1, 3, 4), torch.ones(1, 3, dtype=int), torch.tensor([[0, 1, m]])), 1 + m)
             for m in (0, 1)]  # fmt: skip
    assert float(l04.mean_of_all(parts)) == pytest.approx(math.log(4))


# ---- the pictures ----------------------------------------------------------------------------

HOSTILE = {"prompt": "<img src=x onerror=alert(1)> & $x$:", "completion": ' <b>"hi"</b>'}


def test_colored_text_is_escaped_and_whole():
    _, tokenizer = tiny_llama()
    shown = plots.masked(tokenizer, data.encode(tokenizer, [HOSTILE])[0])
    page = shown._repr_html_()
    assert "<img" not in page and '<b>"' not in page
    assert page.count("<span") == len(shown.tokens) and page.count("<u>") == sum(shown.mask)
    assert set(re.findall(r"</?([a-z]+)", page)) <= {"div", "span", "b", "u", "br"}
    assert re.sub(r"[\[\]]", "", repr(shown)).startswith("<img␣src=x")


def test_plain_text_brackets_what_counts():
    _, tokenizer = tiny_llama()
    shown = plots.MaskedText(tokenizer, {"input_ids": tokenizer("ab")["input_ids"], "mask": [0, 1]})
    assert repr(shown) == "a[b]"


def test_bars_of_tokens_show_each_token_twice_and_the_mask():
    _, tokenizer = tiny_llama()
    example = data.encode(tokenizer, [HOSTILE])[0]
    count = len(example["input_ids"]) - 1
    ax = plots.token_losses(tokenizer, example, {"before": [2.0] * count, "after": [1.0] * count})
    assert len(ax.patches) == 2 * count and len(ax.get_xticklabels()) == count
    hatched = [bar for bar in ax.patches if bar.get_hatch()]
    assert len(hatched) == 2 * example["mask"][1:].count(0)
    ax.figure.canvas.draw()  # a dollar sign in a token must not be read as mathematics


def test_intervals_are_those_of_one_run_s_items():
    rows = [{"right": 10, "n": 20}, {"right": 14, "n": 20}]
    value, low, high = plots.over_seeds(rows)
    assert value == 0.6 and low < 0.45 and high > 0.75
    assert plots.over_seeds(rows * 5) == (value, low, high), "seeds are no further items"


@pytest.fixture
def sweep(monkeypatch):
    """Tables of a small sweep in place of the stored ones."""

    def run(depth, seed, kept):
        return {"depth": depth, "seed": seed, "right": 12, "n": 20, "trained": 5, "retention": {"a": kept}}

    tables = {
        "forgetting": [run("untouched", 0, "1111"), run("full", 0, "1100"), run("full", 1, "1000"),
                       run("lora_all", 0, "1111")],
        "examples": [{"count": c, "seed": s, "right": c // 10, "team_right": 15, "n": 20, "train_right": 9,
                      "train_n": 10} for c in (50, 100) for s in (0, 1)],
        "noise": [{"noise": x, "seed": s, "right": 10, "n": 20} for x in (0.0, 0.3) for s in (0, 1)],
    }  # fmt: skip
    monkeypatch.setattr(finetune, "read", tables.__getitem__)
    return tables


def test_forgetting_is_paired_with_the_untouched_model(sweep):
    value, low, high = plots.forgotten(
        [r for r in sweep["forgetting"] if r["depth"] == "full"], sweep["forgetting"][3]
    )
    assert value == pytest.approx(2.5 / 4) and 0 <= low < value < high
    assert plots.forgotten(sweep["forgetting"][3:], sweep["forgetting"][3]) == (0.0, 0.0, 0.0)


def test_pictures_of_the_sweep_hold_every_row(sweep):
    top, bottom = plots.gained_and_forgotten(sweep["forgetting"], sweep["forgetting"][3], "More is lost")
    assert len(top.patches) == len(bottom.patches) == 2, "one bar for each depth but the untouched model"
    assert top.figure.get_suptitle() == "More is lost"
    left, right = plots.examples_and_noise(sweep["examples"], sweep["noise"])
    assert [label.get_text() for label in left.get_xticklabels()] == ["50", "100"]
    assert len(right.patches) == 2
    grouped = plots.grouped({"a": {"x": [1, 0]}, "b": {"x": (1, 4)}}, title="cost: $2")
    assert {bar.get_hatch() for bar in grouped.patches} == {"", "//"}, (
        "told apart by hatch as well as by color"
    )
    grouped.figure.canvas.draw()  # a dollar sign must not be read as mathematics


def test_a_run_s_curves_end_with_its_last_evaluation():
    log = [
        {"loss": 2.0},
        {"loss": 1.0, "evaluation": {"new": 3}},
        {"loss": 0.5},
        {"loss": 0.4, "evaluation": {"new": 9}},
    ]
    left, right = plots.learning_curves(training.History(log), {"new": 10}, "title")
    assert list(left.lines[0].get_ydata()) == [2.0, 1.0, 0.5, 0.4]
    assert list(right.lines[0].get_xdata()) == [2, 4] and list(right.lines[0].get_ydata()) == [0.3, 0.9]


def test_own_facts_are_drawn_by_set_and_method():
    row = {"before": 0, "after": 9, "n": 10, "common_before": 12, "common_after": 11, "common_n": 12}
    rows = [
        row | {"set": name, "method": method, "copies": 8}
        for method in ("full", "lora")
        for name in ("person", "place")
    ]
    axes = plots.own_facts(rows, "found")
    assert all(len(ax.patches) == 4 for ax in axes)
    assert axes[0].patches[0].get_height() == 0.9 and axes[1].patches[0].get_height() == pytest.approx(
        11 / 12
    )


def test_the_step_that_is_kept_is_marked():
    ax = plots.fit_and_validation([5, 10, 15], [3, 2, 1], [3, 2, 2.5], kept=10)
    assert ax.lines[-1].get_xdata()[0] == 10
