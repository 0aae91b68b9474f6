"""Replies that a policy draws, and what a model says of each of their tokens.

Generation and reading are two passes: a reply is drawn token by token with a cache, then its
log-probabilities are computed by one forward pass, which any model can make, with gradients or
without. A batch has P columns for the prompts, padded on the left, and T for the replies, padded on
the right, so that replies stand below each other. Taught in lesson 05. Left out: sorting by length.
"""

from dataclasses import dataclass

import torch

from course_utils.batching import check_lengths, context_length, encode, left_pad
from course_utils.generation import continue_ids, sample


@dataclass
class Rollout:
    """Replies of a policy: text, and P columns of prompt with T of reply as tensors.

    ids, attention, positions (B, P + T); mask (B, T) is 1 on tokens of the reply, its end token included.
    """

    replies: list
    ids: torch.Tensor
    attention: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor


def draw(policy, tokenizer, prompts, max_new_tokens=64, temperature=1.0, seed=0):
    """A Rollout: one sampled reply to each prompt. Without an end token it is cut at max_new_tokens."""
    rows = encode(policy, tokenizer, prompts)
    check_lengths([row + [0] * max_new_tokens for row in rows], context_length(policy))
    chance = torch.rand(len(rows), max_new_tokens, generator=torch.Generator().manual_seed(seed))

    def pick(logits, indices, step):
        return sample(logits, chance[indices, step].to(logits.device), temperature)

    new = continue_ids(policy, rows, max_new_tokens, pick, batch_size=len(rows))
    replies = [tokenizer.decode(ids, skip_special_tokens=True) for ids in new]
    taken = [ids + [tokenizer.eos_token_id] * (len(ids) < max_new_tokens) for ids in new]
    width = max(map(len, taken))
    ids, attention, _ = left_pad(rows, policy.device)  # (B, P)
    tail = torch.tensor([some + [0] * (width - len(some)) for some in taken], device=ids.device)  # (B, T)
    mask = torch.tensor([[1] * len(some) + [0] * (width - len(some)) for some in taken], device=ids.device)
    attention = torch.cat([attention, mask], 1)
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    return Rollout(replies, torch.cat([ids, tail], 1), attention, positions, mask)


def read(model, drawn, temperature=1.0, rows=slice(None)):
    """(logps (B, T), logits (B, T, V), hidden (B, T, D)) of a Rollout's reply tokens, by one forward pass.

    Those of a token come from the column before it, where the model chose it.
    """
    taken = drawn.ids[rows][:, -drawn.mask.shape[1] :]  # (B, T)
    out = model(
        input_ids=drawn.ids[rows],
        attention_mask=drawn.attention[rows],
        position_ids=drawn.positions[rows],
        use_cache=False,
        output_hidden_states=True,
        logits_to_keep=taken.shape[1] + 1,
    )
    logits = out.logits[:, :-1].float() / temperature
    logps = logits.log_softmax(-1).gather(-1, taken[..., None])[..., 0]
    return logps, logits, out.hidden_states[-1][:, -taken.shape[1] - 1 : -1].float()
