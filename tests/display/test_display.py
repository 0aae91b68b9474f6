import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from course_utils import generation
from course_utils.display import explorer, figures, tables
from tests.helpers.tiny import tiny_llama

EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama()


def texts(ax):
    return [text.get_text() for text in ax.texts]


def save(ax, tmp_path):
    """Draws for real, so that a bad label or a missing glyph is noticed."""
    path = tmp_path / "figure.png"
    ax.figure.savefig(path)
    return Image.open(path)


def test_bars_from_hits_and_from_values(tmp_path):
    ax = figures.bars(["a", "b $x$"], [[1, 0, 1, 1], [0, 0]], baseline=0.5, title="cost $1 and $2")
    assert texts(ax) == ["0.75", "0.00"]
    assert (
        len({(bar.get_facecolor(), bar.get_hatch()) for bar in ax.patches}) == 1
    )  # the name tells them apart
    assert save(ax, tmp_path).width > 100
    ax = figures.bars(["a", "a name of many words"], ([0.2, 0.9], [(0.1, 0.3), (0.8, 0.95)]))
    assert texts(ax) == ["0.20", "0.90"]
    with pytest.raises(ValueError):
        figures.bars(["a", "b"], ([0.2, 0.9], [(0.1, 0.3)]))
    looks = {}
    for model in figures.MODELS:
        ax = figures.bars(["a"], [[1, 0]], model=model)
        looks[model] = ax.patches[0].get_facecolor(), ax.patches[0].get_hatch()
        assert ax.get_ylabel() == f"accuracy ({model})"
    assert len({hatch for _, hatch in looks.values()}) == 2
    ax = figures.bars(["a"], [[1, 0]], baseline=(0.5, "a coin"))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a coin"]


def test_curves_differ_without_color(tmp_path):
    series = {name: [(0.1 * i, 0.0, 0.2 * i), (0.5, 0.4, 0.6)] for i, name in enumerate("abcdefg")}
    ax = figures.curves([1, 100], series, "shots", "accuracy", logx=True, baseline=0.25)
    looks = {(line.get_linestyle(), line.get_marker()) for line in ax.lines[:7]}
    assert len(looks) == 7 and ax.get_xscale() == "log"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [*"abcdefg", "baseline"]
    save(ax, tmp_path)
    assert figures.curves([1, 2], {"only": [1, 2]}, "x", "y").get_legend() is None


def test_fonts_are_large_enough():
    for ax in (figures.bars(["a"], [[1]], title="t"), figures.curves([1], {"a": [1], "b": [2]}, "x", "y")):
        found = [
            ax.title,
            ax.xaxis.label,
            ax.yaxis.label,
            *ax.texts,
            *ax.get_xticklabels(),
            *ax.get_yticklabels(),
        ]
        found += ax.get_legend().get_texts() if ax.get_legend() else []
        assert min(text.get_fontsize() for text in found) >= 11


def test_token_bars_show_white_space(tmp_path):
    ax = figures.token_bars([(" the", 0.5), ("\n", 0.25), ("$", 0.1), ("", 0.05)])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["␣the", "⏎", r"\$", "(empty)"]
    assert ax.yaxis_inverted() and texts(ax)[0] == " 0.50"
    save(ax, tmp_path)


def test_attention_heat(tmp_path):
    weights = torch.eye(3, requires_grad=True)
    ax = figures.attention_heat(weights, ["a", " b", "$c$"])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "␣b", r"\$c\$"]
    save(ax, tmp_path)
    with pytest.raises(ValueError, match=r"2 tokens need weights \(2, 2\)"):
        figures.attention_heat(weights, ["a", "b"])


def test_tables_escape_and_align():
    shown = tables.table([["a\nb", 0.123456], [EVIL, 12]], ["text", "value & unit"])
    assert "<script>" not in shown._repr_html_() and "&lt;script&gt;" in shown._repr_html_()
    assert "value &amp; unit" in shown._repr_html_() and "0.123" in shown._repr_html_()
    lines = repr(shown).splitlines()
    assert len(lines) == 3 and lines[1].startswith("a⏎b") and lines[1].index("0.123") == lines[2].index("12")
    assert repr(tables.table([], ["a", "b"])) == "a  b"
    with pytest.raises(ValueError, match="2 cells"):
        tables.table([["one"]], ["a", "b"])


def test_explorer_adds_and_takes_back(tiny):
    state = explorer.Explorer(*tiny, "The cat")
    pairs = state.pairs(k=5)
    assert len(pairs) == 5
    state.add(pairs)
    assert state.text == "The cat" + pairs[0][0]
    state.add([("x", 0.0), ("y", 1.0)], sampled=True)
    assert state.text.endswith("y")
    state.undo()
    state.undo()
    state.undo()
    assert state.text == "The cat"
    state.text = ""
    state.add(state.pairs())
    assert state.text == ""


def test_explorer_keeps_keys_and_values(tiny):
    kept = explorer.NextLogits(*tiny)
    texts = ["The cat sat", "The cat sat on", "The cat", "The dog sat", "The dog sat"]
    for text in texts:
        expected, found = generation.next_token(*tiny, text, 5, 0.7), kept.likely(text, 5, 0.7)
        assert [token for token, _ in found] == [token for token, _ in expected]
        assert [p for _, p in found] == pytest.approx([p for _, p in expected], abs=1e-5)
    whole = sum(len(tiny[1](text).input_ids) for text in texts)
    assert kept.computed < whole
    before = kept.computed
    kept.likely("The dog sat", 3, 1.5)  # a slider moves
    assert kept.computed == before


def test_explorer_widgets(tiny):
    box, sliders, buttons, shown = explorer.next_token_explorer(*tiny, "The <b> cat").children
    first = shown.value
    assert "likely next tokens" in first
    buttons.children[0].click()
    assert box.value.startswith("The <b> cat") and len(box.value) > len("The <b> cat")
    buttons.children[1].click()
    buttons.children[2].click()
    buttons.children[2].click()
    assert box.value == "The <b> cat" and shown.value == first
    sliders.children[0].value = 0.5
    assert shown.value != first
    sliders.children[1].value = 3
    assert shown.value.count("<tr>") == 3
    box.value = ""
    assert shown.value.count("<tr>") == 0
    box.value = "x" * 300
    assert "context holds" in shown.value


def test_explorer_bars_escape():
    assert "<script>" not in explorer.bars_html([(EVIL, 0.5)])


def test_explorer_without_ipywidgets_is_a_picture(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    ax = explorer.next_token_explorer(*tiny, "The cat")
    assert len(ax.patches) == 10 and ax.get_title() == "The cat"
