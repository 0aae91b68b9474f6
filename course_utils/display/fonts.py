"""Chinese, Japanese and Korean labels in figures: a font that has them, or one plain sentence.

matplotlib's own font has no such characters and draws a box for each, with a warning for each. `attach` puts
the fonts of this machine that have them behind it (matplotlib takes each character from the first font that
has it), and says once what to do if there is none. Latin text looks as before. Left out: text that
runs from right to left, which matplotlib does not shape.
"""

import warnings

from matplotlib import font_manager, rcParams
from matplotlib.text import Text

FALLBACKS = (  # family names as matplotlib reads them from the files
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK TC", "Noto Sans CJK HK"),
    *("Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Noto Sans TC", "Source Han Sans SC"),
    *("Microsoft YaHei", "Microsoft JhengHei", "Yu Gothic", "Meiryo", "MS Gothic", "Malgun Gothic", "SimHei"),
    *("PingFang SC", "PingFang HK", "Hiragino Sans GB", "Hiragino Sans", "Heiti TC", "Apple SD Gothic Neo"),
    *("Arial Unicode MS", "AppleGothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback"),
    *("IPAexGothic", "IPAGothic", "TakaoGothic", "NanumGothic", "UnDotum"),
)
SENTENCE = (
    "Some characters of a figure are in no font of this machine and appear as boxes: install one that has "
    "them (for Chinese, Japanese and Korean: Noto Sans CJK, fonts.google.com/noto), then restart Python."
)


def attach():
    """Let matplotlib take what its font lacks from the installed fonts, and say it where none has it."""
    rcParams["font.family"] = with_fallbacks(rcParams["font.family"])
    if (hook := f"{__name__}:watch") not in rcParams["figure.hooks"]:
        rcParams["figure.hooks"] = [*rcParams["figure.hooks"], hook]
    warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)  # one for each character


def with_fallbacks(families):
    """A list of font families, and behind them the installed ones of FALLBACKS."""
    families = [families] if isinstance(families, str) else list(families)
    known = set(font_manager.get_font_names())
    return families + [name for name in FALLBACKS if name in known and name not in families]


def missing(figure):
    """The set of characters in a figure's texts that none of their fonts has."""
    boxes = set()
    for text in figure.findobj(Text):
        rare = {c for c in text.get_text() if not c.isascii() and c.isprintable()}
        families = text.get_fontfamily() if rare else []
        for family in [families] if isinstance(families, str) else families:
            path = font_manager.findfont(font_manager.FontProperties(family=[family]))
            has = font_manager.get_font(path).get_char_index
            rare = {c for c in rare if not has(ord(c))}
        boxes |= rare
    return boxes


def watch(figure):
    """matplotlib calls this for each new figure: warn when characters are missing in it."""
    figure.canvas.mpl_connect("draw_event", _warn)


def _warn(event):
    if missing(event.canvas.figure):
        warnings.warn(SENTENCE, stacklevel=1)  # the same text from the same line is shown once
