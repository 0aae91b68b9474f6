"""One training loop for every lesson: batches in, smaller loss out.

    history = train(model, data.encode(tokenizer, records), lr=1e-3, steps=200)

What a batch begins with (a system prompt, an instruction) is computed once for all rows, forward and
backward; the output head works only where tokens count. `course_utils.tools.benchmark` stands it beside
the libraries' trainers. Taught in lesson 04. Left out: several devices, loss scaling for fp16, packing
of short examples.
"""

import contextlib
import itertools
import math
import random
import time
from dataclasses import dataclass, field

import torch
from torch import nn
from tqdm.auto import tqdm
from transformers import PreTrainedModel

from course_utils import losses
from course_utils.batching import (
    Prefix,
    context_length,
    logits_where,
    plain_cache,
    shared_prefix,
    text_config,
)
from course_utils.data import collate, encode, refuse_unusable
from course_utils.storage import memory, number_formats, onednn
from course_utils.storage.checkpoint import fingerprint, load_checkpoint, save_checkpoint

WINDOW = 16  # batches that are sorted by length together
SHORT = 512  # rows up to this length are quicker with plain attention on a CPU
ACTIVATIONS = 3 << 29  # bytes that a batch's activations may take at once
SECONDS_BETWEEN_CHECKPOINTS = 20


@dataclass
class History:
    """The log of a run, as TRL's trainers keep it: {name: number} for each step or update; and seconds.

    `train` logs "loss", "tokens" (without padding) and, where it evaluates, "evaluation".
    """

    log: list = field(default_factory=list)
    seconds: float = 0.0

    def column(self, name):
        """The values logged under a name, in order."""
        return [entry[name] for entry in self.log if name in entry]

    @property
    def losses(self):
        return self.column("loss")

    @property
    def tokens(self):
        return sum(self.column("tokens"))

    @property
    def evaluations(self):
        """[(step, value)], steps counted from 1."""
        return [(i, entry["evaluation"]) for i, entry in enumerate(self.log, 1) if "evaluation" in entry]


@dataclass
class EarlyStopping:
    """Ends a run after `patience` evaluations without a new highest number; never, if patience is None.

    best: the weights that reached the highest number, if the run can end so.
    """

    patience: int | None
    highest: float = -math.inf
    waited: int = 0
    best: list | None = None

    @property
    def due(self):
        return bool(self.patience) and self.waited >= self.patience

    def note(self, value, parameters):
        """Take an evaluation into account, and keep the parameters if it is the highest."""
        if not self.patience:
            return
        self.waited += 1
        if value > self.highest:
            self.best, self.highest, self.waited = [p.detach().clone() for p in parameters], value, 0


