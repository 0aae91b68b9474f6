"""Peak memory of a computation: the tensors that it allocates, counted as they are created and freed.

    with PeakMemory() as memory, activation_checkpointing(model):
        training.accumulate_gradients(model, rows)
    memory.peak                   bytes

Tensors from before, such as the weights, do not count; gradients that the computation leaves do. Taught in
lesson 08. Left out: an operation's internal buffers, and fragmentation of a device's memory.
"""

import contextlib
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@contextlib.contextmanager
def activation_checkpointing(model):
    """Inside: only each block's input is stored; the backward pass recomputes its other activations.

    Afterwards all activations are stored, as before. Source: Chen et al. 2016, "Training deep nets with
    sublinear memory cost". Transformers does so in training mode only.
    """
    kind = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"  # older versions
    training = model.training
    getattr(model, f"{kind}_checkpointing_enable")()
    model.train()
    try:
        yield
    finally:
        getattr(model, f"{kind}_checkpointing_disable")()
        model.train(training)


class PeakMemory(TorchDispatchMode):
    """Inside `with`: bytes of the live tensors that operations created (live), and their maximum (peak)."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self.storages = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output = function(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        inputs = {tensor.untyped_storage()._cdata for tensor in tensors}
        for tensor in tree_leaves(output):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage(), inputs)
        return output

    def _count(self, storage, inputs):
        """Count a new storage: neither counted before, nor an input of the operation."""
        name, size = storage._cdata, storage.nbytes()
        if name in self.storages or name in inputs:
            return
        self.storages.add(name)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, name, size)

    def _free(self, name, size):
        self.storages.discard(name)
        self.live -= size
