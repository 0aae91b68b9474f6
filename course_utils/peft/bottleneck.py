"""Bottleneck adapters: a small network after the sublayers of a frozen model.

    parameters = bottleneck.add(model, "desk", width=16)

Taught in lesson 03. Left out: adapters inside the layer norms, and stacks of several tasks.
"""

import torch
from torch import nn

from course_utils.peft import adapter_layer

PLACEMENTS = {  # after which layers: a sublayer's last one, so before its residual sum
    "houlsby": ("o_proj", "down_proj"),  # Houlsby et al. 2019, figure 2: attention and feed-forward
    "pfeiffer": ("down_proj",),  # Pfeiffer et al. 2021, "AdapterFusion": feed-forward only
}


class Bottleneck(nn.Module):
    """x + W_up relu(W_down x): down to `width` numbers and up again; the identity at step 0.

    Source: Houlsby et al. 2019, "Parameter-efficient transfer learning for NLP", section 2.1;
    there the identity is approximate, here W_up starts at 0. x is (B, T, size).
    """

    place = "after"

    def __init__(self, size, width=16):
        super().__init__()
        self.down, self.up = nn.Linear(size, width), nn.Linear(width, size)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x):
        return x + self.up(torch.relu(self.down(x)))


def add(model, task="adapter", width=16, placement="houlsby", seed=0, layers_to_transform=None):
    """Insert bottlenecks after the sublayers (a key of PLACEMENTS), freeze the rest, return their parameters.

    layers_to_transform: as in lora.add. Raises ValueError for a width below 1 or another placement.
    """
    if width < 1 or placement not in PLACEMENTS:
        raise ValueError(f"The width is at least 1 and the placement one of {', '.join(PLACEMENTS)}.")
    layers = adapter_layer.target_layers(model, PLACEMENTS[placement], layers_to_transform)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapters = {path: Bottleneck(layer.out_features, width) for path, layer in layers.items()}
    return adapter_layer.insert(model, task, adapters)
