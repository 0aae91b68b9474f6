"""A reward model that first asks how likely the fine-tuned model itself finds the reply.

    judge = second_opinion.fit(sft, tokenizer, pairs)      one weight
    judge.head = reward_model.start(sft, seed=0)
    ahead = reward_model.margins(judge, tokenizer, pairs)  with a head that knows nothing yet
    reward_model.train(judge.head, tokenizer, pairs, ahead=ahead)
    judge.score(tokenizer, prompts, replies)

A head on the last token sees form and manners, and hardly whether a fact is right. The model that
learned the facts knows more than it tells that token: its chance of the reply, per token, is a reward of
its own (Rafailov et al. 2023, equation 5, with a uniform reference). As a chance, from 0 to 1, and not as
a logarithm: else one wrong label on an outlandish reply outweighs all others. The head then learns
only what is left: what that model finds likely, and people do not like. Taught in lesson 05. Left out: a
number at each token, which a critic needs.
"""

import math

import torch

from course_utils import generation, losses


class SecondOpinion:
    """weight x the chance per token, less a mean, and the head's number, once there is a head."""

    def __init__(self, ref, weight=0.0, mean=0.0, head=None):
        self.ref, self.weight, self.mean, self.head = ref, weight, mean, head

    def score(self, tokenizer, prompts, replies, **_):
        """The reward of each reply to its prompt: list of float, in order."""
        found = [self.weight * c - self.mean for c in chances(self.ref, tokenizer, prompts, replies)]
        if self.head is None:
            return found
        return [a + b for a, b in zip(found, self.head.score(tokenizer, prompts, replies))]


def chances(ref, tokenizer, prompts, replies):
    """The geometric mean of the chances of each reply's tokens, its end token included: list of float."""
    given = [f" {reply.strip()}{tokenizer.eos_token}" for reply in replies]
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in given]
    sums = generation.logps(ref, tokenizer, prompts, given).tolist()
    return [math.exp(total / length) for total, length in zip(sums, lengths)]


def fit(ref, tokenizer, pairs, steps=50):
    """A SecondOpinion without a head, whose weight makes the choices of these pairs likely (losses.reward).

    The mean reward of the pairs becomes 0. Raises ValueError if there are no pairs.
    """
    if not pairs:
        raise ValueError("a weight needs at least one pair")
    prompts = [pair["prompt"] for pair in pairs]
    chosen, rejected = (
        torch.tensor(chances(ref, tokenizer, prompts, [pair[side] for pair in pairs]), dtype=torch.float64)
        for side in ("chosen", "rejected")
    )
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=steps, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = losses.reward(weight * chosen, weight * rejected)
        value.backward()
        return value

    optimiser.step(loss)
    found = weight.item()
    return SecondOpinion(ref, found, found * torch.cat([chosen, rejected]).mean().item())
