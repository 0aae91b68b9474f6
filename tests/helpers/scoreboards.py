"""Small scoreboards without a model."""

import json

import numpy as np

from course_utils.scoreboard import columns
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


def keep(folder, technique, hits, ids=None):
    """Store hits (S, N) as the items of a technique."""
    hits = np.asarray(hits, dtype=bool)
    arrays = dict.fromkeys(ITEMS, hits)
    arrays |= {"ids": np.arange(hits.shape[1]) if ids is None else ids, "seeds": np.arange(len(hits))}
    kept = base.results_file(base.find(TASK), "items", folder)
    kept.mkdir(exist_ok=True)
    save_arrays(kept / f"{technique}.npz", arrays)
