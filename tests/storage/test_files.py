"""Files are written whole or not at all."""

import os

import pytest

from course_utils.storage import files


@pytest.mark.parametrize("content, raw", [("ü\r\n", "ü\r\n".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_writes_exactly_and_leaves_no_draft(tmp_path, content, raw):
    file = tmp_path / "x.txt"
    file.write_text("old, and longer than the new")
    files.write_atomically(file, content)
    assert file.read_bytes() == raw
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "x.txt"
    file.write_text("old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(file, "new")
    assert file.read_text() == "old" and os.listdir(tmp_path) == ["x.txt"]


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        files.write_atomically(tmp_path / "nowhere" / "x", "y")
