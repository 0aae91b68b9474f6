"""Small trained parts inside a frozen model: where they sit, and which task's part is at work.

A Slot takes the place of one linear layer and keeps the layer inside. It holds one part for each
task: LoRA beside the layer (course_utils.lora), vectors or a bottleneck before or behind it
(course_utils.ia3, course_utils.adapters). `use` chooses a task for the whole batch or for each of
its rows. Left out: parts on embeddings, and on the Conv1D layers of GPT-2.
"""

import torch
from torch import nn


class Slot(nn.Module):
    """A frozen layer and the parts of all tasks around it; `active` says which part is at work.

    A part's `place` is "before" (layer(part(x))), "after" (part(layer(x))) or "beside"
    (layer(x) + part(x)). `active` is a task, None for the layer alone, or a list with one of
    these for each row of the batch. The parts compute in fp32.
    """

    def __init__(self, layer):
        super().__init__()
        self.layer, self.parts = layer, nn.ModuleDict()
        self.active = None
        self.merged = None  # (task, the layer's own weight) while a part is added into the weight

    def forward(self, x):  # (B, T, in) -> (B, T, out)
        if self.merged:
            return self.layer(x)
        if isinstance(self.active, list) and len(self.active) != len(x):
            raise ValueError(f"{len(self.active)} tasks were chosen for a batch of {len(x)} rows.")
        out = self.layer(self._through("before", x, x))
        out = self._through("after", out, out)
        if not self._at_work("beside"):
            return out
        return out + self._through("beside", x, torch.zeros_like(out))

    def _at_work(self, place):
        """The tasks at work whose part is at this place."""
        tasks = self.active if isinstance(self.active, list) else [self.active]
        return {task for task in tasks if task in self.parts and self.parts[task].place == place}

    def _through(self, place, x, otherwise):
        """Each row of x through its own task's part; a row without one gets its row of `otherwise`."""
        for task in self._at_work(place):
            if not isinstance(self.active, list):
                return self.parts[task](x.float()).to(otherwise.dtype)
            rows = torch.tensor([other == task for other in self.active], device=x.device)
            otherwise = otherwise.clone()
            otherwise[rows] = self.parts[task](x[rows].float()).to(otherwise.dtype)
        return otherwise


def linears(model):
    """{path: layer} of the model's linear layers, those inside slots too, the output head not."""
    head, found = model.get_output_embeddings(), {}

    def walk(module, before):
        for name, child in module.named_children():
            child_layer = child.layer if isinstance(child, Slot) else child
            if isinstance(child_layer, nn.Linear) and child_layer is not head:
                found[before + name] = child_layer
            else:
                walk(child, f"{before}{name}.")

    walk(model, "")
    return found


def targeted(model, targets, layers_to_transform=None):
    """{path: layer} of the linear layers with these names, such as ("q_proj", "v_proj"), or "all".

    layers_to_transform: the numbers of the blocks they may be in, from 0, as in PEFT; None for all blocks.
    Raises ValueError for a name that no linear layer has, or a block that does not exist.
    """
    found = linears(model)
    names = {path.rpartition(".")[2] for path in found}
    targets = names if targets == "all" else {targets} if isinstance(targets, str) else set(targets)
    if missing := sorted(targets - names):
        raise ValueError(
            f"No linear layer is called {', '.join(missing)}: the model has {', '.join(sorted(names))}."
        )
    found = {path: layer for path, layer in found.items() if path.rpartition(".")[2] in targets}
    if layers_to_transform is None:
        return found
    blocks = {path: next((int(part) for part in path.split(".") if part.isdigit()), None) for path in found}
    if missing := sorted(set(layers_to_transform) - set(blocks.values())):
        raise ValueError(f"No block {missing[0]} has such layers.")
    return {path: layer for path, layer in found.items() if blocks[path] in set(layers_to_transform)}


def insert(model, task, parts):
    """Put parts {path: part} into the model under a task's name, make them the only ones that train,
    put the task to work, and return its parameters.

    Raises ValueError for a name that is taken or holds a dot, or while weights are merged.
    """
    if not task or not isinstance(task, str) or "." in task:
        raise ValueError(f"A task's name is a text without dots, not {task!r}.")
    if task in tasks(model):
        raise ValueError(f"The model has a task {task!r} already: remove it first, or choose another name.")
    refuse_merged(model)
    for path, part in parts.items():
        parent, _, name = path.rpartition(".")
        parent = model.get_submodule(parent)
        slot = getattr(parent, name)
        if not isinstance(slot, Slot):
            slot = Slot(slot)
            setattr(parent, name, slot)
        device = next(slot.layer.parameters()).device
        slot.parts[task] = part.to(device, torch.float32)
        slot.train(slot.layer.training)  # a new module is in training mode, and would drop out
    trained = parameters(model, task)
    model.requires_grad_(False)
    for parameter in trained:
        parameter.requires_grad_(True)
    use(model, task)
    return trained


def slots(model):
    """{path: Slot} of the model."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Slot)}


def tasks(model):
    """The names of the tasks that have parts in the model, in order of their arrival."""
    return list(dict.fromkeys(task for slot in slots(model).values() for task in slot.parts))


def parameters(model, task):
    """The parameters of a task's parts, as a list."""
    own = [slot.parts[task] for slot in slots(model).values() if task in slot.parts]
    return [parameter for part in own for parameter in part.parameters()]


def use(model, chosen):
    """Put a task to work; None for the base model alone; a list of these gives each row its own.

    What trains stays what it was. Raises ValueError for an unknown task, or while weights are merged.
    """
    refuse_merged(model)
    wanted = set(chosen) if isinstance(chosen, (list, tuple)) else {chosen}
    if unknown := sorted(wanted - {None, *tasks(model)}):
        raise ValueError(f"No task {unknown[0]!r}: the model has {', '.join(tasks(model)) or 'none'}.")
    for slot in slots(model).values():
        slot.active = list(chosen) if isinstance(chosen, (list, tuple)) else chosen


def remove(model, task=None):
    """Take one task's parts out, or all of them; where none is left the plain layer is back.

    Merged weights stay merged: merging and removing leaves a plain model that has learned the task.
    """
    for path, slot in slots(model).items():
        if task in slot.parts:
            del slot.parts[task]
            slot.active = None
        if task is None or not slot.parts:
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, slot.layer)


def refuse_merged(model):
    """Raises ValueError while a task is merged into the weights."""
    merged = {slot.merged[0] for slot in slots(model).values() if slot.merged}
    if merged:
        raise ValueError(f"The weights hold {merged.pop()!r}, merged: unmerge them first.")
