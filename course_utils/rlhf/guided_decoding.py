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
from course_utils.batching import check_lengths, context_length, encode, left_pad
from course_utils.generation import continue_ids
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
            optimizer.param_groups[0]["lr"] = lr * training.lr_multiplier(step, steps, warmup=0.1)
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


def generate(policy, value_model, tokenizer, prompts, k=8, weight=1.0, max_new_tokens=64, batch_size=64):
    """Replies to prompts, each token the best of the policy's k most likely: list of str, in order.

    The best has the highest logp + weight * value, the value being the value model's after that token.
    k=1 or weight=0 is greedy decoding. weight: nats of log-probability that one point of reward is
    worth. Costs k tokens of the value model's time for each token of the reply.
    """
    rows = encode(policy, tokenizer, prompts)
    check_lengths([row + [0] * max_new_tokens for row in rows], context_length(policy))
    value_model.eval()
    guide = Guide(value_model, rows, k, weight)
    new = continue_ids(policy, rows, max_new_tokens, guide, batch_size=batch_size)
    return [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]


class Guide:
    """Chooses tokens for `generation.continue_ids`: a value model that has read what each row holds."""

    def __init__(self, value_model, rows, k, weight):
        self.value_model, self.rows, self.k, self.weight = value_model, rows, k, weight

    def __call__(self, logits, numbers, step):
        """The chosen tokens (B,) from the policy's logits (B, V), for the rows of these numbers."""
        if step == 0:
            self._read(numbers)
        elif numbers != self.numbers:
            places = {number: place for place, number in enumerate(self.numbers)}
            self._keep(numbers, torch.tensor([places[number] for number in numbers], device=logits.device))
        logps, tokens = logits.float().log_softmax(-1).topk(self.k)  # (B, k)
        ones = torch.ones_like(self.mask[:, :1])
        self.mask, self.positions = torch.cat([self.mask, ones], 1), self.positions + 1
        self.seen.batch_repeat_interleave(self.k)  # one copy of the text so far for each candidate
        candidates = {
            "input_ids": tokens.reshape(-1, 1),  # (B * k, 1)
            "attention_mask": self.mask.repeat_interleave(self.k, 0),
            "position_ids": self.positions.repeat_interleave(self.k, 0),
        }
        values, self.seen = self.value_model.each(candidates, use_cache=True, past_key_values=self.seen)
        best = (logps + self.weight * values.reshape(-1, self.k)).argmax(1)  # (B,)
        self.seen.batch_select_indices(torch.arange(len(best), device=best.device) * self.k + best)
        return tokens.gather(1, best[:, None])[:, 0]

    def _read(self, numbers):
        """The prompts of a new batch."""
        ids, self.mask, positions = left_pad(
            [self.rows[i] for i in numbers], self.value_model.device
        )  # (B, P)
        batch = {"input_ids": ids, "attention_mask": self.mask, "position_ids": positions}
        _, self.seen = self.value_model.each(batch, use_cache=True)
        self.numbers, self.positions = list(numbers), positions[:, -1:]

    def _keep(self, numbers, places):
        """Forget the rows that have ended."""
        self.seen.batch_select_indices(places)
        self.mask, self.positions, self.numbers = self.mask[places], self.positions[places], list(numbers)
