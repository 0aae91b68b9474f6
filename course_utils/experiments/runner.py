"""What all sweeps share: runs that are skipped once they are stored, and the command line.

A sweep is a module with FILE, TABLES {table: [settings]} and RUNS {table: function of a setting}; its
file holds the name of the model and {table: [setting and what was measured]}. A killed sweep goes on
where it stopped. Left out: two sweeps at once on one file.
"""

import argparse
import json

import torch
from tqdm import tqdm

from course_utils import models
from course_utils.scoreboard import measure
from course_utils.storage import files


def run(file, tables, runs, names):
    """Run what is missing of these tables, writing the file after every run.

    Raises ValueError if the file holds runs of other weights, with which new ones cannot be compared.
    """
    subject = measure.fingerprint("glass-box")
    for name in names:
        for setting in tqdm(tables[name], desc=name, unit="run"):
            everything = json.loads(file.read_text("utf-8")) if file.exists() else {"model": subject}
            if everything["model"] != subject:
                raise ValueError(f"{file.name} holds runs of {everything['model']}: move it away first.")
            rows = everything.setdefault(name, [])
            if not any(setting.items() <= row.items() for row in rows):
                rows.append(setting | runs[name](**setting))
                files.write_atomically(file, text(everything))


def text(everything):
    """A sweep's file: JSON with a line for each run, so that changes can be read."""
    tables = {name: rows for name, rows in everything.items() if name != "model"}
    runs = {
        name: ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) for name, rows in tables.items()
    }
    parts = [f'"model": {json.dumps(everything["model"])}', *(f'"{n}": [\n{r}\n]' for n, r in runs.items())]
    return "{" + ",\n".join(parts) + "}\n"


def command(doc, tables, read, sweep, arguments=None):
    """The command line of a sweep: sweep(names) runs tables, read(name) gives the runs that are stored."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--table", nargs="+", choices=tables, default=list(tables))
    parser.add_argument("--list", action="store_true", help="show how far it is")
    options = parser.parse_args(arguments)
    if options.list:
        for name in options.table:
            print(f"{name:14} {len(read(name))} of {len(tables[name])} runs")
        return
    torch.set_num_threads(models.choose_threads())
    sweep(options.table)
