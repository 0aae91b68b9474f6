"""Trained adapters on disk: one safetensors file, its description as JSON in the file's own header.

    adapter_files.save(model, "desk", "desk.safetensors")
    adapter_files.load(model, "desk.safetensors")

One file cannot lose its other half, and it is written whole or not at all. A file that is cut
short, of another kind, or made for another model is refused before anything changes. `write` and
`read` serve any small set of tensors. `load_peft` takes the folder that the library PEFT writes for LoRA.
Left out: other formats of other libraries.
"""

import json
from pathlib import Path

import safetensors.torch
import torch

from course_utils.peft import adapter_layer
from course_utils.peft.bottleneck import Bottleneck
from course_utils.peft.ia3 import Rescale
from course_utils.peft.lora import Lora
from course_utils.storage.files import write_atomically

FORMAT = "course_utils parts 1"  # and the key "parts": names of the stored format, which stay
ROUNDING = 0.01  # by how much number formats (fp32, bf16, fp16) may move a weight, relative


class BadFile(ValueError):
    """A file that cannot be used; its message is one plain sentence."""


def write(path, tensors, about):
    """Write {name: tensor} and a JSON-able dictionary with a "format" to one file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(tensors, {"about": json.dumps(about)}))


def read(path, expected):
    """(tensors, about) of a file that `write` made in the format `expected`.

    Raises FileNotFoundError, or BadFile if it is damaged, of another kind, or holds numbers that are
    not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path.name} in {path.parent}.")
    content = path.read_bytes()
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (safetensors.SafetensorError, ValueError) as error:
        raise BadFile(f"{path.name} is cut short, damaged, or no safetensors file.") from error
    try:
        about = json.loads(header["__metadata__"]["about"])
        kind = about["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"{path.name} holds tensors, but not those of this course.") from error
    if kind != expected:
        raise BadFile(f"{path.name} is of the kind {kind!r}, and {expected!r} was asked for.")
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise BadFile(f"{path.name} holds numbers that are not finite, in {name}.")
    return tensors, about


def save(model, task, path):
    """Write a task's adapters. Raises ValueError for an unknown task, or while weights are merged."""
    layers = adapter_layer.adapter_layers(model).items()
    own = {path: layer.adapters[task] for path, layer in layers if task in layer.adapters}
    if not own:
        raise ValueError(
            f"No task {task!r}: the model has {', '.join(adapter_layer.tasks(model)) or 'none'}."
        )
    about = {"format": FORMAT, "task": task, "base": signature(model)}
    about["parts"] = {path: _describe(adapter) for path, adapter in own.items()}
    states = {path: adapter.state_dict() for path, adapter in own.items()}
    tensors = {f"{path}/{name}": tensor for path, state in states.items() for name, tensor in state.items()}
    write(path, tensors, about)


def load(model, path, task=None):
    """Insert saved adapters under their own task name or another, active; returns the name.

    They are trainable, as after `add`. Raises as `read` does, BadFile for adapters of another model, and
    ValueError for a name that is taken.
    """
    about, adapters = _checked(model, path)
    adapter_layer.insert(model, task or about["task"], adapters)
    return task or about["task"]


def load_peft(model, folder, task):
    """Insert the LoRA of a folder that the library PEFT wrote, under the name `task`, active.

    Raises FileNotFoundError, BadFile for other kinds than plain LoRA or for another model, and ValueError for
    a name that is taken.
    """
    folder, layers, adapters = Path(folder), adapter_layer.linear_layers(model), {}
    config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    tensors = safetensors.torch.load_file(folder / "adapter_model.safetensors")
    tensors = {name.removeprefix("base_model.model."): tensor for name, tensor in tensors.items()}
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("bias", "none") != "none":
        raise BadFile(f"{folder.name} holds no plain LoRA.")
    for name in [name for name in tensors if name.endswith(".lora_A.weight")]:
        path = name.removesuffix(".lora_A.weight")
        matrices = {"A": tensors.pop(name), "B": tensors.pop(f"{path}.lora_B.weight")}
        try:
            adapters[path] = Lora(
                layers[path], config["r"], config["lora_alpha"], config.get("lora_dropout", 0.0)
            )
            adapters[path].load_state_dict(matrices)
        except (KeyError, RuntimeError) as error:
            raise BadFile(
                f"{folder.name} was made for a model of another shape: {path} does not fit."
            ) from error
    if tensors or not adapters:
        raise BadFile(f"{folder.name} holds more than LoRA, or nothing.")
    adapter_layer.insert(model, task, adapters)


def _checked(model, file):
    """(description, {path: adapter}) of a file that fits the model; raises as `load` does."""
    tensors, about = read(file, FORMAT)
    name, layers, adapters = Path(file).name, adapter_layer.linear_layers(model), {}
    if not isinstance(about.get("parts"), dict) or not isinstance(about.get("base"), list):
        raise BadFile(f"The description in {name} is incomplete.")
    if strange := [key for key in tensors if key.rpartition("/")[0] not in about["parts"]]:
        raise BadFile(f"{name} holds numbers that belong to no layer: {strange[0]}.")
    for path, settings in about["parts"].items():
        if path not in layers:
            raise BadFile(f"{name} was made for a model of another shape: this one has no layer {path}.")
        own = {k.rpartition("/")[2]: t for k, t in tensors.items() if k.rpartition("/")[0] == path}
        try:
            with torch.random.fork_rng(devices=[]):  # initial weights advance the RNG, and are replaced
                adapters[path] = _rebuild(layers[path], settings, own)
            adapters[path].load_state_dict(own)
        except (RuntimeError, LookupError, TypeError, ZeroDivisionError) as error:
            raise BadFile(f"{name} was made for a model of another shape: {path} does not fit.") from error
    if not same(about["base"], signature(model)):
        raise BadFile(f"{name} was trained on another base model of the same shape, so it would mislead.")
    return about, adapters


def signature(model):
    """A fingerprint of the base model: the number in the middle of each of its matrices.

    The same whatever adapters the model holds. Raises ValueError while weights are merged.
    """
    adapter_layer.refuse_merged(model)
    own = [w for n, w in model.named_parameters() if not adapter_layer.is_adapter_parameter(n)]
    weights = [weight.detach().flatten() for weight in own if weight.dim() > 1]
    return [float(weight[len(weight) // 2]) for weight in weights]


def same(stored, here):
    """True if two signatures are equal up to the rounding of number formats."""
    small = 1e-4  # below this, fp16 has few digits left
    return len(stored) == len(here) and all(
        abs(a - b) <= ROUNDING * abs(a) + small for a, b in zip(stored, here)
    )


def _describe(adapter):
    """A description by the adapter's parts, not its class: one that a lesson defines counts, too."""
    if hasattr(adapter, "A"):
        sizes = {"rank": len(adapter.A), "scale": adapter.scale, "dropout": adapter.dropout.p}
        return {"kind": "lora", **sizes}
    if hasattr(adapter, "factors"):
        return {"kind": "rescale", "place": adapter.place}
    return {"kind": "bottleneck", "width": adapter.down.out_features}


def _rebuild(layer, settings, tensors):
    """The adapter that `_describe` described, for this layer, as large as its tensors, untrained."""
    if settings["kind"] == "lora":
        rank = len(tensors["A"])
        return Lora(layer, rank, settings["scale"] * rank, settings["dropout"])
    if settings["kind"] == "rescale":
        size = layer.out_features if settings["place"] == "after" else layer.in_features
        return Rescale(size, settings["place"])
    return Bottleneck(layer.out_features, len(tensors["down.weight"]))
