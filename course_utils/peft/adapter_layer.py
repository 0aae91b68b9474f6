"""Adapters inside a frozen model: where they are inserted, and which task's adapter is active.

An AdapterLayer replaces one linear layer and keeps that layer inside, frozen. It holds one adapter for
each task: LoRA beside the layer (course_utils.peft.lora), vectors or a bottleneck before or after it
(course_utils.peft.ia3, course_utils.peft.bottleneck). `set_adapter` activates a task for the whole batch
or for each of its rows. Left out: adapters on embeddings, and on the Conv1D layers of GPT-2.
"""

import contextlib
import copy

import torch
from torch import nn


class AdapterLayer(nn.Module):
    """A frozen linear layer and its adapters, one for each task; `active` says which one is applied.

    An adapter's `place` is "before" (layer(adapter(x))), "after" (adapter(layer(x))) or "beside"
    (layer(x) + adapter(x)). `active` is a task, None for the layer alone, or a list with one of
    these for each row of the batch. The adapters compute in fp32.
    """

    def __init__(self, layer):
        super().__init__()
        self.layer, self.adapters = layer, nn.ModuleDict()
        self.active = None
        self.merged = None  # (task, the original weight) while an adapter is added to the weight

    def forward(self, x):  # (B, T, in) -> (B, T, out)
        if self.merged:
            return self.layer(x)
        if isinstance(self.active, list) and len(self.active) != len(x):
            raise ValueError(f"{len(self.active)} tasks were chosen for a batch of {len(x)} rows.")
        out = self.layer(self._apply_adapters("before", x, x))
        out = self._apply_adapters("after", out, out)
        if not self._active_tasks("beside"):
            return out
        return out + self._apply_adapters("beside", x, torch.zeros_like(out))

    def _active_tasks(self, place):
        """The active tasks whose adapter is at this place."""
        tasks = self.active if isinstance(self.active, list) else [self.active]
        return {task for task in tasks if task in self.adapters and self.adapters[task].place == place}

    def _apply_adapters(self, place, x, default):
        """Each row of x through its own task's adapter; a row without one gets its row of `default`."""
        for task in self._active_tasks(place):
            if not isinstance(self.active, list):
                return self.adapters[task](x.float()).to(default.dtype)
            rows = torch.tensor([other == task for other in self.active], device=x.device)
            default = default.clone()
            default[rows] = self.adapters[task](x[rows].float()).to(default.dtype)
        return default


def linear_layers(model):
    """{path: layer} of the model's linear layers, also inside adapter layers, the output head excluded."""
    head, layers = model.get_output_embeddings(), {}

    def walk(module, prefix):
        for name, child in module.named_children():
            layer = child.layer if isinstance(child, AdapterLayer) else child
            if isinstance(layer, nn.Linear) and layer is not head:
                layers[prefix + name] = layer
            else:
                walk(child, f"{prefix}{name}.")

    walk(model, "")
    return layers


def target_layers(model, targets, layers_to_transform=None):
    """{path: layer} of the linear layers with these names, such as ("q_proj", "v_proj"), or "all".

    layers_to_transform: the numbers of the blocks they may be in, from 0, as in PEFT; None for all blocks.
    Raises ValueError for a name that no linear layer has, or a block that does not exist.
    """
    layers = linear_layers(model)
    names = {path.rpartition(".")[2] for path in layers}
    targets = names if targets == "all" else {targets} if isinstance(targets, str) else set(targets)
    if missing := sorted(targets - names):
        raise ValueError(
            f"No linear layer is called {', '.join(missing)}: the model has {', '.join(sorted(names))}."
        )
    layers = {path: layer for path, layer in layers.items() if path.rpartition(".")[2] in targets}
    if layers_to_transform is None:
        return layers
    blocks = {path: next((int(part) for part in path.split(".") if part.isdigit()), None) for path in layers}
    if missing := sorted(set(layers_to_transform) - set(blocks.values())):
        raise ValueError(f"No block {missing[0]} has such layers.")
    return {path: layer for path, layer in layers.items() if blocks[path] in set(layers_to_transform)}


