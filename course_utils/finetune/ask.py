"""Asks a model that `python -m course_utils.finetune` has written.

    python -m course_utils.finetune.ask my_model "When is the shop open?"

Left out: conversations, which `course_utils.display.playground` has.
"""

import argparse
import json
import sys
from pathlib import Path

from safetensors import SafetensorError

from course_utils import hide_old_names, models
from course_utils.finetune import base_model, chat_format


def load(folder, base=None):
    """(model, tokenizer) of a folder that the command wrote; an adapter is put on its base model.

    base: as for `models.load`, by default what the adapter names. Raises FileNotFoundError or ValueError
    with a sentence.
    """
    folder = Path(folder)
    if not (folder / "adapter_config.json").exists():
        return models.load(str(folder))
    named = json.loads((folder / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"]
    base = base or (models.REAL if named == base_model.SMOLLM2 else named)
    try:
        model, tokenizer = models.load(base)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Name the folder of the base model: --model FOLDER.") from None
    from peft import PeftModel  # imported late: it takes seconds

    try:
        return PeftModel.from_pretrained(model, str(folder)).eval(), tokenizer
    except RuntimeError as error:
        raise ValueError(f"{folder} was made for another base model than {base}.") from error


def main(arguments=None):
    """The command; returns the exit code."""
    options = argparse.ArgumentParser(
        prog="python -m course_utils.finetune.ask", description=__doc__.splitlines()[0]
    )
    options.add_argument("folder", help="what the command wrote")
    options.add_argument("question", nargs="+")
    options.add_argument("--model", help="the base model of an adapter, if it is a folder of yours")
    options = options.parse_args(arguments)
    hide_old_names()
    try:
        model, tokenizer = load(options.folder, options.model)
    except (OSError, ValueError, SafetensorError) as error:
        print(error, file=sys.stderr)
        return 2
    records = [{"prompt": text, "completion": ""} for text in options.question]
    stop = chat_format.ending(tokenizer, records)
    print(*chat_format.ask(model, tokenizer, records, stop), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
