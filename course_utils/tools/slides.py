"""Every lesson as slides that need no network: `python start.py slides [--output FOLDER] [NOTEBOOKS]`.

reveal.js (from npm, with checksums) shows what slides_select.py takes from a notebook; formulas are set by
MathJax, which lies beside the decks. The key S opens the speaker view with the notes, F the full screen, and
`?print-pdf` at the end of the address gives pages for printing.
"""

import argparse
import html
import re
import sys
from pathlib import Path

import nbformat
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from course_utils.storage.files import write_atomically
from course_utils.tools import npm
from course_utils.tools.slides_select import deck

ROOT = Path(__file__).resolve().parents[2]
PRESENTER = "reveal"  # the folder of scripts and sheets beside the decks
LOCAL_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)[^)]+\)")  # a deck has no checkout beside it
CROWDED, FULL = 420, 650  # characters of text from which a slide gets a smaller size
STYLE = """
:root { --ink: #1b1b1b; --paper: #fff; --accent: #0072b2; --soft: #555; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #16181c; --accent: #56b4e9; --soft: #aaa; }
}
body { background: var(--paper); }
.reveal { font: 32px/1.4 system-ui, "Segoe UI", sans-serif; color: var(--ink); }
.reveal .slides { text-align: left; }
.reveal h1 { font-size: 1.9em; line-height: 1.15; margin: 0 0 .6em; }
.reveal h2 { font-size: 1.25em; line-height: 1.2; margin: 0 0 .6em; color: var(--accent); }
.reveal .small-head { font-size: .75em; color: var(--soft); margin: 0 0 .4em; }
.reveal p, .reveal ul, .reveal ol { margin: 0 0 .7em; }
.reveal strong { font-weight: 700; } .reveal em { font-style: italic; }
.reveal ul, .reveal ol { padding-left: 1.2em; list-style-position: outside; }
.reveal ul { list-style-type: disc; } .reveal ol { list-style-type: decimal; }
.reveal .measured ul { list-style: none; padding-left: 0; }
.reveal li { margin-bottom: .35em; }
.reveal code, .reveal pre { font-family: ui-monospace, Consolas, monospace; font-size: .85em; }
.reveal img { width: 100%; height: 610px; object-fit: contain; display: block; margin: 0; background: #fff; }
.reveal .slides section.title { padding-top: 5em; }
.reveal .slides section.section, .reveal .slides section.predict { padding-top: 2.5em; font-size: 1.15em; }
.reveal a { color: var(--accent); }
.reveal table { border-collapse: collapse; } .reveal td, .reveal th { padding: .1em .5em; text-align: left; }
.reveal .crowded { font-size: .85em; }
.reveal .full { font-size: .7em; } .reveal .full h2 { font-size: 1.6em; }
.reveal .predict h2::before { content: "? "; }
.reveal aside.notes { display: none; }
.reveal .progress { color: var(--accent); } .reveal .controls { color: var(--accent); }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/reset.css"><link rel="stylesheet" href="reveal/reveal.css">
<link rel="stylesheet" href="reveal/course.css">
<script>
MathJax = {{ tex: {{ inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]] }}, options: {{ enableMenu: false }} }};
</script>
</head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="reveal/tex-svg.js"></script>
<script src="reveal/reveal.js"></script><script src="reveal/notes.js"></script>
<script>
Reveal.initialize({{ hash: true, slideNumber: "c/t", width: 1200, height: 720, margin: 0.06, center: false,
  transition: "none", plugins: [RevealNotes] }});
</script></body></html>
"""
INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Slides</title><style>:root {{ color-scheme: light dark; }}
body {{ font: 1.2rem/1.6 system-ui, sans-serif; margin: 3rem; }}</style></head>
<body><h1>Slides</h1><p>S: speaker notes. F: full screen. O: overview. ?print-pdf: for printing.</p>
<ul>
{links}
</ul></body></html>
"""


def rendered(markdown):
    """HTML of a Markdown text; links to other files keep only their words."""
    text = markdown2html_mistune(LOCAL_LINK.sub(r"\1", markdown)) if markdown else ""
    return re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", text)  # marks for a page that is scrolled


def section(slide):
    """One slide as reveal.js reads it."""
    title = rendered(slide.title).strip().removeprefix("<p>").removesuffix("</p>")
    tag = "h1" if slide.kind == "title" else "h2"
    head = f"<{tag}>{title}</{tag}>"
    if slide.kind in ("figure", "measured"):
        kind = "Measured: " if slide.kind == "measured" else ""
        head = f'<p class="small-head">{kind}{title}</p>'
    picture = ""
    if slide.image:
        alt = html.escape(slide.alt, quote=True)
        picture = f'<img src="data:image/png;base64,{slide.image}" alt="{alt}">'
    # Long texts, such as a summary, must fit one slide.
    crowded = " full" if len(slide.body) > FULL else " crowded" if len(slide.body) > CROWDED else ""
    notes = rendered("\n\n".join(slide.notes))
    return (
        f'<section class="{slide.kind}{crowded}">{head}\n{rendered(slide.body)}{picture}\n'
        f'<aside class="notes">{notes}</aside></section>'
    )


def page(notebook):
    """A lesson's deck as one HTML text, which expects the folder reveal/ beside it."""
    slides = deck(notebook)
    title = html.escape(re.sub(r"[*`]", "", slides[0].title)) if slides else "no slides"
    return PAGE.format(title=title, slides="\n".join(section(slide) for slide in slides)), title


def build(files, output):
    """Write the decks of these notebooks, an index and reveal.js into the folder. Returns [(deck, title)]."""
    scripts = npm.contents(npm.REVEAL) | npm.contents(npm.MATHJAX)
    (output / PRESENTER).mkdir(parents=True, exist_ok=True)
    for path, content in scripts.items():
        write_atomically(output / PRESENTER / Path(path).name, content)
    write_atomically(output / PRESENTER / "course.css", STYLE)
    decks = []
    for path in files:
        text, title = page(nbformat.read(path, as_version=4))
        write_atomically(output / f"{path.stem}.html", text)
        decks.append((path.stem, title))
    links = "\n".join(f'<li><a href="{name}.html">{title}</a></li>' for name, title in decks)
    write_atomically(output / "index.html", INDEX.format(links=links))
    return decks


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="start.py slides", description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all lessons")
    parser.add_argument("--output", type=Path, default=ROOT / "slides", help="the folder (default: slides)")
    options = parser.parse_args(arguments)
    if missing := [str(path) for path in options.notebooks if not path.is_file()]:
        print(f"{missing[0]}: there is no such notebook", file=sys.stderr)
        return 2
    files = options.notebooks or sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    for name, title in build(files, options.output):
        print(f"{name}.html: {title}")
    print(f"Open {options.output / 'index.html'} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
