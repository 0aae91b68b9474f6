"""Losses: pure functions from logits to one number. No model, no state.

Taught in lesson 04. Logits are (B, T, V); `mask` is 1 where a token counts.
"""

from torch.nn.functional import cross_entropy


def sft(logits, input_ids, mask):
    """Mean cross-entropy (nats per token) of the tokens that count, each predicted from those before it.

    logits (B, T, V), input_ids and mask (B, T) -> a scalar. The logits at t are scored on the token at
    t + 1, so mask[:, 0] is never used. Raises ValueError if no token counts.
    """
    counts = mask[:, 1:] == 1  # (B, T - 1)
    if not counts.any():
        raise ValueError("no token counts in this batch: the mask is 0 everywhere after the first token")
    predictions = logits[:, :-1][counts]  # (N, V): only what counts is computed further
    targets = input_ids[:, 1:][counts]  # (N,)
    return cross_entropy(predictions.float(), targets)
