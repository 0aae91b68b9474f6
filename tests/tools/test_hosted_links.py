"""The doors into the course: links, the set-up cell, the wheel with its data, the bundle, the book."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import start
from course_utils.storage import paths, real_model
from course_utils.tools import book, bundle, check, hosted_links, lesson_times, teaching
from course_utils.tools.hosted_links import Address

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
ADA = Address("ada/course", "v9.1")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


# ---- links and the set-up cell -----------------------------------------------------------------


def test_every_link_follows_from_one_address():
    found = hosted_links.links(ADA, "notebooks/x.ipynb", hub="https://hub.example")
    assert all("ada/course" in link.replace("%2F", "/") for link in found.values())
    assert [door for door, link in found.items() if ADA.tag not in link] == ["JupyterHub"]  # its own branch
    assert found["Colab"] == "https://colab.research.google.com/github/ada/course/blob/v9.1/notebooks/x.ipynb"
    assert found["JupyterHub"].startswith(
        "https://hub.example/hub/user-redirect/git-pull?repo=https%3A%2F%2F"
    )


@pytest.mark.parametrize("address", [None, ADA], ids=["unset", "set"])
def test_the_set_up_cell_runs_here_and_takes_its_place_once(address):
    lesson = new_notebook(cells=[new_code_cell("import course_utils\n\ncourse_utils.start()")])
    once = hosted_links.with_setup(lesson, address).cells[0].source
    assert once == hosted_links.setup(address) == hosted_links.with_setup(lesson, address).cells[0].source
    assert ("git+https://github.com/ada/course@v9.1" in once) == (address is not None)
    compile(once, "set-up", "exec")
    with pytest.raises(ValueError):
        hosted_links.with_setup(new_notebook(cells=[new_code_cell("1")]), address)


def test_the_address_stands_in_pyproject():
    assert hosted_links.read('[project.urls]\nRepository = "https://github.com/ada/course"') == Address(
        "ada/course", hosted_links.TAG
    )
    both = '[project.urls]\nRepository = "https://github.com/ada/course"\n[tool.course]\ntag = "v9.1"'
    assert hosted_links.read(both) == ADA and hosted_links.read("[project]") is None


def test_links_are_printed_only_with_an_address(monkeypatch, capsys):
    monkeypatch.setattr(hosted_links, "read", lambda: None)
    assert hosted_links.main([]) == 1 and "publish --repo" in capsys.readouterr().err
    monkeypatch.setattr(hosted_links, "read", lambda: ADA)
    assert hosted_links.main([]) == 0 and capsys.readouterr().out.count("[Colab]") == len(LESSONS)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_starts_and_none_has_a_set_up_of_its_own(path):
    lesson = nbformat.read(path, as_version=4)
    assert hosted_links.with_setup(lesson, None)
    assert not [cell for cell in lesson.cells[3:] if "google.colab" in cell.source]


def test_environment_yml_is_the_thin_door():
    text = (ROOT / "environment.yml").read_text("utf-8")
    lines = [line.strip(" -") for line in text.splitlines() if not line.startswith("#")]
    assert "channels: [conda-forge, nodefaults]" in lines
    inner = lines[lines.index("dependencies:") + 1 :]
    assert [re.split(r"[><=:]", line)[0] for line in inner] == [
        "python",
        "pip",
        "git",
        "pip",
        "c constraints.txt",
        "e .[lab,test]",
    ]
    assert PROJECT["requires-python"].removeprefix(">=") in inner[0]


def test_the_devcontainer_calls_the_usual_command():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert container["postCreateCommand"] == "python start.py check" and "check" in start.MODULES


def test_colab_s_versions_are_within_what_the_project_allows():
    from packaging.requirements import Requirement

    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints-colab.txt").read_text("utf-8").splitlines()
        if "==" in line
    )
    pins = {bundle.plain(name): version for name, version in pins.items()}
    wanted = [
        Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    ]
    wrong = [str(r) for r in wanted if r.name in pins and pins[r.name] not in r.specifier]
    assert not wrong and {"torch", "transformers", "peft", "ipywidgets", "ipython"} <= set(pins)


NEWER = {"TagsInput", "ColorsInput", "IntsInput", "FloatsInput", "Stack", "TimePicker", "DatetimePicker"}


def newer_widgets(text):
    """What a Python text uses of ipywidgets 8 that version 7.7 (Colab's) does not have."""
    tree = ast.parse(text)
    uses = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & NEWER
    named = {word.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for word in node.keywords}
    return uses | (named & {"titles"})


def test_only_widgets_that_colab_has():
    assert newer_widgets("w.Tab(children=[w.TagsInput()], titles=['a'])") == {"TagsInput", "titles"}
    modules = [path.read_text("utf-8") for path in (ROOT / "course_utils").rglob("*.py")]
    modules = [text for text in modules if "import ipywidgets" in text]
    assert modules and not [found for found in map(newer_widgets, modules) if found]


# ---- the wheel and the bundle --------------------------------------------------------------------


@pytest.mark.slow
def test_the_wheel_brings_its_data(tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for name in ("course_utils", "data"):
        shutil.copytree(ROOT / name, source / name, ignore=bundle.LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(source),
    ]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    (wheel,) = out.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = "from course_utils import models; from course_utils.storage import paths; "
    code += "print(paths.DATA); models.load('glass-box-tiny')"
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.strip() == str(tmp_path / "site/course_utils/data"), (
        done.stderr
    )
    held = {path.relative_to(paths.DATA) for path in paths.DATA.rglob("*") if path.is_file()}
    assert all((tmp_path / "site/course_utils/data" / path).exists() for path in held)


@pytest.mark.parametrize(
    "system, own, others",
    [
        ("linux", {"pexpect"}, {"pywinpty", "colorama", "appnope"}),
        ("windows", {"pywinpty", "colorama"}, {"pexpect", "appnope"}),
        ("macos", {"pexpect", "appnope"}, {"pywinpty", "colorama"}),
    ],
)
def test_a_bundle_knows_what_each_system_needs(system, own, others):
    names = bundle.needed(system, "3.12")
    assert own | {"torch", "jupyterlab", "pytest", "setuptools"} <= set(names) and not others & set(names)
    assert not set(names) - set(bundle.pins()), "not pinned"


def test_a_damaged_bundle_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "wheels").mkdir()
    for name, text in {"a.whl": "a", "b.whl": "b"}.items():
        (tmp_path / "wheels" / name).write_text(text)
    (tmp_path / start.SUMS).write_text("".join(bundle.checksums(tmp_path)))
    assert f"{hashlib.sha256(b'a').hexdigest()}  wheels/a.whl\n" in (tmp_path / start.SUMS).read_text()
    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(start, "WHEELS", tmp_path / "wheels")
    calls = []
    monkeypatch.setattr(start, "pip_install", lambda *args: calls.append(args) or (0, ""))
    assert start.damaged_wheels() == []
    start.install()
    assert calls == [("--no-index", "--find-links", str(tmp_path / "wheels"), "-e", start.EXTRAS)]
    (tmp_path / "wheels" / "a.whl").write_text("x")
    (tmp_path / "wheels" / "b.whl").unlink()
    with pytest.raises(SystemExit, match="damaged.*a.whl, b.whl"):
        start.install()


def test_a_bundle_for_another_python_says_so(tmp_path, monkeypatch):
    (tmp_path / "wheels").mkdir()
    (tmp_path / start.SUMS).write_text("")
    monkeypatch.setattr(start, "HERE", tmp_path)
    monkeypatch.setattr(start, "WHEELS", tmp_path / "wheels")
    monkeypatch.setattr(
        start, "pip_install", lambda *args: (1, "ERROR: No matching distribution found for x")
    )
    with pytest.raises(SystemExit, match="made for another Python or system"):
        start.install()


@pytest.mark.slow
def test_a_bundle_installs_without_a_network(tmp_path):
    """Made from the package index (skipped where there is none), installed with every way out shut."""
    target = tmp_path / "a b ü" / "course"
    target.parent.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_NO_NETWORK")}
    make = [sys.executable, "-m", "course_utils.tools.bundle", "--output", str(target)]
    made = subprocess.run(make, cwd=ROOT, env=environment, capture_output=True, text=True)
    if made.returncode and "could not be fetched" in made.stderr:
        pytest.skip(f"the packages cannot be fetched here: {made.stderr.strip()[-200:]}")
    assert made.returncode == 0, made.stderr
    nowhere = "http://127.0.0.1:9"
    shut = environment | {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "PIP_NO_CACHE_DIR": "1"}
    shut["COURSE_MODELS"] = str(tmp_path / "no models yet")
    command = [sys.executable, "start.py", "progress"]
    done = subprocess.run(command, cwd=target, env=shut, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    assert "no network is needed" in done.stdout and "lesson 00" in done.stdout
    assert (tmp_path / "no models yet" / "smollm2" / "model.safetensors").exists()


# ---- the book ----------------------------------------------------------------------------------


def test_the_glossary_has_every_word_of_its_page():
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    text = book.glossary(page)
    assert text.count("\n\n") >= 45 and "\nhallucination\n  a confident answer" in text
    assert text.count("[Lesson ") == page.count("\n| ") - 1  # one line of the table is its head
    with pytest.raises(ValueError):
        book.glossary("# no table")


def test_pages_keep_links_between_lessons_and_pictures_their_text():
    text = "[a](../README.md) [b](01_prompting.ipynb) [c](https://x.org) ![d](e.png) [f](#g)"
    assert book.plain_links(text) == "a [b](01_prompting.ipynb) [c](https://x.org) ![d](e.png) [f](#g)"
    picture = new_output("display_data", data={"image/png": "x"}, metadata={"image/png": {"alt": "two bars"}})
    lesson = book.page(new_notebook(cells=[new_markdown_cell("x"), new_code_cell("y", outputs=[picture])]))
    assert lesson.cells[1].metadata.mystnb.image.alt == "two bars"


def test_the_readme_s_pictures_go_with_the_book(tmp_path):
    text = "![x](data/results/scoreboard.png) [y](data/README.md) ![z](https://x.org/a.png)"
    kept = book.with_pictures(text, tmp_path)
    assert kept == "![x](scoreboard.png) [y](data/README.md) ![z](https://x.org/a.png)"
    assert (tmp_path / "scoreboard.png").stat().st_size > 10_000


def test_a_book_never_replaces_another_folder(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    assert book.main(["--output", str(tmp_path / "mine")]) == 2
    assert "is no book" in capsys.readouterr().err


def test_book_needs_its_extra_and_arguments_keep_their_place(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(start, "set_up", lambda: None)
    monkeypatch.setattr(start, "fetch_model", lambda: None)
    monkeypatch.setattr(start, "need", seen.append)
    monkeypatch.setattr(
        start.subprocess, "run", lambda c, **k: seen.append(c) or SimpleNamespace(returncode=0)
    )
    monkeypatch.chdir(tmp_path)
    assert start.main(["book", "--output", "site"]) == 0
    assert seen[0] == "book" and seen[1][1:] == [
        "-m",
        "course_utils.tools.book",
        "--output",
        str(tmp_path / "site"),
    ]
    start.main(["progress", "--export", "mine.json", "--name", "Ada"])
    assert seen[2][-4:] == ["--export", str(tmp_path / "mine.json"), "--name", "Ada"]
    start.main(["progress", "--export=mine.json"])
    assert seen.pop()[-1] == f"--export={tmp_path / 'mine.json'}"
    start.main(["gradebook", "handed in", "--out", "grades.csv"])
    assert seen[3][-3:] == [str(tmp_path / "handed in"), "--out", str(tmp_path / "grades.csv")]
    start.main(["bundle", "--platform", "windows"])
    assert seen[4][-2:] == ["--platform", "windows"]


# ---- the check before a workshop -----------------------------------------------------------------


def test_times_follow_the_probe():
    measured = {
        "00": {"seconds": 60.0, "probe_seconds": {"glass-box": 1.0}},
        "01": {"seconds": 90.0, "probe_seconds": {"glass-box": 2.0, "smollm2": 5.0}},
    }
    assert lesson_times.predicted_seconds({"glass-box": 3.0}, measured) == {"00": 180.0, "01": 135.0}
    both = {"glass-box": 3.0, "smollm2": 10.0}
    assert lesson_times.predicted_seconds(both, measured) == {"00": 180.0, "01": 180.0}


def test_probes_are_those_of_the_models_that_are_there(monkeypatch):
    monkeypatch.setattr(lesson_times, "probe", lambda name: len(name))
    for ready, names in ((False, ["glass-box"]), (True, ["glass-box", "smollm2"])):
        monkeypatch.setattr(lesson_times.real_model, "is_ready", lambda ready=ready: ready)
        assert list(lesson_times.probes()) == names
    assert all(
        lesson_times.load()[lesson]["probe_seconds"]["glass-box"] > 0 for lesson in lesson_times.load()
    )


def test_sections_add_up():
    def cell(seconds):
        times = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
        times["shell.execute_reply"] = f"2026-01-01T00:00:{seconds:02d}Z"
        return new_code_cell("x", metadata={"execution": times})

    texts = [new_markdown_cell("# T"), cell(1), new_markdown_cell("words\n\n## 1 · A\nx"), cell(2), cell(3)]
    found = lesson_times.sections(
        new_notebook(cells=[*texts, new_markdown_cell("## 2 · B"), new_code_cell("y")])
    )
    assert found == [["Start", 1.0], ["1 · A", 5.0], ["2 · B", 0.0]]


def test_the_check_names_what_differs(monkeypatch, tmp_path):
    agree, differ = check.versions("# x\npytest==0.0.1\nnot-here==1\nnbformat==" + nbformat.__version__)
    assert agree == 1 and differ == [f"pytest is {pytest.__version__}, the tests passed with 0.0.1"]
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "x"))
    (tmp_path / "file").write_text("")
    assert [sentence for enough, sentence in check.resources() if not enough][-1].startswith("your folder")


def test_the_teachers_notes_cover_every_lesson():
    text = (ROOT / "notebooks" / "TEACHING.md").read_text("utf-8")
    outcomes = text.split("## Outcomes")[1].split("## ")[0]
    questions = text.split("## Questions")[1].split("\n## ")[0]
    for path in LESSONS:
        assert f"| {path.name[:2]} " in outcomes and f"| {path.name[:2]} " in questions, path.name
    assert all(f"start.py {command}" in text for command in ("check", "bundle", "test", "progress"))
    assert text.count(teaching.BEGIN) == text.count(teaching.END) == 1


def test_reading_is_counted_per_section():
    book = new_notebook(
        cells=[new_markdown_cell("a " * 300 + "\n## One\n" + "b " * 148), new_code_cell("x\n\n" * 20)]
    )
    assert teaching.reading(book) == {"Start": 2.0, "One": 1.0 + 2.0}


def test_a_slow_machine_is_said(monkeypatch):
    row = {"seconds": 100.0, "probe_seconds": {"glass-box": 1.0}}
    monkeypatch.setattr(lesson_times, "load", lambda: {"00": row})
    assert [enough for enough, _ in check.lengths({"glass-box": 1.0})] == [True, True]
    assert [enough for enough, _ in check.lengths({"glass-box": 4.0})] == [False, True]


def test_the_check_shows_the_model(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path))
    there, sentence = check.model()
    assert not there and "python start.py" in sentence and "93 MB to download" in sentence
    place = tmp_path / "smollm2"
    place.mkdir()
    (place / "config.json").write_text("{}")
    files = {"config.json": {"bytes": 2, "sha256": real_model.sha256(place / "config.json")}}
    stamp = {"converter": 99, "gguf_sha256": real_model.REAL.gguf_sha256, "files": files}
    (place / real_model.STAMP).write_text(json.dumps(stamp))
    there, sentence = check.model()
    assert there and "135 million parameters" in sentence and str(tmp_path) in sentence
    (place / "config.json").write_text("[]")
    there, sentence = check.model()
    assert not there and "config.json" in sentence and "remove that folder" in sentence
