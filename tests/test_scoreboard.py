"""The scoreboard goes on where it was killed, keeps every item, and compares by hand-worked cases."""

import csv
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import ladder, scoreboard, scoring
from course_utils.records import write_records
from tests import desk_records

NAMES = ["zero_shot", "few_shot", "majority_class", "random_reply"]
KILLED = """
import sys, time
from tests.test_scoreboard import NAMES, fake
from course_utils import ladder

def slow(*arguments):
    time.sleep(0.1)
    return fake(*arguments)

ladder.run(NAMES[:2], seeds=3, trials=2, folder=sys.argv[1], measure=slow)
"""


def fake(technique, seed, setting, split, model):
    """What a fresh process would hand back, from chance alone; the same arguments give the same."""
    draw = np.random.default_rng([seed, len(technique), len(json.dumps(setting)), len(split)])
    items = {name: draw.random(40) < 0.6 for name in scoring.ITEM_COLUMNS[:-1]}
    items |= {"gold_reward": draw.normal(size=40).astype(np.float32), "ids": np.arange(40).astype(str)}
    numbers = {"accuracy": float(items["whole"].mean()), "routing": 0.5, "gold_reward": 0.25}
    if split == "test":
        numbers |= dict.fromkeys(ladder.COSTS, 1.5) | {"trainable_parameters": 1328512}
        numbers |= {"machine": "m", "versions": "v"}
    return numbers, items


def keep(folder, technique, hits, ids=None):
    """Store hits (S, N) as the items of a technique."""
    hits = np.asarray(hits, dtype=bool)
    arrays = dict.fromkeys(scoring.ITEM_COLUMNS, hits)
    arrays |= {"ids": np.arange(hits.shape[1]) if ids is None else ids, "seeds": np.arange(len(hits))}
    (folder / "items").mkdir(exist_ok=True)
    scoring.save_arrays(folder / "items" / f"{technique}.npz", arrays)


def everything(folder):
    """All that a run leaves, comparable."""
    folder = Path(folder)
    found = {name: (folder / name).read_text() for name in ("scoreboard.csv", "tuning.json")}
    for file in sorted((folder / "items").glob("*.npz")):
        found |= {f"{file.name} {key}": array.tolist() for key, array in scoring.load_arrays(file).items()}
    assert not list(folder.rglob("*.tmp"))
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    assert ladder.run(NAMES[:2], seeds=3, trials=2, folder=folder, measure=fake) == {}
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
        ladder.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks)
    assert ladder.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=breaks) == {}
    assert everything(tmp_path) == everything(whole)
    assert len(calls) == 11  # ten runs, and the broken one again: nothing that was done is done twice


