"""The same training with the library accelerate, whose configuration files choose FSDP or DeepSpeed.

    accelerate launch --config_file FILE -m course_utils.scaling.accelerate_loop --out FOLDER

One process gives the result of `training.train`, and so do two (a test shows both on the CPU). The loop
is short because the library hides the rest; lesson 08 shows what it hides. The configuration
files are in data/configs; we have never run them on a GPU (see the README there). Left out: evaluation and
resuming.
"""

import json

import torch
from accelerate import Accelerator
from safetensors.torch import save as to_bytes

from course_utils import data, losses, models, training
from course_utils.scaling import distributed, launch
from course_utils.storage import files


def train(model, examples, *, lr, steps, batch_size=16, warmup=0.1, clip=1.0, seed=0, pad_id=0):
    """AdamW under accelerate: (the mean loss of each step, {name: weight} in the first process).

    Batches, learning rates and the weighting of rows are those of `training.train`. Raises ValueError for
    batches with fewer rows than processes.
    """
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    rank, world_size = accelerator.process_index, accelerator.num_processes
    if batch_size < world_size:
        raise ValueError(
            f"{world_size} processes need batches of {world_size} rows or more, not {batch_size}."
        )
    if plugin := accelerator.state.deepspeed_plugin:
        plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = batch_size // world_size
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    model, optimizer = accelerator.prepare(model.train(), optimizer)
    order, history = training.batches([len(e["input_ids"]) for e in examples], batch_size, steps, seed), []
    for step, numbers in enumerate(order):
        rows = [examples[i] for i in numbers]
        batch = data.collate(rows, pad_id)
        local = {name: tensor[rank::world_size].to(accelerator.device) for name, tensor in batch.items()}
        inputs = {name: local[name] for name in ("input_ids", "attention_mask", "position_ids")}
        logits = model(**inputs, use_cache=False).logits  # (B, T, V)
        share = world_size * local["mask"][:, 1:].sum() / batch["mask"][:, 1:].sum().to(accelerator.device)
        loss = losses.sft(logits, local["input_ids"], local["mask"]) * share
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = lr * training.lr_multiplier(step, steps, warmup)
        optimizer.step()
        optimizer.zero_grad()
        history.append(accelerator.reduce(loss.detach(), "mean").item())
    weights = accelerator.get_state_dict(model)
    return history, {name: weight.cpu().contiguous().clone() for name, weight in (weights or {}).items()}


def main(arguments=None):
    """The script: the options of course_utils.scaling.distributed that make sense here."""
    chosen = distributed.parser(__doc__).parse_args(arguments)
    launch.announce()
    launch.stay_local()
    model, tokenizer = models.load(chosen.model)
    examples = data.encode(tokenizer, data.read_records(chosen.data))
    settings = dict(lr=chosen.lr, steps=chosen.steps, batch_size=chosen.batch_size)
    history, weights = train(model, examples, pad_id=tokenizer.pad_token_id, **settings)
    rank, world_size = launch.rank_and_world_size()
    if rank == 0:
        chosen.out.mkdir(parents=True, exist_ok=True)
        names = dict(model.named_parameters())  # tied weights once
        own = {name: weight for name, weight in weights.items() if name in names}
        files.write_atomically(chosen.out / "weights.safetensors", to_bytes(own))
        report = json.dumps(dict(world=world_size, losses=history), indent=1)
        files.write_atomically(chosen.out / "report.json", report + "\n")
    distributed.leave()


if __name__ == "__main__":
    main()
