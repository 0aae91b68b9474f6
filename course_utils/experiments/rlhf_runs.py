"""The runs of rlhf_sweep with a reward model and PPO: each takes its setting, returns what was measured.

Every run begins with the policy that stages.sft keeps for its seed, and with the stored pairs, so that
runs of one seed compare. What is returned are JSON values. The other ways are in rlhf_others. Taught in
lesson 05. Left out: learning rates of their own for each run.
"""

import copy
import functools
import random

from course_utils import data, models
from course_utils.generation import generate
from course_utils.rlhf import (
    combined_reward,
    metrics,
    ppo,
    preferences,
    reward_model,
    rewards,
    training_cache,
)
from course_utils.storage import paths
from course_utils.tasks.toy_desk import noisy_demonstrations

ITEMS, QUESTIONS, MOVED = 500, 400, 64  # records of dev; new questions; prompts on which a KL is taken
UPDATES, LONGER, BATCH = 24, 48, 64
PPO = {"lr": 1e-4, "kl": 0.1}  # chosen on seeds 0 and 1
KEPT = 4  # replies of a policy that are kept to be read
SCALES = {  # what a reply is worth when it is (declined, wrong and hedged)
    "gentle": (-0.25, -0.5),
    "strict": (-0.75, -1.75),
}
AGAIN = 500  # pairs of a second round


def desk():
    """The desk's records: (train, dev)."""
    train, dev = (data.read_records(paths.DATA / "toy_desk" / f"{part}.jsonl") for part in ("train", "dev"))
    return train, dev[:ITEMS]


def start(seed):
    """(policy, tokenizer, train, dev): the fine-tuned model of a seed, and the desk's records."""
    (model, tokenizer), (train, dev) = models.load(), desk()
    training_cache.sft(model, tokenizer, train, seed)
    return model, tokenizer, train, dev


@functools.cache
def messages():
    """(what policies learn from, questions for facts asked afterwards): new messages, known wordings."""
    train = data.read_records(paths.DATA / "toy_desk" / "train.jsonl")
    asked = [r for r in noisy_demonstrations.messages(train, "questions") if r["skill"] == "facts"]
    return noisy_demonstrations.messages(train), asked[:QUESTIONS]


def outcome(policy, ref, tokenizer, dev):
    """A policy graded on dev, and its KL to its reference and to the base model.

    "verdicts" are those of new questions in known wordings, "unseen" those of dev.
    """
    some = [record["prompt"] for record in dev[:MOVED]]
    moved = {"kl": metrics.kl(policy, ref, tokenizer, some) if ref is not policy else 0.0}
    moved["kl_base"] = metrics.kl(policy, models.load()[0], tokenizer, some)
    found = metrics.graded(policy, tokenizer, dev) | {k: round(v, 3) for k, v in moved.items()}
    asked = metrics.graded(policy, tokenizer, messages()[1])
    return found | {"unseen": found["verdicts"], "verdicts": asked["verdicts"]}


def strict_or_gentle(scale):
    """A scale of rewards.fine_grained by its name in SCALES."""
    declined, wrong_hedged = SCALES[scale]
    return rewards.SCALE | {"declined": declined, "wrong, hedged": wrong_hedged}


# ---- the reward model ------------------------------------------------------------------------


def judge(pairs, noise, seed, begun="sft"):
    """A reward model on the first `pairs` pairs, a share of whose labels is wrong; its hits (0 or 1).

    "held_out" and "unseen": a digit for each pair of these; "with_second" and "with_second_unseen": with
    a second opinion. begun: "sft" or "base", what it begins from.
    """
    policy, tokenizer, *_ = (*models.load(), None) if begun == "base" else start(0)
    told = noisy(preferences.read("train")[:pairs], noise, seed)
    alone, seconds = training_cache.head(policy, tokenizer, told, seed)
    both, _ = training_cache.judge(policy, tokenizer, told, seed)
    hits = {}
    for name, scorer, split in (
        ("held_out", alone, "held_out"),
        ("unseen", alone, "unseen"),
        ("with_second", both, "held_out"),
        ("with_second_unseen", both, "unseen"),
    ):
        margins = reward_model.margins(scorer, tokenizer, preferences.read(split))
        hits[name] = "".join(str(int(margin > 0)) for margin in margins)
    return hits | {"seconds": round(seconds, 1)}


def noisy(pairs, noise, seed):
    """The pairs with right labels but for a share of them; 0.1 leaves the stored labels."""
    if noise == preferences.NOISE:
        return pairs
    clean = [turned(pair) if pair["flipped"] else pair for pair in pairs]
    wrong = set(random.Random(f"noise {seed}").sample(range(len(pairs)), round(noise * len(pairs))))
    return [turned(pair) if i in wrong else pair for i, pair in enumerate(clean)]


