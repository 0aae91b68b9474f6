"""Small scoreboards without a model."""

import json

import numpy as np

from course_utils.scoreboard import measure, runner

NAMES = ["zero_shot", "few_shot", "majority_class", "random_reply"]


def fake(technique, seed, setting, split, model):
    """What a fresh process would hand back, from chance alone; the same arguments give the same."""
    draw = np.random.default_rng([seed, len(technique), len(json.dumps(setting)), len(split)])
    items = {name: draw.random(40) < 0.6 for name in measure.ITEM_COLUMNS[:-1]}
    items |= {"gold_reward": draw.normal(size=40).astype(np.float32), "ids": np.arange(40).astype(str)}
    numbers = {"accuracy": float(items["whole"].mean()), "routing": 0.5, "gold_reward": 0.25}
    if split == "test":
        numbers |= dict.fromkeys(runner.COSTS, 1.5) | {"trainable_parameters": 1328512}
        numbers |= {"machine": "m", "versions": "v"}
    return numbers, items


def keep(folder, technique, hits, ids=None):
    """Store hits (S, N) as the items of a technique."""
    hits = np.asarray(hits, dtype=bool)
    arrays = dict.fromkeys(measure.ITEM_COLUMNS, hits)
    arrays |= {"ids": np.arange(hits.shape[1]) if ids is None else ids, "seeds": np.arange(len(hits))}
    (folder / "items").mkdir(exist_ok=True)
    measure.save_arrays(folder / "items" / f"{technique}.npz", arrays)
