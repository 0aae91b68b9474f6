"""The runs of rlhf_sweep without our PPO: TRL's trainers, filtered data, a critic, word problems.

As in rlhf_runs, each takes its setting and returns what was measured. Taught in lesson 05. Left out:
learning rates of their own for each run.
"""

import copy
import time

import torch

from course_utils import models
from course_utils.experiments.rlhf_runs import BATCH, UPDATES, desk, improve, messages, noisy, outcome, start
from course_utils.generation import generate
from course_utils.rlhf import guided_decoding, metrics, preferences, rewards, training_cache, trl_trainers
from course_utils.tasks import word_problems
from course_utils.tasks.toy_desk import gold, noisy_demonstrations

DRAWN, PRACTICE = (3, 4, 5, 6), 36  # steps of problems whose answers are drawn; updates on problems
LABELS = 1000  # judgements that each method of `method` may use


def method(name, budget, seed):
    """One way to learn from feedback, with LABELS "labels": pairs, or scores of replies.

    "dpo" sees the stored pairs with right labels; "ppo", "grpo" and "rloo" get the gold score of each reply
    that they draw, which is never wrong, either. With the budget "seconds" PPO takes UPDATES, which is
    about as long as DPO takes for its pairs.
    """
    policy, tokenizer, _, dev = start(seed)
    ref, told, started = copy.deepcopy(policy), messages()[0], time.process_time()
    prompts, score = [record["prompt"] for record in told], rewards.gold(told)
    steps = LABELS // BATCH if budget == "labels" else UPDATES
    if name == "dpo":
        trl_trainers.dpo(policy, tokenizer, noisy(preferences.read("train"), 0.0, seed), seed=seed)
    elif name == "ppo":
        improve(policy, ref, tokenizer, told, score, seed, updates=steps)
    else:
        by = {"grpo": trl_trainers.grpo, "rloo": trl_trainers.rloo}[name]
        by(policy, tokenizer, prompts, score, steps=steps, batch_size=BATCH, seed=seed)
    seconds = round((time.process_time() - started) / torch.get_num_threads(), 1)  # also on a busy machine
    return outcome(policy, ref, tokenizer, dev) | {"seconds": seconds}


def filtered(seed):
    """SFT on the part of the mediocre records whose gold reward is full, for as many steps."""
    (model, tokenizer), (train, dev) = models.load(), desk()
    known = {record["id"]: record for record in train}
    told = noisy_demonstrations.records(
        noisy_demonstrations.thinned(train, noisy_demonstrations.tiers()), seed
    )
    good = [record for record in told if gold.gold_reward(known[record["id"]], record["completion"]) == 1]
    noisy_demonstrations.tune(model, tokenizer, good, seed)
    return outcome(model, model, tokenizer, dev) | {"examples": len(good), "of": len(told)}


def guided(weight, seed, k=8):
    """Critic-guided decoding of the policy as it was; weight 0 is plain decoding."""
    policy, tokenizer, _, dev = start(seed)
    told, pairs = [record["prompt"] for record in messages()[0]], preferences.read("train")
    value, _ = training_cache.value(policy, tokenizer, told, pairs, seed)
    asked, started = [record["prompt"] for record in dev], time.perf_counter()
    if weight:
        replies = guided_decoding.generate(policy, value, tokenizer, asked, k=k, weight=weight)
    else:
        replies = generate(policy, tokenizer, asked, max_new_tokens=metrics.ROOM)
    seconds = (time.perf_counter() - started) / len(asked)
    found = metrics.graded(policy, tokenizer, dev, replies=[text.split("\n")[0] for text in replies])
    return found | {"milliseconds": round(1000 * seconds, 2)}


def problems(lr, seed):
    """TRL's GRPO on word problems longer than the corpus's, with a checker; accuracy before and after.

    Greedy by the number of steps, and of answers that are drawn, as they are in training.
    """
    model, tokenizer = models.load()
    ask = {"": {}, "_drawn": {"temperature": 1.0, "steps": DRAWN}}
    before = {f"before{name}": word_problems.accuracy(model, tokenizer, **how) for name, how in ask.items()}
    prompts, reward_fn = word_problems.task(seed=seed)
    settings = dict(lr=lr, steps=PRACTICE, max_new_tokens=word_problems.ROOM, seed=seed)
    history = trl_trainers.grpo(model, tokenizer, prompts, reward_fn, **settings)
    rewarded = [round(value, 3) for value in history.column("reward")]
    after = {f"after{name}": word_problems.accuracy(model, tokenizer, **how) for name, how in ask.items()}
    return before | after | {"reward": rewarded, "seconds": round(history.seconds, 1)}
