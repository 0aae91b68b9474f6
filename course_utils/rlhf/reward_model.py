"""A reward model: the body of a language model, and a head that maps a text to one number.

    model = reward_model.start(policy, seed=0)
    reward_model.train(model, tokenizer, pairs)
    reward_model.accuracy(model, tokenizer, held_out)      (accuracy, low, high)

A pair is {"prompt", "chosen", "rejected"}; the text is the prompt, the reply and the end token, and
the score is taken at that last token, which attends to all others. The head can be applied at every
token, too: that makes the value model of course_utils.rlhf.guided_decoding. Taught in lesson 05. Left
out: several labels of one pair, and ties.
"""

import copy
import itertools
import random

import torch
from torch import nn

from course_utils import evaluation, losses, training
from course_utils.data import collate, encode
from course_utils.peft import adapter_layer
from course_utils.storage import number_formats

SIDES = ("chosen", "rejected")


class RewardModel(nn.Module):
    """A body (B, T -> B, T, D), a linear head, and the mean reward of its pairs, which is subtracted."""

    def __init__(self, body, width):
        super().__init__()
        self.body, self.head = body, nn.Linear(width, 1, bias=False)
        self.register_buffer("mean", torch.zeros(()))

    @property
    def device(self):
        return self.head.weight.device

    def trained(self):
        """The parameters that `train` trains: the head and the body, or of the body its adapter alone."""
        adapted = isinstance(self.body, Adapted)
        body = adapter_layer.parameters(self.body, self.body.task) if adapted else self.body.parameters()
        return [*body, *self.head.parameters()]

    def each(self, batch, **options):
        """(the score at each token (B, T), the cache, if use_cache=True is among the options)."""
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}
        out = self.body(**inputs, **{"use_cache": False, **options})
        hidden = out.last_hidden_state.to(self.head.weight.dtype)  # (B, T, D)
        return self.head(hidden)[..., 0] - self.mean, out.past_key_values

    def forward(self, batch):
        """The score at the last token of each row, (B,), on whichever side the padding is."""
        scores, _ = self.each(batch)
        columns = torch.arange(scores.shape[1], device=scores.device)
        last = (batch["attention_mask"] * columns).argmax(1)  # (B,)
        return scores.gather(1, last[:, None])[:, 0]

    @torch.no_grad()
    def score(self, tokenizer, prompts, replies, batch_size=64, side="right"):
        """The reward of each reply to its prompt: list of float, in order. side: of the padding."""
        records = [{"prompt": p, "completion": r} for p, r in zip(prompts, replies, strict=True)]
        rows, scores = encode(tokenizer, records), {}
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
        self.eval()
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            batch = collate([rows[i] for i in indices], 0, side)
            rewards = self({name: tensor.to(self.device) for name, tensor in batch.items()})
            scores |= dict(zip(indices, rewards.float().tolist()))
        return [scores[i] for i in range(len(rows))]


class Adapted(nn.Module):
    """A body with an adapter of its own active, whichever is active for those who share its weights."""

    def __init__(self, body, task):
        super().__init__()
        self.body, self.task = body, task

    def forward(self, **inputs):
        with adapter_layer.active(self.body, self.task):
            return self.body(**inputs)


def start(base, seed=0):
    """A RewardModel on a copy of a causal model's body, in fp32, with a small random head.

    The model that wrote the replies is the best base: it knows what the replies are about. The head is
    initialized as in Stiennon et al. 2020, so that its first scores spread by about 1.
    """
    return _headed(copy.deepcopy(base.base_model).float(), base, seed)


def start_adapter(base, begin, task="reward", seed=0):
    """A RewardModel on the model's own weights with an adapter of its own, a copy of the task `begin`'s.

    The model stays as it is, and so does the active adapter.
    """
    before = next(iter(adapter_layer.adapter_layers(base).values())).active
    adapter_layer.duplicate(base, begin, task)
    adapter_layer.set_adapter(base, before)
    return _headed(Adapted(base.base_model, task), base, seed)


