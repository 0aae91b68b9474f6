"""Reward models by the number of pairs, the share of wrong labels, and the model that they begin from."""

import random

from course_utils import models
from course_utils.experiments import rlhf_setup
from course_utils.rlhf import preferences, reward_model, training_cache


def learning_curve(pairs, noise, seed, begun="sft", sft_steps=rlhf_setup.SFT_STEPS):
    """A reward model on the first `pairs` pairs, a share of whose labels is wrong; its hits (0 or 1).

    "held_out" and "unseen": a digit for each pair of these; "with_second" and "with_second_unseen": the
    same for a CombinedReward. begun: "sft" or "base", the model that it begins from.
    """
    policy, tokenizer = models.load("glass-box") if begun == "base" else rlhf_setup.start(0, sft_steps)[:2]
    labeled = noisy(preferences.read("train")[:pairs], noise, seed)
    alone, seconds = training_cache.fit_reward_model(policy, tokenizer, labeled, seed)
    combined, _ = training_cache.fit_combined_reward(policy, tokenizer, labeled, seed)
    hits = {}
    for column, scorer, split in (
        ("held_out", alone, "held_out"),
        ("unseen", alone, "unseen"),
        ("with_second", combined, "held_out"),
        ("with_second_unseen", combined, "unseen"),
    ):
        margins = reward_model.margins(scorer, tokenizer, preferences.read(split))
        hits[column] = "".join(str(int(margin > 0)) for margin in margins)
    return hits | {"seconds": round(seconds, 1)}


def noisy(pairs, noise, seed):
    """The pairs with right labels except for a share of them; 0.1 leaves the stored labels."""
    if noise == preferences.NOISE:
        return pairs
    clean = [swapped(pair) if pair["flipped"] else pair for pair in pairs]
    wrong = set(random.Random(f"noise {seed}").sample(range(len(pairs)), round(noise * len(pairs))))
    return [swapped(pair) if i in wrong else pair for i, pair in enumerate(clean)]


def swapped(pair):
    """The pair with the opposite label."""
    return pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}


def stored(policy, tokenizer, seed):
    """The CombinedReward of a seed, on all stored pairs."""
    return training_cache.fit_combined_reward(policy, tokenizer, preferences.read("train"), seed)[0]
