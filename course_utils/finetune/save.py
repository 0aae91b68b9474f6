"""A fine-tuned model's folder, whole or not at all, and such that it loads anywhere.

    save.folder("my_model", lambda draft: save.model(model, tokenizer, draft, base.name))

"Anywhere" means: no path of this machine in it, a tokenizer class that transformers 4 and other engines
know (transformers 5 writes one that they do not), and the position encoding's base under both names that
configurations have had for it (a reader that misses it falls back to another one, in silence).
"""

import json
import os
import shutil
from pathlib import Path

import psutil

from course_utils.storage.files import write_atomically

TOKENIZER_CLASS = "PreTrainedTokenizerFast"  # reads tokenizer.json, in transformers 4 and 5
ONLY_HERE = ("backend", "is_local", "local_files_only", "name_or_path", "tokenizer_file")


def folder(out, fill):
    """Make the folder `out` with what fill(folder) writes. Raises OSError, also if `out` exists.

    It is made under another name beside `out` and renamed at the end; what a killed run has left there
    is removed.
    """
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    for left in out.parent.glob(f".{out.name}.*.draft"):
        number = left.name.split(".")[-2]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.draft")
    try:
        draft.mkdir()
        fill(draft)
        for file in draft.rglob("*"):  # on the disk, before the name says that it is there
            if file.is_file():
                with open(file, "rb+") as handle:
                    os.fsync(handle.fileno())
        if out.exists():
            raise FileExistsError(f"{out} exists")
        os.rename(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def model(model, tokenizer, draft, base_name):
    """Write a model (PEFT's: its adapter) with its tokenizer into a folder. Raises OSError."""
    if hasattr(model, "peft_config"):
        for settings in model.peft_config.values():
            settings.base_model_name_or_path = base_name
        model.save_pretrained(draft, save_embedding_layers=False)  # "auto" would ask the hub
        _rewrite(draft / "adapter_config.json", _without_blanks)
    else:
        model.save_pretrained(draft)
        _rewrite(draft / "config.json", _for_all_versions)
    tokenizer.save_pretrained(draft)
    _rewrite(draft / "tokenizer_config.json", _known_class)


def merged(model, tokenizer, draft):
    """Write the model with its adapter added into the weights; the model is merged afterwards."""
    whole = model.merge_and_unload()
    draft.mkdir(parents=True, exist_ok=True)
    whole.save_pretrained(draft)
    _rewrite(draft / "config.json", _for_all_versions)
    tokenizer.save_pretrained(draft)
    _rewrite(draft / "tokenizer_config.json", _known_class)
    return whole


def _rewrite(file, change):
    content = json.loads(file.read_text(encoding="utf-8"))
    write_atomically(file, json.dumps(change(content), indent=2, ensure_ascii=False) + "\n")


def _without_blanks(settings):
    """An adapter's settings without those that are not set, which older versions of PEFT do not know."""
    settings["target_modules"] = sorted(settings["target_modules"])
    return {key: value for key, value in settings.items() if value not in (None, {}, [])}


def _known_class(settings):
    kept = {key: value for key, value in settings.items() if key not in ONLY_HERE}
    # Before version 5, the default took the space before a full stop away.
    return kept | {"tokenizer_class": TOKENIZER_CLASS, "clean_up_tokenization_spaces": False}


def _for_all_versions(settings):
    """A configuration that transformers 4 reads as transformers 5 does."""
    for key in ("_name_or_path", "_model_name_or_path"):
        settings.pop(key, None)
    positions = settings.get("rope_parameters") or {}
    if "rope_theta" in positions:
        settings["rope_theta"] = positions["rope_theta"]
        if positions.get("rope_type", "default") != "default":
            settings["rope_scaling"] = {key: v for key, v in positions.items() if key != "rope_theta"}
    if "dtype" in settings:
        settings["torch_dtype"] = settings["dtype"]
    return settings
