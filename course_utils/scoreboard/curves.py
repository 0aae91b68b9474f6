"""The label curve and the size curve of the help desk: accuracy over labels, and over models.

    curves.rows("label")                                        one dictionary a run
    curves.compare("label", "lora_all", "few_shot_nearest", 100)     paired, with its interval
    curves.wins("label", "lora_all", "few_shot_nearest")        from how many labels on

A row is one technique at one number of records and one model, with one seed; the hits of every test item
stand beside it in items_label_curve_helpdesk/ and items_size_curve_helpdesk/. How rows are made:
`python -m course_utils.experiments labels` and `… sizes`. Left out: a fitted curve; the points are few.
"""

import csv
import io
from pathlib import Path

import numpy as np
from filelock import FileLock

from course_utils import evaluation
from course_utils.scoreboard import table
from course_utils.scoreboard.columns import SCORES, item_names
from course_utils.storage import files, paths
from course_utils.storage.tensors import load_arrays, save_arrays
from course_utils.tasks import base

TASK = "helpdesk"
COMMANDS = {"label": "labels", "size": "sizes"}  # kind of curve -> what `course_utils.experiments` calls it
COLUMNS = (
    *("technique", "model", "parameters", "records", "steps", "seed"),
    *SCORES,
    *("examples", "train_seconds", "setting", "machine", "versions"),
)
NUMBERS = {"parameters": int, "records": int, "steps": int, "seed": int, "examples": int}
NUMBERS |= dict.fromkeys((*SCORES, "train_seconds"), float)


def file_of(kind, folder=None):
    """The table of a kind of curve: "label" or "size"."""
    return (Path(folder) if folder else paths.DATA / "results") / f"{kind}_curve_{TASK}.csv"


def rows(kind, folder=None):
    """The rows of a curve as dictionaries, numbers as numbers; none before the first run."""
    file = file_of(kind, folder)
    if not file.exists():
        return []
    with open(file, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [{k: NUMBERS.get(k, str)(v) if v else None for k, v in row.items()} for row in rows]


def points(kind, folder=None):
    """{technique: its points in order}: numbers of records ("label") or of parameters ("size")."""
    key, by_technique = axis(kind), {}
    for row in rows(kind, folder):
        by_technique.setdefault(row["technique"], set()).add(row[key])
    return {name: sorted(values) for name, values in by_technique.items()}


def axis(kind):
    """The column along which a curve is drawn."""
    return "records" if kind == "label" else "parameters"


def tick(kind, point):
    """A point in figures: "1,200" for records, "1.3" (millions) for parameters."""
    if kind == "label":
        return f"{point:,}"
    return f"{point / 1e6:.2g}" if point < 10e6 else f"{point / 1e6:.0f}"


def items(kind, technique, point, column="accuracy", folder=None):
    """(values (S, N), ids (N,)) of a technique at a point. FileNotFoundError if it was not measured."""
    key = axis(kind)
    seeds = sorted(r["seed"] for r in rows(kind, folder) if (r["technique"], r[key]) == (technique, point))
    if not seeds:
        raise FileNotFoundError(
            f"{technique} was not measured at {point:,} {key}: run "
            f"`python -m course_utils.experiments {COMMANDS[kind]} --technique {technique}`."
        )
    arrays = load_arrays(_items_file(kind, technique, folder))
    places = [np.flatnonzero((arrays["points"] == point) & (arrays["seeds"] == seed))[0] for seed in seeds]
    names = item_names(base.find(TASK))
    return arrays[names.get(column, column)][places].astype(float), arrays["ids"]


def mean(kind, technique, point, column="accuracy", folder=None, resamples=2000):
    """(mean, low, high) over seeds and sentence frames, 95 %."""
    values, ids = items(kind, technique, point, column, folder)
    return evaluation.crossed_bootstrap([(1.0, values)], resamples, groups=table.groups(ids, TASK))


def compare(kind, a, b, point, column="accuracy", folder=None, resamples=2000):
    """(mean of a − mean of b, low, high) at a point, paired by test items, bootstrapped by sentence frame."""
    (x, ids), (y, others) = (items(kind, name, point, column, folder) for name in (a, b))
    if not np.array_equal(ids, others):
        raise ValueError(f"{a} and {b} were measured on different items.")
    parts = [(1.0, x), (-1.0, y)]
    return evaluation.crossed_bootstrap(parts, resamples, groups=table.groups(ids, TASK))


def wins(kind, a, b, column="accuracy", folder=None):
    """The first point from which on `a` beats `b` at every measured one, or None."""
    measured = points(kind, folder)
    shared = sorted(set(measured.get(a, ())) & set(measured.get(b, ())))
    first = None
    for point in reversed(shared):
        if compare(kind, a, b, point, column, folder)[1] <= 0:
            break
        first = point
    return first


def keep(kind, row, hits, folder=None):
    """Add one run: its items first, since it is the row that says that it is done.

    Raises ValueError if the technique's file holds other test items.
    """
    table_file, file = file_of(kind, folder), _items_file(kind, row["technique"], folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(table_file.with_name(f".{table_file.name}.lock")):
        old = load_arrays(file) if file.exists() else {}
        if old and not np.array_equal(old["ids"], hits["ids"]):
            raise ValueError(f"{file.name} holds other test items: move the old results away first.")
        new = {name: np.asarray(values)[None] for name, values in hits.items() if name != "ids"}
        new |= {"seeds": np.array([row["seed"]]), "points": np.array([row[axis(kind)]])}
        if old:  # a killed run may have left the items of this point
            others = (old["seeds"] != new["seeds"]) | (old["points"] != new["points"])
            new = {name: np.concatenate([old[name][others], new[name]]) for name in new}
        save_arrays(file, new | {"ids": hits["ids"]})
        _write([*rows(kind, folder), row], table_file)


def _write(everything, file):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in everything:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    files.write_atomically(file, text.getvalue())


def _items_file(kind, technique, folder=None):
    file = file_of(kind, folder)
    return file.with_name(f"items_{file.stem}") / f"{technique}.npz"
