"""Data-parallel training: the course's loop in several processes, whose gradients are averaged.

    python -m course_utils.scaling.distributed --out FOLDER               one process
    torchrun --local_addr localhost --nproc_per_node 2 -m course_utils.scaling.distributed --out FOLDER
    … --shard                                                             weights sharded as well

The loop is `training.train`, unchanged: `LocalBatch` selects a process's rows, `global_batch_loss` weights
them, torch averages the gradients. All processes then take the same step. Rank 0 writes weights.safetensors
and report.json. Without --local_addr, torchrun looks the machine's own name up and waits for minutes where
no name server knows it. Taught in lesson 08. Left out: several machines, and a batch with fewer rows than
processes.
"""

import argparse
import json
import math
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save as to_bytes
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from course_utils import data, losses, models, training
from course_utils.scaling import fsdp, launch
from course_utils.storage import files
from course_utils.tasks.toy_desk.records import file as desk_file


class LocalBatch(nn.Module):
    """A model that gets only this process's rows of each batch: row `rank` and every world_size-th after."""

    def __init__(self, model, rank, world_size):
        super().__init__()
        self.model, self.rank, self.world_size = model, rank, world_size

    def forward(self, **batch):  # (B, T) -> logits (rows of this process, T, V)
        rows = slice(self.rank, None, self.world_size)
        local = {name: x[rows] if isinstance(x, torch.Tensor) else x for name, x in batch.items()}
        return self.model(**local)


def global_batch_loss(rank, world_size):
    """loss(logits, batch) for `training.train`: the mean over the global batch, from this process's rows.

    A process's rows are weighted by their tokens that count. Torch averages the gradients of the processes,
    so each is multiplied by their number. The value is that of the global batch, in every process.
    """

    def loss(logits, batch):
        ids, mask = (batch[name][rank::world_size] for name in ("input_ids", "mask"))
        share = mask[:, 1:].sum() / batch["mask"][:, 1:].sum()
        local = losses.sft(logits, ids, mask) * share
        total = local.detach().clone()
        dist.all_reduce(total)
        return world_size * (local - local.detach()) + total

    return loss


def train(model, examples, *, shard=False, batch_size=16, accumulate=1, **settings):
    """`training.train` in all processes; returns (History, bytes of weights, gradients and moments here).

    settings: as for `training.train`. shard: keep only this process's shard of each weight, gradient and
    moment (course_utils.scaling.fsdp). Raises ValueError for batches with fewer rows than processes.
    """
    rank, world_size = launch.rank_and_world_size()
    settings |= dict(batch_size=batch_size, accumulate=accumulate)
    if (smallest := smallest_micro_batch(examples, batch_size, accumulate)) < world_size:
        raise ValueError(
            f"{world_size} processes need {world_size} rows or more at once; some batch has {smallest}."
        )
    with fsdp.StateMemory() as memory:
        if world_size == 1:
            history = training.train(model, examples, **settings)
        else:
            local = LocalBatch(model, rank, world_size)
            wrapped = fsdp.shard(local) if shard else DistributedDataParallel(local)
            loss = global_batch_loss(rank, world_size)
            history = training.train(wrapped, examples, loss=loss, **settings)
    return history, memory.peak


def smallest_micro_batch(examples, batch_size, accumulate=1):
    """The rows of the smallest micro-batch (what goes through the model at once), in any epoch."""
    one_epoch = math.ceil(len(examples) / (batch_size * accumulate))
    batches = training.batches([1] * len(examples), batch_size * accumulate, one_epoch, seed=0)
    sizes = [
        (len(rows), math.ceil(len(rows) / accumulate)) for rows in batches
    ]  # of a batch, of its micro-batches
    return min(rows % micro or micro for rows, micro in sizes)  # the last micro-batch holds the rest


def parser(docstring):
    """The options of the script, and of course_utils.scaling.accelerate_loop."""
    options = argparse.ArgumentParser(description=docstring.splitlines()[0])
    options.add_argument("--out", type=Path, required=True, help="the folder for weights and report")
    options.add_argument("--model", default="glass-box-tiny")
    options.add_argument("--data", type=Path, default=desk_file("train"))
    options.add_argument("--steps", type=int, default=6)
    options.add_argument("--batch-size", type=int, default=16)
    options.add_argument("--lr", type=float, default=1e-3)
    return options


def leave():
    """Part from the other processes, once all have come this far; nothing where there are none.

    Without the barrier, a thread of gloo may still hold the last tensor while Python shuts down, and that
    process then ends in an abort (seen in one run of twenty).
    """
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def main(arguments=None):
    """The script: a few steps on records, then the weights and what was measured."""
    options = parser(__doc__)
    options.add_argument("--accumulate", type=int, default=1, help="micro-batches of a batch")
    options.add_argument("--shard", action="store_true", help="keep a shard of each weight in each process")
    chosen = options.parse_args(arguments)

    rank, world_size = launch.rank_and_world_size()
    launch.announce()
    launch.stay_local()
    own_gpu = torch.cuda.device_count() >= world_size > 1
    if own_gpu:
        torch.cuda.set_device(rank)
    if world_size > 1:
        dist.init_process_group("nccl" if own_gpu else "gloo")
    model, tokenizer = models.load(chosen.model)
    if world_size > 1 and not own_gpu:
        model = model.cpu()  # processes cannot share a GPU
    examples = data.encode(tokenizer, data.read_records(chosen.data))
    settings = dict(lr=chosen.lr, steps=chosen.steps, pad_id=tokenizer.pad_token_id, progress=False)
    settings |= dict(batch_size=chosen.batch_size, accumulate=chosen.accumulate, bf16=False)
    history, memory = train(model, examples, shard=chosen.shard, **settings)
    weights, memory_of_each = fsdp.full_weights(model), fsdp.all_gather(memory)
    if rank == 0:
        chosen.out.mkdir(parents=True, exist_ok=True)
        files.write_atomically(chosen.out / "weights.safetensors", to_bytes(weights))
        report = dict(world=world_size, losses=history.losses, kept=memory_of_each)
        files.write_atomically(chosen.out / "report.json", json.dumps(report, indent=1) + "\n")
    leave()


if __name__ == "__main__":
    main()
