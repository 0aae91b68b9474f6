"""A reward of two terms: how likely the fine-tuned model finds the reply, and a reward model for the rest.

    combined = combined_reward.fit(sft, tokenizer, pairs)             one weight, and no reward model yet
    prior = reward_model.margins(combined, tokenizer, pairs)
    combined.head = reward_model.start(sft, seed=0)
    reward_model.train(combined.head, tokenizer, pairs, prior_margins=prior)
    combined.score(tokenizer, prompts, replies)

A head on the last token detects form and tone, and hardly whether a fact is right. The fine-tuned model
has learned the facts: its probability of the reply, per token, is a reward of its own (Rafailov et al.
2023, equation 5, with a uniform reference). It enters as a probability, from 0 to 1, and not as a
logarithm: otherwise one wrong label on a very unlikely reply outweighs all others. The head then learns
only what is left: replies that this model finds likely and people dislike. Taught in lesson 05. Left
out: a value at each token, which guided decoding needs.
"""

import math

import torch

from course_utils import generation, losses


class CombinedReward:
    """weight x probability per token - mean, plus the score of the head, once there is one."""

    def __init__(self, ref, weight=0.0, mean=0.0, head=None):
        self.ref, self.weight, self.mean, self.head = ref, weight, mean, head

    def score(self, tokenizer, prompts, replies, **_):
        """The reward of each reply to its prompt: list of float, in order."""
        likely = [self.weight * p - self.mean for p in probabilities(self.ref, tokenizer, prompts, replies)]
        if self.head is None:
            return likely
        return [a + b for a, b in zip(likely, self.head.score(tokenizer, prompts, replies))]


def probabilities(ref, tokenizer, prompts, replies):
    """The geometric mean of the probabilities of each reply's tokens, its end token included: [float]."""
    completions = [f" {reply.strip()}{tokenizer.eos_token}" for reply in replies]
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in completions]
    sums = generation.logps(ref, tokenizer, prompts, completions).tolist()
    return [math.exp(total / length) for total, length in zip(sums, lengths)]


def fit(ref, tokenizer, pairs, steps=50):
    """A CombinedReward without a head, whose weight minimizes losses.reward on these pairs.

    The mean reward of the pairs becomes 0. Raises ValueError if there are no pairs.
    """
    if not pairs:
        raise ValueError("a weight needs at least one pair")
    prompts = [pair["prompt"] for pair in pairs]
    chosen, rejected = (
        torch.tensor(
            probabilities(ref, tokenizer, prompts, [pair[side] for pair in pairs]), dtype=torch.float64
        )
        for side in ("chosen", "rejected")
    )
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=steps, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = losses.reward(weight * chosen, weight * rejected)
        value.backward()
        return value

    optimizer.step(loss)
    fitted = weight.item()
    return CombinedReward(ref, fitted, fitted * torch.cat([chosen, rejected]).mean().item())
