"""Training beside the libraries' trainers: `python -m course_utils.training --benchmark`.

Ours, transformers' Trainer and TRL's SFTTrainer take the same records in the same order, with the
same optimiser and precision. The share of the machine's matrix-multiply peak says how much is left
to win; the profile says where the rest of the time goes.
"""

import copy
import os
import statistics
import tempfile
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the libraries are imported

import torch

from course_utils import data, models, training
from course_utils.tasks.toy_desk.records import read as read_desk

LR = 1e-4


def main(steps=10, batch_size=32, rounds=2):
    """Print tokens per second of the three, the gap between their losses, and the share of the peak."""
    torch.set_num_threads(1)
    model, tokenizer = models.load("glass-box")
    records = read_desk("train")[: steps * batch_size]
    records = in_order(tokenizer, records, batch_size)
    lengths = [len(example["input_ids"]) for example in data.encode(tokenizer, records)]
    best, losses = {}, {}
    for _ in range(rounds):  # in turn, since another process may take the core for a while
        for run in (ours, by_trainer, by_trl):
            losses[run], seconds = run(copy.deepcopy(model), tokenizer, records, batch_size)
            best[run] = min(best.get(run, float("inf")), seconds)
    print(f"{models.count_parameters(model):,} parameters, {steps} steps of {batch_size}, fp32, one thread")
    names = {ours: "training.train", by_trainer: "transformers.Trainer", by_trl: "trl.SFTTrainer"}
    for run, seconds in best.items():
        gap = max(abs(a - b) for a, b in zip(losses[ours][:10], losses[run][:10]))
        speed = f"{sum(lengths) / seconds:8,.0f} tokens/s"
        print(f"    {names[run]:21} {speed}   first ten losses within {gap:.0e} of ours")
    examples = data.encode(tokenizer, records)
    for bf16 in (False, True) if training.bf16_is_quicker("cpu") else (False,):
        share, peak, speed = share_of_peak(copy.deepcopy(model), examples, batch_size, bf16)
        name = "bf16" if bf16 else "fp32"
        print(f"{name}: {speed:,.0f} tokens/s, {share:.0%} of the matrix-multiply peak of {peak:.0f} GFLOP/s")
        for operation, part in profile(copy.deepcopy(model), examples[:batch_size], bf16):
            print(f"    {part:4.0%}  {operation}")


def in_order(tokenizer, records, batch_size, seed=0):
    """The records in the order in which training.train takes them in its first epoch.

    The number of records must be a multiple of batch_size: the libraries cut batches off the front.
    """
    lengths = [len(example["input_ids"]) for example in data.encode(tokenizer, records)]
    made = training.batches(lengths, batch_size, len(records) // batch_size, seed)
    return [records[i] for batch in made for i in batch]


def ours(model, tokenizer, records, batch_size, bf16=False):
    """(losses, seconds) of the course's own steps over the records, in their order."""
    examples = data.encode(tokenizer, records)
    longest, losses = max(len(example["input_ids"]) for example in examples), []
    chosen, steps = list(model.parameters()), len(examples) // batch_size
    with training.prepared(model, chosen, longest):
        optimiser, started = torch.optim.AdamW(chosen, lr=LR, weight_decay=0.0), time.perf_counter()
        for step in range(steps):
            rows = examples[step * batch_size : (step + 1) * batch_size]
            losses.append(training.gradients(model, rows, bf16=bf16))
            torch.nn.utils.clip_grad_norm_(chosen, 1.0)
            optimiser.param_groups[0]["lr"] = LR * training.rate(step, steps, warmup=0)
            optimiser.step()
            optimiser.zero_grad()
        return losses, time.perf_counter() - started


def by_trainer(model, tokenizer, records, batch_size):
    """(losses, seconds) of transformers' Trainer over the records, in their order."""
    from transformers import Trainer, TrainingArguments

    def collate(examples):
        return data.collate(examples, tokenizer.pad_token_id)

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model,
            TrainingArguments(**library_settings(folder, batch_size)),
            train_dataset=data.encode_examples(tokenizer, records),
            data_collator=collate,
        )
        return timed(trainer)


