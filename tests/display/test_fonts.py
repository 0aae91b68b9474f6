"""Characters that matplotlib's font lacks: drawn where an installed font has them, else one sentence."""

import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from course_utils.display import figures, fonts, tables

SUN = "日"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No fallback is installed, whatever this machine has; figures are closed afterwards."""
    monkeypatch.setattr(fonts, "FALLBACKS", ("A Font of the Tests",))
    with plt.rc_context({"font.family": ["sans-serif"]}):
        yield
    plt.close("all")


@pytest.fixture
def installed(tmp_path):
    """A font of one character, a filled square, known to matplotlib during a test."""
    pen = TTGlyphPen(None)
    for step, point in enumerate([(0, 0), (0, 800), (800, 800), (800, 0)]):
        (pen.lineTo if step else pen.moveTo)(point)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "sun"])
    font.setupCharacterMap({ord(SUN): "sun"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "sun": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (800, 0), "sun": (800, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "A Font of the Tests", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "sun.ttf")
    before = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "sun.ttf")
    yield
    font_manager.fontManager.ttflist[:] = before
    font_manager.fontManager._findfont_cached.cache_clear()


def drawn(figure):
    """(pixels of a figure, the texts of the warnings that drawing it gave)."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        for _ in range(2):
            figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba()), [str(warning.message) for warning in said]


def picture(title):
    fonts.attach()
    return figures.bars(["a"], [[1, 0]], title=title).figure


def test_without_a_font_there_is_one_sentence():
    figure = picture(f"{SUN}本 한국")
    assert fonts.missing(figure) == set("日本한국")
    assert drawn(figure)[1] == [fonts.SENTENCE]


def test_an_installed_font_draws_them(installed):
    figure = picture(SUN)
    assert matplotlib.rcParams["font.family"] == ["sans-serif", "A Font of the Tests"]
    pixels, said = drawn(figure)
    assert not fonts.missing(figure) and not said
    without = picture(" ")
    assert (pixels != drawn(without)[0]).any(), "nothing was drawn"


def test_tokens_in_fixed_width_have_it_too(installed):
    fonts.attach()
    figure = figures.token_bars([(SUN, 0.5), (" the", 0.5)]).figure
    assert not fonts.missing(figure) and not drawn(figure)[1]


def test_what_the_course_draws_needs_no_other_font():
    signs = "".join(tables.VISIBLE.values()) + "äöüß éñ − × ≤ → … “” € 95 %"
    assert fonts.missing(picture(signs)) == set()


def test_latin_text_looks_as_before(installed):
    plain = figures.bars(["a"], [[1, 0]], title="accuracy").figure
    assert (drawn(plain)[0] == drawn(picture("accuracy"))[0]).all()


def test_attaching_twice_changes_nothing_more(installed):
    fonts.attach()
    before = {name: list(matplotlib.rcParams[name]) for name in ("font.family", "figure.hooks")}
    fonts.attach()
    assert before == {name: list(matplotlib.rcParams[name]) for name in before}
    assert sum("watch" in hook for hook in before["figure.hooks"]) == 1
