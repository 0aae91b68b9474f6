"""Freed memory goes back to the system where the C library can."""

import sys

import pytest
import torch

from course_utils.scoreboard.measure import peak_memory_mb
from course_utils.storage import memory


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_what_was_freed_is_given_back():
    pieces = [torch.ones(20_000) for _ in range(5_000)]  # 400 MB in pieces that glibc keeps
    wall = [torch.ones(20_000)]  # behind them, so that the heap's end does not move
    del pieces
    before = resident()
    memory.release()
    assert before - resident() > 100e6 or before < peak_memory_mb() * 1e6 - 300e6  # or it had been given back
    assert wall[0].sum() == 20_000


def test_elsewhere_nothing_is_called(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    monkeypatch.setattr(memory.ctypes, "CDLL", None)  # would raise if it were called
    memory.release()
