"""Fully sharded data parallelism: each process keeps a shard of every weight, gradient and moment.

torch's fully_shard does it: before a block computes, the processes gather its weights (all-gather);
afterwards each frees the other processes' shards. `StateMemory` measures what each one keeps. Source:
Zhao et al. 2023, "PyTorch FSDP"; Rajbhandari et al. 2020, "ZeRO", stage 3. Taught in lesson 08. Left out:
activations, and offloading to the CPU's memory.
"""

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor
from torch.optim.optimizer import register_optimizer_step_post_hook

KINDS = ("weights", "gradients", "moments")


def shard(model):
    """The model, its weights sharded over all processes, block by block; each keeps only its shard."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    kind = next(model.parameters()).device.type  # the weights' device, which need not be the GPU
    mesh = init_device_mesh(kind, (dist.get_world_size(),))
    inner = next(module for module in model.modules() if hasattr(module, "layers"))
    for block in inner.layers:
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def local_bytes(tensors):
    """Bytes of the tensors, or of their local shards, in this process."""
    own = [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors]
    return sum(tensor.numel() * tensor.element_size() for tensor in own)


class StateMemory:
    """Inside `with`: the peak memory of an optimizer's weights, gradients and moments in this process.

    peak: {"weights", "gradients", "moments"} in bytes, measured after each optimizer step, while the
    gradients are still there.
    """

    def __init__(self):
        self.peak = dict.fromkeys(KINDS, 0)

    def __enter__(self):
        self.hook = register_optimizer_step_post_hook(self.measure)
        return self

    def __exit__(self, *_):
        self.hook.remove()

    def measure(self, optimizer, *_):
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        moments = [v for state in optimizer.state.values() for v in state.values()]
        moments = [v for v in moments if isinstance(v, torch.Tensor) and v.dim()]
        for kind, tensors in zip(KINDS, (weights, gradients, moments)):
            self.peak[kind] = max(self.peak[kind], local_bytes(tensors))


def full_weights(model):
    """{name: tensor} of the model, gathered from all shards, tied ones once; every process must call it."""
    weights, seen = {}, set()
    for name, weight in model.named_parameters():
        if id(weight) not in seen:
            seen.add(id(weight))
            full = weight.full_tensor() if isinstance(weight, DTensor) else weight
            weights[name] = full.detach().cpu().contiguous().clone()
    return weights


def all_gather(value):
    """The value of every process, in order of rank; every process must call it."""
    if not dist.is_initialized():
        return [value]
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values