def by_trl(model, tokenizer, records, batch_size):
    """(losses, seconds) of TRL's SFTTrainer over the records, in their order; it tokenises them itself."""
    from datasets import Dataset, disable_progress_bars
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    pairs = [{"prompt": record["prompt"], "completion": record["completion"]} for record in records]
    with tempfile.TemporaryDirectory() as folder:
        # Recomputing activations saves a GPU's memory and costs a CPU its time.
        settings = SFTConfig(**library_settings(folder, batch_size), gradient_checkpointing=False)
        trainer = SFTTrainer(
            model, settings, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer
        )
        return timed(trainer)


def library_settings(folder, batch_size):
    """Arguments that make the libraries' trainers do what ours does: on the CPU, in fp32, in order."""
    return dict(
        output_dir=folder,
        per_device_train_batch_size=batch_size,
        num_train_epochs=1,
        learning_rate=LR,
        warmup_steps=0,
        train_sampling_strategy="sequential",
        use_cpu=True,
        bf16=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def timed(trainer):
    """(losses, seconds) of a library's trainer; it prints nothing."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], seconds


def flops(model, lengths):
    """Floating-point operations of one training pass over rows of these lengths, without padding.

    Forward 2 per weight and token and 4 x width per pair of tokens and layer; backward twice as many.
    Source: Kaplan et al. 2020, "Scaling laws for neural language models", table 1.
    """
    config = model.config
    weights = sum(p.numel() for p in model.model.layers.parameters() if p.ndim == 2)
    weights += config.vocab_size * config.hidden_size  # the head
    pairs = 4 * config.hidden_size * config.num_hidden_layers
    return 3 * sum(2 * weights * length + pairs * length**2 for length in lengths)


def share_of_peak(model, examples, batch_size, bf16=False):
    """(share of the matrix-multiply peak, that peak in GFLOP/s, tokens per second) of training steps.

    Each step stands beside a measurement of the peak, and the share is the median of their ratios. The
    clock is that of one thread's own computing, so that other processes on the machine hardly matter.
    """
    chosen, longest = list(model.parameters()), max(len(example["input_ids"]) for example in examples)
    shares, peaks, speeds = [], [], []
    with training.prepared(model, chosen, longest):
        optimiser = torch.optim.AdamW(chosen, lr=LR)
        for start in range(0, len(examples), batch_size):
            rows = examples[start : start + batch_size]
            lengths = [len(row["input_ids"]) for row in rows]
            peak, started = matmul_peak(torch.bfloat16 if bf16 else torch.float32), time.process_time()
            training.gradients(model, rows, bf16=bf16)
            torch.nn.utils.clip_grad_norm_(chosen, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            seconds = time.process_time() - started
            shares.append(flops(model, lengths) / seconds / peak)
            peaks.append(peak / 1e9)
            speeds.append(sum(lengths) / seconds)
    return statistics.median(shares), max(peaks), max(speeds)


def matmul_peak(number_format, size=1024, rounds=3):
    """Floating-point operations per second of the best of several square matrix products."""
    a, b = (torch.randn(size, size).to(number_format) for _ in range(2))
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        a @ b
        seconds.append(time.process_time() - started)
    return 2 * size**3 / min(seconds)


def profile(model, examples, bf16=False, shown=6):
    """[(operation, share of the time)] of one step's gradient, the largest first."""
    with training.prepared(model, list(model.parameters()), max(len(e["input_ids"]) for e in examples)):
        training.gradients(model, examples, bf16=bf16)  # the first one warms up
        with torch.autograd.profiler.profile(use_kineto=False) as recorded:
            training.gradients(model, examples, bf16=bf16)
    events = sorted(recorded.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    return [(event.key, event.self_cpu_time_total / total) for event in events[:shown]]
