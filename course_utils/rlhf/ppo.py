"""Proximal policy optimisation: a policy tries, a reward function judges, and the policy shifts a little.

    history = ppo.train(policy, ref, tokenizer, prompts, reward_fn, updates=30, kl=0.05)

One update: draw replies, judge them, ask at each token whether it went better than expected
(advantages), take a few clipped steps. `reward_fn(prompts, replies)` returns a list of floats (see
course_utils.rlhf.rewards). Tensors are (B, T): B replies, and T columns for their tokens, with a mask
that is 0 behind a reply's end (see course_utils.rlhf.rollout). Sources: Schulman et al. 2017 (PPO);
Ziegler et al. 2019 and Ouyang et al. 2022 (with language models). Taught in lesson 05. Left out: a
value network apart from the policy, 16-bit weights, several devices.
"""

import random
import time
from dataclasses import dataclass, field

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import losses, training
from course_utils.batching import encode
from course_utils.rlhf.rollout import draw, read

GAIN, MOST = 0.5, 0.2  # of the adaptive penalty: by at most a tenth in an update, for runs are short


@dataclass
class History:
    """A number per update: reward, KL to the reference, entropy, clip fraction and so on.

    reward: mean over replies. kl: nats per reply, before the update's steps. entropy: nats per token.
    clip_fraction, value_loss: over the update's steps. tokens: per reply, the end token included.
    samples: (prompt, reply, reward) of the last update. head: the value head, to go on with.
    """

    reward: list = field(default_factory=list)
    kl: list = field(default_factory=list)
    entropy: list = field(default_factory=list)
    clip_fraction: list = field(default_factory=list)
    value_loss: list = field(default_factory=list)
    kl_weight: list = field(default_factory=list)
    tokens: list = field(default_factory=list)
    seconds: float = 0.0
    samples: list = field(default_factory=list)
    head: nn.Module = None


def train(
    policy,
    ref,
    tokenizer,
    prompts,
    reward_fn,
    *,
    updates=30,
    batch_size=64,
    passes=1,
    part=16,
    lr=2e-4,
    kl=0.05,
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
    head=None,
    on_update=None,
    progress=True,
):
    """Train the policy's `parameters` (default: all) on what reward_fn says of its replies; a History.

    An update draws a reply to each of batch_size prompts, then takes `passes` passes over them in parts
    of `part` rows; the learning rate falls to 0 over the run. kl: the penalty's weight; with kl_target
    (nats per reply) it adapts. head: the value head of an earlier run. on_update(history) is called
    after each. ref is the frozen reference, commonly a copy of the policy as it was. Only the parameters
    change. Raises ValueError if prompts do not fit the context with max_new_tokens behind them.
    """
    parameters = list(policy.parameters()) if parameters is None else list(parameters)
    head = head or value_head(policy)
    everything, history, chance = [*parameters, *head.parameters()], History(head=head), random.Random(seed)
    waiting, started = [], time.perf_counter()
    with training.prepared(policy, parameters, max_new_tokens + longest(policy, tokenizer, prompts)):
        policy.eval()  # no dropout: the ratio must be 1 before the first step
        optimiser = torch.optim.AdamW(everything, lr=lr, weight_decay=0.0)
        for update in tqdm(range(updates), disable=not progress, desc="PPO", unit="update"):
            while len(waiting) < batch_size:
                waiting += chance.sample(prompts, len(prompts))
            asked, waiting = waiting[:batch_size], waiting[batch_size:]
            drawn = draw(policy, tokenizer, asked, max_new_tokens, temperature, 1_000_003 * seed + update)
            rewards = reward_fn(asked, drawn.replies)
            with torch.no_grad():
                old_logps, _, hidden = read(policy, drawn, temperature)
                old_values, (ref_logps, _, _) = head(hidden)[..., 0], read(ref, drawn, temperature)
            judged = place_rewards(rewards, old_logps, ref_logps, drawn.mask, kl)
            advantages, returns = gae(judged, old_values, drawn.mask, gamma, lam)
            advantages = whiten(advantages, drawn.mask)

            optimiser.param_groups[0]["lr"] = lr * training.rate(update, updates, warmup=0)
            clipped, missed, uncertain = [], [], []
            for rows in (r for _ in range(passes) for r in shuffled(batch_size, part, chance)):
                mask = drawn.mask[rows]
                logps, logits, hidden = read(policy, drawn, temperature, rows)
                values = head(hidden)[..., 0]  # (part, T)
                loss = losses.ppo_policy(logps, old_logps[rows], advantages[rows], mask, clip)
                error = losses.ppo_value(values, old_values[rows], returns[rows], mask, clip)
                entropy = losses.entropy(logits, mask)
                (loss + value_weight * error - entropy_weight * entropy).backward()
                nn.utils.clip_grad_norm_(everything, 1.0)
                optimiser.step()
                optimiser.zero_grad()
                clipped.append(losses.clip_fraction(logps.detach(), old_logps[rows], mask, clip).item())
                missed.append(error.item())
                uncertain.append(entropy.item())

            moved = (losses.kl_k3(old_logps, ref_logps) * drawn.mask).sum(1).mean().item()
            history.reward.append(sum(rewards) / len(rewards))
            history.kl.append(moved)
            history.entropy.append(uncertain[0])
            history.clip_fraction.append(sum(clipped) / len(clipped))
            history.value_loss.append(sum(missed) / len(missed))
            history.kl_weight.append(kl)
            history.tokens.append(drawn.mask.sum().item() / len(asked))
            history.samples = list(zip(asked, drawn.replies, rewards))
            history.seconds = time.perf_counter() - started
            kl = adapted(kl, moved, kl_target) if kl_target else kl
            if on_update:
                on_update(history)
    return history