def train(
    model,
    examples,
    *,
    lr,
    steps,
    batch_size=32,
    warmup=0.1,
    weight_decay=0.0,
    clip=1.0,
    seed=0,
    parameters=None,
    accumulate=1,
    loss=None,
    penalty=None,
    progress=True,
    evaluate=None,
    evaluate_every=None,
    patience=None,
    checkpoint=None,
    pad_id=0,
    bf16=None,
):
    """Train `parameters` (default: those that require gradients) on encoded examples; returns a History.

    AdamW; the learning rate rises over the first `warmup` share of the steps and falls linearly to 0.
    A step takes batch_size x accumulate examples, in `accumulate` parts. clip: the largest norm of the
    gradient. seed decides the order of the examples, and dropout. loss(logits, batch) -> the mean over
    the tokens that count, by default losses.sft. penalty() -> scalars, one after the other, that each step
    adds to its loss, such as a divergence from what the model said before; their sum is logged apart.

    evaluate(model) -> a number (or another JSON value), every `evaluate_every` steps and at the end.
    With patience, training ends after that many evaluations without a new highest number, and the
    weights of the highest are kept. checkpoint: a folder; a killed run continues from there, and ends
    with the same bits on one thread. bf16: compute in bf16, or None to do so where the hardware does.

    Nothing but the parameters changes; the model is left in evaluation mode. Raises ValueError for
    settings that cannot be, for examples that cannot teach (data.refuse_unusable), and for the checkpoint of
    another run; RuntimeError if the loss is no number.
    """
    chosen = [p for p in model.parameters() if p.requires_grad] if parameters is None else list(parameters)
    if not chosen:
        raise ValueError("nothing to train: no parameter of the model requires gradients")
    if not examples or min(steps, batch_size, accumulate) < 1:
        raise ValueError("training needs at least one example, step, row in a batch and part of a batch")
    refuse_unusable(examples, context_length(model))
    if patience and not (evaluate and evaluate_every):
        raise ValueError("patience needs evaluate and evaluate_every")
    settings = [lr, steps, batch_size, warmup, weight_decay, clip, seed, accumulate]
    own = {id(p) for p in chosen}
    names = [name for name, p in model.named_parameters() if id(p) in own]
    settings += [evaluate_every, patience, bf16, names]
    run = checkpoint and fingerprint(model, examples, settings)
    lengths = [len(example["input_ids"]) for example in examples]
    order = batches(lengths, batch_size * accumulate, steps, seed)
    history, first, stopping = History(), 0, EarlyStopping(patience)

    with prepared(model, chosen, max(lengths)):
        optimizer = adamw(chosen, lr, weight_decay)
        if checkpoint and (saved_run := load_checkpoint(checkpoint, run, chosen, [optimizer])):
            notes, best = saved_run
            history, first, bf16 = History(**notes["history"]), notes["step"], notes["bf16"]
            stopping = EarlyStopping(patience, notes["highest"], notes["waited"], best)
        bf16 = number_formats.bf16_is_native(chosen[0].device.type) if bf16 is None else bf16
        started, before, saved = time.perf_counter(), history.seconds, time.perf_counter()
        with tqdm(total=steps, initial=first, disable=not progress, desc="training", unit="step") as bar:
            for step in range(first, steps):
                if stopping.due:
                    break
                # 1) the gradient of one batch
                torch.manual_seed(1_000_003 * seed + step)  # dropout, the same after a resumption
                rows = [examples[i] for i in order[step]]
                value = accumulate_gradients(model, rows, accumulate, loss, pad_id, bf16)
                added = {"penalty": penalize(model, penalty, bf16)} if penalty else {}
                refuse_infinite(value + sum(added.values()), step)
                # 2) one step of the optimizer, its learning rate by the schedule
                torch.nn.utils.clip_grad_norm_(chosen, clip)
                optimizer.param_groups[0]["lr"] = lr * lr_multiplier(step, steps, warmup)
                optimizer.step()
                optimizer.zero_grad()
                tokens = sum(len(row["input_ids"]) for row in rows)
                history.log.append({"loss": value, "tokens": tokens, **added})
                bar.set_postfix(loss=f"{value:.3f}", refresh=False)
                bar.update()

                # 3) evaluation, early stop and checkpoint
                done = step + 1
                if evaluate and (done == steps or (evaluate_every and done % evaluate_every == 0)):
                    model.eval()
                    history.log[-1]["evaluation"] = evaluate(model)
                    model.train()
                    stopping.note(history.log[-1]["evaluation"], chosen)
                history.seconds = before + time.perf_counter() - started
                due = time.perf_counter() - saved >= SECONDS_BETWEEN_CHECKPOINTS
                if checkpoint and (due or done == steps or stopping.due):
                    notes = dict(step=done, bf16=bf16, history=vars(history))
                    notes |= dict(highest=stopping.highest, waited=stopping.waited)
                    save_checkpoint(checkpoint, run, chosen, [optimizer], notes, stopping.best)
                    saved = time.perf_counter()
        with torch.no_grad():
            for parameter, value in zip(chosen, stopping.best or []):
                parameter.copy_(value)
    return history


