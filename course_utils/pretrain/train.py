"""Makes the base model: tokenizer and Llama weights from scratch, on the corpus of `world`.

    python -m course_utils.pretrain --size base        train (continues after a kill), then measure
    python -m course_utils.pretrain --evaluate data/models/glass_box        print the ability table

Left out on purpose: mixed data sources, weight averaging, hyper-parameter search. The recipe is
a table below; the corpus is in course_utils/world.
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
from course_utils.storage.checkpoint import load_checkpoint, read_precision, save_checkpoint

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
# rows; from the middle on more of what is hard; at the end of each reading long rows, so that
# positions up to the whole context are used. `reading` says under which fall of the learning rate.
STAGES = [
    dict(reading=0, share=0.10, length=256, batch=8, mix=mix.COPYING),
    dict(reading=0, share=0.40, length=256, batch=8, mix=mix.SHARES),
    dict(reading=0, share=0.34, length=256, batch=8, mix=mix.SECOND_HALF),
    dict(reading=0, share=0.16, length=1024, batch=4, mix=mix.SECOND_HALF),
    dict(reading=1, share=0.80, length=256, batch=8, mix=mix.LAST),
    dict(reading=1, share=0.20, length=1024, batch=4, mix=mix.LAST),
    dict(reading=2, share=0.75, length=256, batch=8, mix=mix.SORTING),
    dict(reading=2, share=0.25, length=1024, batch=4, mix=mix.SORTING),
    dict(reading=3, share=0.80, length=256, batch=8, mix=mix.CLOSING),
    dict(reading=3, share=0.20, length=1024, batch=4, mix=mix.CLOSING),
]
# Each reading: its share of all tokens, the top of its learning rate, the share over which that falls.
READINGS = [
    dict(tokens=100 / 162, top=1.0, decay=0.5),
    dict(tokens=32 / 162, top=0.5, decay=1.0),
    dict(tokens=14 / 162, top=0.5, decay=1.0),
    dict(tokens=16 / 162, top=0.35, decay=1.0),
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
    plan, seen, before = [], 0, 0
    for number, reading in enumerate(READINGS):
        tokens_of_reading, first = million_tokens * 1_000_000 * reading["tokens"], len(plan)
        for i, stage in enumerate(STAGES):
            if stage["reading"] != number:
                continue
            per_step = stage["length"] * stage["batch"]
            for step in range(int(tokens_of_reading * stage["share"] / per_step)):
                seen += per_step
                # Warm up for 100 steps, stay, then fall linearly to nearly 0.
                left = max(0.0, 1 - (seen - before) / tokens_of_reading)
                factor = reading["top"] * min(
                    1.0, (len(plan) - first + 1) / 100, left / reading["decay"] + 0.01
                )
                plan.append((i, step, factor, seen))
        before = seen
    return plan


def _make_shard(tokenizer_folder, stage, shard):
    """Runs in a process of its own: the rows of one shard of one stage."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    count = STEPS_PER_SHARD * STAGES[stage]["batch"]
    length, mix = STAGES[stage]["length"], STAGES[stage]["mix"]
    return tokens.rows(tokenizer, SEED, f"{stage}/{shard}", count, length, mix)


def fastest_precision(model, device):
    """Autocast to bf16 or not: one probe of each decides (many CPUs emulate bf16 slowly)."""
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


def optimisers(model, bf16=False):
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    adamw = torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0)
    muon = Muon(matrices, lr=0.01, weight_decay=0.05, dtype=torch.bfloat16 if bf16 else torch.float32)
    for optimiser in (muon, adamw):
        for group in optimiser.param_groups:
            group["top_lr"] = group["lr"]
    return [muon, adamw]


def train(size, million_tokens, folder, seconds_between_checkpoints=120, until=None):
    """Trains to the end of the schedule (or `until` a step), continuing a killed run in `folder`.

    Returns the model, the tokenizer and the log [{tokens, loss, seconds}, …].
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tokenizer" / "tokenizer.json").exists():
        tokens.train_tokenizer(SEED).save_pretrained(folder / "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = new_model(size, tokenizer).to(device)
    plan, log, first = schedule(million_tokens), [], 0
    resumed = (folder / "checkpoint.safetensors").exists()
    bf16 = read_precision(folder) if resumed else fastest_precision(model, device)
    pair = optimisers(model, bf16)
    if resumed:
        first, log = load_checkpoint(folder, model, pair)
    milestones = {math.ceil(m * len(plan)) for m in MILESTONES}
    losses, saved, started = [], time.perf_counter(), time.perf_counter()
    before = log[-1]["seconds"] if log else 0.0
    bar = tqdm(
        total=plan[-1][3],
        initial=plan[first - 1][3] if first else 0,
        unit="tok",
        unit_scale=True,
        desc=size,
        mininterval=1,
    )
    with ProcessPoolExecutor(1) as worker:
        ahead, shard = {}, None
        for number in range(first, len(plan) if until is None else until):
            stage, step, factor, seen = plan[number]
            key = (stage, step // STEPS_PER_SHARD)
            if shard != key:
                # On a CPU, plain attention is quicker for short rows, the fused one for long rows.
                plain = device.type == "cpu" and STAGES[stage]["length"] <= 512
                model.set_attn_implementation("eager" if plain else "sdpa")
                wanted = [key] + [
                    (s, k // STEPS_PER_SHARD) for s, k, *_ in plan[number:][STEPS_PER_SHARD:][:1]
                ]
                ahead = {
                    w: ahead.get(w) or worker.submit(_make_shard, folder / "tokenizer", *w) for w in wanted
                }
                shard, array = key, torch.from_numpy(ahead[key].result().astype("int64"))
            batch, offset = STAGES[stage]["batch"], step % STEPS_PER_SHARD
            ids = array[offset * batch : (offset + 1) * batch].to(device)  # (B, T + 1)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(input_ids=ids[:, :-1], use_cache=False).logits  # (B, T, V)
            loss = cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in pair:
                for group in optimiser.param_groups:
                    group["lr"] = group["top_lr"] * factor
                optimiser.step()
                optimiser.zero_grad()
            losses.append(loss.detach())
            bar.update(ids.numel() - len(ids))
            done = number + 1
            if done % 50 == 0 or done == len(plan):
                seconds = before + time.perf_counter() - started
                log.append(
                    {
                        "tokens": seen,
                        "loss": round(torch.stack(losses).mean().item(), 4),
                        "seconds": round(seconds),
                    }
                )
                losses = []
                bar.set_postfix(loss=log[-1]["loss"])
            if done in milestones:
                copy.deepcopy(model).half().save_pretrained(folder / f"milestone-{seen}")
            if done == len(plan) or time.perf_counter() - saved > seconds_between_checkpoints:
                save_checkpoint(folder, model, pair, done, log, bf16)
                saved = time.perf_counter()
    bar.close()
    return model, tokenizer, log
