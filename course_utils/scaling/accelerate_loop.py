"""The same training by the library accelerate, whose configuration files choose FSDP or DeepSpeed.

    accelerate launch --config_file data/configs/fsdp.yaml -m course_utils.scaling.accelerate_loop --out
    FOLDER

One process gives what `training.train` gives, and so do two (a test shows both on the CPU). The loop is
short because the library hides the rest; the text of lesson 08 shows what it hides. Left out: evaluation
and resuming. Never run by us on a GPU: see data/configs/README.md.
"""

import json

import torch
from accelerate import Accelerator
from safetensors.torch import save as to_bytes

from course_utils import data, losses, models, training
from course_utils.scaling import distributed, launch
from course_utils.storage import paths


def train(model, examples, *, lr, steps, batch_size=16, warmup=0.1, clip=1.0, seed=0, pad_id=0):
    """AdamW under accelerate: (the mean loss of each step, {name: weight} in the first process).

    Batches, learning rates and weights of rows are those of `training.train`. Raises ValueError for
    batches with fewer rows than processes.
    """
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    rank, world = accelerator.process_index, accelerator.num_processes
    if batch_size < world:
        raise ValueError(f"{world} processes need batches of {world} rows or more, not {batch_size}.")
    if plugin := accelerator.state.deepspeed_plugin:
        plugin.deepspeed_config["train_micro_batch_size_per_gpu"] = batch_size // world
    optimiser = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.0)
    model, optimiser = accelerator.prepare(model.train(), optimiser)
    order, history = training.batches([len(e["input_ids"]) for e in examples], batch_size, steps, seed), []
    for step, numbers in enumerate(order):
        rows = [examples[i] for i in numbers]
        batch = data.collate(rows, pad_id)
        own = {name: tensor[rank::world].to(accelerator.device) for name, tensor in batch.items()}
        inputs = {name: own[name] for name in ("input_ids", "attention_mask", "position_ids")}
        logits = model(**inputs, use_cache=False).logits  # (B, T, V)
        share = world * own["mask"][:, 1:].sum() / batch["mask"][:, 1:].sum().to(accelerator.device)
        loss = losses.sft(logits, own["input_ids"], own["mask"]) * share
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), clip)
        for group in optimiser.param_groups:
            group["lr"] = lr * training.rate(step, steps, warmup)
        optimiser.step()
        optimiser.zero_grad()
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
    rank, world = launch.who()
    if rank == 0:
        chosen.out.mkdir(parents=True, exist_ok=True)
        names = dict(model.named_parameters())  # tied weights once
        own = {name: weight for name, weight in weights.items() if name in names}
        paths.write_atomically(chosen.out / "weights.safetensors", to_bytes(own))
        report = json.dumps(dict(world=world, losses=history), indent=1)
        paths.write_atomically(chosen.out / "report.json", report + "\n")


if __name__ == "__main__":
    main()
