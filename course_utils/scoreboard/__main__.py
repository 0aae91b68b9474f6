"""Measures techniques: python -m course_utils.scoreboard [--technique NAME …] [--seeds 5] [--trials 6]
[--list]

Each technique first tries its settings on dev (data/results/tuning.json), then is measured on test
with the best one, seed by seed (scoreboard.csv; hits and rewards of every item in items/). A run
that was killed goes on where it stopped.
"""

import argparse
import sys

from course_utils.scoreboard.runner import rows_done, run
from course_utils.techniques.registry import TECHNIQUES


def main(arguments=None):
    """The command; returns the exit code: 1 if a technique failed, 2 if nothing could begin."""
    parser = argparse.ArgumentParser(prog="scoreboard", description="Measure techniques on the desk.")
    parser.add_argument("--technique", nargs="+", metavar="NAME", default=list(TECHNIQUES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=6, help="settings tried on dev for each technique")
    parser.add_argument("--list", action="store_true", help="show what is there, and how far it is")
    options = parser.parse_args(arguments)
    if options.list:
        for name in options.technique:
            done = sum(row["technique"] == name for row in rows_done())
            print(f"{name:24} {done} of {options.seeds} seeds")
        return 0
    try:
        failed = run(options.technique, options.seeds, options.trials)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for reason in failed.values():
        print(reason, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
