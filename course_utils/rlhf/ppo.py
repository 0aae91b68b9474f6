"""Proximal policy optimization: a policy samples replies, a reward function scores them, the policy moves.

    history = ppo.train(policy, ref, tokenizer, prompts, reward_fn, updates=24)

One update: sample replies, score them, estimate for each token whether it went better than expected
(advantages), take a few clipped steps. `reward_fn(prompts, replies)` returns a list of floats (see
course_utils.rlhf.rewards). Tensors are (B, T): B replies, and T columns for their tokens, with a mask
that is 0 after a reply's end (see course_utils.rlhf.rollout). Sources: Schulman et al. 2017 (PPO);
Ziegler et al. 2019 and Ouyang et al. 2022 (with language models). Taught in lesson 05. Left out: a
value network apart from the policy, 16-bit weights, several devices.
"""

import random
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import losses, training
from course_utils.batching import encode
from course_utils.rlhf.rollout import Rollouts, sample_rollouts, score_tokens
from course_utils.storage import number_formats

LR, KL = 1e-4, 0.1  # learning rate and KL coefficient of all the course's runs; chosen on seeds 0 and 1
GAIN, MOST = 0.5, 0.2  # of the adaptive coefficient: at most a tenth in an update, as runs are short


@dataclass
class History(training.History):
    """The log of `entry` for each update; samples: (prompt, reply, reward) of the last."""

    samples: list = field(default_factory=list)


class Experience(NamedTuple):
    """The rollouts of one update, and what its steps need to know of each token: (B, T)."""

    rollouts: Rollouts
    logps: torch.Tensor
    ref_logps: torch.Tensor
    values: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor


def train(
    policy,
    ref,
    tokenizer,
    prompts,
    reward_fn,
    *,
    updates=30,
    batch_size=64,
    ppo_epochs=1,
    minibatch_size=16,
    lr=LR,
    kl=KL,
    kl_target=None,
    clip=0.2,
    value_weight=0.1,
    entropy_weight=0.0,
    gamma=1.0,
    lam=0.95,
    temperature=1.0,
    max_new_tokens=64,
    seed=0,
    parameters=None,
    on_update=None,
    progress=True,
    bf16=False,
):
    """Train the policy's `parameters` (default: all) on the rewards of its replies; a History.

    An update samples a reply to each of batch_size prompts, then takes ppo_epochs passes over them in
    minibatches; the learning rate falls to 0 over the run. kl: the KL coefficient; with kl_target (nats per
    reply) it adapts. on_update(history) is called after each. ref: the frozen reference, commonly a copy of
    the policy as it was. bf16: as in training.train. Raises ValueError if a prompt does not fit the context
    with max_new_tokens after it. (More than ten arguments: they are PPO's settings.)
    """
    parameters = list(policy.parameters() if parameters is None else parameters)
    history, head, started = History(), value_head(policy), time.perf_counter()
    rng = random.Random(seed)
    stream, longest = prompt_stream(prompts, rng), max(map(len, encode(policy, tokenizer, prompts)))
    with training.prepared(policy, parameters, longest + max_new_tokens):
        policy.eval()  # no dropout: the ratio must be 1 before the first step
        optimizer = torch.optim.AdamW([*parameters, *head.parameters()], lr=lr, weight_decay=0.0)
        for update in tqdm(range(updates), disable=not progress, desc="PPO", unit="update"):
            # 1) sample a reply to each prompt, and reward it
            batch, sample_seed = [next(stream) for _ in range(batch_size)], 1_000_003 * seed + update
            rollouts = sample_rollouts(policy, tokenizer, batch, max_new_tokens, temperature, sample_seed)
            rewards = reward_fn(batch, rollouts.replies)
            # 2) estimate the advantages of its tokens, under the KL penalty
            with number_formats.autocast(policy, bf16):
                experience = estimate(policy, ref, head, rollouts, rewards, kl, gamma, lam, temperature)
            # 3) take clipped steps on minibatches
            optimizer.param_groups[0]["lr"] = lr * training.lr_multiplier(update, updates, warmup=0)
            steps, weights = [], (clip, value_weight, entropy_weight)
            for _ in range(ppo_epochs):
                for rows in minibatches(batch_size, minibatch_size, rng):
                    with number_formats.autocast(policy, bf16):
                        steps.append(step(policy, head, optimizer, experience, rows, temperature, *weights))
            # 4) log, and adapt the KL coefficient
            history.log.append(entry(experience, rewards, steps, kl))
            history.samples = list(zip(batch, rollouts.replies, rewards))
            history.seconds = time.perf_counter() - started
            kl = adaptive_kl(kl, history.log[-1]["kl"], kl_target) if kl_target else kl
            if on_update:
                on_update(history)
    return history


