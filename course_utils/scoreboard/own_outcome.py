"""What a run on records of your own found: a table, paired differences, a verdict against baselines.

    outcome.compare("lora_all", "tfidf_classifier")     (difference, low, high)
    outcome.verdict()                                   sentences
    outcome.save("my_run"); own_outcome.load("my_run")

Left out: a correction for having compared several techniques on one test set.
"""

import json
from pathlib import Path

import numpy as np

from course_utils import evaluation
from course_utils.display import tables
from course_utils.scoreboard.own_baselines import BASELINES
from course_utils.storage import files
from course_utils.storage.tensors import load_arrays, save_arrays

COLUMNS = (
    *("technique", "right", "95 % from", "to", "trained", "bytes stored"),
    *("s to learn", "extra tokens", "ms"),
)
COSTS = ("trainable_parameters", "stored_bytes", "train_seconds", "prompt_tokens", "latency_ms")
FILE, ITEMS = "own_task.json", "own_task_items.npz"


class Outcome:
    """`rows`, one dictionary a technique; `items`, {name: hits (S, N)}; `replies`, of the first seed; notes.

    groups: for each test record the name of what it was made from, or None. Shows itself as one table with
    the verdict below.
    """

    def __init__(self, groups=None, model="", notes=()):
        self.rows, self.items, self.replies = [], {}, {}
        self.groups, self.model, self.notes = groups, model, list(notes)

    def add(self, name, setting, hits, replies, costs):
        """One technique: hits (S, N) of 0/1, the replies of its first seed, its costs averaged over seeds."""
        hits = np.asarray(hits, dtype=float)
        self.items[name], self.replies[name] = hits, replies
        right, low, high = self.share(name)
        self.rows.append(dict(technique=name, right=right, low=low, high=high, setting=setting, **costs))

    def share(self, name):
        """(share right, low, high), 95 %: Wilson's interval for one seed, else by bootstrap."""
        hits = self.items[name]
        if len(hits) == 1 and self.groups is None:
            return float(hits.mean()), *evaluation.interval(int(hits.sum()), hits.size)
        return evaluation.crossed_bootstrap([(1.0, hits)], groups=self.groups)

    def compare(self, a, b):
        """(share right of a − that of b, low, high), paired by test records, 95 %.

        With one seed of each by Newcombe's method, which is sound for few records; with several, or with
        groups of records, by `evaluation.crossed_bootstrap`.
        """
        x, y = self.items[a], self.items[b]
        if len(x) == len(y) == 1 and self.groups is None:
            return evaluation.paired_difference(x[0].tolist(), y[0].tolist())
        return evaluation.crossed_bootstrap([(1.0, x), (-1.0, y)], groups=self.groups)

    def baselines(self):
        """The names of the cheap baselines that were measured."""
        return [row["technique"] for row in self.rows if row["technique"] in BASELINES]

    def verdict(self):
        """Sentences: what beats all baselines, what cannot be told from the strongest, and what to do."""
        cheap, sentences = self.baselines(), []
        if not cheap:
            return []
        names = [row["technique"] for row in self.rows if row["technique"] not in cheap]
        strongest = max(cheap, key=lambda name: self.items[name].mean())
        winners = [name for name in names if all(self.compare(name, base)[1] > 0 for base in cheap)]
        for name in names:
            value, low, high = self.compare(name, strongest)
            says = evaluation.verdict((value, low, high), "better than", "worse than", "cannot be told from")
            sentences.append(f"{name}: {says} {strongest} ({value:+.2f}, {low:+.2f} to {high:+.2f}).")
        if names and not winners:
            sentences.append(
                f"Nothing here beats {strongest}, which needs no language model: use it, or write records."
            )
        if winners and max(len(self.items[name]) for name in winners) == 1:
            sentences.append("With one seed, the luck of the seed is in no interval: run several (seeds=3).")
        return sentences

    def table(self):
        """The rows as a display.Table, in the order they ran."""
        cells = [
            [
                row["technique"],
                *(f"{row[k]:.2f}" for k in ("right", "low", "high")),
                *(float(row[k]) for k in COSTS),
            ]
            for row in self.rows
        ]
        return tables.table(cells, COLUMNS)

    def _repr_html_(self):
        said = "".join(f"<p>{tables.escaped(line)}</p>" for line in [*self.verdict(), *self.notes])
        return self.table()._repr_html_() + said

    def __repr__(self):
        return "\n".join([repr(self.table()), *self.verdict(), *self.notes])

    def save(self, folder):
        """Write own_task.json (rows, replies, notes) and own_task_items.npz (hits) into a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_arrays(folder / ITEMS, self.items)
        kept = {"model": self.model, "notes": self.notes, "groups": self.groups, "rows": self.rows}
        kept["replies"] = self.replies
        files.write_atomically(folder / FILE, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")


def load(folder):
    """The Outcome that a folder holds. Raises FileNotFoundError, with what to do, if there is none."""
    folder = Path(folder)
    if not (folder / FILE).is_file() or not (folder / ITEMS).is_file():
        raise FileNotFoundError(
            f"{folder} holds no run of your own: make one with `python -m course_utils.scoreboard.own_task "
            f"--train … --test … --out {folder}`."
        )
    kept = json.loads((folder / FILE).read_text("utf-8"))
    outcome = Outcome(kept["groups"], kept["model"], kept["notes"])
    outcome.rows, outcome.replies = kept["rows"], kept["replies"]
    outcome.items = load_arrays(folder / ITEMS)
    return outcome
