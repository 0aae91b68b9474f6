"""A training step beside TRL's SFTTrainer, transformers' Trainer and the matrix-multiply peak.

A part of `python -m course_utils.tools.benchmark`. The rivals take the same records in the same batches,
with the same optimizer and precision, and their losses are compared. The records are chat prompts with the
model's own replies. Full fine-tuning, LoRA in all blocks and LoRA in the last ones are PEFT's for both.
"""

import copy
import os
import statistics
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # before the libraries are imported

import torch

from course_utils import data, generation, training
from course_utils.peft import adapter_layer
from course_utils.storage import onednn

LR = 1e-4
LAST = 8  # blocks that LoRA in the last ones trains: about a quarter of SmolLM2's


def by_training(model, tokenizer, rounds, steps=4, batch_size=8):
    """Prints tokens per second of both for three kinds of training, and ours as a share of the peak."""
    from course_utils.tools import benchmark

    records = own_replies(model, tokenizer, benchmark.chat_prompts(tokenizer, steps * batch_size))
    records = in_order(tokenizer, records, batch_size)
    examples = data.encode(tokenizer, records)
    lengths = [len(example["input_ids"]) for example in examples]
    counted = sum(sum(example["mask"]) for example in examples)
    print(
        f"\nTraining: {steps} steps of {batch_size} chat records, {sum(lengths):,} tokens, "
        f"{counted:,} of them in the loss"
    )
    for name, prepare in kinds(model).items():
        losses, rivals = {}, {}
        for rival, run in (("SFTTrainer", by_trl), ("training", ours)):
            rivals[rival] = lambda run=run, prepare=prepare: run(prepare(), tokenizer, records, batch_size)
        seconds = {}
        for _ in range(rounds):
            for rival, run in rivals.items():
                losses[rival], taken = run()
                seconds[rival] = min(seconds.get(rival, float("inf")), taken)
        gap = max(abs(a - b) for a, b in zip(*losses.values(), strict=True))
        print(f"    {name}: losses within {gap:.0e}")
        benchmark.show(seconds, sum(lengths), "SFTTrainer", "training")
    share, peak, speed = share_of_peak(copy.deepcopy(model), examples, batch_size)
    print(
        f"    full fine-tuning: {speed:,.0f} tokens/s; the operations of a step that computes everything, at "
        f"{share:.0%} of the matrix-multiply peak of {peak:.0f} GFLOP/s"
    )
    for operation, spent in profile(copy.deepcopy(model), examples[:batch_size]):
        print(f"        {spent:4.0%}  {operation}")


def kinds(model, rank=8):
    """{name: function that makes a fresh model to train}: full, LoRA in all blocks, LoRA in the last ones."""
    from peft import LoraConfig, get_peft_model

    def lora(layers=None):
        torch.manual_seed(0)
        settings = dict(r=rank, lora_alpha=2 * rank, target_modules=names, layers_to_transform=layers)
        return get_peft_model(copy.deepcopy(model), LoraConfig(**settings, task_type="CAUSAL_LM"))

    names = sorted({path.rpartition(".")[2] for path in adapter_layer.linear_layers(model)})
    blocks = model.config.num_hidden_layers
    last = list(range(max(0, blocks - LAST), blocks))
    return {
        "full fine-tuning": lambda: copy.deepcopy(model),
        "LoRA in all blocks": lora,
        f"LoRA in the last {len(last)} blocks": lambda: lora(last),
    }


def own_replies(model, tokenizer, prompts):
    """Records of chat prompts with the replies that the model gives to them."""
    replies = generation.generate(model, tokenizer, prompts, max_new_tokens=48)
    return [{"prompt": p, "completion": reply or " "} for p, reply in zip(prompts, replies)]


