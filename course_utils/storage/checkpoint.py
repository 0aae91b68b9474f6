"""A training run that can be killed: weights, optimiser states and the log in one safetensors file."""

import json
import os

from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(folder, model, pair, step, log, bf16):
    """Weights, optimiser states and the step in one safetensors file, replaced atomically."""
    arrays = {f"model/{k}": v for k, v in model.state_dict().items() if k != "lm_head.weight"}
    for i, optimiser in enumerate(pair):
        for j, state in optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser/{i}/{j}/{key}": value for key, value in state.items()}
    temporary = folder / "checkpoint.tmp"
    arrays = {k: v.detach().cpu().contiguous() for k, v in arrays.items()}
    save_file(arrays, temporary, metadata={"step": str(step), "log": json.dumps(log), "bf16": str(int(bf16))})
    os.replace(temporary, folder / "checkpoint.safetensors")


def load_checkpoint(folder, model, pair):
    """Restores what save_checkpoint wrote; returns (next step, log)."""
    with safe_open(folder / "checkpoint.safetensors", "pt") as file:
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    weights = {k.removeprefix("model/"): v for k, v in arrays.items() if k.startswith("model/")}
    model.load_state_dict(weights, strict=False)
    for i, optimiser in enumerate(pair):
        state = {}
        for key, value in arrays.items():
            if key.startswith(f"optimiser/{i}/"):
                _, _, j, name = key.split("/")
                state.setdefault(int(j), {})[name] = value
        optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
    return int(metadata["step"]), json.loads(metadata["log"])


def read_log(folder):
    """The log of the checkpoint in `folder`, without its weights."""
    with safe_open(folder / "checkpoint.safetensors", "pt") as file:
        return json.loads(file.metadata()["log"])


def read_precision(folder):
    """Whether the run in `folder` computes in bf16."""
    with safe_open(folder / "checkpoint.safetensors", "pt") as file:
        return file.metadata()["bf16"] == "1"
