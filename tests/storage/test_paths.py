"""Files are written whole or not at all, and the learner's folder is where COURSE_HOME says."""

import os

import pytest

from course_utils.storage import paths


def test_course_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "a b" / "c"))
    assert paths.course_home() == tmp_path / "a b" / "c"
    assert paths.course_home().is_dir()


def test_default_home_is_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert paths.course_home() == tmp_path / ".cache" / "course_utils"


@pytest.mark.parametrize("content, raw", [("ü\r\n", "ü\r\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_writes_exactly_and_leaves_no_draft(tmp_path, content, raw):
    file = tmp_path / "x.txt"
    file.write_text("old, and longer than the new")
    paths.write_atomically(file, content)
    assert file.read_bytes() == raw
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "x.txt"
    file.write_text("old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paths.write_atomically(file, "new")
    assert file.read_text() == "old" and os.listdir(tmp_path) == ["x.txt"]


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        paths.write_atomically(tmp_path / "nowhere" / "x", "y")
