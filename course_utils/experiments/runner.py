"""What all sweeps share: runs that are skipped once they are stored, and the file that they are stored in.

A sweep is a module with FILE, TABLES {table: [settings]}, RUNS {table: function of a setting}, and MODEL if
it is not on the glass box; its file holds the name of the model and {table: [setting and what was measured]}.
A killed sweep goes on where it stopped. Left out: two sweeps at once on one file.
"""

import json

from tqdm import tqdm

from course_utils import models
from course_utils.storage import files


def read(file, table):
    """The runs of a table, each its setting with what was measured; an empty list before the first."""
    return json.loads(file.read_text("utf-8")).get(table, []) if file.exists() else []


def run(sweep, names):
    """Run what is missing of these tables of a sweep, writing the file after every run.

    Raises ValueError if the file holds runs of other weights, with which new ones cannot be compared.
    """
    file, subject = sweep.FILE, models.fingerprint(getattr(sweep, "MODEL", "glass-box"))
    for name in names:
        for setting in tqdm(sweep.TABLES[name], desc=name, unit="run"):
            everything = json.loads(file.read_text("utf-8")) if file.exists() else {"model": subject}
            if everything["model"] != subject:
                raise ValueError(f"{file.name} holds runs of {everything['model']}: move it away first.")
            rows = everything.setdefault(name, [])
            if not any(setting.items() <= row.items() for row in rows):
                rows.append(setting | sweep.RUNS[name](**setting))
                files.write_atomically(file, text(everything))


def text(everything):
    """A sweep's file: JSON with a line for each run, so that changes can be read."""
    tables = {name: rows for name, rows in everything.items() if name != "model"}
    runs = {
        name: ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) for name, rows in tables.items()
    }
    parts = [f'"model": {json.dumps(everything["model"])}', *(f'"{n}": [\n{r}\n]' for n, r in runs.items())]
    return "{" + ",\n".join(parts) + "}\n"
