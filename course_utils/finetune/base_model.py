"""What a fine-tuned model says of the model it was made from: a name that means something anywhere.

Never a path of this machine: an adapter that names one loads nowhere else. Left out: which revision of a
hub's model it was.
"""

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_MODEL = "smollm2"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"  # the hub's original of the course's real model


@dataclass(frozen=True)
class Base:
    """A base model: its name for the written files, its id on the hub or None, its licence, and how the
    course's `models.load` is asked for it (None for a folder, whose path is nobody else's business).
    """

    name: str
    hub: str | None
    license: str
    course_name: str | None


def chosen(name=None):
    """What `models.load` is to be asked for: the name, else COURSE_MODEL, else the course's real model."""
    return str(name or os.environ.get("COURSE_MODEL") or DEFAULT_MODEL)


def describe(name=None):
    """The Base behind a name as `models.load` takes it: one of the course's, a folder, or a hub id."""
    name = chosen(name)
    if name in (DEFAULT_MODEL, SMOLLM2):
        return Base(SMOLLM2, SMOLLM2, "apache-2.0", DEFAULT_MODEL if name == DEFAULT_MODEL else SMOLLM2)
    if name.startswith(("glass-box", "embedded")):
        return Base(name, None, "mit", name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Base(folder.absolute().name, None, "that of the base model", None)
    return Base(name, name, "that of the base model", name)
