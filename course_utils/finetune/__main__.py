"""Fine-tunes a model on your own records, from a terminal or a notebook.

    python -m course_utils.finetune --data my.xlsx --out my_model [--method lora|full] [--ask questions.csv]

Reads JSONL, JSON, CSV, TSV and Excel, says which columns it takes, and refuses what cannot be used with
row, reason and remedy. Asks held-back records, or yours, before and after, and a few common questions, and
writes a folder that plain transformers and PEFT load anywhere. The folder appears when everything is in it,
and not before. Left out: continuing a killed run (it starts again), and several files.
"""

import argparse
import sys

from safetensors import SafetensorError

from course_utils import hide_old_names
from course_utils.finetune import inputs, recipe
from course_utils.finetune.options import positive


def parser():
    """The command's options."""
    options = argparse.ArgumentParser(
        prog="python -m course_utils.finetune", description=__doc__.splitlines()[0]
    )
    add = options.add_argument
    add("--data", required=True, metavar="FILE", help="your records: .jsonl, .json, .csv, .tsv or .xlsx")
    add("--out", required=True, metavar="FOLDER", help="folder to write; it must not exist")
    add("--method", choices=recipe.RATES, default="lora", help="what is trained (default: a LoRA adapter)")
    add("--model", help="smollm2 (default), glass-box, a folder, or a hub id")
    add("--ask", action="append", metavar="FILE or TEXT", help="ask these before and after; may be repeated")
    add("--epochs", type=positive(int), help="passes over the records (default: by their number)")
    add("--rate", "--lr", type=positive(float), help="learning rate (default: by method and model)")
    add("--batch-size", type=positive(int), help="records in a step (default: by their number)")
    add(
        "--hold-back",
        type=share,
        default=0.1,
        metavar="SHARE",
        help="share to test on (default 0.1; 0: none)",
    )
    add("--copies", type=positive(int), help="wordings of each question, made by rules (default: by model)")
    add("--anchor", type=weight, help="weight that holds it to what it says already (default 1; 0: none)")
    add("--merge", action="store_true", help="write whole weights, too, into FOLDER/merged")
    add("--seed", type=int, default=0)
    return options


def share(text):
    """A type for argparse: a number from 0 to below 1."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to below 1")
    return value


def weight(text):
    """A type for argparse: a number of 0 or more."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not 0 or more")
    return value


def main(arguments=None):
    """The command; returns the exit code: 2 with a plain sentence if something cannot be used."""
    options = parser().parse_args(arguments)
    hide_old_names()
    try:
        given = inputs.read(options)
        from course_utils.finetune import command  # torch takes seconds to import

        command.run_command(options, *given)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
