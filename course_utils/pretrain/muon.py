"""Muon: orthogonalized momentum for the weight matrices; AdamW for the rest.

Source: K. Jordan et al., "Muon" (2024). Two departures for a CPU: the Newton–Schulz iteration
runs in the precision that is asked for (bf16 takes a quarter of the time where the CPU has it, and
crawls where it has not), and matrices of one shape are stacked so that one batched product serves
all layers.
"""

import torch


def orthogonalize(matrices, steps=5, dtype=torch.float32):
    """Push the singular values of each matrix towards 1: (N, R, C) -> (N, R, C), computed in dtype."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose update is orthogonalized and scaled by sqrt(max(1, rows / columns))."""

    def __init__(self, matrices, lr=0.02, momentum=0.95, weight_decay=0.0, dtype=torch.float32):
        self.dtype = dtype
        super().__init__(list(matrices), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            by_shape = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                updates = []
                for weight in weights:
                    buffer = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
                    buffer.lerp_(weight.grad, 1 - group["momentum"])
                    updates.append(weight.grad.lerp(buffer, group["momentum"]))
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for weight, update in zip(weights, orthogonalize(torch.stack(updates), dtype=self.dtype)):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-scale)