def refuse_infinite(value, step):
    """RuntimeError for a loss that is no number: from there on all weights would be lost, without a word."""
    if not math.isfinite(value):
        raise RuntimeError(
            f"The loss is {value} at step {step + 1}: try a lower learning rate, and if it is so "
            "at step 1, ask for the model's logits and look for what is not a number in them."
        )


def fit(model, tokenizer, records, lr, steps, batch_size=16, seed=0, progress=False):
    """Train all weights of a model on records {"prompt", "completion"} with `train`; its History.

    In fp32, so that what is built on it (policies, judges) does not depend on the processor.
    """
    settings = dict(lr=lr, steps=steps, batch_size=batch_size, seed=seed, progress=progress, bf16=False)
    return train(model, encode(tokenizer, records), pad_id=tokenizer.pad_token_id, **settings)


def accumulate_gradients(model, rows, accumulate=1, loss=None, pad_id=0, bf16=False):
    """Add the gradient of the rows' mean loss to the model's parameters; returns that loss.

    The rows go through the model in `accumulate` parts, on a CPU in more if their activations are large. A
    part weighs by its tokens that count: the sum is the mean over all of them, however they are parted.
    """
    device = next(model.parameters()).device
    parts = accumulate if loss else max(accumulate, parts_that_fit(model, rows))
    size, total = math.ceil(len(rows) / parts), 0.0
    counted = [sum(row["mask"][1:]) for row in rows]
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        with number_formats.autocast(model, bf16):
            if loss:
                batch = {name: tensor.to(device) for name, tensor in collate(rows[part], pad_id).items()}
                inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "position_ids")}
                logits = model(**inputs, use_cache=False).logits  # (B, T, V)
            else:
                logits, targets = predictions(model, rows[part], pad_id)  # (N, V), (N,)
        mean = loss(logits, batch) if loss else losses.next_token(logits, targets)
        share = mean * (sum(counted[part]) / sum(counted))
        share.backward()
        total += share.item()
    return total


def parts_that_fit(model, rows):
    """In how many parts the rows go through a model on a CPU, so that its activations take about ACTIVATIONS.

    A token's take about 160 bytes for each layer and hidden unit (measured on SmolLM2, in bf16 and fp32).
    """
    config = text_config(model)
    if config is None or next(model.parameters()).device.type != "cpu":
        return 1
    tokens = len(rows) * max(len(row["input_ids"]) for row in rows)
    size = 160 * tokens * config.num_hidden_layers * config.hidden_size
    return min(len(rows), math.ceil(size / ACTIVATIONS))


def penalize(model, penalty, bf16=False):
    """Add the gradient of what penalty() yields to the model's parameters, part by part; returns the sum."""
    total, parts = 0.0, iter(penalty())
    while True:
        with number_formats.autocast(model, bf16):
            value = next(parts, None)
        if value is None:
            return total
        value.backward()  # frees this part's activations before the next part is computed
        total += value.item()


def predictions(model, rows, pad_id=0):
    """The logits (N, V) before each token of the rows that counts, and these tokens (N,).

    As from the whole batch at once, to rounding, with less work: the ids that all rows begin with go
    through the model once, and the output head sees only what counts.
    """
    shared = beginning(model, rows)
    prefix = Prefix(model, rows[0]["input_ids"][:shared])
    own = [{name: row[name][shared:] for name in ("input_ids", "mask")} for row in rows]
    batch = {name: tensor.to(prefix.device) for name, tensor in collate(own, pad_id).items()}  # (B, T)
    ids, attended = batch["input_ids"], batch["attention_mask"]
    counts = batch["mask"] == 1
    counts[:, 0] = False  # nothing stands before it
    logits = logits_where(
        model,
        counts.roll(-1, 1),  # a token is foretold by the one before it
        input_ids=ids,
        attention_mask=torch.cat([attended.new_ones(len(ids), shared), attended], 1),
        position_ids=batch["position_ids"] + shared,
        past_key_values=prefix.cache(len(ids)),
        use_cache=bool(shared),
    )
    return logits, ids[counts]


