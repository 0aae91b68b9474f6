"""Run the first cells of a lesson in a process of its own: run_lesson.py LESSON FOLDER [CELLS]

The kernel works in FOLDER, whatever the lesson's own place. The exit status is 1 if a cell fails.
Prints how many code cells ran. Used by the tests of odd places and of several learners at once.
"""

import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main(lesson, folder, cells=None):
    notebook = nbformat.read(lesson, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if cells:
        code = code[: int(cells)]
    notebook.cells = code
    where = {"metadata": {"path": folder}}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where)
    try:
        client.execute()
    except CellExecutionError as error:
        print(str(error)[-2000:], file=sys.stderr)
        return 1
    print(f"{len(code)} cells ran")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