def test_items_without_their_row_are_replaced(tmp_path, whole, monkeypatch):
    write, writes = ladder.paths.write_atomically, []

    def dies(path, content):
        writes.append(path)
        if Path(path).name == "scoreboard.csv" and len(writes) > 8:
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(ladder.paths, "write_atomically", dies)
        with pytest.raises(KeyboardInterrupt):
            ladder.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    ladder.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    assert everything(tmp_path) == everything(whole)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_process_goes_on_with_the_same_rows(tmp_path, whole):
    root = Path(__file__).parent.parent
    running = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    deadline = time.monotonic() + 120
    while len(ladder.rows_done(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert 2 <= len(ladder.rows_done(tmp_path)) < 6
    for draft in tmp_path.rglob("*.tmp"):
        draft.unlink()  # a kill in the middle of a write may leave one; nothing reads it
    ladder.run(NAMES[:2], seeds=3, trials=2, folder=tmp_path, measure=fake)
    assert everything(tmp_path) == everything(whole)


def test_a_failed_technique_does_not_stop_the_others(tmp_path):
    def fails(technique, *rest):
        if technique == "zero_shot":
            raise RuntimeError("out of memory")
        return fake(technique, *rest)

    assert ladder.run(NAMES, 2, 1, tmp_path, fails) == {"zero_shot": "out of memory"}
    assert {row["technique"] for row in ladder.rows_done(tmp_path)} == set(NAMES[1:])


def test_a_finished_run_measures_nothing_and_more_seeds_only_add(tmp_path, whole):
    ladder.run(["few_shot"], 2, 2, tmp_path, fake)
    first = (tmp_path / "scoreboard.csv").read_text()

    def never(*_):
        raise AssertionError("measured again")

    ladder.run(["few_shot"], 2, 2, tmp_path, never)
    ladder.run(["few_shot"], 2, 6, tmp_path, never)  # its tuning is closed once it has a row
    ladder.run(["few_shot"], 3, 2, tmp_path, fake)
    assert (tmp_path / "scoreboard.csv").read_text().startswith(first)
    assert [row["seed"] for row in ladder.rows_done(tmp_path)] == ["0", "1", "2"]


def test_rows_of_another_model_are_refused(tmp_path, monkeypatch):
    ladder.run(["zero_shot"], 1, 1, tmp_path, fake)
    monkeypatch.setattr(scoring, "fingerprint", lambda model: "another")
    with pytest.raises(ValueError, match="rows of embedded@"):
        ladder.run(["zero_shot"], 2, 1, tmp_path, fake)


def test_an_unknown_technique_is_refused_before_anything_runs(tmp_path, capsys):
    with pytest.raises(ValueError, match="no technique 'few_shoot'"):
        ladder.run(["few_shoot"], folder=tmp_path)
    assert scoreboard.main(["--technique", "few_shoot"]) == 2
    assert scoreboard.main(["--list", "--technique", "few_shot"]) == 0
    assert "few_shot" in capsys.readouterr().out


# ---- comparisons ------------------------------------------------------------------------------


def test_all_right_against_all_wrong_is_one(tmp_path):
    keep(tmp_path, "good", np.ones((5, 60)))
    keep(tmp_path, "bad", np.zeros((3, 60)))
    assert scoreboard.compare("good", "bad", folder=tmp_path) == pytest.approx((1, 1, 1))
    assert scoreboard.compare("bad", "good", folder=tmp_path) == pytest.approx((-1, -1, -1))


def test_equal_techniques_differ_by_nothing(tmp_path):
    hits = np.tile(np.arange(60) % 3 == 0, (5, 1))
    keep(tmp_path, "one", hits)
    keep(tmp_path, "other", hits)
    value, low, high = scoreboard.compare("one", "other", folder=tmp_path)
    # Every seed agrees and items are drawn together: the pairs cancel.
    assert value == pytest.approx(0) and low == pytest.approx(0) and high == pytest.approx(0)
    draw = np.random.default_rng(1)
    keep(tmp_path, "one", draw.random((5, 400)) < 0.5)
    keep(tmp_path, "other", draw.random((5, 400)) < 0.5)
    value, low, high = scoreboard.compare("one", "other", folder=tmp_path)
    assert low < 0 < high and low < value < high


def test_pairs_make_a_small_difference_certain(tmp_path):
    hard = np.arange(200) % 2 == 0
    better = hard | (np.arange(200) < 20)  # right wherever the other is, and on ten more
    keep(tmp_path, "plain", np.tile(hard, (5, 1)))
    keep(tmp_path, "better", np.tile(better, (5, 1)))
    value, low, high = scoreboard.compare("better", "plain", folder=tmp_path)
    assert value == pytest.approx(0.05) and low > 0
    # By hand: n(1-n) of a share of .05 over 200 items has a deviation of .0154.
    assert high - low == pytest.approx(2 * 1.96 * 0.0154, rel=0.1)


def test_seeds_widen_the_interval(tmp_path):
    unstable = np.zeros((4, 100))
    unstable[:2] = 1  # two seeds learn, two do not
    keep(tmp_path, "unstable", unstable)
    value, low, high = scoreboard.mean("unstable", folder=tmp_path)
    assert value == 0.5 and low == 0.0 and high == 1.0  # 1/16 of all draws hold one kind only


def test_comparisons_refuse_what_cannot_be_compared(tmp_path):
    keep(tmp_path, "one", np.ones((2, 10)))
    keep(tmp_path, "other", np.ones((2, 10)), ids=np.arange(1, 11))
    with pytest.raises(ValueError, match="different items"):
        scoreboard.compare("one", "other", folder=tmp_path)
    with pytest.raises(ValueError, match="No column 'speed'"):
        scoreboard.compare("one", "one", "speed", folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="has not been measured"):
        scoreboard.compare("one", "third", folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="no scoreboard yet"):
        scoreboard.read(tmp_path)


def test_the_picture_shows_every_technique_and_both_baselines(tmp_path):
    ladder.run(NAMES, 2, 1, tmp_path, fake)
    ax = scoreboard.plot("train_seconds", folder=tmp_path)
    assert {text.get_text() for text in ax.texts} == {"zero_shot", "few_shot"}
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert labels == {"lesson 01", "majority class", "random reply"}
    with pytest.raises(ValueError, match="No cost 'beauty'"):
        scoreboard.plot("beauty", folder=tmp_path)
    plt.close("all")


# ---- one technique in its own process ---------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is inherited on Linux only")
def test_the_peak_is_that_of_the_process_itself():
    ballast = np.ones(50_000_000)  # 400 MB that a child would inherit in ru_maxrss
    code = "from course_utils import scoring; print(scoring.peak_memory_mb())"
    root = Path(__file__).parent.parent
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert 10 < float(said.stdout) < 300 < scoring.peak_memory_mb()
    assert ballast[0] == 1


def test_a_fingerprint_names_the_weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = scoring.fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert first != scoring.fingerprint(str(tmp_path))
    assert scoring.fingerprint("owner/model") == "owner/model"


@pytest.mark.skipif(not importlib.util.find_spec("course_utils.desk"), reason="the desk is not there yet")
def test_a_fresh_process_measures_every_column(tmp_path):
    for part in ("train", "dev", "test"):
        write_records(tmp_path / f"{part}.jsonl", desk_records.records(12, part=part))
    where = {"model": "embedded-tiny", "desk": tmp_path}
    numbers, items = scoring.in_fresh_process("majority_class", 0, {}, **where)
    known = {"technique", "lesson", "seed", "model"}
    assert set(numbers) | known == set(scoreboard.COLUMNS)
    assert set(items) == {*scoring.ITEM_COLUMNS, "ids"} and len(items["ids"]) == 12
    with pytest.raises(RuntimeError, match="seed 0"):
        scoring.in_fresh_process("few_shot", 0, {"k": 13}, **where)
