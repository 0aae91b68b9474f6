"""A reward model: the body of a language model, and a head that turns a text into one number.

    judge = reward_model.start(model, seed=0)
    reward_model.train(judge, tokenizer, pairs)
    reward_model.accuracy(judge, tokenizer, held_out)      (share, low, high)

A pair is {"prompt", "chosen", "rejected"}; the text is the prompt, the reply and the end token, and
the number is read at that last token, which has seen all others. The head can be read at every
token, too: that makes the critic of course_utils.rlhf.guided_decoding. Taught in lesson 05. Left out: several
labels of one pair, and ties.
"""

import copy
import itertools
import random

import torch
from torch import nn

from course_utils import evaluation, losses, training
from course_utils.data import collate, encode
from course_utils.peft import adapter_files

FORMAT = "course_utils reward model 1"


class RewardModel(nn.Module):
    """A body (B, T -> B, T, D), a linear head, and the number that is the mean reward of its pairs."""

    def __init__(self, body, width):
        super().__init__()
        self.body, self.head = body, nn.Linear(width, 1, bias=False)
        self.register_buffer("mean", torch.zeros(()))

    @property
    def device(self):
        return self.head.weight.device

    def each(self, batch, **options):
        """(the number read at each token (B, T), the cache, if use_cache=True is among the options)."""
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}
        out = self.body(**inputs, **{"use_cache": False, **options})
        hidden = out.last_hidden_state.to(self.head.weight.dtype)  # (B, T, D)
        return self.head(hidden)[..., 0] - self.mean, out.past_key_values

    def forward(self, batch):
        """The number read at the last token of each row, (B,), on whichever side the padding is."""
        numbers, _ = self.each(batch)
        places = torch.arange(numbers.shape[1], device=numbers.device)
        last = (batch["attention_mask"] * places).argmax(1)  # (B,)
        return numbers.gather(1, last[:, None])[:, 0]

    @torch.no_grad()
    def score(self, tokenizer, prompts, replies, batch_size=64, side="right"):
        """The reward of each reply to its prompt: list of float, in order. side: of the padding."""
        records = [{"prompt": p, "completion": r} for p, r in zip(prompts, replies, strict=True)]
        rows, scores = encode(tokenizer, records), {}
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
        self.eval()
        for start in range(0, len(order), batch_size):
            some = order[start : start + batch_size]
            batch = collate([rows[i] for i in some], 0, side)
            found = self({name: tensor.to(self.device) for name, tensor in batch.items()})
            scores |= dict(zip(some, found.float().tolist()))
        return [scores[i] for i in range(len(rows))]


def start(model, seed=0):
    """A RewardModel on a copy of a causal model's body, in fp32, with a small random head.

    Best begun from the model that wrote the replies: it knows what the replies are about. The head is
    drawn as in Stiennon et al. 2020, so that its first numbers spread by about 1.
    """
    body = copy.deepcopy(model.base_model).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = RewardModel(body, model.config.get_text_config().hidden_size)
        nn.init.normal_(found.head.weight, std=found.head.in_features**-0.5)
    return found.to(model.device).eval()


def train(judge, tokenizer, pairs, lr=1e-3, epochs=2, batch_size=16, seed=0, warmup=0.1, ahead=None):
    """Train all weights on pairs by losses.reward; returns the loss of each step.

    ahead: by how much something else already prefers the chosen reply of each pair (SecondOpinion), a
    number each; then only the rest is learned. And only differences are, so at the end the mean reward
    over the pairs becomes 0. Source: Ouyang et al. 2022, section 3.5. Raises ValueError without pairs.
    """
    if not pairs:
        raise ValueError("a reward model needs at least one pair")
    chosen, rejected = (encode(tokenizer, _records(pairs, side)) for side in ("chosen", "rejected"))
    longest = [max(len(a["input_ids"]), len(b["input_ids"])) for a, b in zip(chosen, rejected)]
    steps, history = epochs * -(-len(pairs) // batch_size), []
    known = torch.tensor(ahead if ahead is not None else [0.0] * len(pairs), device=judge.device)
    order = training.batches(longest, batch_size, steps, seed)
    parameters = list(judge.parameters())
    with training.prepared(judge, parameters, max(longest)):
        optimiser = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
        for step, rows in enumerate(order):
            torch.manual_seed(1_000_003 * seed + step)
            batch = collate([chosen[i] for i in rows] + [rejected[i] for i in rows], 0)
            numbers = judge({name: tensor.to(judge.device) for name, tensor in batch.items()})  # (2B,)
            good, bad = numbers.chunk(2)
            loss = losses.reward(good + known[rows], bad)
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.param_groups[0]["lr"] = lr * training.rate(step, steps, warmup)
            optimiser.step()
            optimiser.zero_grad()
            history.append(loss.item())
    some = random.Random(seed).sample(pairs, min(len(pairs), 200))
    both = itertools.chain(*_scores(judge, tokenizer, some))
    judge.mean += sum(both) / (2 * len(some))
    return history


def margins(judge, tokenizer, pairs):
    """By how much the chosen reply's reward exceeds the rejected one's: list of float."""
    chosen, rejected = _scores(judge, tokenizer, pairs)
    return [a - b for a, b in zip(chosen, rejected)]


def accuracy(judge, tokenizer, pairs):
    """(share of pairs where the chosen reply has the higher reward, low, high), by Wilson's interval."""
    hits = sum(margin > 0 for margin in margins(judge, tokenizer, pairs))
    return hits / len(pairs), *evaluation.interval(hits, len(pairs))


def calibration(margins, bins=5):
    """[(mean confidence, share right, low, high, pairs)] by confidence, from unsure to sure.

    The confidence in its own choice is sigmoid(|margin|), from 0.5 to 1, the choice right where the
    margin is above 0. The bins hold equally many pairs. Source: Guo et al. 2017, section 2.
    """
    ordered, found = sorted(margins, key=abs), []
    cuts = [round(i * len(ordered) / bins) for i in range(bins + 1)]
    for low, high in itertools.pairwise(cuts):
        some = ordered[low:high]
        if some:
            sure = torch.tensor(some, dtype=torch.float64).abs().sigmoid().mean().item()
            hits = sum(margin > 0 for margin in some)
            found.append((sure, hits / len(some), *evaluation.interval(hits, len(some)), len(some)))
    return found


def save(judge, path):
    """Write the body, the head and the mean to one safetensors file, whole or not at all."""
    adapter_files.write(path, judge.state_dict(), {"format": FORMAT})


def load(model, path):
    """The RewardModel of a file, on a body of the model's shape and on its device.

    Raises as adapter_files.read does, and BadFile for a body of another shape.
    """
    tensors, _ = adapter_files.read(path, FORMAT)
    judge = start(model)
    try:
        judge.load_state_dict(tensors)
    except RuntimeError as error:
        raise adapter_files.BadFile(f"{path} was made for a model of another shape.") from error
    return judge


def _records(pairs, side):
    return [{"prompt": pair["prompt"], "completion": pair[side]} for pair in pairs]


def _scores(judge, tokenizer, pairs):
    prompts = [pair["prompt"] for pair in pairs]
    return [
        judge.score(tokenizer, prompts, [pair[side] for pair in pairs]) for side in ("chosen", "rejected")
    ]
