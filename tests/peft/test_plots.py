"""The figures of lesson 03 show what they are given."""

import matplotlib.pyplot as plt
import pytest

from course_utils.peft import bottleneck, plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_block_shows_where_the_adapters_are():
    axes = plots.adapter_diagram()
    learned = [sum(patch.get_hatch() == "//" for patch in ax.patches) for ax in axes]
    assert learned == [6, 2, 3] and all(len(ax.patches) == 6 + n for ax, n in zip(axes, learned))
    houlsby = plots.PLACES["bottleneck: after each sublayer"]
    assert tuple(houlsby) == bottleneck.PLACEMENTS["houlsby"]


def test_memory_bars_add_up():
    sizes = dict.fromkeys(plots.STATES, 10.0)
    ax = plots.memory_bars({"full": sizes, "LoRA": sizes | {"moments": 1.0}}, "title")
    assert [text.get_text().strip() for text in ax.texts] == ["40", "31"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(plots.STATES)


def test_rates_are_lines_with_their_best_marked():
    rows = [
        {"method": m, "lr": lr, "exact": e, "seed": 0} for m in "ab" for lr, e in ((1e-3, 0.2), (1e-2, 0.6))
    ]
    ax = plots.rate_curves(rows, 0.1, 200, "title")
    marked = [line for line in ax.lines if line.get_markersize() == 12]
    assert [float(line.get_xdata()[0]) for line in marked] == [1e-2, 1e-2]
    assert ax.get_xscale() == "log" and len(ax.lines) == 5


def test_learned_and_kept_have_a_panel_each():
    rows = [
        {"targets": targets, "rank": rank, "test_hits": "0110", "kept_hits": "10"}
        for targets, rank in (("q and v", 1), ("q and v", 4), ("all layers", 4), ("full", 0))
    ]
    left, right = plots.learned_and_kept(rows, (0.1, 0.9), ("learned", "kept"))
    assert (left.get_title(), right.get_title()) == ("learned", "kept")
    assert [label.get_text() for label in right.get_xticklabels()] == ["1", "4"]
