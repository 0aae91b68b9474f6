"""Runs a sweep: python -m course_utils.experiments NAME [--table NAME …] [--list]

NAME is one of SWEEPS, the long runs behind the stored results of lessons 02 to 06 and 08, or labels or sizes,
the curves of the help desk (their options: --help).
A killed sweep goes on where it stopped.
"""

import argparse
import importlib
import sys

import torch

from course_utils import models
from course_utils.experiments import curves, runner

SWEEPS = (
    "soft_prompts",
    "peft",
    "finetune",
    "own_facts",
    "instruction_tuning",
    "rlhf",
    "rlhf_open_questions",
    "rlhf_word_problems",
    "ai_feedback",
    "scaling",
)
CURVES = ("labels", "sizes")


def main(arguments=None):
    """The command; returns the exit code: 2 where there is no such table."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in CURVES:
        return curves.main(arguments[0], arguments[1:])
    parser = argparse.ArgumentParser(prog="experiments", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=(*SWEEPS, *CURVES))
    parser.add_argument("--table", nargs="+", metavar="NAME", help="by default all of the sweep")
    parser.add_argument("--list", action="store_true", help="show how far it is")
    options = parser.parse_args(arguments)
    sweep = importlib.import_module(f"course_utils.experiments.{options.name}")
    names = options.table or list(sweep.TABLES)
    if unknown := set(names) - set(sweep.TABLES):
        print(f"No table {', '.join(sorted(unknown))}: there are {', '.join(sweep.TABLES)}.", file=sys.stderr)
        return 2
    if options.list:
        for name in names:
            print(f"{name:14} {len(runner.read(sweep.FILE, name))} of {len(sweep.TABLES[name])} runs")
        return 0
    torch.set_num_threads(models.choose_threads())
    runner.run(sweep, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
