"""Encoders that parameterize a soft prompt during training: none, an MLP or an LSTM.

Each encoder's forward gives the whole soft prompt in the shape of its start: vectors (v, D), or
keys and values (v, L, 2, H, D / H). After training only that result is kept. With `residual`, the
encoder learns an update of the start that is 0 at first, so training begins exactly there
(Razdaibiedina et al. 2023, "Residual prompt tuning"); without, it produces the whole soft prompt, as
in the first papers. Taught in lesson 02.
"""

import torch
from torch import nn


class Direct(nn.Module):
    """The soft prompt's values as parameters: prompt tuning, or prefix tuning without the MLP."""

    def __init__(self, start):
        super().__init__()
        self.value = nn.Parameter(start.detach().clone())

    def forward(self):
        return self.value


class Mlp(nn.Module):
    """Two layers turn a learned vector into each position of the soft prompt.

    For vectors this is p-tuning with an MLP (Liu et al. 2021, "GPT understands, too"); for keys
    and values the reparameterization of prefix tuning (Li and Liang 2021, section 4.3).
    """

    def __init__(self, start, width=128, residual=True, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.inputs = nn.Parameter(torch.randn(len(start), width))
            self.net = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, start[0].numel()))
        _begin_at(self, start, residual)

    def forward(self):
        return self.start + self.net(self.inputs).view(self.start.shape)


class Lstm(nn.Module):
    """A bidirectional LSTM connects the positions, then two layers: p-tuning with an LSTM.

    Source: Liu et al. 2021, "GPT understands, too", section 3.2.
    """

    def __init__(self, start, width=64, residual=True, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.inputs = nn.Parameter(torch.randn(len(start), width))
            self.lstm = nn.LSTM(width, width, bidirectional=True)
            self.net = nn.Sequential(
                nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, start[0].numel())
            )
        _begin_at(self, start, residual)

    def forward(self):
        along, _ = self.lstm(self.inputs)  # (v, 2 · width)
        return self.start + self.net(along).view(self.start.shape)


def _begin_at(encoder, start, residual):
    """Keep the start as a constant and an update of 0; or let the constant be 0."""
    start = start.detach().clone()
    encoder.register_buffer("start", start if residual else torch.zeros_like(start))
    if residual:
        nn.init.zeros_(encoder.net[-1].weight)
        nn.init.zeros_(encoder.net[-1].bias)


def without_encoder(part):
    """The encoder's final soft prompt as plain values; the encoder is no longer needed."""
    with torch.no_grad():
        return Direct(part())
