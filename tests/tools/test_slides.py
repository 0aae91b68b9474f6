"""Slides follow from the notebook: headings, figures, questions, claims, boxes; the rest is notes."""

import json
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.tools import npm, slides
from course_utils.tools.slides_select import blocks, deck, lead, pages, sections

LESSONS = sorted((slides.ROOT / "notebooks").glob("[0-9]*.ipynb"))
PNG = "iVBORw0KGgo="


def printed(text):
    return new_output("stream", name="stdout", text=text)


def lesson():
    figure = new_output(
        "display_data", data={"image/png": PNG}, metadata={"image/png": {"alt": "two <bars>"}}
    )
    return new_notebook(
        cells=[
            new_markdown_cell("# 09 · A lesson\n\nWhat it is about. And more.\n\n*Time: a minute.*"),
            new_markdown_cell("## 1 · A section\n\nThe idea is $x$.\n\n$$y = x^2$$\n\nA longer explanation."),
            new_code_cell("plot()", outputs=[figure]),
            new_markdown_cell("What the picture says."),
            new_code_cell("claim(1)", outputs=[printed("✓ one is more (more than 0)\n")]),
            new_markdown_cell("Before.\n\n**Predict, then run.** Which is larger?"),
            new_code_cell("p1.answer(...)", outputs=[printed("09.p1 Asked? No guess yet.\n")]),
            new_code_cell("check_equal(a, b)", outputs=[printed("= ours is the library's\n")]),
            new_markdown_cell("> **Does it transfer?** *Measured:* here.\n> At scale, too."),
            new_markdown_cell("## 2 · Exercises\n\nWrite."),
            new_code_cell("q1.ask()", outputs=[printed("✓ not a claim\n")]),
            new_markdown_cell("## Summary\n\n1. One.\n2. Two.\n\n**References**\n\n- A paper."),
        ]
    )


def test_what_becomes_a_slide():
    made = deck(lesson())
    assert [(slide.kind, slide.title) for slide in made] == [
        ("title", "09 · A lesson"),
        ("section", "1 · A section"),
        ("figure", "1 · A section"),
        ("predict", "Predict"),
        ("text", "Does it transfer?"),
        ("measured", "1 · A section"),
        ("text", "Summary"),
    ]
    title, section, figure, predict, box, measured, summary = made
    assert title.body == "What it is about. And more."
    assert "The idea is $x$." in section.body and "$$y = x^2$$" in section.body
    assert "A longer explanation." not in section.body and "A longer explanation." in "".join(section.notes)
    assert (figure.image, figure.alt) == (PNG, "two <bars>") and figure.notes[0] == "What the picture says."
    assert predict.body == "Which is larger?" and box.body == "*Measured:* here.\nAt scale, too."
    assert measured.body == "- ✓ one is more (more than 0)\n- = ours is the library's"
    assert summary.body == "1. One.\n2. Two."


@pytest.mark.parametrize(
    "text, body",
    [
        ("**Predict, then run.**", "Asked?"),
        ("**Predict, then run.** Write your guess into `p1.answer(…)`.", "Asked?"),
        ("**Rank. Predict, then run:** which rank?", "which rank?"),
        ("**Predict, then look: which depth?**", "**which depth?**"),
    ],
)
def test_a_question_comes_from_the_text_or_from_what_it_printed(text, body):
    asked = new_code_cell("p1.answer(...)", outputs=[printed("09.p1 Asked? No guess yet.\n")])
    book = new_notebook(cells=[new_markdown_cell("# T\n\nWords."), new_markdown_cell(text), asked])
    assert [slide.body for slide in deck(book) if slide.kind == "predict"] == [body]


def test_a_lead_is_whole_sentences():
    assert lead("> a box\n\nOne. Two " + "long " * 90 + ".") == "One."
    assert lead("- a list") == "" and lead("x " * 400 + ".") == ""
    assert lead("**Bold. Still bold** " + "x" * 320 + ".") == ""  # never half of a bold text


def test_a_long_text_takes_several_slides():
    parts = pages("\n".join(f"{n}. " + "word " * 60 for n in range(1, 6)) + "\n\n## References\n- x")
    assert len(parts) == 3 and all(len(part) < 1000 for part in parts) and "References" not in parts[-1]


def test_a_box_ends_with_its_quotation():
    parts = blocks("Words.\n\nMore.\n\n> **Box.** One\n> two.\n\nAfter.\n\n### Small\n\nText.")
    assert parts == ["Words.\n\nMore.", "> **Box.** One\n> two.", "After.", "### Small\n\nText."]


def test_code_is_no_heading():
    assert [part[:2] for part in sections("a\n\n```\n# no heading\n```\n## B\n\nc")] == [(0, ""), (2, "B")]


def test_a_page_escapes_and_keeps_formulas_and_notes():
    text, title = slides.page(lesson())
    assert title == "09 · A lesson" and text.count("<section") == text.count("</section>") == 7
    assert 'alt="two &lt;bars&gt;"' in text and "$$y = x^2$$" in text
    assert re.search(r'<aside class="notes"><p>What the picture says\.</p>', text)


def test_links_into_the_checkout_become_words():
    html = slides.rendered("[lesson](01_prompting.ipynb) [paper](https://arxiv.org/abs/1)")
    assert "¶" not in slides.rendered("### A heading")
    assert "ipynb" not in html and 'href="https://arxiv.org/abs/1"' in html


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_has_a_deck(path):
    notebook = nbformat.read(path, as_version=4)
    made = deck(notebook)
    figures = sum(
        "image/png" in o.get("data", {}) for cell in notebook.cells for o in cell.get("outputs", [])
    )
    assert made[0].kind == "title" and sum(slide.kind == "figure" for slide in made) == figures
    assert sum(slide.kind == "section" for slide in made) >= 5 and all(slide.title for slide in made)
    text, _ = slides.page(notebook)
    fetched = re.findall(r'(?:src|<link[^>]*href)="(?!data:)([^"]+)"', text)
    assert fetched and all(address.startswith("reveal/") for address in fetched)


def test_decks_lie_beside_what_they_load(tmp_path, monkeypatch):
    monkeypatch.setattr(npm, "contents", lambda package: dict.fromkeys(package.files, b"x"))
    file = tmp_path / "09_a.ipynb"
    file.write_text(json.dumps(lesson()), "utf-8")
    assert slides.main([str(file), "--output", str(tmp_path / "out")]) == 0
    deck_text = (tmp_path / "out" / "09_a.html").read_text("utf-8")
    for address in re.findall(r'(?:src|href)="(reveal/[^"]+)"', deck_text):
        assert (tmp_path / "out" / address).exists(), address
    assert 'href="09_a.html"' in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert slides.main([str(tmp_path / "none.ipynb"), "--output", str(tmp_path / "out")]) == 2
