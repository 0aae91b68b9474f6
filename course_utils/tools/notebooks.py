"""Execute the lessons and store them in one normal form, so that they diff cleanly.

    python -m course_utils.tools.notebooks [FILES]               execute in order, normalize, write
    python -m course_utils.tools.notebooks --time [FILES]        the same, and keep how long each section took
    python -m course_utils.tools.notebooks --normalize [FILES]   normalize what is stored
    python -m course_utils.tools.notebooks --check [FILES]       write nothing, fail if not normal

Left out on purpose: comparing results. That is nbval's work (`start.py test`).
"""

import argparse
import base64
import hashlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from PIL import Image

from course_utils.tools import lesson_times

ROOT = Path(__file__).resolve().parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
STATED = re.compile(r"^\s*(claim|check_equal)\(|\.(claim|check_equal)\(", re.MULTILINE)
CHECKED = "nbval-check-output"  # nbval's tag for "compare this cell's output"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(notebook, folder, timeout=600):
    """Run all cells in the kernel of this environment. Raises nbclient's CellExecutionError.

    The kernel sees a learner who has done nothing yet, and always the same one.
    """
    from nbclient import NotebookClient

    where = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=where)
    with tempfile.TemporaryDirectory() as home:
        client.execute(env=os.environ | {"COURSE_HOME": home, "COURSE_LEARNER": "the stored lessons"})
    for output in (o for cell in notebook.cells for o in cell.get("outputs", []) if "text" in o):
        output.text = output.text.replace(home, "~/.cache/course_utils")
    return notebook


def tidy_text(text):
    """What a terminal would show at the end, without paths or addresses of this machine."""
    text = re.sub(r"^[^\n]*\r(?=[^\n])", "", text, flags=re.MULTILINE)
    text = re.sub(r" at 0x[0-9a-fA-F]+", " at 0x…", text)
    return text.replace(str(ROOT), "…").replace(str(Path.home()), "~")


def fewer_colors(png):
    """A picture in base64 with 64 colors: a third of the size, and no difference to the eye.

    By coverage, not by the median cut: that gives a small patch, as in a legend, its neighbor's color.
    """
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "P":
        return png
    small = io.BytesIO()
    picture.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return base64.b64encode(small.getvalue()).decode()


def tidy_outputs(outputs, number):
    """Drop stderr and widgets, join neighboring streams, clean the texts."""
    kept = []
    for output in outputs:
        if output.get("name") == "stderr" or WIDGET in output.get("data", {}):
            continue
        if "execution_count" in output:
            output.execution_count = number
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
            continue
        kept.append(output)
    for output in kept:
        if "text" in output:
            output.text = tidy_text(output.text)
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                output.data[kind] = tidy_text(value)
            elif kind == "image/png":
                output.data[kind] = fewer_colors(value)
    return kept


def normalize(notebook):
    """Bring a notebook into the normal form, in place: a function of its contents alone."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    number, seen = 0, {}
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        cell.outputs = tidy_outputs(cell.outputs, number)
        tags = {CHECKED} if STATED.search(cell.source) else set()
        tags |= {tag for tag in cell.metadata.pop("tags", []) if tag != CHECKED}
        if tags:
            cell.metadata.tags = sorted(tags)
    return notebook


def dumps(notebook):
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def write(notebook, path):
    """Replace the file at once: a half-written notebook is never seen."""
    part = path.with_name(path.name + ".part")
    part.write_text(dumps(notebook), encoding="utf-8", newline="\n")
    os.replace(part, path)


def main(args=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="default: all lessons")
    parser.add_argument("--time", action="store_true", help="keep the seconds in data/results")
    parser.add_argument("--normalize", action="store_true", help="do not execute")
    parser.add_argument("--check", action="store_true", help="do not execute or write; report")
    options = parser.parse_args(args)
    failed = 0
    for path in options.files or sorted((ROOT / "notebooks").glob("*.ipynb")):
        stored = path.read_text(encoding="utf-8")
        notebook = nbformat.reads(stored, as_version=4)
        try:
            if not (options.check or options.normalize):
                execute(notebook, path.resolve().parent)
                if options.time:
                    lesson_times.keep(path, notebook)
        except Exception as problem:  # whatever stopped it, the stored notebook stays as it was
            print(f"{path}: stopped\n{problem}", file=sys.stderr)
            failed += 1
            continue
        normal = dumps(normalize(notebook))
        if options.check:
            failed += normal != stored
            print(f"{path}: {'normal' if normal == stored else 'NOT normal'}")
        else:
            write(notebook, path)
            print(f"{path}: written")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
