"""The course's training loop on several processes: each reads its rows, and the gradients are summed.

    python -m course_utils.scaling.distributed --out FOLDER               one process
    torchrun --local_addr localhost --nproc_per_node 2 -m course_utils.scaling.distributed --out FOLDER
    … --shard                                                             weights sharded as well

The loop is `training.train`, unchanged: `Share` gives a process its rows, `shared_loss` weighs them,
torch averages the gradients. All processes then take the same step. The first one writes weights.safetensors
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
from course_utils.storage import paths
from course_utils.tasks.toy_desk.records import file as desk_file


class Share(nn.Module):
    """A model that reads only this process's rows of each batch: its own, and every world-th after it."""

    def __init__(self, model, rank, world):
        super().__init__()
        self.model, self.rank, self.world = model, rank, world

    def forward(self, **batch):  # (B, T) -> logits (rows of this process, T, V)
        mine = slice(self.rank, None, self.world)
        own = {name: x[mine] if isinstance(x, torch.Tensor) else x for name, x in batch.items()}
        return self.model(**own)


def shared_loss(rank, world):
    """loss(logits, batch) for `training.train`: the mean over the whole batch, from this process's rows.

    A process's rows weigh by their tokens that count. Torch averages the gradients of the processes, so
    each is multiplied by their number. The value is that of the whole batch, in every process.
    """

    def loss(logits, batch):
        ids, mask = (batch[name][rank::world] for name in ("input_ids", "mask"))
        share = mask[:, 1:].sum() / batch["mask"][:, 1:].sum()
        own = losses.sft(logits, ids, mask) * share
        whole = own.detach().clone()
        dist.all_reduce(whole)
        return world * (own - own.detach()) + whole

    return loss


def train(model, examples, *, shard=False, batch_size=16, accumulate=1, **settings):
    """`training.train` in the processes that there are; returns (History, bytes kept in this process).

    settings: as for `training.train`. shard: keep only this process's part of each weight, gradient and
    moment (course_utils.scaling.fsdp). Raises ValueError for batches with fewer rows than processes.
    """
    rank, world = launch.who()
    settings |= dict(batch_size=batch_size, accumulate=accumulate)
    if (least := fewest_rows(examples, batch_size, accumulate)) < world:
        raise ValueError(f"{world} processes need {world} rows or more at once; some batch has {least}.")
    with fsdp.Meter() as meter:
        if world == 1:
            history = training.train(model, examples, **settings)
        else:
            rows = Share(model, rank, world)
            wrapped = fsdp.shard(rows) if shard else DistributedDataParallel(rows)
            loss = shared_loss(rank, world)
            history = training.train(wrapped, examples, loss=loss, **settings)
    return history, meter.kept


def fewest_rows(examples, batch_size, accumulate=1):
    """The rows of the smallest part that goes through the model at once, in any epoch."""
    one_epoch = math.ceil(len(examples) / (batch_size * accumulate))
    made = training.batches([1] * len(examples), batch_size * accumulate, one_epoch, seed=0)
    sizes = [(len(rows), math.ceil(len(rows) / accumulate)) for rows in made]  # of a batch, of its parts
    return min(rows % part or part for rows, part in sizes)  # the last part holds what is left


def parser(says):
    """The options of the script, and of course_utils.scaling.accelerate_loop."""
    options = argparse.ArgumentParser(description=says.splitlines()[0])
    options.add_argument("--out", type=Path, required=True, help="the folder for weights and report")
    options.add_argument("--model", default="glass-box-tiny")
    options.add_argument("--data", type=Path, default=desk_file("train"))
    options.add_argument("--steps", type=int, default=6)
    options.add_argument("--batch-size", type=int, default=16)
    options.add_argument("--lr", type=float, default=1e-3)
    return options


def main(arguments=None):
    """The script: a few steps on records, then the weights and what was measured."""
    options = parser(__doc__)
    options.add_argument("--accumulate", type=int, default=1, help="parts of a batch")
    options.add_argument("--shard", action="store_true", help="keep a part of each weight in each process")
    chosen = options.parse_args(arguments)

    rank, world = launch.who()
    launch.announce()
    launch.stay_local()
    own_gpu = torch.cuda.device_count() >= world > 1
    if own_gpu:
        torch.cuda.set_device(rank)
    if world > 1:
        dist.init_process_group("nccl" if own_gpu else "gloo")
    model, tokenizer = models.load(chosen.model)
    if world > 1 and not own_gpu:
        model = model.cpu()  # processes cannot share a GPU
    examples = data.encode(tokenizer, data.read_records(chosen.data))
    settings = dict(lr=chosen.lr, steps=chosen.steps, pad_id=tokenizer.pad_token_id, progress=False)
    settings |= dict(batch_size=chosen.batch_size, accumulate=chosen.accumulate, bf16=False)
    history, kept = train(model, examples, shard=chosen.shard, **settings)
    weights, kept_by_each = fsdp.whole(model), fsdp.gathered(kept)
    if rank == 0:
        chosen.out.mkdir(parents=True, exist_ok=True)
        paths.write_atomically(chosen.out / "weights.safetensors", to_bytes(weights))
        report = dict(world=world, losses=history.losses, kept=kept_by_each)
        paths.write_atomically(chosen.out / "report.json", json.dumps(report, indent=1) + "\n")
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
