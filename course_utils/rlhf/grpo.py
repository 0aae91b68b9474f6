"""GRPO and RLOO: several replies to a prompt are compared with each other, so that no critic is needed.

    history = grpo.train(policy, ref, tokenizer, prompts, reward_fn, lr=1e-3, parameters=parameters)
    history = grpo.train(…, method="rloo")

On-policy: an update samples `group` replies to each of a few prompts, and takes one step, so that the ratio
of PPO's loss is 1 and nothing is clipped. GRPO divides an advantage by the group's spread and adds the KL
divergence to the loss; RLOO compares a reply with the others of its group and takes the divergence from the
reward. TRL's trainers (course_utils.rlhf.trl_trainers) do the same, but for policies whose adapter is this
course's own. Taught in lesson 05. Left out: several steps on the same replies. Sources: Shao et al. 2024
(DeepSeekMath), section 4.1; Ahmadian et al. 2024, section 3.2.
"""

import random
import time

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import losses, training
from course_utils.batching import encode
from course_utils.rlhf.ppo import History, minibatches, prompt_stream
from course_utils.rlhf.rollout import sample_rollouts, score_tokens, token_logps
from course_utils.storage import number_formats

SMALL = 1e-4  # added to a group's spread, as in TRL


def grpo_advantages(rewards):
    """(reward - mean) / spread within each group: (P, G) -> (P, G), 0 where all replies are alike."""
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + SMALL)


def rloo_advantages(rewards):
    """Each reward less the mean of the others in its group: (P, G) -> (P, G)."""
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return rewards - others


def train(
    policy,
    ref,
    tokenizer,
    prompts,
    reward_fn,
    *,
    parameters,
    method="grpo",
    updates=12,
    batch_size=32,
    group=8,
    minibatch_size=16,
    lr=1e-3,
    kl=0.05,
    temperature=1.0,
    max_new_tokens=64,
    stop=None,
    seed=0,
    bf16=False,
    on_update=None,
    progress=False,
):
    """Train the parameters on the rewards of the policy's replies; a History, as ppo.train keeps it.

    batch_size: replies of an update, `group` to a prompt. kl: the coefficient of the KL divergence to ref,
    which may be None where that is 0. stop: as in sample_rollouts. Logs "reward", "kl" (nats per reply,
    before the step, if there is a ref), "alike" (the share of groups whose replies are all worth the same,
    from which nothing is learned) and "tokens" per reply. Raises ValueError for another method, for a
    penalty without a ref, for groups of one reply, or if batch_size is no multiple of group. (More than ten
    arguments: they are the hyperparameters, as in ppo.train.)
    """
    if method not in ("grpo", "rloo"):
        raise ValueError(f"{method!r} is no method: choose grpo or rloo.")
    if ref is None and kl:
        raise ValueError("The KL penalty needs a reference: give ref, or set kl=0.")
    if group < 2 or batch_size % group:
        raise ValueError(f"{batch_size} replies cannot be parted into groups of {group}, at least 2.")
    parameters, history, started = list(parameters), History(), time.perf_counter()
    rng = random.Random(seed)
    stream, longest = prompt_stream(prompts, rng), max(map(len, encode(policy, tokenizer, prompts)))
    with training.prepared(policy, parameters, longest + max_new_tokens):
        policy.eval()  # no dropout, as when the replies were sampled
        optimizer = training.adamw(parameters, lr)
        for update in tqdm(range(updates), disable=not progress, desc=method.upper(), unit="update"):
            # 1) sample groups of replies, and reward them
            batch = [prompt for _ in range(batch_size // group) for prompt in [next(stream)] * group]
            limits = (max_new_tokens, temperature, 1_000_003 * seed + update, stop)
            rollouts = sample_rollouts(policy, tokenizer, batch, *limits)
            rewards = reward_fn(batch, rollouts.replies)
            # 2) compare them within their groups
            ways = (group, method, kl, temperature, minibatch_size)
            with number_formats.autocast(policy, bf16):
                advantages, ref_logps, kl_now = compared(policy, ref, rollouts, rewards, *ways)
            # 3) one step, its gradient from minibatches
            counted = rollouts.mask.sum()
            teaching = [i for i, worth in enumerate(advantages[:, 0].tolist()) if worth or kl]
            for part in minibatches(len(teaching), minibatch_size, rng):
                rows = [teaching[i] for i in part]
                with number_formats.autocast(policy, bf16):
                    logps = score_tokens(policy, rollouts, temperature, rows)[0]  # (B, T)
                mask = rollouts.mask[rows]
                loss = losses.policy_gradient(logps, advantages[rows], mask)
                if method == "grpo" and kl:
                    loss = loss + kl * losses.masked_mean(losses.kl_k3(logps, ref_logps[rows]), mask)
                (loss * mask.sum() / counted).backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.param_groups[0]["lr"] = lr * training.lr_multiplier(update, updates, warmup=0)
            optimizer.step()
            optimizer.zero_grad()
            # 4) log
            history.log.append(entry(rollouts, rewards, group, kl_now))
            history.samples = list(zip(batch, rollouts.replies, rewards))
            history.seconds = time.perf_counter() - started
            if on_update:
                on_update(history)
    return history


@torch.no_grad()
def compared(policy, ref, rollouts, rewards, group, method, kl, temperature, batch_size):
    """(advantages (B, T), the reference's logps (B, T), KL in nats per reply) of an update's replies.

    Without a reference the last two are None. batch_size: replies that are scored at once.
    """
    worth = torch.tensor(rewards, device=rollouts.mask.device, dtype=torch.float32)  # (B,)
    ref_logps, kl_now = None, None
    if ref is not None:
        logps, ref_logps = (token_logps(each, rollouts, temperature, batch_size) for each in (policy, ref))
        kl_now = losses.per_reply(losses.kl_k3(logps, ref_logps), rollouts.mask).item()
        if method == "rloo":
            worth = worth - kl * (losses.kl_k1(logps, ref_logps) * rollouts.mask).sum(1)
    compare = grpo_advantages if method == "grpo" else rloo_advantages
    advantages = compare(worth.view(-1, group)).view(-1, 1).expand(rollouts.mask.shape)
    return advantages, ref_logps, kl_now


def entry(rollouts, rewards, group, kl):
    """What is logged of an update: see `train`."""
    groups = [rewards[start : start + group] for start in range(0, len(rewards), group)]
    return {
        "reward": sum(rewards) / len(rewards),
        **({} if kl is None else {"kl": kl}),
        "alike": sum(max(g) - min(g) < SMALL for g in groups) / len(groups),
        "tokens": rollouts.mask.sum().item() / len(rewards),
    }
