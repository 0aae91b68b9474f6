"""Climbing the ladder: each technique tuned on dev, then measured on test, seed by seed, resumably.

Written as it goes, each file whole or not at all: tuning.json (what was tried, its scores, what was
chosen), items/<technique>.npz (every hit and reward), scoreboard.csv (the row, last). Several runs may fill
one folder together, each with techniques of its own.
"""

import csv
import io
import json

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from course_utils import models
from course_utils.scoreboard import measure as measuring
from course_utils.scoreboard.columns import COLUMNS, item_names
from course_utils.scoreboard.table import items_file, rows_done
from course_utils.storage import files
from course_utils.storage.tensors import load_arrays, save_arrays
from course_utils.tasks import base
from course_utils.techniques import registry

TUNING_SEED = 100  # none of the seeds that are reported


def run(names, seeds=5, trials=6, folder=None, measure=None, model=None, task=base.DEFAULT, items=None):
    """Tune and measure techniques; what is done is skipped. Returns what failed: {technique: reason}.

    measure(technique, seed, setting, split, task, model=…): what measures a row, by default
    `measure.in_fresh_process`; trials, whose memory is not reported, then run in this process where the model
    is small. A technique without randomness is measured once. model: in place of the task's own. items: only
    the first so many of test, where there is no time for all.
    Raises ValueError for a name that does not exist, or if the table holds rows of another model, with which
    the new ones could not be compared. Where it holds rows of another test set, or where the technique has no
    settings for the task, that is a reason in what is returned.
    """
    ladder = Ladder(task, model or base.find(task).model, folder, measure, items)
    chosen, failed = [registry.find(name) for name in names], {}
    strange = {row["model"] for row in rows_done(task, folder)} - {ladder.subject}
    if strange:
        raise ValueError(f"The scoreboard holds rows of {', '.join(sorted(strange))}: move it away first.")
    counts = {t.name: seeds if t.random else 1 for t in chosen}
    total = sum(len(t.settings.get(task, [])[:trials]) + counts[t.name] for t in chosen)
    with tqdm(total=total, unit="run") as bar:
        for technique in chosen:
            bar.set_description(technique.name)
            try:
                setting = ladder.tune(technique, trials, bar)
                for seed in range(counts[technique.name]):
                    ladder.climb(technique, setting, seed)
                    bar.update()
            except (RuntimeError, ValueError) as error:  # the other techniques may do well
                failed[technique.name] = str(error)
    return failed


class Ladder:
    """One task with one model, and where its results are kept."""

    def __init__(self, task, model, folder=None, measure=None, items=None):
        self.task, self.model, self.folder = task, model, folder
        self.limit = {"limit": items} if items else {}
        self.subject = models.fingerprint(model)
        self.row = measure or measuring.in_fresh_process
        # A small model is quicker in this process; the memory of a large one comes back with its own.
        small = model in models.GLASS_BOX
        self.trial = measure or (measuring.measure if small else measuring.in_fresh_process)

    def tune(self, technique, trials, bar):
        """The setting with the best accuracy on dev, then gold reward, then the first. Every trial is kept.

        Once a row of the technique stands, its setting stays, however many trials a later run allows.
        """
        settings = technique.settings_for(self.task)[:trials]
        file = base.results_file(base.find(self.task), "tuning.json", self.folder)
        entry = read_tuning(file).get(technique.name, {})
        if entry.get("model") != self.subject:
            entry = {"model": self.subject, "seed": TUNING_SEED, "trials": [], "chosen": None}
        done = any(row["technique"] == technique.name for row in rows_done(self.task, self.folder))
        if entry["chosen"] is not None and done:
            bar.update(len(settings))
            return entry["chosen"]
        for setting in settings:
            if setting not in [trial["setting"] for trial in entry["trials"]] and len(settings) > 1:
                numbers, _ = self.trial(
                    technique.name, TUNING_SEED, setting, "dev", self.task, model=self.model
                )
                entry["trials"].append({"setting": setting, **numbers})
            entry["chosen"] = best(entry["trials"], settings)
            with self.alone():
                text = json.dumps(read_tuning(file) | {technique.name: entry}, indent=1)
                files.write_atomically(file, text + "\n")
            bar.update()
        return entry["chosen"]

    def climb(self, technique, setting, seed):
        """Measure one seed on test, unless its row is there."""
        done = {(row["technique"], row["seed"]) for row in rows_done(self.task, self.folder)}
        if (technique.name, str(seed)) in done:
            return
        numbers, items = self.row(
            technique.name, seed, setting, "test", self.task, model=self.model, **self.limit
        )
        known = dict(technique=technique.name, lesson=technique.lesson, seed=seed, model=self.subject)
        with self.alone():
            self.keep(known | numbers, items)

    def alone(self):
        """A lock on the folder, since a table is read and written whole."""
        table = base.results_file(base.find(self.task), "scoreboard.csv", self.folder)
        table.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(table.with_name(f".{table.name}.lock"))

    def keep(self, row, items):
        """Add one row: the items first, since it is the row that says that this seed is done."""
        file = items_file(row["technique"], self.task, self.folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        old = load_arrays(file) if file.exists() else {}
        if old and not np.array_equal(old["ids"], items["ids"]):
            raise ValueError(f"{file.name} holds other test items: move the old results away first.")
        names = list(dict.fromkeys(item_names(base.find(self.task)).values()))
        new = {name: items[name][None] for name in names if name in old or not old}
        new |= {"seeds": np.array([row["seed"]])}
        if old:
            others = old["seeds"] != row["seed"]  # a killed run may have left this seed's items
            new = {name: np.concatenate([old[name][others], new[name]]) for name in new}
        save_arrays(file, new | {"ids": items["ids"]})
        write_rows([*rows_done(self.task, self.folder), row], self.task, self.folder)


def read_tuning(file):
    """What was tried so far: {technique: {"trials", "chosen", …}}."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def best(trials, settings):
    """The setting of the best trial, among those that are still on the list; the only one needs no trial."""
    if len(settings) == 1:
        return settings[0]
    listed = [trial for trial in trials if trial["setting"] in settings]
    return max(listed, key=lambda trial: (trial["accuracy"], trial["gold_reward"]))["setting"]


def write_rows(rows, task=base.DEFAULT, folder=None):
    """Write the whole table; what a row does not have is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow({name: cells.get(name, "") for name in COLUMNS})
    files.write_atomically(base.results_file(base.find(task), "scoreboard.csv", folder), text.getvalue())
