"""Guided decoding: a value model chooses among the policy's most likely tokens; no weight of either moves.

    value_model = reward_model.start(policy)
    guided_decoding.train(value_model, policy, tokenizer, prompts, reward_fn)
    replies = guided_decoding.generate(policy, value_model, tokenizer, prompts, k=8, weight=1.0)

The value model is a RewardModel that is applied at every token: in the middle of a reply it predicts the
reward at its end. At each step it evaluates the policy's k most likely tokens. Sources: Kim et al. 2023,
"Critic-guided decoding for controlled text generation"; Han et al. 2024, "Value augmented sampling".
Taught in lesson 05. Left out: looking further ahead than one token.
"""

import math
import random

import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils import losses, training
from course_utils.batching import batches, check_lengths, context_length, encode, end_ids, left_pad
from course_utils.rlhf.rollout import sample_rollouts

ROUNDS = 12  # of sampling replies that teach the value model


def train(
    value_model,
    policy,
    tokenizer,
    prompts,
    reward_fn,
    rounds=ROUNDS,
    batch_size=64,
    steps_per_round=2,
    lr=1e-3,
    temperature=1.0,
    max_new_tokens=64,
    seed=0,
    progress=True,
):
    """Teach a RewardModel to predict the reward of the policy's replies; returns the loss of each step.

    A round samples replies to batch_size prompts; each of their tokens, and the end of the prompt, is
    trained towards the reward of the reply. Begun from the policy (reward_model.start), the value model
    has its representation of the text already. The policy stays as it is.
    """
    rng, history, steps = random.Random(seed), [], rounds * steps_per_round
    parameters, longest = list(value_model.parameters()), max(map(len, encode(policy, tokenizer, prompts)))
    with training.prepared(value_model, parameters, longest + max_new_tokens):
        optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
        for step in tqdm(range(steps), disable=not progress, desc="value model", unit="step"):
            if step % steps_per_round == 0:
                batch = rng.choices(prompts, k=batch_size)
                round_seed = 1_000_003 * seed + step
                rollouts = sample_rollouts(policy, tokenizer, batch, max_new_tokens, temperature, round_seed)
                rewards = torch.tensor(reward_fn(batch, rollouts.replies), device=value_model.device)[:, None]
                mask = torch.cat([torch.ones_like(rollouts.mask[:, :1]), rollouts.mask], 1)  # (B, 1 + T)
                if step == 0:
                    value_model.mean -= rewards.mean()  # the head need not learn it
            values = reply_values(value_model, rollouts)  # (B, 1 + T)
            loss = losses.ppo_value(values, values, rewards.expand_as(values), mask, clip=math.inf)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.param_groups[0]["lr"] = lr * training.rate(step, steps, warmup=0.1)
            optimizer.step()
            optimizer.zero_grad()
            history.append(loss.item())
    return history


def reply_values(value_model, rollouts):
    """The predicted reward of replies, (B, 1 + T): before their first token and after each."""
    batch = {
        "input_ids": rollouts.ids,
        "attention_mask": rollouts.attention,
        "position_ids": rollouts.positions,
    }
    return value_model.each(batch)[0][:, -rollouts.mask.shape[1] - 1 :]


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