def insert(model, task, adapters):
    """Insert adapters {path: adapter} for a task, freeze everything else, activate the task, and return
    the adapters' parameters.

    Raises ValueError for a name that is taken or holds a dot, or while weights are merged.
    """
    if not task or not isinstance(task, str) or "." in task:
        raise ValueError(f"A task's name is a text without dots, not {task!r}.")
    if task in tasks(model):
        raise ValueError(f"The model has a task {task!r} already: remove it first, or choose another name.")
    refuse_merged(model)
    for path, adapter in adapters.items():
        parent, _, name = path.rpartition(".")
        parent = model.get_submodule(parent)
        module = getattr(parent, name)
        if not isinstance(module, AdapterLayer):
            module = AdapterLayer(module)
            setattr(parent, name, module)
        device = next(module.layer.parameters()).device
        module.adapters[task] = adapter.to(device, torch.float32)
        module.train(module.layer.training)  # a new module is in training mode, and would apply dropout
    trained = parameters(model, task)
    model.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    set_adapter(model, task)
    return trained


def adapter_layers(model):
    """{path: AdapterLayer} of the model."""
    return {path: module for path, module in model.named_modules() if isinstance(module, AdapterLayer)}


def is_adapter_parameter(name):
    """Whether a parameter of this name belongs to an adapter, not to the base model."""
    return ".adapters." in name


def tasks(model):
    """The names of the tasks that have adapters in the model, in order of insertion."""
    return list(dict.fromkeys(task for module in adapter_layers(model).values() for task in module.adapters))


def parameters(model, task):
    """The parameters of a task's adapters, as a list."""
    own = [module.adapters[task] for module in adapter_layers(model).values() if task in module.adapters]
    return [parameter for adapter in own for parameter in adapter.parameters()]


def set_adapter(model, task):
    """Activate a task's adapters; None: the base model alone; a list: one of these for each row.

    Which parameters are trainable does not change. Raises ValueError for an unknown task, or while
    weights are merged.
    """
    refuse_merged(model)
    per_row = isinstance(task, (list, tuple))
    if unknown := sorted((set(task) if per_row else {task}) - {None, *tasks(model)}):
        raise ValueError(f"No task {unknown[0]!r}: the model has {', '.join(tasks(model)) or 'none'}.")
    for module in adapter_layers(model).values():
        module.active = list(task) if per_row else task


@contextlib.contextmanager
def active(model, task):
    """Inside, a task's adapters are active (None: the base model alone); afterwards what was before.

    So one set of weights serves as several models, such as a policy and its reference.
    """
    before = {module: module.active for module in adapter_layers(model).values()}
    set_adapter(model, task)
    try:
        yield
    finally:
        for module, chosen in before.items():
            module.active = chosen


def duplicate(model, task, name):
    """Insert a copy of a task's adapters under another name, active; its parameters, which alone train.

    Raises ValueError for an unknown task, a name that is taken, or while weights are merged.
    """
    layers = adapter_layers(model).items()
    own = {path: copy.deepcopy(layer.adapters[task]) for path, layer in layers if task in layer.adapters}
    if not own:
        raise ValueError(f"No task {task!r}: the model has {', '.join(tasks(model)) or 'none'}.")
    return insert(model, name, own)


def remove(model, task=None):
    """Remove one task's adapters, or all of them; where none is left the plain layer is restored.

    Merged weights stay merged: merging and removing leaves a plain model that has learned the task.
    """
    for path, module in adapter_layers(model).items():
        if task in module.adapters:
            del module.adapters[task]
            module.active = None
        if task is None or not module.adapters:
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, module.layer)


def refuse_merged(model):
    """Raises ValueError while a task is merged into the weights."""
    merged = {module.merged[0] for module in adapter_layers(model).values() if module.merged}
    if merged:
        raise ValueError(f"The weights hold {merged.pop()!r}, merged: unmerge them first.")
