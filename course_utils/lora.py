"""LoRA: a trained update of low rank beside a frozen linear layer.

    parameters = lora.add(model, "desk", rank=8)      # the only ones that train
    lora.merge(model, "desk")                         # into the weights: no more work per token

Tasks are chosen, mixed in one batch and removed with course_utils.parts; files are written by
course_utils.adapter_files. Taught in lesson 03. Left out: ranks that differ between layers.
"""

import math

import torch
from torch import nn

from course_utils import parts


class Lora(nn.Module):
    """The update alpha / rank · B A of one linear layer; B starts at 0, so nothing changes at step 0.

    Source: Hu et al. 2021, "LoRA: Low-rank adaptation of large language models", section 4.1.
    """

    place = "beside"

    def __init__(self, layer, rank=8, alpha=16.0, dropout=0.0):
        super().__init__()
        self.A = nn.Parameter(torch.empty(rank, layer.in_features))
        self.B = nn.Parameter(torch.zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.scale, self.dropout = alpha / rank, nn.Dropout(dropout)

    def forward(self, x):  # (B, T, in) -> (B, T, out)
        return self.scale * (self.dropout(x) @ self.A.T @ self.B.T)

    def update(self):
        """What a merge adds to the layer's weight: (out, in)."""
        return self.scale * self.B @ self.A


def add(
    model,
    task="lora",
    rank=8,
    alpha=16.0,
    targets=("q_proj", "v_proj"),
    dropout=0.0,
    seed=0,
    layers_to_transform=None,
):
    """Put LoRA beside the target layers (names, or "all"), freeze the rest, return what trains.

    layers_to_transform: numbers of blocks, as in PEFT (None: all). With the last ones alone, the backward
    pass ends at the first of them. Raises ValueError for a rank below 1, or a target that the model lacks.
    """
    if rank < 1:
        raise ValueError(f"The rank is at least 1, not {rank}.")
    layers = parts.targeted(model, targets, layers_to_transform)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        new = {path: Lora(layer, rank, alpha, dropout) for path, layer in layers.items()}
    return parts.insert(model, task, new)


@torch.no_grad()
def merge(model, task):
    """Add the task's updates to the weights; the model then computes as if they had always been there.

    Raises ValueError if the task has no LoRA, while weights are merged, or for 4-bit weights.
    """
    found = [slot for slot in parts.slots(model).values() if task in slot.parts]
    if not found or not all(isinstance(slot.parts[task], Lora) for slot in found):
        raise ValueError(f"Only LoRA can be merged, and {task!r} has other parts or none.")
    if any(slot.layer.weight.dim() != 2 or not slot.layer.weight.is_floating_point() for slot in found):
        raise ValueError("Packed weights, such as 4-bit ones, cannot take an update: merge into plain ones.")
    parts.use(model, task)  # after unmerge, the task is still at work
    for slot in found:
        weight = slot.layer.weight
        slot.merged = task, weight.detach().clone()  # kept: subtracting again would round
        weight += slot.parts[task].update().to(weight.dtype)


@torch.no_grad()
def unmerge(model):
    """Put the weights back as they were before `merge`; without merged weights nothing happens."""
    for slot in parts.slots(model).values():
        if slot.merged:
            slot.layer.weight.copy_(slot.merged[1])
            slot.merged = None