@torch.no_grad()
def estimate(policy, ref, head, rollouts, rewards, kl, gamma, lam, temperature):
    """The Experience of rollouts with a reward each: log-probabilities, values, whitened advantages."""
    logps, _, hidden = score_tokens(policy, rollouts, temperature)
    values, (ref_logps, _, _) = head(hidden)[..., 0], score_tokens(ref, rollouts, temperature)
    per_token = token_rewards(rewards, logps, ref_logps, rollouts.mask, kl)
    advantages, returns = gae(per_token, values, rollouts.mask, gamma, lam)
    return Experience(rollouts, logps, ref_logps, values, whiten(advantages, rollouts.mask), returns)


def step(policy, head, optimizer, old, rows, temperature, clip, value_weight, entropy_weight):
    """One step on some rows of the Experience `old`; {"clip_fraction", "value_loss", "entropy"}."""
    mask = old.rollouts.mask[rows]
    logps, logits, hidden = score_tokens(policy, old.rollouts, temperature, rows)
    values = head(hidden)[..., 0]  # (minibatch, T)
    policy_loss = losses.ppo_policy(logps, old.logps[rows], old.advantages[rows], mask, clip)
    value_loss = losses.ppo_value(values, old.values[rows], old.returns[rows], mask, clip)
    entropy = losses.entropy(logits, mask)
    (policy_loss + value_weight * value_loss - entropy_weight * entropy).backward()
    nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], 1.0)
    optimizer.step()
    optimizer.zero_grad()
    clipped = losses.clip_fraction(logps.detach(), old.logps[rows], mask, clip)
    return {"clip_fraction": clipped.item(), "value_loss": value_loss.item(), "entropy": entropy.item()}


def entry(experience, rewards, steps, kl):
    """What is logged of an update.

    reward: mean over replies. kl: to the reference, nats per reply; entropy: nats per token; both before
    the update's steps. clip_fraction, value_loss: means over these. kl_weight: the KL coefficient.
    tokens: per reply, the end token included.
    """
    mask = experience.rollouts.mask
    kl_per_token = losses.kl_k3(experience.logps, experience.ref_logps)
    return {
        "reward": sum(rewards) / len(rewards),
        "kl": losses.per_reply(kl_per_token, mask).item(),
        "entropy": steps[0]["entropy"],
        **{name: sum(each[name] for each in steps) / len(steps) for name in ("clip_fraction", "value_loss")},
        "kl_weight": kl,
        "tokens": mask.sum().item() / len(mask),
    }


def prompt_stream(prompts, rng):
    """Prompts without end: all of them, shuffled, and again."""
    while True:
        yield from rng.sample(prompts, len(prompts))


def value_head(policy):
    """A linear layer on the policy's last hidden state, (B, T, D) -> (B, T, 1), that begins at 0."""
    width = policy.config.get_text_config().hidden_size
    head = nn.utils.skip_init(nn.Linear, width, 1, device=policy.device)  # takes no random numbers
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    return head


def token_rewards(rewards, logps, ref_logps, mask, kl):
    """Rewards per token, (B, T): minus kl * log(policy / ref) at each, and the reply's own at its last.

    Source: Ziegler et al. 2019, equation 2.
    """
    penalties = -kl * losses.kl_k1(logps, ref_logps) * mask
    ends = mask.sum(1, keepdim=True) - 1  # (B, 1)
    rewards = torch.tensor(rewards, device=mask.device, dtype=penalties.dtype)[:, None]
    return penalties.scatter_add(1, ends, rewards)


def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    """(advantages, returns) by generalized advantage estimation; (B, T) each, 0 where the mask is 0.

    lam=0 compares each value with the next one only, lam=1 with all that comes later. After its end a
    reply has the value 0. Source: Schulman et al. 2016, equation 16.
    """
    values = values * mask
    next_value, advantage, advantages = torch.zeros_like(values[:, 0]), torch.zeros_like(values[:, 0]), []
    for t in reversed(range(mask.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantage = (delta + gamma * lam * advantage) * mask[:, t]
        next_value = values[:, t]
        advantages.append(advantage)
    advantages = torch.stack(advantages[::-1], 1)
    return advantages, advantages + values


def whiten(advantages, mask):
    """Advantages (B, T) with mean 0 and standard deviation 1 over the tokens that count, 0 elsewhere."""
    counted = advantages[mask == 1]
    spread = counted.std(correction=0) + 1e-8
    return (advantages - counted.mean()) / spread * mask


def adaptive_kl(kl, measured, target):
    """The next KL coefficient: larger where the measured KL is above the target, smaller below it.

    Source: Ziegler et al. 2019, section 2.2, with a gain for short runs.
    """
    return kl * (1 + GAIN * max(-MOST, min(MOST, (measured - target) / target)))


def minibatches(count, size, rng):
    """Row numbers 0 to count - 1, shuffled, in lists of at most `size`."""
    order = rng.sample(range(count), count)
    return [order[i : i + size] for i in range(0, count, size)]