def value_head(policy):
    """A linear layer on the policy's last features, (B, T, D) -> (B, T, 1), that begins at 0."""
    width = policy.config.get_text_config().hidden_size
    head = nn.utils.skip_init(nn.Linear, width, 1, device=policy.device)  # draws no random numbers
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    return head


def place_rewards(rewards, logps, ref_logps, mask, kl):
    """Rewards per token, (B, T): minus kl * log(policy / ref) at each, and the reply's own at its last.

    Source: Ziegler et al. 2019, equation 2.
    """
    placed = -kl * losses.kl_k1(logps, ref_logps) * mask
    ends = mask.sum(1, keepdim=True) - 1  # (B, 1)
    return placed.scatter_add(1, ends, torch.tensor(rewards, device=mask.device, dtype=placed.dtype)[:, None])


def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    """(advantages, returns) by generalised advantage estimation; (B, T) each, 0 where the mask is 0.

    lam=0 asks only how the next value differs from what was expected, lam=1 compares all that came
    later with it. Behind its end a reply is worth 0. Source: Schulman et al. 2016, equation 16.
    """
    values = values * mask
    after, ahead, found = torch.zeros_like(values[:, 0]), torch.zeros_like(values[:, 0]), []
    for t in reversed(range(mask.shape[1])):
        surprise = rewards[:, t] + gamma * after - values[:, t]
        ahead = (surprise + gamma * lam * ahead) * mask[:, t]
        after = values[:, t]
        found.append(ahead)
    advantages = torch.stack(found[::-1], 1)
    return advantages, advantages + values


def whiten(advantages, mask):
    """Advantages (B, T) with mean 0 and standard deviation 1 over the tokens that count, 0 elsewhere."""
    counted = advantages[mask == 1]
    spread = counted.std(correction=0) + 1e-8
    return (advantages - counted.mean()) / spread * mask


def adapted(kl, moved, target):
    """The penalty's next weight: more where the policy moved past the target, less before it.

    Source: Ziegler et al. 2019, section 2.2, with a gain for short runs.
    """
    return kl * (1 + GAIN * max(-MOST, min(MOST, (moved - target) / target)))


def shuffled(count, size, chance):
    """Row numbers 0 to count - 1, shuffled, in lists of at most `size`."""
    order = chance.sample(range(count), count)
    return [order[i : i + size] for i in range(0, count, size)]


def longest(policy, tokenizer, prompts):
    """Tokens of the longest prompt."""
    return max(map(len, encode(policy, tokenizer, prompts)))
