"""A reward model that also asks how likely the fine-tuned model itself finds the reply.

    head = reward_model.start(sft); reward_model.train(head, tokenizer, pairs[:800])
    judge = second_opinion.fit(head, sft, tokenizer, pairs[800:])
    judge.score(tokenizer, prompts, replies)

A head on the last token sees form and manners, and hardly whether a fact is right. The model that
learned the facts knows more than it tells that token: its chance of the reply, per token, is a reward of
its own (Rafailov et al. 2023, equation 5, with a uniform reference). As a chance, from 0 to 1, and not as
a logarithm: else one wrong label on an outlandish reply outweighs all others. Two weights, learned from
pairs that the head has not seen, add the two up. Taught in lesson 05. Left out: a number at each
token, which a critic needs.
"""

import math

import torch

from course_utils import generation, losses


class SecondOpinion:
    """weights[0] x the head's number + weights[1] x the chance per token, less a mean."""

    def __init__(self, head, ref, weights=(1.0, 0.0), mean=0.0):
        self.head, self.ref, self.weights, self.mean = head, ref, weights, mean

    def both(self, tokenizer, prompts, replies):
        """(N, 2): the head's number and the geometric mean of the tokens' chances, of each reply."""
        told = self.head.score(tokenizer, prompts, replies)
        given = [f" {reply.strip()}{tokenizer.eos_token}" for reply in replies]
        lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in given]
        sums = generation.logps(self.ref, tokenizer, prompts, given).tolist()
        expected = [math.exp(total / length) for total, length in zip(sums, lengths)]
        return torch.tensor([told, expected], dtype=torch.float64).T

    def score(self, tokenizer, prompts, replies, **_):
        """The reward of each reply to its prompt: list of float, in order."""
        weights = torch.tensor(self.weights, dtype=torch.float64)
        return (self.both(tokenizer, prompts, replies) @ weights - self.mean).tolist()


def fit(head, ref, tokenizer, pairs, steps=50):
    """A SecondOpinion whose weights make the choices of these pairs likely (losses.reward).

    Pairs that the head was trained on would flatter it. The mean reward of the pairs becomes 0.
    Raises ValueError if there are no pairs.
    """
    if not pairs:
        raise ValueError("two weights need at least one pair")
    found, prompts = SecondOpinion(head, ref), [pair["prompt"] for pair in pairs]
    chosen, rejected = (
        found.both(tokenizer, prompts, [pair[side] for pair in pairs]) for side in ("chosen", "rejected")
    )
    weights = torch.tensor(found.weights, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=steps, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = losses.reward(chosen @ weights, rejected @ weights)
        value.backward()
        return value

    optimiser.step(loss)
    found.weights = tuple(weights.detach().tolist())
    found.mean = (torch.cat([chosen, rejected]) @ weights.detach()).mean().item()
    return found
