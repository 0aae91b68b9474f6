"""Replies that a policy samples, and what a model computes for each of their tokens.

Sampling and scoring are two passes: a reply is sampled token by token with a cache, then its
log-probabilities come from one forward pass, which any model can make, with gradients or without. A
batch has P columns for the prompts, padded on the left, and T for the replies, padded on the right, so
that all replies begin in the same column. Taught in lesson 05. Left out: sorting by length.
"""

from dataclasses import dataclass

import torch

from course_utils.batching import check_lengths, context_length, encode, left_pad
from course_utils.generation import continue_ids, sample


@dataclass
class Rollouts:
    """Replies of a policy: B texts, and P columns of prompt with T of reply as tensors.

    ids, attention, positions (B, P + T); mask (B, T) is 1 on tokens of the reply, its end token included.
    """

    replies: list
    ids: torch.Tensor
    attention: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor


def sample_rollouts(policy, tokenizer, prompts, max_new_tokens=64, temperature=1.0, seed=0, stop=None):
    """Rollouts: one sampled reply to each prompt. Without an end token it is cut at max_new_tokens.

    stop: a string within one token, such as a line break; the token that holds it is a reply's last.
    """
    rows = encode(policy, tokenizer, prompts)
    check_lengths([row + [0] * max_new_tokens for row in rows], context_length(policy))
    uniforms = torch.rand(len(rows), max_new_tokens, generator=torch.Generator().manual_seed(seed))

    def pick(logits, indices, step):
        return sample(logits, uniforms[indices, step].to(logits.device), temperature)

    def stopped(row, ids):
        return stop is not None and bool(ids) and stop in tokenizer.decode(ids[-1:])

    new = continue_ids(policy, rows, max_new_tokens, pick, stopped, batch_size=len(rows))
    replies = [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]
    complete = [len(ids) == max_new_tokens or stopped(row, ids) for row, ids in enumerate(new)]
    ended = [ids if done else [*ids, tokenizer.eos_token_id] for ids, done in zip(new, complete)]
    width = max(map(len, ended))
    ids, attention, _ = left_pad(rows, policy.device)  # (B, P)
    tail = torch.tensor([row + [0] * (width - len(row)) for row in ended], device=ids.device)  # (B, T)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ended], device=ids.device)
    attention = torch.cat([attention, mask], 1)
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    return Rollouts(replies, torch.cat([ids, tail], 1), attention, positions, mask)


@torch.no_grad()
def token_logps(model, rollouts, temperature=1.0, batch_size=16):
    """The logps (B, T) of `score_tokens` without gradients, a few rows at a time: logits fill memory."""
    parts = range(0, len(rollouts.replies), batch_size)
    scored = [score_tokens(model, rollouts, temperature, slice(i, i + batch_size))[0] for i in parts]
    return torch.cat(scored)


def score_tokens(model, rollouts, temperature=1.0, rows=slice(None)):
    """(logps (B, T), logits (B, T, V), hidden (B, T, D)) of the reply tokens, by one forward pass.

    Those of a token come from the column before it, where the model chose it.
    """
    tokens = rollouts.ids[rows][:, -rollouts.mask.shape[1] :]  # (B, T)
    out = model(
        input_ids=rollouts.ids[rows],
        attention_mask=rollouts.attention[rows],
        position_ids=rollouts.positions[rows],
        use_cache=False,
        output_hidden_states=True,
        logits_to_keep=tokens.shape[1] + 1,
    )
    logits = out.logits[:, :-1].float() / temperature
    logps = logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return logps, logits, out.hidden_states[-1][:, -tokens.shape[1] - 1 : -1].float()