def _headed(body, base, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RewardModel(body, base.config.get_text_config().hidden_size)
        nn.init.normal_(model.head.weight, std=model.head.in_features**-0.5)
    return model.to(base.device).eval()


def train(
    model,
    tokenizer,
    pairs,
    lr=1e-3,
    epochs=2,
    batch_size=16,
    seed=0,
    warmup=0.1,
    prior_margins=None,
    bf16=False,
):
    """Train what trains of a RewardModel on pairs by losses.reward; returns the loss of each step.

    bf16: as in training.train. prior_margins: for each pair, the margin of another reward to which this one
    is added (CombinedReward); only the rest is learned then. The loss fixes differences only, so at the end
    the mean reward over the pairs is set to 0. Source: Ouyang et al. 2022, section 3.5. Raises ValueError
    without pairs.
    """
    if not pairs:
        raise ValueError("a reward model needs at least one pair")
    chosen, rejected = (encode(tokenizer, _records(pairs, side)) for side in SIDES)
    longest = [max(len(a["input_ids"]), len(b["input_ids"])) for a, b in zip(chosen, rejected)]
    steps, history = epochs * -(-len(pairs) // batch_size), []
    prior = torch.tensor(prior_margins if prior_margins is not None else [0.0] * len(pairs))
    prior = prior.to(model.device)
    order = training.batches(longest, batch_size, steps, seed)
    parameters = model.trained()
    with training.prepared(model, parameters, max(longest)):
        optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
        for step, rows in enumerate(order):
            torch.manual_seed(1_000_003 * seed + step)
            batch = collate([chosen[i] for i in rows] + [rejected[i] for i in rows], 0)
            with number_formats.autocast(model, bf16):
                scores = model({name: tensor.to(model.device) for name, tensor in batch.items()})  # (2B,)
            better, worse = scores.chunk(2)
            loss = losses.reward(better + prior[rows], worse)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.param_groups[0]["lr"] = lr * training.lr_multiplier(step, steps, warmup)
            optimizer.step()
            optimizer.zero_grad()
            history.append(loss.item())
    sampled = random.Random(seed).sample(pairs, min(len(pairs), 200))
    model.mean += sum(itertools.chain(*_scores(model, tokenizer, sampled))) / (2 * len(sampled))
    return history


def margins(scorer, tokenizer, pairs):
    """Reward of the chosen reply less that of the rejected one, by anything with `score`: list of float."""
    chosen, rejected = _scores(scorer, tokenizer, pairs)
    return [a - b for a, b in zip(chosen, rejected)]


def accuracy(scorer, tokenizer, pairs):
    """(share of pairs where the chosen reply has the higher reward, low, high), by Wilson's interval."""
    hits = sum(margin > 0 for margin in margins(scorer, tokenizer, pairs))
    return hits / len(pairs), *evaluation.interval(hits, len(pairs))


def calibration(margins, bins=5):
    """[(mean confidence, accuracy, low, high, pairs)] by confidence, from the lowest to the highest.

    The confidence in its own choice is sigmoid(|margin|), from 0.5 to 1, the choice right where the
    margin is above 0. The bins hold equally many pairs. Source: Guo et al. 2017, section 2.
    """
    ordered, rows = sorted(margins, key=abs), []
    cuts = [round(i * len(ordered) / bins) for i in range(bins + 1)]
    for low, high in itertools.pairwise(cuts):
        if group := ordered[low:high]:
            confidence = torch.tensor(group, dtype=torch.float64).abs().sigmoid().mean().item()
            hits = sum(margin > 0 for margin in group)
            rows.append((confidence, hits / len(group), *evaluation.interval(hits, len(group)), len(group)))
    return rows


def _records(pairs, side):
    return [{"prompt": pair["prompt"], "completion": pair[side]} for pair in pairs]


def _scores(scorer, tokenizer, pairs):
    prompts = [pair["prompt"] for pair in pairs]
    return [scorer.score(tokenizer, prompts, [pair[side] for pair in pairs]) for side in SIDES]