def beginning(model, rows):
    """How many ids all rows begin with, as far as it can be computed once: in front of what counts.

    0 with dropout, which treats every row differently, and with checkpoints of activations, which keep
    no cache.
    """
    inner = next((m for m in model.modules() if isinstance(m, PreTrainedModel)), None)
    if inner is None or not plain_cache(inner) or getattr(inner.config, "attention_dropout", 0):
        return 0
    for module in model.modules():
        if (isinstance(module, nn.Dropout) and module.p) or getattr(module, "gradient_checkpointing", False):
            return 0
    shared = shared_prefix([row["input_ids"] for row in rows])
    for row in rows:
        first = next((i for i, counts in enumerate(row["mask"]) if counts and i), len(row["mask"]))
        shared = min(shared, first - 1)  # the token before the first that counts is each row's own
    return shared


def adamw(parameters, lr, weight_decay=0.0):
    """torch.optim.AdamW, fused where that exists: one pass over the weights instead of ten."""
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=fused)


def batches(lengths, size, steps, seed):
    """The example numbers of each of `steps` batches; an example comes once in an epoch.

    An epoch is shuffled, sorted by length within windows of WINDOW batches (so that little of a batch
    is padding), cut into batches of at most `size`, as equal as can be, and these are shuffled.
    """
    count, chosen = math.ceil(len(lengths) / size), []
    cuts = [round(i * len(lengths) / count) for i in range(count + 1)]
    for epoch in range(math.ceil(steps / count)):
        rng = random.Random(f"{seed} {epoch}")
        shuffled, order = rng.sample(range(len(lengths)), len(lengths)), []
        for low in range(0, count, WINDOW):
            window = shuffled[cuts[low] : cuts[min(low + WINDOW, count)]]
            order += sorted(window, key=lengths.__getitem__)
        made = [order[low:high] for low, high in itertools.pairwise(cuts)]
        chosen += rng.sample(made, count)
    return chosen[:steps]


def lr_multiplier(step, steps, warmup):
    """The share of the learning rate at a step: up linearly to 1, then down linearly to nearly 0."""
    rising = max(1, round(warmup * steps))
    return min((step + 1) / rising, (steps - step) / max(1, steps - rising + 1))


@contextlib.contextmanager
def prepared(model, chosen, longest):
    """Inside: only `chosen` requires gradients (in fp32), dropout is on, chance is a copy of its own.

    Afterwards everything but the values of `chosen` is as it was, and the model in evaluation mode.
    """
    memory.release()  # that of an optimizer before
    ids, device = {id(parameter) for parameter in chosen}, chosen[0].device
    required = [(parameter, parameter.requires_grad) for parameter in {*model.parameters(), *chosen}]
    formats = [parameter.dtype for parameter in chosen]
    for parameter, _ in required:
        parameter.requires_grad_(id(parameter) in ids)
    for parameter in chosen:  # a small step is lost in a number of 16 bits
        parameter.data = parameter.data.float()
    model.train()
    try:
        own_rng = torch.random.fork_rng([device] if device.type == "cuda" else [])
        with own_rng, attention(model, longest), onednn.replaced(model):
            yield
    finally:
        for parameter, format_before in zip(chosen, formats):
            parameter.data = parameter.data.to(format_before)
        for parameter, before in required:
            parameter.requires_grad_(before)
            parameter.grad = None
        model.eval()


@contextlib.contextmanager
def attention(model, longest):
    """Plain attention instead of the fused one for short rows on a CPU, where it is quicker."""
    inner = next((m for m in model.modules() if isinstance(m, PreTrainedModel)), None)
    quicker = inner is not None and inner.device.type == "cpu" and longest <= SHORT
    before = inner.config._attn_implementation if quicker else None
    if before == "sdpa":
        inner.set_attn_implementation("eager")
    try:
        yield
    finally:
        if before == "sdpa":
            inner.set_attn_implementation(before)
