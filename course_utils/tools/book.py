"""All lessons as a web site of still pages, with the stored outputs: `python start.py book`.

Sphinx with myst-nb and the sphinx-book-theme: search, a glossary (docs/glossary.md), a light and a dark
look. The pages ask nothing of the network when they are read: MathJax, the one thing they would
fetch, is downloaded once while the book is made (from npm, with a checksum) and lies beside them.
Left out: running cells. The lessons do that; the book shows what they stored.
"""

import argparse
import hashlib
import io
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.request import urlopen

import nbformat

from course_utils.storage.files import write_atomically
from course_utils.storage.paths import course_home

ROOT = Path(__file__).resolve().parents[2]
MATHJAX = "https://registry.npmjs.org/mathjax/-/mathjax-3.2.2.tgz"
MATHJAX_FILE = "package/es5/tex-svg.js"  # one file that holds its own letters
MATHJAX_SUM = "d4295dc33744836935c1399feece5159577b34c5c8ffb9f1c6324cd82e03a882"
TITLE = "Taming language models"
CONFIG = {
    "project": TITLE,
    "html_title": TITLE,
    "author": "the course's authors",
    "extensions": ["myst_nb", "sphinx.ext.mathjax"],
    "html_theme": "sphinx_book_theme",
    "html_theme_options": {"use_download_button": False, "show_toc_level": 2, "navbar_persistent": []},
    "html_context": {"default_mode": "auto"},
    "html_show_search_summary": False,  # it would fetch the pages found, which a browser refuses for files
    "html_show_sphinx": False,
    "html_copy_source": False,
    "html_static_path": ["_static"],
    "mathjax_path": "mathjax.js",
    "mathjax3_config": {"options": {"enableMenu": False}},  # its menu would load more
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "nb_execution_mode": "off",
    "nb_ipywidgets_js": {},  # they would come from a server; each widget has a picture beside it
    "suppress_warnings": ["myst.xref_missing", "myst.header", "mystnb.unknown_mime_type"],
}


def mathjax():
    """MathJax's text, fetched once and kept in the learner's folder. Raises SystemExit with a sentence."""
    kept = course_home() / "mathjax-3.2.2.js"
    if not (kept.exists() and hashlib.sha256(kept.read_bytes()).hexdigest() == MATHJAX_SUM):
        try:
            with urlopen(MATHJAX, timeout=60) as answer:
                packed = io.BytesIO(answer.read())
            with tarfile.open(fileobj=packed) as archive:
                script = archive.extractfile(MATHJAX_FILE).read()
        except (OSError, tarfile.TarError, KeyError) as error:
            raise SystemExit(f"MathJax could not be fetched from {MATHJAX} ({error}).") from None
        if hashlib.sha256(script).hexdigest() != MATHJAX_SUM:
            raise SystemExit(f"What came from {MATHJAX} is not MathJax 3.2.2; nothing was kept.")
        write_atomically(kept, script)
    return kept.read_bytes()


def page(notebook):
    """A lesson for the book: pictures get their stored text, links to the checkout become plain."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_links(cell.source)
            continue
        texts = [o.metadata.get("image/png", {}).get("alt") for o in cell.outputs if "metadata" in o]
        texts = [text for text in texts if text]
        if texts:
            cell.metadata["mystnb"] = {"image": {"alt": " / ".join(texts)}}
    return notebook


def plain_links(text):
    """Markdown whose links to other files of the checkout are only their words; lessons stay linked."""
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|\d\d_\w+\.ipynb)[^)]+\)", r"\1", text)


def glossary(text):
    """The table of docs/glossary.md as a page that search and links know."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| \[(\d\d)\]\([^)]+/(\w+\.ipynb)\) \|$", text, re.MULTILINE
    )
    entries = [
        f"{word}\n  {meaning} ({other}). [Lesson {number}]({file})"
        for word, other, meaning, number, file in rows
    ]
    if not entries:
        raise ValueError("there is no glossary in this text")
    return "# Glossary\n\n```{glossary}\n" + "\n\n".join(entries) + "\n```\n"


def with_pictures(text, folder):
    """Markdown of the README whose pictures are copied into the folder and named without their own."""
    for path in re.findall(r"!\[[^\]]*\]\((?!https?:)([^)]+)\)", text):
        shutil.copy(ROOT / path, folder)
        text = text.replace(f"]({path})", f"]({Path(path).name})")
    return text


def write_sources(folder):
    """The pages as Sphinx reads them: every lesson, the teachers' notes, the glossary, a first page."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = []
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        nbformat.write(page(nbformat.read(path, as_version=4)), folder / path.name)
        names.append(path.stem)
    words = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    (folder / "glossary.md").write_text(glossary(words), encoding="utf-8")
    names.append("glossary")
    teaching = ROOT / "notebooks" / "TEACHING.md"
    if teaching.exists():
        (folder / "teaching.md").write_text(
            plain_links(teaching.read_text(encoding="utf-8")), encoding="utf-8"
        )
        names.append("teaching")
    promise, _, rest = readme.split("## Lessons")[0].partition("## Two commands")
    seen = rest.partition("## What you will see")[2]
    first = with_pictures(plain_links(promise.partition("\n")[2] + seen), folder)
    contents = "\n".join(names)
    index = f"# {TITLE}\n\n{first}\n\n```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    (folder / "_static").mkdir()
    (folder / "_static" / "mathjax.js").write_bytes(mathjax())


def build(output, quiet=True):
    """Make the site in the folder output, which is replaced as a whole. Returns Sphinx's status."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    with tempfile.TemporaryDirectory() as work:
        sources, site = Path(work) / "sources", Path(work) / "site"
        sources.mkdir()
        write_sources(sources)
        with patch_docutils(), docutils_namespace():
            status = io.StringIO() if quiet else sys.stdout
            app = Sphinx(sources, None, site, Path(work) / "trees", "html", CONFIG, status=status)
            app.build()
        if app.statuscode == 0:
            draft = output.with_name(output.name + ".part")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(site, draft)
            shutil.rmtree(output, ignore_errors=True)
            os.replace(draft, output)
    return app.statuscode


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="start.py book", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=ROOT / "book", help="the folder to make (default: book)"
    )
    options = parser.parse_args(arguments)
    if options.output.exists() and not (options.output / "searchindex.js").exists():
        print(f"{options.output} exists and is no book: choose another --output.", file=sys.stderr)
        return 2
    status = build(options.output)
    if status == 0:
        print(f"Open {options.output / 'index.html'} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
