"""A tiny model with adapters: its logits, its loss, and weights that have moved from their start."""

import torch

WITHIN = 1e-5


IDS = torch.tensor([[72, 101, 108, 108, 111], [1, 2, 3, 4, 5], [9, 8, 7, 6, 5]])


@torch.no_grad()
def logits(model, ids=IDS):
    return model(input_ids=ids).logits


def shaken(parameters, seed=1):
    """Give parameters random values: at B = 0 any mistake would stay unseen."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in parameters:
        with torch.no_grad():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return parameters


def loss_of(model, ids=IDS):
    rows = model(input_ids=ids).logits[:, :-1].log_softmax(-1)
    return -rows.gather(-1, ids[:, 1:, None]).mean()
