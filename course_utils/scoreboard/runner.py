"""Climbing the ladder: each technique tuned on dev, then measured on test, seed by seed, resumably.

Written as it goes, each file whole or not at all: tuning.json (what was tried, its scores, what was
chosen), items/<technique>.npz (every hit and reward), scoreboard.csv (the row, last). Left out: two
runs at once on one folder.
"""

import csv
import io
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from course_utils.scoreboard import measure
from course_utils.storage import files, paths

COSTS = (
    *("trainable_parameters", "stored_parameters", "stored_bytes", "examples", "labels"),
    *("train_seconds", "peak_memory_mb", "prompt_tokens", "latency_ms", "retention_drop", "kl_base"),
)
COLUMNS = (
    *("technique", "lesson", "seed", "accuracy", "routing", "gold_reward"),
    *COSTS,
    *("model", "machine", "versions"),
)
TUNING_SEED = 100  # none of the seeds that are reported


def run(names, seeds=5, trials=6, folder=None, measure=None, model="glass-box", *, rungs=None):
    """Tune and measure techniques; what is done is skipped. Returns what failed: {technique: reason}.

    On a task of your own: `run(train, test, rungs=["few_shot", …])`, two files or lists of records, is the
    short form of `capstone.run`, and returns its table instead.

    measure: as scoring.in_fresh_process, which is what measures rows by default; trials, whose memory
    is not reported, then run in this process. Raises ValueError for a name that does not exist, or if the
    table holds rows of another model, with which the new ones could not be compared. Where it holds rows of
    another test set, that is a reason in what is returned.
    """
    if rungs is not None:
        from course_utils.scoreboard import own_task

        return own_task.run(names, seeds, rungs)
    from course_utils.techniques import registry

    trial, row = (measure, measure) if measure else (measure.measure, measure.in_fresh_process)
    rungs, subject, failed = {name: registry.find(name) for name in names}, measure.fingerprint(model), {}
    strange = {row["model"] for row in rows_done(folder)} - {subject}
    if strange:
        raise ValueError(f"The scoreboard holds rows of {', '.join(sorted(strange))}: move it away first.")
    with tqdm(total=sum(len(r.settings[:trials]) + seeds for r in rungs.values()), unit="run") as bar:
        for name, rung in rungs.items():
            bar.set_description(name)
            try:
                setting = _tune(name, rung.settings[:trials], subject, folder, trial, model, bar)
                for seed in range(seeds):
                    if (name, str(seed)) not in {(r["technique"], r["seed"]) for r in rows_done(folder)}:
                        numbers, found = row(name, seed, setting, "test", model)
                        known = dict(technique=name, lesson=rung.lesson, seed=seed, model=subject)
                        _keep(known | numbers, found, folder)
                    bar.update()
            except (RuntimeError, ValueError) as error:  # the other techniques may do well
                failed[name] = str(error)
    return failed


def _tune(name, settings, subject, folder, measure, model, bar):
    """The setting with the best accuracy on dev, then gold reward, then the first. Every trial is kept.

    Once a row of the technique stands, its setting stays, however many trials a later run allows.
    """
    file = results(folder) / "tuning.json"
    everything = json.loads(file.read_text("utf-8")) if file.exists() else {}
    entry = everything.get(name, {})
    if entry.get("model") != subject:
        entry = {"model": subject, "seed": TUNING_SEED, "trials": [], "chosen": None}
    if entry["chosen"] is not None and any(row["technique"] == name for row in rows_done(folder)):
        bar.update(len(settings))
        return entry["chosen"]
    for setting in settings:
        if setting not in [trial["setting"] for trial in entry["trials"]]:
            numbers, _ = measure(name, TUNING_SEED, setting, "dev", model)
            entry["trials"].append({"setting": setting, **numbers})
        entry["chosen"] = _best(entry["trials"], settings)
        files.write_atomically(file, json.dumps(everything | {name: entry}, indent=1) + "\n")
        bar.update()
    return entry["chosen"]


def _best(trials, settings):
    """The setting of the best trial, among those that are still on the list."""
    listed = [trial for trial in trials if trial["setting"] in settings]
    return max(listed, key=lambda trial: (trial["accuracy"], trial["gold_reward"]))["setting"]


def _keep(row, found, folder):
    """Add one row: the items first, since it is the row that says that this seed is done."""
    file = items_file(row["technique"], folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    old = measure.load_arrays(file) if file.exists() else {}
    new = {name: found[name][None] for name in measure.ITEM_COLUMNS} | {"seeds": np.array([row["seed"]])}
    if old and not np.array_equal(old["ids"], found["ids"]):
        raise ValueError(f"{file.name} holds other test items: move the old results away first.")
    if old:
        others = old["seeds"] != row["seed"]  # a killed run may have left this seed's items
        new = {name: np.concatenate([old[name][others], new[name]]) for name in new}
    measure.save_arrays(file, new | {"ids": found["ids"]})
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    tidy = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
    writer.writerows([*rows_done(folder), {name: tidy[name] for name in COLUMNS}])
    files.write_atomically(results(folder) / "scoreboard.csv", table.getvalue())


def rows_done(folder=None):
    """The rows of the table as dictionaries of texts; none before the first."""
    file = results(folder) / "scoreboard.csv"
    if not file.exists():
        return []
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def results(folder=None):
    """Where the results are: data/results, or another folder."""
    return Path(folder) if folder else paths.DATA / "results"


def items_file(technique, folder=None):
    """The file with the items of a technique."""
    return results(folder) / "items" / f"{technique.replace(':', '.')}.npz"
