"""Other ways to learn from feedback, beside PPO: TRL's trainers, filtered SFT, guided decoding."""

import copy
import time

import torch

from course_utils import models
from course_utils.experiments import rlhf_ppo, rlhf_reward_models
from course_utils.experiments.rlhf_setup import SFT_STEPS, desk, messages, outcome, start
from course_utils.generation import generate
from course_utils.rlhf import guided_decoding, metrics, preferences, rewards, training_cache, trl_trainers
from course_utils.tasks.toy_desk import gold, noisy_demonstrations

LABELS = 1000  # judgements that each method of `method` may use


def method(name, budget, seed, labels=LABELS, batch_size=rlhf_ppo.BATCH, sft_steps=SFT_STEPS):
    """One way to learn from feedback, with LABELS "labels": pairs, or scores of replies.

    "dpo" sees the stored pairs with right labels; "ppo", "grpo" and "rloo" get the gold score of each reply
    that they sample, which is never wrong, either. With the budget "seconds" PPO takes its usual updates,
    which is about as long as DPO takes for its pairs.
    """
    policy, tokenizer, _, dev = start(seed, sft_steps)
    ref, records, started = copy.deepcopy(policy), messages()[0], time.process_time()
    prompts, reward_fn = [record["prompt"] for record in records], rewards.gold(records)
    steps = labels // batch_size if budget == "labels" else rlhf_ppo.UPDATES
    if name == "dpo":
        pairs = rlhf_reward_models.noisy(preferences.read("train"), 0.0, seed)
        trl_trainers.dpo(policy, tokenizer, pairs, seed=seed)
    elif name == "ppo":
        rlhf_ppo.optimize(policy, ref, tokenizer, records, reward_fn, seed, steps, batch_size)
    else:
        train = {"grpo": trl_trainers.grpo, "rloo": trl_trainers.rloo}[name]
        train(policy, tokenizer, prompts, reward_fn, steps=steps, batch_size=batch_size, seed=seed)
    seconds = round((time.process_time() - started) / torch.get_num_threads(), 1)  # also on a busy machine
    return outcome(policy, ref, tokenizer, dev) | {"seconds": seconds}


def filtered(seed, steps=SFT_STEPS):
    """SFT on those of the noisy demonstrations whose gold reward is full, for as many steps."""
    (model, tokenizer), (train, dev) = models.load("glass-box"), desk()
    by_id = {record["id"]: record for record in train}
    thinned = noisy_demonstrations.thinned(train, noisy_demonstrations.tiers())
    records = noisy_demonstrations.records(thinned, seed)
    good = [record for record in records if gold.gold_reward(by_id[record["id"]], record["completion"]) == 1]
    noisy_demonstrations.tune(model, tokenizer, good, seed, steps)
    return outcome(model, model, tokenizer, dev) | {"examples": len(good), "of": len(records)}


def guided(weight, seed, k=8, rounds=guided_decoding.ROUNDS, sft_steps=SFT_STEPS):
    """Guided decoding of the policy as it was; weight 0 is plain decoding."""
    policy, tokenizer, _, dev = start(seed, sft_steps)
    practice, pairs = [record["prompt"] for record in messages()[0]], preferences.read("train")
    value_model, _ = training_cache.fit_value_model(policy, tokenizer, practice, pairs, seed, rounds=rounds)
    prompts, started = [record["prompt"] for record in dev], time.perf_counter()
    if weight:
        replies = guided_decoding.generate(policy, value_model, tokenizer, prompts, k=k, weight=weight)
    else:
        replies = generate(policy, tokenizer, prompts, max_new_tokens=metrics.ROOM)
    seconds = (time.perf_counter() - started) / len(prompts)
    grades = metrics.graded(policy, tokenizer, dev, replies=[text.split("\n")[0] for text in replies])
    return grades | {"milliseconds": round(1000 * seconds, 2)}
