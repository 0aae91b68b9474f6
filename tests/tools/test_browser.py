"""JupyterLab in a real browser, without its window: lessons open, widgets work by keyboard, nothing leaves.

Needs the extra `browser` (playwright) and a Chromium on this machine; skipped with the reason where
one is missing. Screenshots of the last run lie in the folder named by COURSE_SCREENSHOTS, if it is set.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import urlopen

import nbformat
import pytest
from nbformat.v4 import new_notebook

import start
from tests.helpers import widget_cells

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
TOKEN = "lesson"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HARMLESS = ("favicon", "ResizeObserver loop")
CONTROLS = "textarea, input, select, button, [role=slider]"


def slices_of_lessons():
    for path in LESSONS:
        for number, cells in enumerate(widget_cells.slices(nbformat.read(path, as_version=4)), 1):
            yield pytest.param(cells, id=f"{path.stem}-{number}")


def test_widgets_are_found():
    assert {"next_token_explorer", "prompt_playground"} <= widget_cells.widget_functions()
    text = "import course_utils as c\nstate = c.display.next_token_explorer(m)"
    assert "next_token_explorer" in widget_cells.called(text) and "state" in widget_cells.defined(text)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright (the extra `browser`) is missing"
    )
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """(address, folder) of a JupyterLab started as start.py starts it, on a folder of its own."""
    folder = tmp_path_factory.mktemp("lab ü")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--port", str(port), f"--ServerApp.root_dir={folder}", "--allow-root"]
    options += [f"--IdentityProvider.token={TOKEN}", "--LabApp.default_url=/lab"]
    own = f"--ServerApp.root_dir={start.HERE}"
    command = [sys.executable, *(part for part in start.lab_command(options)[1:] if part != own)]
    with open(folder / "server.log", "w", encoding="utf-8") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{address}/api?token={TOKEN}"), 120)
        yield address, folder
    finally:
        server.terminate()
        server.wait(30)


def answers(address):
    try:
        return urlopen(address, timeout=5).status == 200
    except OSError:
        return False


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)


class Watched:
    """A page that remembers its errors and every request to another machine."""

    def __init__(self, browser, **options):
        self.page = browser.new_page(viewport={"width": 1280, "height": 900}, **options)
        self.errors, self.outside = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self.note)

    def note(self, request):
        place = urlparse(request.url)
        if place.scheme in ("http", "https", "ws", "wss") and place.hostname != "127.0.0.1":
            self.outside.append(request.url)

    def verdict(self):
        errors = [error for error in self.errors if not any(word in error for word in HARMLESS)]
        return errors, self.outside

    def keep(self, name):
        if os.environ.get("COURSE_SCREENSHOTS"):
            folder = Path(os.environ["COURSE_SCREENSHOTS"])
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png")


def open_notebook(watched, lab, name):
    address, _ = lab
    watched.page.goto(f"{address}/lab/tree/{name}?token={TOKEN}&reset", wait_until="domcontentloaded")
    watched.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_opens_as_it_is_stored(browser, lab, path):
    shutil.copy(path, lab[1])
    watched = Watched(browser)
    open_notebook(watched, lab, path.name)
    watched.page.wait_for_selector(".jp-RenderedMarkdown h1", timeout=60_000)
    watched.page.wait_for_timeout(2000)
    watched.keep(f"stored {path.stem}")
    assert not watched.page.locator("text=official Jupyter news").count(), "JupyterLab asks about news"
    assert watched.verdict() == ([], [])
    watched.page.close()


@pytest.mark.slow
@pytest.mark.parametrize("cells", slices_of_lessons())
def test_a_widget_works_by_keyboard(browser, lab, cells, request):
    name = f"{request.node.callspec.id}.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), lab[1] / name)
    watched = Watched(browser)
    page = watched.page
    open_notebook(watched, lab, name)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells >> nth=0")
    shown = page.locator(".jp-OutputArea-output:has(.jupyter-widgets)")
    area = shown.filter(has=page.locator(CONTROLS)).last  # a progress bar is a widget without any
    area.wait_for(timeout=180_000)
    page.wait_for_timeout(1000)
    area.scroll_into_view_if_needed()
    watched.keep(f"widget {request.node.callspec.id} before")
    wanted = area.locator(CONTROLS).count()
    assert not area.locator("select").count(), "JupyterLab keeps a menu's arrow keys for itself"
    before, reached, changed = area.inner_text(), set(), False
    area.locator(CONTROLS).first.focus()
    for _ in range(2 * wanted + 4):
        here = page.evaluate(f"[...document.querySelectorAll('{CONTROLS}')].indexOf(document.activeElement)")
        inside = area.evaluate("(node) => node.contains(document.activeElement)")
        if inside:
            reached.add(here)
            kind = page.evaluate("document.activeElement.tagName + (document.activeElement.role || '')")
            page.keyboard.press("Enter" if kind.startswith("BUTTON") else "ArrowRight")
            page.wait_for_timeout(300)
        page.keyboard.press("Tab")
    wait_for_change = time.monotonic() + 60
    while not changed and time.monotonic() < wait_for_change:
        changed = area.inner_text() != before
        page.wait_for_timeout(500)
    watched.keep(f"widget {request.node.callspec.id} after")
    buttons = area.locator("button").count()
    assert changed, "no key changed what the widget shows"
    assert len(reached) >= max(1, buttons), "not every control is reached with Tab"
    assert watched.verdict() == ([], [])
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_opens_offline(browser, tmp_path_factory, scheme):
    pytest.importorskip("sphinx", reason="Sphinx (the extra `book`) is missing")
    site = tmp_path_factory.mktemp("book") / "site"
    mine = ("COURSE_HOME", "COURSE_NO_NETWORK", "PYTHONPATH")  # MathJax is fetched once, and kept at home
    environment = {name: value for name, value in os.environ.items() if name not in mine}
    make = [sys.executable, "-m", "course_utils.tools.book", "--output", str(site)]
    made = subprocess.run(make, cwd=ROOT, env=environment, capture_output=True, text=True)
    if made.returncode and "could not be fetched" in made.stderr:
        pytest.skip(made.stderr.strip()[-200:])
    assert made.returncode == 0, made.stderr[-2000:]
    watched = Watched(browser, color_scheme=scheme)
    for page in sorted(site.glob("*.html")):
        watched.page.goto(page.as_uri())
        watched.page.wait_for_timeout(500)
        watched.keep(f"book {scheme} {page.stem}")
        broken = "[...document.images].filter(image => image.complete && !image.naturalWidth).length"
        assert not watched.page.evaluate(broken), f"{page.name} shows a picture that is not there"
    watched.page.goto((site / "00_start_here.html").as_uri())
    watched.page.wait_for_selector("mjx-container svg", timeout=20_000)
    assert watched.page.locator("html").get_attribute("data-theme") == scheme
    watched.page.goto((site / "search.html").as_uri() + "?q=hallucination")
    watched.page.wait_for_selector("#search-results li a", timeout=20_000)
    assert "Glossary" in watched.page.locator("#search-results").inner_text()
    assert watched.verdict() == ([], [])
    watched.page.close()
