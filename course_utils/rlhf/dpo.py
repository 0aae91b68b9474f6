"""Direct preference optimization with any reference: a policy whose adapter trains needs no second model.

    history = dpo.train(policy, ref, tokenizer, pairs, lr=1e-4, beta=0.1, parameters=parameters)

The pairs are the whole training set, so this is off-policy: nothing is sampled. The reference's
log-probabilities never change and are computed once. TRL's trainer (course_utils.rlhf.trl_trainers) has the
same loss. Taught in lesson 05. Left out: the other losses of its family. Source: Rafailov et al. 2023.
"""

import time

import torch
from torch import nn

from course_utils import data, losses, training
from course_utils.batching import logits_where
from course_utils.storage import number_formats


def train(
    policy, ref, tokenizer, pairs, *, lr, beta=0.1, epochs=1, batch_size=8, seed=0, parameters, bf16=False
):
    """Train the parameters on {"prompt", "chosen", "rejected"}; a History.

    ref: a model, or what is called as one (adapter_policy.Reference). It logs "loss", "accuracy" (the share
    of a batch's pairs whose chosen reply has the higher implicit reward) and "margin" (of these rewards),
    both before the step. Raises ValueError without pairs.
    """
    if not pairs:
        raise ValueError("DPO needs at least one pair.")
    sides = [encoded(tokenizer, pairs, side) for side in ("chosen", "rejected")]
    lengths = [max(len(a["input_ids"]), len(b["input_ids"])) for a, b in zip(*sides)]
    steps, history, started = epochs * -(-len(pairs) // batch_size), training.History(), time.perf_counter()
    with training.prepared(policy, parameters, max(lengths)):
        policy.eval()  # no dropout: the first margins must be 0
        optimizer = training.adamw(parameters, lr)
        known = [None] * len(pairs)  # the reference's (chosen, rejected)
        for step, rows in enumerate(training.batches(lengths, batch_size, steps, seed)):
            batch = data.collate([side[i] for side in sides for i in rows], tokenizer.pad_token_id)
            batch = {name: tensor.to(policy.device) for name, tensor in batch.items()}  # (2B, T)
            with number_formats.autocast(policy, bf16):
                if known[rows[0]] is None:
                    with torch.no_grad():
                        both = reply_logps(policy, batch, ref).view(2, -1).T.tolist()
                    for row, pair in zip(rows, both):
                        known[row] = pair
                chosen, rejected = reply_logps(policy, batch, policy).chunk(2)  # (B,) each
            ref_chosen, ref_rejected = torch.tensor([known[i] for i in rows], device=policy.device).T
            loss = losses.dpo(chosen, rejected, ref_chosen, ref_rejected, beta)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.param_groups[0]["lr"] = lr * training.lr_multiplier(step, steps, warmup=0.1)
            optimizer.step()
            optimizer.zero_grad()
            margins = beta * (chosen - ref_chosen - rejected + ref_rejected).detach()  # (B,)
            history.log.append(
                {
                    "loss": loss.item(),
                    "accuracy": (margins > 0).float().mean().item(),
                    "margin": margins.mean().item(),
                }
            )
    history.seconds = time.perf_counter() - started
    return history


def encoded(tokenizer, pairs, side):
    """One side of pairs as examples of data.encode."""
    return data.encode(tokenizer, [{"prompt": pair["prompt"], "completion": pair[side]} for pair in pairs])


def reply_logps(model, batch, forward):
    """Summed log-probability (nats) of each row's reply, its end token included: (B,).

    forward: the model itself, or what computes with its head and another adapter.
    """
    counts = batch["mask"] == 1  # (B, T)
    counts[:, 0] = False  # nothing stands before it
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}
    logits = logits_where(model, counts.roll(-1, 1), forward=forward, use_cache=False, **inputs)  # (N, V)
    tokens = batch["input_ids"][counts]  # (N,)
    each = -nn.functional.cross_entropy(logits.float(), tokens, reduction="none")  # (N,)
    return torch.zeros(len(counts), device=each.device).index_add(0, counts.nonzero()[:, 0], each)
