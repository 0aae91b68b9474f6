"""PPO on several rewards, under several KL coefficients, in two rounds, and four runs with one mistake each.

The settings of a single run are those of course_utils.rlhf.ppo, where not said otherwise here.
"""

import copy
import random

from course_utils.experiments import rlhf_reward_models
from course_utils.experiments.rlhf_setup import SFT_STEPS, messages, outcome, start
from course_utils.generation import generate
from course_utils.rlhf import combined_reward, metrics, ppo, preferences, rewards, training_cache

UPDATES, LONGER, BATCH = 24, 48, 64
KEPT = 4  # replies of a policy that are kept to be read
SCALES = {  # what a reply is worth when it is (declined, wrong and hedged)
    "gentle": (-0.25, -0.5),
    "strict": (-0.75, -1.75),
}
FRESH = 500  # pairs of a second round
WORDY, USUAL = 0.3, 16  # what each word beyond the usual number is worth where length is rewarded


def ppo_run(reward, seed, kl=ppo.KL, updates=UPDATES, batch_size=BATCH, sft_steps=SFT_STEPS):
    """PPO on one reward, graded on dev: "none" (the start), a learned one, "gold", or a scale of SCALES.

    Learned are "learned" (a CombinedReward), and its terms, "head alone" and "second opinion alone".
    """
    policy, tokenizer, _, dev = start(seed, sft_steps)
    ref, records = copy.deepcopy(policy), messages()[0]
    if reward == "none":
        return outcome(policy, policy, tokenizer, dev)
    if reward in SCALES:
        records = [record for record in records if record["skill"] in ("facts", "unanswerable")]
    pairs = preferences.read("train")
    scorers = {
        "learned": lambda: rlhf_reward_models.stored(policy, tokenizer, seed),
        "head alone": lambda: training_cache.fit_reward_model(policy, tokenizer, pairs, seed)[0],
        "second opinion alone": lambda: combined_reward.fit(ref, tokenizer, pairs),
    }
    if reward in scorers:
        reward_fn = rewards.learned(scorers[reward](), tokenizer)
    elif reward == "gold":
        reward_fn = rewards.gold(records)
    else:
        reward_fn = rewards.fine_grained(records, strict_or_gentle(reward))
    trace = optimize(policy, ref, tokenizer, records, reward_fn, seed, updates, batch_size, kl=kl)
    return outcome(policy, ref, tokenizer, dev) | trace


def strict_or_gentle(scale):
    """A scale of rewards.fine_grained by its name in SCALES."""
    declined, wrong_hedged = SCALES[scale]
    return rewards.SCALE | {"declined": declined, "wrong, hedged": wrong_hedged}


def optimize(policy, ref, tokenizer, records, reward_fn, seed, updates=UPDATES, batch_size=BATCH, **settings):
    """PPO on the prompts of records; its curves, with that of the gold reward, some replies, and seconds.

    settings: those of ppo.train.
    """
    watch, golds = metrics.gold_watch(records)
    prompts = [record["prompt"] for record in records]
    settings |= dict(updates=updates, batch_size=batch_size, seed=seed, on_update=watch, progress=False)
    history = ppo.train(policy, ref, tokenizer, prompts, reward_fn, **settings)
    names = ("reward", "kl", "entropy", "clip_fraction", "value_loss", "kl_weight", "tokens")
    curves = {name: [round(value, 4) for value in history.column(name)] for name in names}
    curves["gold"] = [round(value, 3) for value in golds]
    seconds = round(history.seconds, 1)
    return {"curves": curves, "samples": history.samples[:KEPT], "seconds": seconds}


def penalty(penalty, seed, updates=LONGER, batch_size=BATCH, sft_steps=SFT_STEPS):
    """A long run on the learned reward with one KL coefficient: does the gold reward follow?"""
    return ppo_run("learned", seed, penalty, updates, batch_size, sft_steps)


# ---- a second round --------------------------------------------------------------------------


def second_round(seed, fresh=FRESH, updates=UPDATES, batch_size=BATCH, sft_steps=SFT_STEPS):
    """PPO, then once more on fresh pairs.

    The policy's own replies are sampled and labeled, a new reward model is trained from the policy on old
    and new pairs, and PPO continues.
    """
    policy, tokenizer, train, dev = start(seed, sft_steps)
    ref, records = copy.deepcopy(policy), messages()[0]
    reward_fn = rewards.learned(rlhf_reward_models.stored(policy, tokenizer, seed), tokenizer)
    optimize(policy, ref, tokenizer, records, reward_fn, seed, updates, batch_size)
    new = own_pairs(policy, tokenizer, train, fresh, seed)
    pairs = preferences.read("train") + new
    scorer, _ = training_cache.fit_combined_reward(policy, tokenizer, pairs, seed)
    reward_fn = rewards.learned(scorer, tokenizer)
    trace = optimize(policy, ref, tokenizer, records, reward_fn, seed + 1000, updates, batch_size)
    return outcome(policy, ref, tokenizer, dev) | trace | {"fresh": len(new)}


def own_pairs(policy, tokenizer, train, count, seed, noise=preferences.NOISE):
    """At most `count` labeled pairs of the policy's own replies, as preferences.labeled makes them."""
    rng = random.Random(f"own pairs {seed}")
    records, replies = rng.sample(train, min(len(train), 2 * count)), []
    prompts = [record["prompt"] for record in records]
    for turn in range(2):
        options = dict(max_new_tokens=metrics.ROOM, stop="\n", temperature=1.0, seed=seed + 7919 * turn)
        texts = generate(policy, tokenizer, prompts, **options)
        replies.append([("sft", f" {text.strip()}") for text in texts])
    pairs = (preferences.labeled(r, list(two), rng, noise) for r, two in zip(records, zip(*replies)))
    return list(filter(None, pairs))[:count]


# ---- runs with a mistake ---------------------------------------------------------------------


def wordy(reward_fn):
    """The reward with a bonus for words: a bias that people have, too (Singhal et al. 2023)."""

    def reward(prompts, replies):
        values = reward_fn(prompts, replies)
        return [value + WORDY * (len(reply.split()) - USUAL) for value, reply in zip(values, replies)]

    return reward


WRONG = {  # the mistake: (settings of PPO, what is done to the reward)
    "no KL penalty": ({"kl": 0.0}, None),
    "length is rewarded": ({}, wordy),
    "learning rate too high": ({"lr": 1e-3}, None),
    "values explode": ({"gamma": 1.15, "value_weight": 1.0}, None),
}


def bad_run(run, updates=UPDATES, batch_size=BATCH, sft_steps=SFT_STEPS):
    """The log of a run with one mistake (a key of WRONG), or of a good one for comparison."""
    settings, twist = WRONG.get(run, ({}, None))
    policy, tokenizer, *_ = start(0, sft_steps)
    ref, records = copy.deepcopy(policy), messages()[0]
    reward_fn = rewards.learned(rlhf_reward_models.stored(policy, tokenizer, 0), tokenizer)
    reward_fn = twist(reward_fn) if twist else reward_fn
    return optimize(policy, ref, tokenizer, records, reward_fn, 0, updates, batch_size, **settings)
