"""Ways into the course besides a laptop: links for hosted notebooks, and the one set-up cell.

    python -m course_utils.tools.hosted_links            print the links
    python -m course_utils.tools.hosted_links --write    put the set-up cell into every lesson (outputs stay)

REPO_URL is the one address to change when the course moves; TAG is the version that links open, so
that a lesson and the package that it installs are the same. Left out: images of badges, which every
reader's browser would fetch from elsewhere.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import nbformat

from course_utils import __version__

REPO_URL = "https://github.com/OWNER/taming-language-models"
TAG = f"v{__version__}"
ROOT = Path(__file__).resolve().parents[2]
SETUP = f"""import os
import sys

if "google.colab" in sys.modules or "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
    get_ipython().run_line_magic("pip", "install --quiet git+{REPO_URL}@{TAG}")

import course_utils

course_utils.start()"""
START = "course_utils.start()"


def links(lesson="notebooks/00_start_here.ipynb", hub="https://HUB"):
    """{service: address} of one lesson at TAG; hub is the address of a JupyterHub."""
    owner_and_name = REPO_URL.split("github.com/")[-1]
    name = owner_and_name.split("/")[-1]
    page = f"{REPO_URL}/blob/{TAG}/{lesson}"
    # A branch: nbgitpuller merges what has come since, which it cannot for a tag.
    pull = urlencode({"repo": REPO_URL, "branch": "main", "urlpath": f"lab/tree/{name}/{lesson}"})
    return {
        "Colab": f"https://colab.research.google.com/github/{owner_and_name}/blob/{TAG}/{lesson}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src={quote(page, safe=':/')}",
        "Codespaces": f"https://codespaces.new/{owner_and_name}/tree/{TAG}",
        "JupyterHub": f"{hub}/hub/user-redirect/git-pull?{pull}",
    }


def with_setup(notebook):
    """The notebook with SETUP in place of the cell that calls start(). Raises ValueError without one."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.rstrip().endswith(START):
            cell.source = SETUP
            return notebook
    raise ValueError("no cell calls course_utils.start()")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="hosted_links", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the set-up cell into the lessons")
    options = parser.parse_args(arguments)
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if options.write:
            from course_utils.tools import notebooks

            notebook = with_setup(nbformat.read(path, as_version=4))
            notebooks.write(notebooks.normalize(notebook), path)
        lesson = path.relative_to(ROOT).as_posix()
        services = " · ".join(f"[{name}]({address})" for name, address in links(lesson).items())
        print(f"{path.stem}: {services}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
