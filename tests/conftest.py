"""What every test run shares: no network, slow tests on request, a report per notebook.

`start.py test` loads this file for the unit tests and, by name, for nbval's run over the notebooks.
"""

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty

import psutil
import pytest

from tests.guard import no_network

METERS = pytest.StashKey()  # {notebook: its Meter}
HOME = pytest.StashKey()  # the learner's folder of this run
MEMORY = 4e9  # bytes that a lesson may take
GUARD = Path(__file__).parent / "guard"
UNSTABLE = {  # what differs between two good runs, in the outputs nbval compares
    r"(?m)^(?![✓✗=]).*\n?": "",  # only claims and checks are compared: other numbers depend on the processor
    r"\b\d+(\.\d+)? ?(ms|s|seconds|minutes)\b": "TIME",
    r" at 0x[0-9a-fA-F]+": " at 0x…",
}


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also run the tests marked slow")


def pytest_configure(config):
    os.environ.update(HF_HUB_OFFLINE="1", COURSE_NO_NETWORK="1")
    # A learner's own progress is neither read nor written.
    os.environ["COURSE_HOME"] = config.stash[HOME] = tempfile.mkdtemp(prefix="course-home-")
    # The unit tests' small models gain nothing from a second thread; a lesson chooses its own, as at home.
    if not config.getoption("--nbval-lax", default=False):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(GUARD) not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(GUARD), *filter(None, inherited)])
    no_network.forbid()


def pytest_unconfigure(config):
    shutil.rmtree(config.stash.get(HOME, ""), ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--all"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: runs with --all"))


@pytest.fixture
def one_thread():
    """Torch with one thread, whose sums have one order; what was set before is set again."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# ---- notebooks: one failure stops one notebook, and each is measured -------------------------


class Meter:
    """Peak resident memory of a kernel and its children, sampled while its notebook runs."""

    def __init__(self, kernel):
        self.seconds, self.peak, self.failed = 0.0, 0, False
        self.kernel = kernel
        self.process = psutil.Process(kernel.km.provisioner.pid)
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        try:
            while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
                family = [self.process, *self.process.children(recursive=True)]
                self.peak = max(self.peak, sum(map(resident, family)))
                time.sleep(0.1)
        except psutil.Error:
            pass  # the kernel ended between two looks


def resident(process):
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def notice_death(kernel):
    """Make nbval see a killed kernel within a second instead of at the cell's timeout."""

    def await_reply(msg_id, timeout=None):
        deadline = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < deadline:
            try:
                return type(kernel).await_reply(kernel, msg_id, timeout=1)
            except Empty:
                if not kernel.is_alive():
                    raise RuntimeError("the kernel died (out of memory?)") from None
        raise Empty

    kernel.await_reply = await_reply


def notebook_of(item):
    """The nbval file an item belongs to, or None for an ordinary test."""
    return item.parent if type(item).__name__ == "IPyNbCell" else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item):
    notebook = notebook_of(item)
    if notebook is None:
        return
    if not hasattr(notebook, "meter"):
        notebook.meter = Meter(notebook.kernel)
        notebook.sanitize_patterns.update(UNSTABLE)
        notebook.skip_compare += ("stderr",)  # progress bars and warnings
        notice_death(notebook.kernel)
        item.config.stash.setdefault(METERS, {})[notebook.path.name] = notebook.meter
    if notebook.meter.failed:
        pytest.skip("an earlier cell of this notebook failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    notebook = notebook_of(item)
    if notebook is not None and hasattr(notebook, "meter"):
        notebook.meter.seconds += call.duration
        if report.passed and notebook.meter.peak > MEMORY:
            report.outcome = "failed"
            most = f"a lesson may take {MEMORY / 1e9:g} GB"
            report.longrepr = f"{notebook.meter.peak / 1e9:.2f} GB of memory; {most}"
        notebook.meter.failed |= report.failed
    return report


def pytest_terminal_summary(terminalreporter, config):
    meters = config.stash.get(METERS, {})
    if meters:
        terminalreporter.section("notebooks")
        for name, meter in meters.items():
            state = "FAILED" if meter.failed else "ok"
            terminalreporter.line(f"{name:32} {meter.seconds:6.1f} s {meter.peak / 1e6:7.0f} MB  {state}")
        seconds = sum(meter.seconds for meter in meters.values())
        terminalreporter.line(f"{'together':32} {seconds:6.1f} s")
