"""LoRA: a trained low-rank update beside a frozen linear layer.

    parameters = lora.add(model, "desk", rank=8)      # the only ones that train
    lora.merge(model, "desk")                         # into the weights: no extra cost per token

Tasks are activated, mixed in one batch and removed with course_utils.peft.adapter_layer; files are
written by course_utils.peft.adapter_files. Taught in lesson 03. Left out: ranks that differ between layers.
"""

import math

import torch
from torch import nn

from course_utils.peft import adapter_layer


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
    """Insert LoRA beside the target layers (names, or "all"), freeze the rest, return LoRA's parameters.

    RNG state is forked: `seed` decides the initial values. layers_to_transform: numbers of blocks, as in
    PEFT (None: all); with the last ones alone, the backward pass ends at the first of them. Raises
    ValueError for a rank below 1, or a target that the model lacks.
    """
    if rank < 1:
        raise ValueError(f"The rank is at least 1, not {rank}.")
    layers = adapter_layer.target_layers(model, targets, layers_to_transform)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapters = {path: Lora(layer, rank, alpha, dropout) for path, layer in layers.items()}
    return adapter_layer.insert(model, task, adapters)


@torch.no_grad()
def merge(model, task):
    """Add the task's updates W + alpha / rank · B A to the weights; the adapters cost nothing after that.

    Raises ValueError if the task has no LoRA, while weights are merged, or for 4-bit weights.
    """
    modules = [m for m in adapter_layer.adapter_layers(model).values() if task in m.adapters]
    # By what it can do, not by its class: a lesson's own Lora counts, too.
    if not modules or not all(hasattr(module.adapters[task], "update") for module in modules):
        raise ValueError(f"Only LoRA can be merged, and {task!r} has other adapters or none.")
    weights = [module.layer.weight for module in modules]
    if any(weight.dim() != 2 or not weight.is_floating_point() for weight in weights):
        raise ValueError("Packed weights, such as 4-bit ones, cannot take an update: merge into plain ones.")
    adapter_layer.set_adapter(model, task)  # after unmerge, the task is still active
    for module, weight in zip(modules, weights):
        module.merged = task, weight.detach().clone()  # kept: subtracting again would round
        weight += module.adapters[task].update().to(weight.dtype)


@torch.no_grad()
def unmerge(model):
    """Restore the weights from before `merge`; without merged weights nothing happens."""
    for module in adapter_layer.adapter_layers(model).values():
        if module.merged:
            module.layer.weight.copy_(module.merged[1])
            module.merged = None