def turned(pair):
    """The pair with its label turned round."""
    return pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}


# ---- PPO -------------------------------------------------------------------------------------


def ppo_run(reward, seed, **settings):
    """PPO on one reward, graded on dev: "none" (the start), a judge, "gold", or a scale of SCALES.

    The judges: "learned" (both parts), and its parts alone, "head alone" and "second opinion alone".
    """
    policy, tokenizer, _, dev = start(seed)
    ref, told = copy.deepcopy(policy), messages()[0]
    if reward == "none":
        return outcome(policy, policy, tokenizer, dev)
    if reward in SCALES:
        told = [record for record in told if record["skill"] in ("facts", "unanswerable")]
    pairs = preferences.read("train")
    judges = {
        "learned": lambda: stored_judge(policy, tokenizer, seed),
        "head alone": lambda: training_cache.head(policy, tokenizer, pairs, seed)[0],
        "second opinion alone": lambda: combined_reward.fit(ref, tokenizer, pairs),
    }
    if reward in judges:
        reward_fn = rewards.learned(judges[reward](), tokenizer)
    elif reward == "gold":
        reward_fn = rewards.gold(told)
    else:
        reward_fn = rewards.fine_grained(told, strict_or_gentle(reward))
    trace = improve(policy, ref, tokenizer, told, reward_fn, seed, **settings)
    return outcome(policy, ref, tokenizer, dev) | trace


def stored_judge(policy, tokenizer, seed):
    """The reward model of a seed, on all stored pairs."""
    return training_cache.judge(policy, tokenizer, preferences.read("train"), seed)[0]


def improve(policy, ref, tokenizer, told, reward_fn, seed, updates=None, **settings):
    """Train the policy by PPO; its trace: a number per update, gold rewards, and replies to read."""
    watch, golds = metrics.gold_watch(told)
    history = ppo.train(
        policy,
        ref,
        tokenizer,
        [record["prompt"] for record in told],
        reward_fn,
        updates=updates or UPDATES,
        batch_size=BATCH,
        seed=seed,
        on_update=watch,
        progress=False,
        **(PPO | settings),
    )
    return traced(history, golds) | {"seconds": round(history.seconds, 1)}


def traced(history, golds=()):
    """A History of PPO as JSON values: its curves, rounded, and KEPT of its last replies."""
    names = ("reward", "kl", "entropy", "clip_fraction", "value_loss", "kl_weight", "tokens")
    curves = {name: [round(value, 4) for value in getattr(history, name)] for name in names}
    return {"curves": curves | {"gold": [round(v, 3) for v in golds]}, "samples": history.samples[:KEPT]}


def penalty(penalty, seed):
    """A long run on the learned reward under one KL penalty: does the gold reward follow?"""
    return ppo_run("learned", seed, kl=penalty, updates=LONGER)


def second_round(seed):
    """PPO, then once more on fresh pairs.

    The policy's own replies are drawn and labelled, a new judge is trained from the policy on old and new
    pairs, and PPO goes on.
    """
    policy, tokenizer, train, dev = start(seed)
    ref, told = copy.deepcopy(policy), messages()[0]
    first = rewards.learned(stored_judge(policy, tokenizer, seed), tokenizer)
    improve(policy, ref, tokenizer, told, first, seed)
    fresh = own_pairs(policy, tokenizer, train, AGAIN, seed)
    found, _ = training_cache.judge(policy, tokenizer, preferences.read("train") + fresh, seed)
    trace = improve(policy, ref, tokenizer, told, rewards.learned(found, tokenizer), seed + 1000)
    return outcome(policy, ref, tokenizer, dev) | trace | {"fresh": len(fresh)}


def own_pairs(policy, tokenizer, train, count, seed, noise=preferences.NOISE):
    """At most `count` labelled pairs of the policy's own replies, as preferences.labelled makes them."""
    chance = random.Random(f"own pairs {seed}")
    told, replies = chance.sample(train, min(len(train), 2 * count)), []
    for turn in range(2):
        asked = [record["prompt"] for record in told]
        options = dict(max_new_tokens=metrics.ROOM, stop="\n", temperature=1.0, seed=seed + 7919 * turn)
        replies.append(
            [("sft", f" {text.strip()}") for text in generate(policy, tokenizer, asked, **options)]
        )
    found = (preferences.labelled(r, list(some), chance, noise) for r, some in zip(told, zip(*replies)))
    return list(filter(None, found))[:count]
