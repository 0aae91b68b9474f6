"""Pretrains the glass-box model: tokenizer and Llama weights from scratch, on course_utils.corpus.

    python -m course_utils.pretrain --size base        train (resumes a killed run), then measure
    python -m course_utils.pretrain --evaluate data/models/glass_box        print the ability table

The recipe is the tables below. Left out: mixed data sources, weight averaging, hyperparameter search.
"""

import copy
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from course_utils.corpus import mix, tokens
from course_utils.pretrain.muon import Muon
from course_utils.storage.checkpoint import fingerprint, load_checkpoint, read_notes, save_checkpoint

SEED = 1
SIZES = {  # million tokens are the CPU recipe's; with a GPU, give --tokens more
    "base": dict(
        hidden_size=128, num_hidden_layers=5, num_attention_heads=4, intermediate_size=384, tokens=162
    ),
    "small": dict(
        hidden_size=80, num_hidden_layers=4, num_attention_heads=4, intermediate_size=192, tokens=12
    ),
    "tiny": dict(hidden_size=40, num_hidden_layers=3, num_attention_heads=2, intermediate_size=96, tokens=12),
}
# Copying from the context first, since everything else builds on it; then the whole mix in short
# rows; from the middle on more of what is hard; at the end of each phase long rows, so that
# positions up to the whole context are used. `phase` says in which phase of the learning rate.
STAGES = [
    dict(phase=0, share=0.10, length=256, batch=8, mix=mix.COPYING),
    dict(phase=0, share=0.40, length=256, batch=8, mix=mix.SHARES),
    dict(phase=0, share=0.34, length=256, batch=8, mix=mix.SECOND_HALF),
    dict(phase=0, share=0.16, length=1024, batch=4, mix=mix.SECOND_HALF),
    dict(phase=1, share=0.80, length=256, batch=8, mix=mix.LAST),
    dict(phase=1, share=0.20, length=1024, batch=4, mix=mix.LAST),
    dict(phase=2, share=0.75, length=256, batch=8, mix=mix.SORTING),
    dict(phase=2, share=0.25, length=1024, batch=4, mix=mix.SORTING),
    dict(phase=3, share=0.80, length=256, batch=8, mix=mix.CLOSING),
    dict(phase=3, share=0.20, length=1024, batch=4, mix=mix.CLOSING),
]
# Each phase: its share of all tokens, its peak learning rate, the share over which that decays.
PHASES = [
    dict(tokens=100 / 162, peak=1.0, decay=0.5),
    dict(tokens=32 / 162, peak=0.5, decay=1.0),
    dict(tokens=14 / 162, peak=0.5, decay=1.0),
    dict(tokens=16 / 162, peak=0.35, decay=1.0),
]
STEPS_PER_SHARD = 100
MILESTONES = [0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0]


def new_model(size, tokenizer):
    """A Llama model of SIZES[size] with fresh weights."""
    torch.manual_seed(SEED)
    shape = {k: v for k, v in SIZES[size].items() if k != "tokens"}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        num_key_value_heads=shape["num_attention_heads"],
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **shape,
    )
    return LlamaForCausalLM(config)


def schedule(million_tokens):
    """The list of steps: (stage index, step within its stage, learning-rate factor, tokens seen)."""
    plan, seen = [], 0
    for number, phase in enumerate(PHASES):
        phase_tokens, first_step, first_token = million_tokens * 1_000_000 * phase["tokens"], len(plan), seen
        for i, stage in enumerate(STAGES):
            if stage["phase"] != number:
                continue
            per_step = stage["length"] * stage["batch"]
            for step in range(int(phase_tokens * stage["share"] / per_step)):
                seen += per_step
                # Warm up for 100 steps, stay, then decay linearly to nearly 0.
                warmup = (len(plan) - first_step + 1) / 100
                left = max(0.0, 1 - (seen - first_token) / phase_tokens)
                factor = phase["peak"] * min(1.0, warmup, left / phase["decay"] + 0.01)
                plan.append((i, step, factor, seen))
    return plan


