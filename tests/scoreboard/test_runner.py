"""The ladder goes on where it was killed, with the same rows, items and choices."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_utils.scoreboard import measure, runner
from course_utils.scoreboard import table as scoreboard
from tests.helpers.scoreboards import NAMES, fake

KILLED = """
import sys, time
from tests.helpers.scoreboards import NAMES, fake
from course_utils.scoreboard import runner

def slow(*arguments):
    time.sleep(0.1)
    return fake(*arguments)

runner.run(NAMES[:2], seeds=3, trials=2, folder=sys.argv[1], measure=slow)
"""


def everything(folder):
    """All that a run leaves, comparable."""
    folder = Path(folder)
    found = {name: (folder / name).read_text() for name in ("scoreboard.csv", "tuning.json")}
    for file in sorted((folder / "items").glob("*.npz")):
        found |= {f"{file.name} {key}": array.tolist() for key, array in measure.load_arrays(file).items()}
    assert not list(folder.rglob("*.tmp"))
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    assert runner.run(NAMES[:2], seeds=3, trials=2, folder=folder, measure=fake) == {}
    return folder


def test_columns_are_exact(whole):
    wanted = (
        "technique, lesson, seed, accuracy, routing, gold_reward, trainable_parameters, stored_parameters, "
        "stored_bytes, examples, labels, train_seconds, peak_memory_mb, prompt_tokens, latency_ms, "
        "retention_drop, kl_base, model, machine, versions"
    )
    with open(whole / "scoreboard.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert ", ".join(rows[0]) == wanted and all(len(row) == len(rows[0]) for row in rows)
    table = scoreboard.read(whole)
    assert len(table) == 6 and set(table.lesson) == {"01"}
    assert set(table.trainable_parameters) == {1328512}  # no digit is lost


def test_the_best_trial_is_chosen(whole):
    tuned = json.loads((whole / "tuning.json").read_text())["few_shot"]
    assert len(tuned["trials"]) == 2
    best = max(trial["accuracy"] for trial in tuned["trials"])
    assert tuned["chosen"] in [t["setting"] for t in tuned["trials"] if t["accuracy"] == best]


@pytest.mark.parametrize("until", range(1, 10))
def test_a_run_that_raises_goes_on_with_the_same_rows(tmp_path, whole, until):
    calls = []

    def breaks(*arguments):
        calls.append(arguments)
        if len(calls) == until:
            raise KeyboardInterrupt
        return fake(*arguments)

    with pytest.raises(KeyboardInterrupt):
        runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks)
    assert runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks) == {}
    assert everything(tmp_path) == everything(whole)
    assert len(calls) == 11  # ten runs, and the broken one again: nothing that was done is done twice


def test_items_without_their_row_are_replaced(tmp_path, whole, monkeypatch):
    write, writes = runner.files.write_atomically, []

    def dies(path, content):
        writes.append(path)
        if Path(path).name == "scoreboard.csv" and len(writes) > 8:
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(runner.files, "write_atomically", dies)
        with pytest.raises(KeyboardInterrupt):
            runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    assert everything(tmp_path) == everything(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_goes_on_with_the_same_rows(tmp_path, whole):
    root = Path(__file__).resolve().parents[2]
    running = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    deadline = time.monotonic() + 120
    while len(runner.rows_done(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 2 <= len(runner.rows_done(tmp_path)) < 6
    for draft in tmp_path.rglob("*.tmp"):
        draft.unlink()  # a kill in the middle of a write may leave one; nothing reads it
    runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    assert everything(tmp_path) == everything(whole)


def test_a_failed_technique_does_not_stop_the_others(tmp_path):
    def fails(technique, *rest):
        if technique == "zero_shot":
            raise RuntimeError("out of memory")
        return fake(technique, *rest)

    assert runner.run(NAMES, 2, 1, tmp_path, fails) == {"zero_shot": "out of memory"}
    assert {row["technique"] for row in runner.rows_done(tmp_path)} == set(NAMES[1:])


def test_a_finished_run_measures_nothing_and_more_seeds_only_add(tmp_path, whole):
    runner.run(["few_shot"], 2, 2, tmp_path, fake)
    first = (tmp_path / "scoreboard.csv").read_text()

    def never(*_):
        raise AssertionError("measured again")

    runner.run(["few_shot"], 2, 2, tmp_path, never)
    runner.run(["few_shot"], 2, 6, tmp_path, never)  # its tuning is closed once it has a row
    runner.run(["few_shot"], 3, 2, tmp_path, fake)
    assert (tmp_path / "scoreboard.csv").read_text().startswith(first)
    assert [row["seed"] for row in runner.rows_done(tmp_path)] == ["0", "1", "2"]


def test_rows_of_another_model_are_refused(tmp_path, monkeypatch):
    runner.run(["zero_shot"], 1, 1, tmp_path, fake)
    monkeypatch.setattr(measure, "fingerprint", lambda model: "another")
    with pytest.raises(ValueError, match="rows of glass-box@"):
        runner.run(["zero_shot"], 2, 1, tmp_path, fake)


def test_an_unknown_technique_is_refused_before_anything_runs(tmp_path, capsys):
    with pytest.raises(ValueError, match="no technique 'few_shoot'"):
        runner.run(["few_shoot"], folder=tmp_path)
    assert scoreboard.main(["--technique", "few_shoot"]) == 2
    assert scoreboard.main(["--list", "--technique", "few_shot"]) == 0
    assert "few_shot" in capsys.readouterr().out
