"""Helpers for the course. Lessons import the modules; only `start` lives here."""

import os
import sys
from importlib import metadata

__version__ = "0.1.0"

# The course's two models need no hub, nor does a folder, so it is switched off before anything imports it.
_model = os.path.expanduser(os.environ.get("COURSE_MODEL", ""))
if "/" not in _model or os.path.isdir(_model):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")

# On the CPU, oneDNN compiles code for each shape of matrix it meets and keeps the last 1024 of them. Batches
# of text have ever new shapes, so that fills 0.3 GB and more; with 64 kept, training is as fast.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")

# Colab has torchao 0.10, beside which PEFT refuses to add any adapter. None in its place makes it look as if
# it were not installed, to this process only; nothing here uses it.
try:
    if tuple(map(int, metadata.version("torchao").split(".")[:2])) < (0, 16):
        sys.modules.setdefault("torchao", None)
except metadata.PackageNotFoundError:
    pass


def hide_old_names():
    """PEFT, TRL and the lessons use an old name of transformers, which all of its versions here know."""
    import warnings

    warnings.filterwarnings("ignore", "`(is_)?gradient_checkpointing`", FutureWarning)


def start():
    """Chooses the number of CPU threads and prints one line about this environment; call it first.

    Stops with a plain sentence when a library that is already loaded differs from the one
    installed (as after an installation in a running Colab session).
    """
    import platform

    import torch
    import transformers

    hide_old_names()
    for library in (torch, transformers):
        name, loaded = library.__name__, library.__version__.split("+")[0]
        installed = metadata.version(name).split("+")[0]
        if loaded != installed:
            raise SystemExit(f"{name} {loaded} is loaded but {installed} is installed: restart the session.")
    from course_utils import models

    torch.set_num_threads(models.choose_threads())
    try:
        device = {"cuda": "a GPU", "mps": "Apple's GPU"}.get(models.device().type, "the CPU")
    except ValueError as error:
        raise SystemExit(str(error)) from None
    network = "offline" if os.environ.get("HF_HUB_OFFLINE") == "1" else "online"
    versions = f"Python {platform.python_version()}, torch {metadata.version('torch')}"
    print(
        f"Course {__version__} on {device}, {network}: {versions}, transformers {transformers.__version__}."
    )
