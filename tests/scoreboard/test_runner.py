"""The ladder goes on where it was killed, with the same rows, items and choices."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_utils.scoreboard import __main__ as command
from course_utils.scoreboard import columns, runner
from course_utils.scoreboard import table as scoreboard
from course_utils.storage.tensors import load_arrays
from tests.helpers.scoreboards import NAMES, TASK, fake

KILLED = """
import sys, time
from tests.helpers.scoreboards import NAMES, TASK, fake
from course_utils.scoreboard import runner

def slow(*arguments, **options):
    time.sleep(0.1)
    return fake(*arguments, **options)

runner.run(sys.argv[2:] or NAMES[:2], seeds=3, trials=2, folder=sys.argv[1], measure=slow, task=TASK)
"""


def everything(folder):
    """All that a run leaves, comparable."""
    folder = Path(folder)
    names = ("scoreboard_toy_desk.csv", "tuning_toy_desk.json")
    found = {name: (folder / name).read_text() for name in names}
    for file in sorted((folder / "items_toy_desk").glob("*.npz")):
        found |= {f"{file.name} {key}": array.tolist() for key, array in load_arrays(file).items()}
    assert not list(folder.rglob("*.tmp"))
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    assert runner.run(NAMES[:2], seeds=3, trials=2, folder=folder, measure=fake, task=TASK) == {}
    return folder


def test_columns_are_exact(whole):
    wanted = (
        "technique, lesson, seed, accuracy, routing, priority, form, reply, gold_reward, "
        "trainable_parameters, stored_parameters, stored_bytes, examples, labels, train_seconds, "
        "peak_memory_mb, prompt_tokens, latency_ms, retention_drop, format_drop, kl_base, kl_token, model, "
        "machine, versions"
    )
    assert ", ".join(columns.COLUMNS) == wanted
    with open(whole / "scoreboard_toy_desk.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert ", ".join(rows[0]) == wanted and all(len(row) == len(rows[0]) for row in rows)
    table = scoreboard.read(TASK, whole)
    assert len(table) == 6 and set(table.lesson) == {"01"}
    assert set(table.trainable_parameters) == {1328512}  # no digit is lost


def test_the_best_trial_is_chosen(whole):
    tuned = json.loads((whole / "tuning_toy_desk.json").read_text())["few_shot"]
    assert len(tuned["trials"]) == 2
    best = max(trial["accuracy"] for trial in tuned["trials"])
    assert tuned["chosen"] in [t["setting"] for t in tuned["trials"] if t["accuracy"] == best]


@pytest.mark.parametrize("until", range(1, 10))
def test_a_run_that_raises_goes_on_with_the_same_rows(tmp_path, whole, until):
    calls = []

    def breaks(*arguments, **options):
        calls.append(arguments)
        if len(calls) == until:
            raise KeyboardInterrupt
        return fake(*arguments, **options)

    with pytest.raises(KeyboardInterrupt):
        runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks, task=TASK)
    assert runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks, task=TASK) == {}
    assert everything(tmp_path) == everything(whole)
    assert len(calls) == 11  # ten runs, and the broken one again: nothing that was done is done twice


def test_items_without_their_row_are_replaced(tmp_path, whole, monkeypatch):
    write, writes = runner.files.write_atomically, []

    def dies(path, content):
        writes.append(path)
        if Path(path).name == "scoreboard_toy_desk.csv" and len(writes) > 8:
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(runner.files, "write_atomically", dies)
        with pytest.raises(KeyboardInterrupt):
            runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake, task=TASK)
    runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake, task=TASK)
    assert everything(tmp_path) == everything(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_goes_on_with_the_same_rows(tmp_path, whole):
    root = Path(__file__).resolve().parents[2]
    running = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    deadline = time.monotonic() + 120
    while len(runner.rows_done(TASK, tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 2 <= len(runner.rows_done(TASK, tmp_path)) < 6
    for draft in tmp_path.rglob("*.tmp"):
        draft.unlink()  # a kill in the middle of a write may leave one; nothing reads it
    runner.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake, task=TASK)
    assert everything(tmp_path) == everything(whole)


def test_two_runs_fill_one_folder_together(tmp_path, whole):
    root, command = Path(__file__).resolve().parents[2], [sys.executable, "-c", KILLED, str(tmp_path)]
    both = [subprocess.Popen([*command, name], cwd=root) for name in NAMES[:2]]
    assert [running.wait(120) for running in both] == [0, 0]
    together, alone = everything(tmp_path), everything(whole)
    for name in ("scoreboard_toy_desk.csv", "tuning_toy_desk.json"):  # their order depends on who was first
        together[name], alone[name] = sorted(together[name].splitlines()), sorted(alone[name].splitlines())
    together["tuning_toy_desk.json"], alone["tuning_toy_desk.json"] = (
        [line.rstrip(",") for line in lines]
        for lines in (together["tuning_toy_desk.json"], alone["tuning_toy_desk.json"])
    )
    assert together == alone


def test_a_failed_technique_does_not_stop_the_others(tmp_path):
    def fails(technique, *rest, **options):
        if technique == "facts_in_prompt":
            raise RuntimeError("out of memory")
        return fake(technique, *rest, **options)

    assert runner.run(NAMES, 2, 1, tmp_path, fails, task=TASK) == {"facts_in_prompt": "out of memory"}
    assert {row["technique"] for row in runner.rows_done(TASK, tmp_path)} == set(NAMES[1:])


def test_a_finished_run_measures_nothing_and_more_seeds_only_add(tmp_path, whole):
    runner.run(["few_shot"], 2, 2, tmp_path, fake, task=TASK)
    first = (tmp_path / "scoreboard_toy_desk.csv").read_text()

    def never(*_, **options):
        raise AssertionError("measured again")

    runner.run(["few_shot"], 2, 2, tmp_path, never, task=TASK)
    runner.run(["few_shot"], 2, 6, tmp_path, never, task=TASK)  # its tuning is closed once it has a row
    runner.run(["few_shot"], 3, 2, tmp_path, fake, task=TASK)
    assert (tmp_path / "scoreboard_toy_desk.csv").read_text().startswith(first)
    assert [row["seed"] for row in runner.rows_done(TASK, tmp_path)] == ["0", "1", "2"]


def test_rows_of_another_model_are_refused(tmp_path, monkeypatch):
    runner.run(["facts_in_prompt"], 1, 1, tmp_path, fake, task=TASK)
    monkeypatch.setattr(runner.models, "fingerprint", lambda model: "another")
    with pytest.raises(ValueError, match="rows of glass-box@"):
        runner.run(["facts_in_prompt"], 2, 1, tmp_path, fake, task=TASK)


def test_an_unknown_technique_is_refused_before_anything_runs(tmp_path, capsys):
    with pytest.raises(ValueError, match="no technique 'few_shoot'"):
        runner.run(["few_shoot"], folder=tmp_path, task=TASK)
    assert command.main(["--task", TASK, "--technique", "few_shoot"]) == 2
    assert command.main(["--task", TASK, "--list", "--technique", "few_shot"]) == 0
    assert "few_shot" in capsys.readouterr().out


def test_a_technique_without_randomness_is_measured_once_and_one_setting_needs_no_trial(tmp_path):
    splits = []

    def counted(technique, seed, setting, split, *rest, **options):
        splits.append(split)
        return fake(technique, seed, setting, split, *rest, **options)

    assert runner.run(["majority_class"], 3, 6, tmp_path, counted, task=TASK) == {}
    assert splits == ["test"] and len(runner.rows_done(TASK, tmp_path)) == 1


def test_only_the_first_items_where_there_is_no_time_for_all(tmp_path):
    limits = []

    def noted(*arguments, limit=None, **options):
        limits.append((arguments[3], limit))
        return fake(*arguments, **options)

    runner.run(["few_shot"], 1, 2, tmp_path, noted, task=TASK, items=7)
    assert limits == [("dev", None), ("dev", None), ("test", 7)]


def test_a_technique_without_settings_for_a_task_says_so(tmp_path):
    failed = runner.run(["dpo"], 1, 1, tmp_path, fake, model="glass-box", task="helpdesk")
    assert "dpo has no settings for the task 'helpdesk'" in failed["dpo"]
