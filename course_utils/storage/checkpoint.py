"""A training run that can be killed: what it needs to continue, in one safetensors file.

Serves fine-tuning (course_utils.training) and pretraining (course_utils.pretrain.train). The file is
replaced atomically, so that a reader sees the old state or the new one. It stores the fingerprint of its
run; another run refuses it. Left out: frozen weights, which the caller loads again.
"""

import hashlib
import json
from pathlib import Path

import safetensors
import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes

from course_utils.storage.files import write_atomically

NAME = "checkpoint.safetensors"
ADVICE = "delete it to start afresh, or choose another folder."


def fingerprint(model, examples, settings):
    """A text that changes with the initial weights, the examples or the settings (JSON values)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps([[list(e["input_ids"]), list(e["mask"])] for e in examples]).encode())
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_checkpoint(folder, run, parameters, optimizers, notes, best=None):
    """Write the state of a run: fingerprint, parameters, optimizers, notes (JSON), best parameters so far.

    Raises OSError if the folder cannot be created or written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"parameter/{i}": parameter for i, parameter in enumerate(parameters)}
    arrays |= {f"best/{i}": parameter for i, parameter in enumerate(best or [])}
    for number, optimizer in enumerate(optimizers):
        for i, state in optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer/{number}/{i}/{key}": value for key, value in state.items()}
    arrays = {name: value.detach().cpu().contiguous() for name, value in arrays.items()}
    write_atomically(folder / NAME, to_bytes(arrays, {"run": run, "notes": json.dumps(notes)}))


def load_checkpoint(folder, run, parameters, optimizers):
    """Restore what `save_checkpoint` wrote; returns (notes, best parameters), or None without a file.

    Raises ValueError, changing nothing, for a damaged file or one of another run.
    """
    file = Path(folder) / NAME
    if not file.exists():
        return None
    metadata, arrays = _read(file, with_tensors=True)
    if metadata.get("run") != run:
        raise ValueError(f"{file} belongs to another run (other data, settings or model): {ADVICE}")
    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            parameter.copy_(arrays[f"parameter/{i}"])
    for number, optimizer in enumerate(optimizers):
        state = {}
        for name, value in arrays.items():
            if name.startswith(f"optimizer/{number}/"):
                _, _, i, key = name.split("/")
                state.setdefault(int(i), {})[key] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    best = [arrays[f"best/{i}"].to(p.device) for i, p in enumerate(parameters) if f"best/{i}" in arrays]
    return json.loads(metadata["notes"]), best


def read_notes(folder):
    """The notes of the checkpoint in `folder`, or None without a file. Raises ValueError if it is damaged."""
    file = Path(folder) / NAME
    return json.loads(_read(file, with_tensors=False)[0]["notes"]) if file.exists() else None


def _read(file, with_tensors):
    """(metadata, {name: tensor}) of a checkpoint."""
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            names = list(opened.keys()) if with_tensors else []
            return metadata, {name: opened.get_tensor(name) for name in names}
    except safetensors.SafetensorError:
        raise ValueError(f"{file} is damaged or not a checkpoint: {ADVICE}") from None
