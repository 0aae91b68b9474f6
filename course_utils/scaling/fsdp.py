"""Each process keeps a part of every weight, gradient and moment: torch's fully_shard, and a meter for it.

Before a block computes, the processes put its weights together; afterwards each drops what is not its
own. Source: Zhao et al. 2023, "PyTorch FSDP"; Rajbhandari et al. 2020, "ZeRO", stage 3. Taught in
lesson 08. Left out: activations, and moving parts to the CPU's memory.
"""

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor
from torch.optim.optimizer import register_optimizer_step_post_hook

KINDS = ("weights", "gradients", "moments")


def shard(model):
    """The model, its weights split over all processes, block by block; each keeps only its part."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    kind = next(model.parameters()).device.type  # where the weights are, which need not be the GPU
    mesh = init_device_mesh(kind, (dist.get_world_size(),))
    inner = next(module for module in model.modules() if hasattr(module, "layers"))
    for block in inner.layers:
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def local_bytes(tensors):
    """Bytes of the tensors that this process itself keeps."""
    own = [tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors]
    return sum(tensor.numel() * tensor.element_size() for tensor in own)


class Meter:
    """Inside `with`: notes the most that an optimiser's weights, gradients and moments took here.

    kept: {"weights", "gradients", "moments"} in bytes of this process. It looks after each step, while
    the gradients are still there.
    """

    def __init__(self):
        self.kept = dict.fromkeys(KINDS, 0)

    def __enter__(self):
        self.hook = register_optimizer_step_post_hook(self.look)
        return self

    def __exit__(self, *_):
        self.hook.remove()

    def look(self, optimiser, *_):
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        moments = [v for state in optimiser.state.values() for v in state.values()]
        moments = [v for v in moments if isinstance(v, torch.Tensor) and v.dim()]
        for kind, tensors in zip(KINDS, (weights, gradients, moments)):
            self.kept[kind] = max(self.kept[kind], local_bytes(tensors))


def whole(model):
    """{name: tensor} of the model, put together again; every process must call it. Tied weights once."""
    found, seen = {}, set()
    for name, weight in model.named_parameters():
        if id(weight) not in seen:
            seen.add(id(weight))
            full = weight.full_tensor() if isinstance(weight, DTensor) else weight
            found[name] = full.detach().cpu().contiguous().clone()
    return found


def gathered(value):
    """The value of every process, in order of their ranks; every process must call it."""
    if not dist.is_initialized():
        return [value]
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values
