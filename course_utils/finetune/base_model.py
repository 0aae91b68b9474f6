"""What a fine-tuned model says of the model it was made from: a name that means something anywhere.

Never a path of this machine: an adapter that names one loads nowhere else. Left out: which revision of a
hub's model it was.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from course_utils.models import GLASS_BOX, REAL

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
    name = str(name or REAL)
    return os.environ.get("COURSE_MODEL") or name if name == REAL else name


def describe(name=None):
    """The Base behind a name as `models.load` takes it: one of the course's, a folder, or a hub id."""
    name = chosen(name)
    if name in (REAL, SMOLLM2):
        return Base(SMOLLM2, SMOLLM2, "apache-2.0", REAL if name == REAL else SMOLLM2)
    if name in GLASS_BOX:
        return Base(name, None, "mit", name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Base(folder.absolute().name, None, "that of the base model", None)
    return Base(name, name, "that of the base model", name)
