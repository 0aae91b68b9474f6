"""What the command line gives: the folder to write, the records and the questions; refused in a moment.

Nothing here imports torch, which takes seconds: who mistyped a file's name is told so at once.
"""

import os
from pathlib import Path

from course_utils.finetune import own_data
from course_utils.finetune.read_table import ENDINGS


def read(options):
    """(folder to write, OwnData, questions to ask). Raises OSError or ValueError with a sentence."""
    out = folder(options)
    own = own_data.read(options.data)
    questions = read_questions(options.ask)
    print(f"Reading {own.name}", *own.notes, "Loading the model …", sep="\n", flush=True)
    return out, own, questions


def folder(options):
    """The folder to write; raises OSError or ValueError for what would fail after the training."""
    out = Path(options.out)
    if out.exists():
        raise FileExistsError(f"{out} exists already: choose another folder, or move it away.")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise PermissionError(f"{parent} cannot be written to: choose another folder for --out.")
    if options.model and (Path(options.model).expanduser() / "adapter_config.json").exists():
        raise ValueError(
            f"{options.model} is an adapter, not a whole model: train the model it was made for, or its "
            'folder "merged" if it has one.'
        )
    if options.merge and options.method != "lora":
        raise ValueError(f"--merge is for --method lora: {options.method} writes whole weights anyway.")
    return out


def read_questions(ask):
    """The records to ask: from files, or from questions as they stand (these have no answer), or none."""
    questions = []
    for item in ask or []:
        if Path(item).suffix.lower() in ENDINGS or Path(item).is_file():
            questions += own_data.to_ask(item)
        elif item.strip():
            questions.append({"prompt": item.strip(), "completion": ""})
    return questions
