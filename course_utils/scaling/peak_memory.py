"""How much memory a computation takes at its peak: the tensors it makes, counted as they come and go.

    with Peak() as peak, checkpoints(model):
        training.gradients(model, rows)
    peak.most                     bytes

The weights, which were there before, do not count; gradients that the computation leaves do. Taught in
lesson 08. Left out: what an operation uses inside, and a device's fragmentation.
"""

import contextlib
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@contextlib.contextmanager
def checkpoints(model):
    """Inside: the model keeps what goes into each block, and computes the rest again in the backward pass.

    Afterwards it keeps everything, as before. Source: Chen et al. 2016, "Training deep nets with sublinear
    memory cost". Transformers takes checkpoints in training mode only.
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


class Peak(TorchDispatchMode):
    """Inside `with`: bytes of the tensors that operations made and that are still alive, and their most."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self.alive = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        given = {
            t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)
        }
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage(), given)
        return made

    def _note(self, storage, given):
        """Count a storage that is new: neither counted before, nor one that the operation was given."""
        name, size = storage._cdata, storage.nbytes()
        if name in self.alive or name in given:
            return
        self.alive.add(name)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, name, size)

    def _gone(self, name, size):
        self.alive.discard(name)
        self.now -= size
