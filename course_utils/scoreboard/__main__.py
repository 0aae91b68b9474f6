"""Measures techniques: python -m course_utils.scoreboard [--task helpdesk] [--technique NAME …] [--list]

Each technique first tries its settings on dev (tuning.json in data/results), then is measured on test with
the best one, seed by seed (scoreboard.csv; hits and rewards of every item in items/). Files of other tasks
than the help desk end in the task's name. A run that was killed begins the trial or the seed that it was in
anew, and none before it.
"""

import argparse
import sys

from course_utils.scoreboard.runner import run
from course_utils.scoreboard.table import rows_done
from course_utils.tasks import base
from course_utils.techniques.registry import TECHNIQUES


def main(arguments=None):
    """The command; returns the exit code: 1 if a technique failed, 2 if nothing could begin."""
    parser = argparse.ArgumentParser(prog="scoreboard", description="Measure techniques on a task.")
    parser.add_argument("--task", choices=base.TASKS, default=base.DEFAULT)
    parser.add_argument("--technique", nargs="+", metavar="NAME", help="by default all with settings for it")
    parser.add_argument("--seeds", type=int, help="by default 3 on SmolLM2, 5 on the glass box")
    parser.add_argument("--trials", type=int, default=6, help="settings tried on dev for each technique")
    parser.add_argument("--items", type=int, help="only the first so many of test, for all rows of a table")
    parser.add_argument("--model", help="a name or folder in place of the task's own model")
    parser.add_argument("--folder", help="where results are kept, in place of data/results")
    parser.add_argument("--list", action="store_true", help="show what is there, and how far it is")
    options = parser.parse_args(arguments)
    seeds = options.seeds or base.find(options.task).seeds
    names = options.technique or [name for name, t in TECHNIQUES.items() if options.task in t.settings]
    if options.list:
        for name in names:
            done = sum(row["technique"] == name for row in rows_done(options.task, options.folder))
            print(f"{name:24} {done} of {seeds if TECHNIQUES[name].random else 1} seeds")
        return 0
    try:
        failed = run(
            names,
            seeds,
            options.trials,
            options.folder,
            model=options.model,
            task=options.task,
            items=options.items,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for reason in failed.values():
        print(reason, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
