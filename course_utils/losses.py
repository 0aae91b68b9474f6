"""Losses and divergences: pure functions of tensors. No model, no state.

`sft` is taught in lesson 04, the others in lesson 05. In those of PPO, T counts the tokens of a
reply, and `mask` (B, T) is 1 where there is one; `logps` are log-probabilities of the sampled tokens,
`old_logps` those at the time when the policy sampled them. Left out: weights for long replies.
"""

import torch
from torch.nn.functional import cross_entropy, logsigmoid


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


def next_token(logits, targets):
    """Mean cross-entropy (nats per token) of tokens (N,), each predicted by its logits (N, V) -> a scalar.

    Raises ValueError for no token at all.
    """
    if not len(targets):
        raise ValueError("no token counts in this batch: the mask is 0 everywhere after the first token")
    return cross_entropy(logits.float(), targets)


def reply_logps(logits, input_ids, mask):
    """Log-probability (nats) of each row's tokens that count, summed: (B, T, V), (B, T), (B, T) -> (B,).

    The logits at t are scored on the token at t + 1, so mask[:, 0] is never used.
    """
    logps = logits[:, :-1].float().log_softmax(-1).gather(-1, input_ids[:, 1:, None])[..., 0]  # (B, T - 1)
    return logps.where(mask[:, 1:] == 1, 0.0).sum(1)


def reward(chosen, rejected):
    """Bradley-Terry: how surprised a reward model is by the choices. Both (B,) -> a scalar, log 2 at a tie.

    The model says that a reply with reward a is preferred to one with reward b with probability
    sigmoid(a - b); only differences count. Source: Ouyang et al. 2022 (InstructGPT), equation 1.
    """
    return -logsigmoid(chosen.float() - rejected.float()).mean()


def dpo(chosen, rejected, ref_chosen, ref_rejected, beta=0.1):
    """Direct preference optimization: Bradley-Terry with beta * log(policy / ref) as the reward.

    Log-probabilities of whole replies (reply_logps), (B,) each, the first two under the policy -> a scalar.
    Source: Rafailov et al. 2023, equation 7.
    """
    return reward(beta * (chosen - ref_chosen), beta * (rejected - ref_rejected))


def policy_gradient(logps, advantages, mask):
    """The loss whose gradient is minus the policy gradient: mean of -advantage * logp. (B, T) each.

    Source: Williams 1992 (REINFORCE), with the advantage in place of the reward.
    """
    return -masked_mean(advantages * logps, mask)


def ppo_policy(logps, old_logps, advantages, mask, clip=0.2):
    """PPO's clipped policy loss: no gain from moving a ratio of probabilities past 1 - clip or 1 + clip.

    (B, T) each -> a scalar. With all ratios 1 its gradient is that of policy_gradient, with
    clip=math.inf it is plain importance sampling. Source: Schulman et al. 2017, equation 7.
    """
    ratio = (logps - old_logps).exp()
    gain = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -masked_mean(gain, mask)


def clip_fraction(logps, old_logps, mask, clip=0.2):
    """The share of tokens whose ratio has left [1 - clip, 1 + clip]. (B, T) each -> a scalar."""
    outside = ((logps - old_logps).exp() - 1).abs() > clip
    return masked_mean(outside.float(), mask)


def ppo_value(values, old_values, returns, mask, clip=0.2):
    """Half the squared error of the values; no gain from moving one further than clip from the old.

    (B, T) each -> a scalar; clip=math.inf is the plain error. Source: Schulman et al. 2016, section
    5, for the idea of a trust region for values; the clipped form is from OpenAI's PPO2 code
    (Engstrom et al. 2020, section 3, item 1).
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    error = torch.maximum((values - returns) ** 2, (near - returns) ** 2)
    return masked_mean(error, mask) / 2


def entropy(logits, mask):
    """Mean entropy (nats) of the next token's distribution: logits (B, T, V), mask (B, T) -> a scalar.

    0 for a policy that always takes one token, log V for one that guesses.
    """
    logps = logits[_counts(mask)].float().log_softmax(-1)  # (N, V): only what counts is computed further
    return -(logps.exp() * logps).sum(-1).mean()


def kl(logits, ref_logits):
    """KL(policy ‖ ref) of the next token's distributions (nats), exact: (…, V) each -> (…)."""
    logps, ref_logps = logits.float().log_softmax(-1), ref_logits.float().log_softmax(-1)
    return (logps.exp() * (logps - ref_logps)).sum(-1)


def kl_k1(logps, ref_logps):
    """Estimates KL(policy ‖ ref) at tokens that the policy sampled: log(policy / ref), in their shape.

    Unbiased, but single values are often negative. Source: Schulman 2020, "Approximating KL divergence".
    """
    return logps - ref_logps


def kl_k3(logps, ref_logps):
    """As kl_k1: also unbiased, never negative, of lower variance: r - 1 - log r for r = ref / policy.

    Source: Schulman 2020, "Approximating KL divergence".
    """
    log_ratio = ref_logps - logps
    return log_ratio.exp() - 1 - log_ratio


def per_reply(values, mask):
    """The sum of values (B, T) over each reply's tokens, averaged over replies: a scalar."""
    return (values * mask).sum(1).mean()


def masked_mean(values, mask):
    """The mean of values (B, T) where the mask is 1. Raises ValueError if it is 0 everywhere."""
    return values[_counts(mask)].float().mean()


def _counts(mask):
    counts = mask == 1
    if not counts.any():
        raise ValueError("no token counts in this batch: the mask is 0 everywhere")
    return counts
