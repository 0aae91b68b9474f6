"""A fine-tuning run that can be killed: what `training.train` needs to continue, in one safetensors file.

The file is replaced whole, so that a reader sees the old state or the new one. It remembers which run
it belongs to; another run refuses it. Left out: frozen weights, which the caller loads again.
"""

import hashlib
import json
from pathlib import Path

import safetensors
import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes

from course_utils.storage.paths import write_atomically

NAME = "checkpoint.safetensors"


def fingerprint(model, examples, settings):
    """A text that changes with the weights at the start, the examples or the settings (JSON values)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps([[list(e["input_ids"]), list(e["mask"])] for e in examples]).encode())
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save(folder, run, parameters, optimiser, notes, best=None):
    """Write the state of a run: its fingerprint, parameters, optimiser, notes (JSON), best parameters.

    Raises OSError if the folder cannot be made or written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"parameter/{i}": parameter for i, parameter in enumerate(parameters)}
    arrays |= {f"best/{i}": parameter for i, parameter in enumerate(best or [])}
    for i, state in optimiser.state_dict()["state"].items():
        arrays |= {f"optimiser/{i}/{key}": value for key, value in state.items()}
    arrays = {name: value.detach().cpu().contiguous() for name, value in arrays.items()}
    write_atomically(folder / NAME, to_bytes(arrays, {"run": run, "notes": json.dumps(notes)}))


def load(folder, run, parameters, optimiser):
    """Restore what `save` wrote; returns (notes, best parameters), or None if there is no file.

    Raises ValueError, changing nothing, for a damaged file or one of another run.
    """
    file = Path(folder) / NAME
    if not file.exists():
        return None
    advice = "delete it to start afresh, or choose another folder."
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except safetensors.SafetensorError:
        raise ValueError(f"{file} is damaged or not a checkpoint: {advice}") from None
    if metadata.get("run") != run:
        raise ValueError(f"{file} belongs to another run (other data, settings or model): {advice}")
    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            parameter.copy_(arrays[f"parameter/{i}"])
    state = {}
    for name, value in arrays.items():
        kind, _, rest = name.partition("/")
        if kind == "optimiser":
            i, _, key = rest.partition("/")
            state.setdefault(int(i), {})[key] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
    best = [arrays[f"best/{i}"].to(p.device) for i, p in enumerate(parameters) if f"best/{i}" in arrays]
    return json.loads(metadata["notes"]), best or None
