"""The policy that techniques with feedback start from, and its training: all weights, or an adapter.

Which of the two, the task's Feedback says: with `lora` the start, the policy and the reward model are
adapters of one set of weights (course_utils.rlhf.adapter_policy), and the reference is the start's. Without
it each is a model of its own, and DPO, GRPO and RLOO are TRL's. Left out: adapters in TRL's trainers, which
know only PEFT's.
"""

import copy

from course_utils import training
from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy, dpo, grpo, ppo, reward_model, training_cache, trl_trainers
from course_utils.storage import number_formats


def start(model, tokenizer, train, seed, task, sizes=None, lr=None):
    """Make the model the policy that all begin with, by SFT on demonstrations; the seconds.

    What was trained once from the same model is loaded; the seconds are those of the training.
    """
    sizes = sizes or task.feedback
    records = task.mixed_quality(drawn(train, seed, task, sizes), seed)
    records = task.training_records(tokenizer, records)
    settings = dict(lr=lr or sizes.sft_lr, steps=sizes.sft_steps, batch_size=sizes.sft_batch)
    if not sizes.lora:
        return training_cache.fit(model, tokenizer, records, seed, **settings)
    seconds = adapter_policy.sft(model, tokenizer, records, sizes.lora, seed, bf16=task.half, **settings)
    adapter_policy.policy(model)
    return seconds


def demonstrations(train, sizes):
    """How many of the training records the start sees."""
    return min(sizes.records or len(train), len(train))


def drawn(train, seed, task, sizes):
    """These records: all, or a sample by seed."""
    count = demonstrations(train, sizes)
    return train if count == len(train) else task.sample(train, count, seed)


def tune(model, tokenizer, records, lr, steps, seed, task, sizes):
    """Train a policy on records: all weights, or the adapter "policy", which begins at 0."""
    settings = dict(lr=lr, steps=steps, batch_size=sizes.sft_batch, seed=seed)
    if sizes.lora:
        settings |= dict(name=adapter_policy.POLICY, bf16=task.half)
        adapter_policy.tune(model, tokenizer, records, sizes.lora, **settings)
    else:
        training.fit(model, tokenizer, records, **settings)


def tune_judge(model, tokenizer, records, seed, task, sizes, name):
    """Train a judge, all weights or an adapter of this name; the seconds. Kept as the start is."""
    settings = dict(lr=sizes.judge_lr, steps=sizes.judging, batch_size=sizes.sft_batch)
    if sizes.lora:
        before = next(iter(adapter_layer.adapter_layers(model).values())).active
        settings |= dict(seed=seed, name=name, bf16=task.half)
        seconds = adapter_policy.sft(model, tokenizer, records, sizes.lora, **settings)
        adapter_layer.set_adapter(model, before)
        return seconds
    texts = [[record["prompt"], record["completion"]] for record in records]
    key = ["ai judge", seed, sizes.judge_lr, sizes.judging, texts]
    model.requires_grad_(True)
    seconds = training_cache.train_once(model, key, training.fit, tokenizer, records, seed=seed, **settings)
    model.requires_grad_(False)
    return seconds


def pairs_of(tokenizer, task, sizes=None):
    """The stored training pairs that a run uses, as it reads them."""
    sizes = sizes or task.feedback
    return task.training_pairs(tokenizer, task.pairs("train")[: sizes.pairs])


def trained(model, sizes):
    """The parameters of a policy that train."""
    if sizes.lora:
        return adapter_layer.parameters(model, adapter_policy.POLICY)
    return list(model.parameters())


def reference(model, sizes):
    """The policy as it is now, which the trained one is held to."""
    return adapter_policy.Reference(model) if sizes.lora else copy.deepcopy(model).requires_grad_(False)


def fit_reward(model, tokenizer, pairs, seed, task, sizes=None):
    """(a scorer of replies, learned from pairs, the seconds): a RewardModel or CombinedReward."""
    sizes = sizes or task.feedback
    if not sizes.lora:
        return training_cache.fit_combined_reward(model, tokenizer, pairs, seed)
    settings = dict(lr=sizes.reward_lr, epochs=sizes.epochs, batch_size=sizes.pair_batch)
    return adapter_policy.fit_reward(model, tokenizer, pairs, seed, bf16=task.half, **settings)


def optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes=None):
    """PPO from the model as it is, which is also the reference; the seconds that it took."""
    sizes = sizes or task.feedback
    return ppo.train(
        model,
        reference(model, sizes),
        tokenizer,
        [task.asked(tokenizer, record["prompt"]) for record in train],
        in_format(reward_fn, model, task.half),
        updates=sizes.updates,
        batch_size=sizes.batch,
        lr=lr,
        kl=kl,
        max_new_tokens=sizes.room,
        seed=seed,
        parameters=trained(model, sizes),
        progress=False,
        bf16=task.half,
    ).seconds


def in_groups(method, model, tokenizer, asked, reward_fn, seed, task, lr, beta, sizes=None):
    """GRPO or RLOO ("grpo", "rloo") from the model as it is; the seconds that it took."""
    sizes = sizes or task.feedback
    settings = dict(lr=lr, batch_size=sizes.batch, group=sizes.group, max_new_tokens=sizes.room, seed=seed)
    if not sizes.lora:
        train = getattr(trl_trainers, method)
        settings |= dict(beta=beta, steps=sizes.updates)
        return train(model, tokenizer, asked, reward_fn, **settings).seconds
    settings |= dict(kl=beta, updates=sizes.updates, parameters=trained(model, sizes), bf16=task.half)
    reward_fn = in_format(reward_fn, model, task.half)
    ref = reference(model, sizes)
    return grpo.train(model, ref, tokenizer, asked, reward_fn, method=method, **settings).seconds


def by_dpo(model, tokenizer, pairs, seed, task, lr, beta, sizes=None):
    """DPO from the model as it is; the seconds that it took."""
    sizes = sizes or task.feedback
    settings = dict(lr=lr, beta=beta, seed=seed, batch_size=sizes.pair_batch)
    if not sizes.lora:
        return trl_trainers.dpo(model, tokenizer, pairs, **settings).seconds
    settings |= dict(parameters=trained(model, sizes), bf16=task.half)
    return dpo.train(model, reference(model, sizes), tokenizer, pairs, **settings).seconds


def in_format(reward_fn, model, bf16):
    """The reward function, computed in the number format of the training."""

    def reward(prompts, replies):
        with number_formats.autocast(model, bf16):
            return reward_fn(prompts, replies)

    return reward


def kept(reward):
    """The parameters that a learned reward adds to those of the policy."""
    model = reward if isinstance(reward, reward_model.RewardModel) else reward.head
    return model.trained()