def _make_shard(tokenizer_folder, stage, shard):
    """Runs in a process of its own: the rows of one shard of one stage."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    count, length = STEPS_PER_SHARD * STAGES[stage]["batch"], STAGES[stage]["length"]
    return tokens.rows(tokenizer, SEED, f"{stage}/{shard}", count, length, STAGES[stage]["mix"])


def batches(plan, tokenizer_folder, worker):
    """For each step of a plan, its rows of token ids (B, T + 1); `worker` makes the next shard meanwhile."""
    shards = [(stage, step // STEPS_PER_SHARD) for stage, step, *_ in plan]
    order, pending, current = list(dict.fromkeys(shards)), {}, None
    for shard, (stage, step, *_) in zip(shards, plan):
        if shard != current:
            place = order.index(shard)
            for wanted in order[place : place + 2]:
                if wanted not in pending:
                    pending[wanted] = worker.submit(_make_shard, tokenizer_folder, *wanted)
            current, rows = shard, torch.from_numpy(pending.pop(shard).result().astype("int64"))
        size, offset = STAGES[stage]["batch"], step % STEPS_PER_SHARD
        yield rows[offset * size : (offset + 1) * size]


def fastest_precision(model, device):
    """Whether to autocast to bf16: one probe of each decides (many CPUs emulate bf16 slowly)."""
    ids = torch.randint(0, model.config.vocab_size, (4, 256), device=device)
    seconds = {}
    for bf16 in (False, True, False, True):
        start = time.perf_counter()
        for _ in range(3):
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
            model.zero_grad()
        seconds[bf16] = time.perf_counter() - start
    return seconds[True] < seconds[False]


def make_optimizers(model, bf16=False):
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    adamw = torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0)
    muon = Muon(matrices, lr=0.01, weight_decay=0.05, dtype=torch.bfloat16 if bf16 else torch.float32)
    for optimizer in (muon, adamw):
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return [muon, adamw]


def update(model, optimizers, ids, factor, bf16):
    """One step on token ids (B, T + 1) at `factor` times the peak learning rates; returns the loss."""
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=bf16):
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits  # (B, T, V)
    loss = cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        optimizer.step()
        optimizer.zero_grad()
    return loss.detach()


def use_quicker_attention(model, length):
    """On a CPU, plain attention is quicker for short rows, the fused one for long rows."""
    plain = model.device.type == "cpu" and length <= 512
    model.set_attn_implementation("eager" if plain else "sdpa")


def start_or_resume(size, million_tokens, folder):
    """(model, tokenizer, optimizers, notes, run) of a new run, or of the run in `folder`.

    notes: {step, log, bf16}; run: the fingerprint for its checkpoints. Raises ValueError if the folder
    holds the checkpoint of another run.
    """
    if not (folder / "tokenizer" / "tokenizer.json").exists():
        tokens.train_tokenizer(SEED).save_pretrained(folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = new_model(size, tokenizer)
    run = fingerprint(model, [], [size, million_tokens, SEED, STAGES, PHASES])
    model = model.to(device)
    notes = read_notes(folder) or {"step": 0, "log": [], "bf16": fastest_precision(model, device)}
    optimizers = make_optimizers(model, notes["bf16"])
    load_checkpoint(folder, run, list(model.parameters()), optimizers)
    return model, tokenizer, optimizers, notes, run


def train(size, million_tokens, folder, seconds_between_checkpoints=120, until=None):
    """Trains to the end of the schedule (or `until` a step), resuming a killed run in `folder`.

    Returns the model, the tokenizer and the log [{tokens, loss, seconds}, …]. Raises ValueError if the
    folder holds the checkpoint of another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer, optimizers, notes, run = start_or_resume(size, million_tokens, folder)
    plan, first, log, bf16 = schedule(million_tokens), notes["step"], notes["log"], notes["bf16"]
    milestones = {math.ceil(m * len(plan)) for m in MILESTONES}
    seconds_before = log[-1]["seconds"] if log else 0.0
    losses, saved, started = [], time.perf_counter(), time.perf_counter()
    settings = dict(unit="tok", unit_scale=True, desc=size, mininterval=1)
    seen, stage = plan[first - 1][3] if first else 0, None
    with tqdm(total=plan[-1][3], initial=seen, **settings) as bar, ProcessPoolExecutor(1) as worker:
        rows = batches(plan[first:], folder / "tokenizer", worker)
        for done in range(first + 1, (until or len(plan)) + 1):
            # 1) one step on the next rows
            previous, (stage, _, factor, seen) = stage, plan[done - 1]
            if stage != previous:
                use_quicker_attention(model, STAGES[stage]["length"])
            ids = next(rows).to(model.device)
            losses.append(update(model, optimizers, ids, factor, bf16))
            bar.update(ids.numel() - len(ids))
            # 2) every 50 steps the mean loss since the last entry of the log
            if done % 50 == 0 or done == len(plan):
                seconds = round(seconds_before + time.perf_counter() - started)
                loss = round(torch.stack(losses).mean().item(), 4)
                log.append(dict(tokens=seen, loss=loss, seconds=seconds))
                losses = []
                bar.set_postfix(loss=loss)
            # 3) milestones, which are evaluated later, and what is needed to resume
            if done in milestones:
                copy.deepcopy(model).half().save_pretrained(folder / f"milestone-{seen}")
            if done == len(plan) or time.perf_counter() - saved > seconds_between_checkpoints:
                notes = dict(step=done, log=log, bf16=bf16)
                save_checkpoint(folder, run, list(model.parameters()), optimizers, notes)
                saved = time.perf_counter()
    return model, tokenizer, log
