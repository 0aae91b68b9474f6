"""Small scoreboards without a model."""

import json

import numpy as np

from course_utils.scoreboard import columns, curves
from course_utils.storage.tensors import save_arrays
from course_utils.tasks import base

NAMES = ["facts_in_prompt", "few_shot", "majority_class", "random_reply"]
TASK = "toy_desk"
ITEMS = tuple(columns.item_names(base.find(TASK)).values())


def fake(technique, seed, setting, split, task, model):
    """What a fresh process would hand back, from chance alone; the same arguments give the same."""
    rng = np.random.default_rng([seed, len(technique), len(json.dumps(setting)), len(split)])
    items = {name: rng.random(40) < 0.6 for name in ITEMS[:-1]}
    items |= {"gold_reward": rng.normal(size=40).astype(np.float32), "ids": np.arange(40).astype(str)}
    numbers = {"accuracy": float(items["whole"].mean()), "routing": 0.5, "gold_reward": 0.25}
    if split == "test":
        numbers |= dict.fromkeys(columns.COSTS, 1.5) | {"trainable_parameters": 1328512}
        numbers |= {"machine": "m", "versions": "v"}
    return numbers, items


def keep(folder, technique, hits, ids=None, gold=None):
    """Store hits (S, N) as the items of a technique, and as its gold rewards unless those are given."""
    hits = np.asarray(hits, dtype=bool)
    arrays = dict.fromkeys(ITEMS, hits) | ({} if gold is None else {"gold_reward": gold})
    arrays |= {"ids": np.arange(hits.shape[1]) if ids is None else ids, "seeds": np.arange(len(hits))}
    kept = base.results_file(base.find(TASK), "items", folder)
    kept.mkdir(exist_ok=True)
    save_arrays(kept / f"{technique}.npz", arrays)


def keep_curve(folder, technique, point, right, kind="label", seeds=2, count=40, ids=None):
    """Store a point of a curve: so many of `count` items right with each seed."""
    for seed in range(seeds):
        hits = {
            name: np.arange(count) < right for name in columns.item_names(base.find(curves.TASK)).values()
        }
        hits |= {"ids": np.array([f"m{i}" for i in range(count)]) if ids is None else np.array(ids)}
        row = {"technique": technique, "model": "m@1", "parameters": 7, "records": point, "steps": 3}
        row |= {"seed": seed, "accuracy": right / count, "setting": "{}"}
        curves.keep(kind, row | {curves.axis(kind): point}, hits, folder)
