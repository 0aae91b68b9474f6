"""Linear layers with weights in the order that oneDNN reads, and their products by it: sooner on a CPU.

    with packed(model, tokens=10_000):          inference: weights copied once into oneDNN's own blocks
        model(input_ids=ids)
    with replaced(model):                       training: weights as they are

PyTorch for x86 comes with both libraries and hands fp32 products to MKL, which arranges the weight anew in
every product: much of the work where a batch is small, as it is for each token of a reply. On an AMD
processor MKL's kernels are slower besides. `course_utils.tools.benchmark` measures what it gains. Results
are the same to rounding. Left out: small layers (the glass box's), where calls cost more than products,
and other number formats.
"""

import contextlib
import functools
import platform

import torch
from torch import nn

from course_utils.storage import memory

NARROWEST = 192  # inputs and outputs of a layer that is worth it
TOKENS = 2_000  # to compute, from which on packing pays: it costs what about 300 tokens cost
MOST = 2 << 30  # bytes of weights that are packed, since they lie in memory twice


def available():
    """Whether this build of PyTorch has oneDNN's linear layer for this kind of processor."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return x86 and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def product(x, weight, bias=None):
    """x (…, in) times a weight (out, in), packed or not, plus the bias: (…, out)."""
    return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")


@contextlib.contextmanager
def packed(model, tokens):
    """Inside, the large linear layers compute with packed copies of their weights; no gradient flows.

    Weights that change inside have no effect on the copies. Nothing happens for fewer than TOKENS tokens,
    and for models of more than MOST bytes.
    """
    layers = _layers(model)
    size = sum(layer.weight.nbytes for layer in layers)
    with contextlib.ExitStack() as stack:
        if tokens >= TOKENS and size <= MOST and layers:
            memory.release()  # of a training before
            stack.callback(memory.release)
            for layer in layers:
                weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach())
                stack.enter_context(_forward(layer, functools.partial(_infer, layer, weight)))
        yield


@contextlib.contextmanager
def replaced(model):
    """Inside, the large linear layers compute by oneDNN, forward and backward."""
    with contextlib.ExitStack() as stack:
        for layer in _layers(model):
            stack.enter_context(_forward(layer, functools.partial(_train, layer)))
        yield


def _layers(model):
    """The model's linear layers in fp32 on a CPU that are wide enough."""
    if not available():
        return []
    plain = (module for module in model.modules() if type(module) is nn.Linear)
    return [
        layer
        for layer in plain
        if layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
        and min(layer.weight.shape) >= NARROWEST
    ]


@contextlib.contextmanager
def _forward(layer, function):
    """Inside, a layer computes by a function; hooks around it stay."""
    before = layer.__dict__.get("forward")
    layer.forward = function
    try:
        yield
    finally:
        del layer.forward
        if before is not None:
            layer.forward = before


def _infer(layer, weight, x):
    return product(x, weight, layer.bias) if _plain(x) else nn.functional.linear(x, layer.weight, layer.bias)


def _train(layer, x):
    if _plain(x):
        return _Linear.apply(x, layer.weight, layer.bias)
    return nn.functional.linear(x, layer.weight, layer.bias)


def _plain(x):
    """Whether a layer's input is fp32 and shall stay so."""
    return x.dtype == torch.float32 and x.numel() > 0 and not torch.is_autocast_enabled("cpu")


class _Linear(torch.autograd.Function):
    """A linear layer: output and gradient for the input by oneDNN; a frozen weight keeps no input."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        return product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):  # (…, out)
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        for_x = product(grad, weight.t()) if needs_x else None
        flat = grad.flatten(0, -2)  # (N, out)
        for_weight = flat.t() @ x.flatten(0, -2) if needs_weight else None  # by MKL, which is not slower here
        return for_x, for_weight, flat.sum(0) if needs_bias else None
