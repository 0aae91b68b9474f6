"""IA3: learned vectors that rescale keys, values and feed-forward activations of a frozen model.

    parameters = ia3.add(model, "desk")

A task is a handful of vectors, so each row of a batch can have its own task's: activate them
with `adapter_layer.set_adapter(model, ["desk", "refunds", …])`. Taught in lesson 03. Left out: merging.
"""

import torch
from torch import nn

from course_utils.peft import adapter_layer


class Rescale(nn.Module):
    """One learned factor for each number of x; all are 1 at step 0. x is (B, T, size).

    Source: Liu et al. 2022, "Few-shot parameter-efficient fine-tuning is better and cheaper than
    in-context learning", section 3.3.
    """

    def __init__(self, size, place):
        super().__init__()
        self.factors, self.place = nn.Parameter(torch.ones(size)), place

    def forward(self, x):
        return x * self.factors


def add(model, task="ia3", scaled=("k_proj", "v_proj"), fed=("down_proj",), layers_to_transform=None):
    """Rescale the outputs of the layers in `scaled` and the inputs of those in `fed`; freeze the rest.

    The input of down_proj is the feed-forward activation. layers_to_transform: as in lora.add. Returns the
    vectors' parameters. Raises ValueError for a layer that the model lacks.
    """
    after = adapter_layer.target_layers(model, scaled, layers_to_transform)
    before = adapter_layer.target_layers(model, fed, layers_to_transform)
    adapters = {path: Rescale(layer.out_features, "after") for path, layer in after.items()}
    adapters |= {path: Rescale(layer.in_features, "before") for path, layer in before.items()}
    return adapter_layer.insert(model, task, adapters)