def in_order(tokenizer, records, batch_size, seed=0):
    """The records in the order in which training.train takes them in its first epoch.

    The number of records must be a multiple of batch_size: the libraries cut batches off the front.
    """
    lengths = [len(example["input_ids"]) for example in data.encode(tokenizer, records)]
    made = training.batches(lengths, batch_size, len(records) // batch_size, seed)
    return [records[i] for batch in made for i in batch]


def ours(model, tokenizer, records, batch_size, bf16=False):
    """(losses, seconds) of the course's own steps over the records, in their order."""
    from course_utils.tools.benchmark import clock

    examples = data.encode(tokenizer, records)
    longest, losses = max(len(example["input_ids"]) for example in examples), []
    chosen, steps = [p for p in model.parameters() if p.requires_grad], len(examples) // batch_size
    with training.prepared(model, chosen, longest):
        optimizer, started = training.adamw(chosen, LR), clock()
        for step in range(steps):
            rows = examples[step * batch_size : (step + 1) * batch_size]
            losses.append(training.accumulate_gradients(model, rows, bf16=bf16))
            torch.nn.utils.clip_grad_norm_(chosen, 1.0)
            optimizer.param_groups[0]["lr"] = LR * training.lr_multiplier(step, steps, warmup=0)
            optimizer.step()
            optimizer.zero_grad()
        return losses, clock() - started


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
    """(losses, seconds) of TRL's SFTTrainer over the records, in their order; it tokenizes them itself."""
    from datasets import Dataset, disable_progress_bars
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    pairs = [{"prompt": record["prompt"], "completion": record["completion"]} for record in records]
    with tempfile.TemporaryDirectory() as folder:
        # Recomputing activations saves a GPU's memory and costs a CPU its time.
        recompute = "activation_checkpointing" if hasattr(SFTConfig, "activation_checkpointing") else None
        settings = SFTConfig(
            **library_settings(folder, batch_size), **{recompute or "gradient_checkpointing": False}
        )
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

    from course_utils.tools.benchmark import clock

    trainer.remove_callback(PrinterCallback)
    started = clock()
    trainer.train()
    seconds = clock() - started
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

    Each step stands beside a measurement of the peak, and the share is the median of their ratios. It
    may exceed 1, since `flops` counts what a step need not do: prompts in the head, beginnings again.
    """
    from course_utils.tools.benchmark import clock

    chosen, longest = list(model.parameters()), max(len(example["input_ids"]) for example in examples)
    shares, peaks, speeds = [], [], []
    with training.prepared(model, chosen, longest):
        optimizer = training.adamw(chosen, LR)
        for start in range(0, len(examples), batch_size):
            rows = examples[start : start + batch_size]
            lengths = [len(row["input_ids"]) for row in rows]
            peak, started = matmul_peak(torch.bfloat16 if bf16 else torch.float32), clock()
            training.accumulate_gradients(model, rows, bf16=bf16)
            torch.nn.utils.clip_grad_norm_(chosen, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            seconds = clock() - started
            shares.append(flops(model, lengths) / seconds / peak)
            peaks.append(peak / 1e9)
            speeds.append(sum(lengths) / seconds)
    return statistics.median(shares), max(peaks), max(speeds)


def matmul_peak(number_format, size=1024, rounds=5):
    """Floating-point operations per second of the best of several square products, by either library."""
    from course_utils.tools.benchmark import clock

    a, b = (torch.randn(size, size).to(number_format) for _ in range(2))
    products = [torch.matmul, onednn.product] if onednn.available() else [torch.matmul]
    seconds = []
    for _ in range(rounds):
        for product in products:
            started = clock()
            product(a, b)
            seconds.append(clock() - started)
    return 2 * size**3 / min(seconds)


def profile(model, examples, bf16=False, shown=6):
    """[(operation, share of the time)] of one step's gradient, the largest first."""
    with training.prepared(model, list(model.parameters()), max(len(e["input_ids"]) for e in examples)):
        training.accumulate_gradients(model, examples, bf16=bf16)  # the first one warms up
        with torch.autograd.profiler.profile(use_kineto=False) as recorded:
            training.accumulate_gradients(model, examples, bf16=bf16)
    events = sorted(recorded.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    return [(event.key, event.self_cpu_time_total / total) for event in events[:shown]]
