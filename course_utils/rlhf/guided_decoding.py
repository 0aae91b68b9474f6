"""Critic-guided decoding: the policy proposes, a value network chooses, and no weight of either moves.

    critic = critic.train(judge, policy, tokenizer, prompts, reward_fn)
    replies = critic.generate(policy, judge, tokenizer, prompts, k=8, weight=1.0)

The value network is a RewardModel that is read at every token: it foretells, in the middle of a
reply, the reward at its end. At each step it judges the policy's k most likely tokens. Sources:
Kim et al. 2023, "Critic-guided decoding for controlled text generation"; Han et al. 2024,
"Value augmented sampling". Taught in lesson 05. Left out: looking further ahead than one token.
"""

import math
import random

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import losses, training
from course_utils.batching import batches, check_lengths, context_length, encode, end_ids, left_pad
from course_utils.rlhf import rollout


def train(
    critic,
    policy,
    tokenizer,
    prompts,
    reward_fn,
    rounds=12,
    batch_size=64,
    passes=2,
    lr=1e-3,
    temperature=1.0,
    max_new_tokens=64,
    seed=0,
    progress=True,
):
    """Teach a RewardModel to foretell the reward of the policy's replies; returns the loss of each step.

    A round draws replies to batch_size prompts; each of their tokens, and the end of the prompt, learns
    the reward that the reply got. With reward_model.start(policy) as the critic it begins from what
    the policy has read. The policy stays as it is.
    """
    chance, history, steps = random.Random(seed), [], rounds * passes
    parameters, longest = list(critic.parameters()), max(map(len, encode(policy, tokenizer, prompts)))
    with training.prepared(critic, parameters, longest + max_new_tokens):
        optimiser = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
        for step in tqdm(range(steps), disable=not progress, desc="critic", unit="step"):
            if step % passes == 0:
                asked = chance.choices(prompts, k=batch_size)
                seed_now = 1_000_003 * seed + step
                drawn = rollout.draw(policy, tokenizer, asked, max_new_tokens, temperature, seed_now)
                rewards = torch.tensor(reward_fn(asked, drawn.replies), device=critic.device)[:, None]
                mask = torch.cat([torch.ones_like(drawn.mask[:, :1]), drawn.mask], 1)  # (B, 1 + T)
                if step == 0:
                    critic.mean -= rewards.mean()  # the head need not learn it
            values = values_of(critic, drawn)  # (B, 1 + T)
            loss = losses.ppo_value(values, values, rewards.expand_as(values), mask, clip=math.inf)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.param_groups[0]["lr"] = lr * training.rate(step, steps, warmup=0.1)
            optimiser.step()
            optimiser.zero_grad()
            history.append(loss.item())
    return history


def values_of(critic, drawn):
    """What a critic expects of a Rollout's replies, (B, 1 + T): before their first token and after each."""
    batch = {"input_ids": drawn.ids, "attention_mask": drawn.attention, "position_ids": drawn.positions}
    return critic.each(batch)[0][:, -drawn.mask.shape[1] - 1 :]


@torch.no_grad()
def generate(policy, critic, tokenizer, prompts, k=8, weight=1.0, max_new_tokens=64, batch_size=64):
    """Replies to prompts, each token the best of the policy's k most likely: list of str, in order.

    The best has the highest logp + weight * value, the value being the critic's after that token.
    k=1 or weight=0 is greedy decoding. weight: nats of log-probability that one point of reward is
    worth. Costs k tokens of the critic's time for each token of the reply.
    """
    rows, ends = encode(policy, tokenizer, prompts), end_ids(policy)
    check_lengths([row + [0] * max_new_tokens for row in rows], context_length(policy))
    policy.eval()
    critic.eval()
    new = [[] for _ in rows]
    for some in batches(rows, batch_size):
        ids, mask, positions = left_pad([rows[i] for i in some], policy.device)  # (B, P)
        cache = seen = None
        done, places = [False] * len(some), torch.arange(len(some), device=ids.device)
        for _ in range(max_new_tokens):
            inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
            out = policy(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache = out.past_key_values
            logps, tokens = out.logits[:, -1].float().log_softmax(-1).topk(k)  # (B, k)
            if seen is None:
                seen = critic.each(inputs, use_cache=True)[1]
            mask, positions = torch.cat([mask, torch.ones_like(mask[:, :1])], 1), positions[:, -1:] + 1
            seen.batch_repeat_interleave(k)  # one copy of the text so far for each candidate
            candidates = {
                "input_ids": tokens.reshape(-1, 1),  # (B * k, 1)
                "attention_mask": mask.repeat_interleave(k, 0),
                "position_ids": positions.repeat_interleave(k, 0),
            }
            values, seen = critic.each(candidates, use_cache=True, past_key_values=seen)
            best = (logps + weight * values.reshape(-1, k)).argmax(1)  # (B,)
            seen.batch_select_indices(places * k + best)
            ids = tokens.gather(1, best[:, None])  # (B, 1)
            for j, token in enumerate(ids[:, 0].tolist()):
                done[j] = done[j] or token in ends
                if not done[j]:
                    new[some[j]].append(token)
            if all(done):
                break
    return [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]
