"""Ways into the course besides a laptop: the repository's address, links to hosts, the set-up cell.

    python -m course_utils.tools.hosted_links            print the links

The address stands in one place, pyproject.toml ([project.urls] and [tool.course]); `start.py publish` sets it
there and carries it to everything that shows it. Without an address there are no links, and the set-up
cell only starts the course. TAG is the version that links open, so that a lesson and the package that it
installs are the same.
"""

import argparse
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from course_utils import __version__

ROOT = Path(__file__).resolve().parents[2]
TAG = f"v{__version__}"
START = "course_utils.start()"
PLAIN_SETUP = f"import course_utils\n\n{START}"


@dataclass(frozen=True)
class Address:
    """repo is "owner/name" on github.com, tag the version that links open."""

    repo: str
    tag: str = TAG

    @property
    def url(self):
        return f"https://github.com/{self.repo}"

    @property
    def name(self):
        return self.repo.split("/")[1]


def read(text=None):
    """The Address in pyproject.toml (or in its text), or None if none is set."""
    project = tomllib.loads(text if text is not None else (ROOT / "pyproject.toml").read_text("utf-8"))
    url = project.get("project", {}).get("urls", {}).get("Repository", "")
    if not url:
        return None
    return Address(url.split("github.com/")[-1], project.get("tool", {}).get("course", {}).get("tag", TAG))


def links(address, lesson="notebooks/00_start_here.ipynb", hub="https://HUB"):
    """{service: link} of one lesson at the address's tag; hub is the address of a JupyterHub."""
    page = f"{address.url}/blob/{address.tag}/{lesson}"
    # A branch: nbgitpuller merges what has come since, which it cannot for a tag.
    where = {"repo": address.url, "branch": "main", "urlpath": f"lab/tree/{address.name}/{lesson}"}
    return {
        "Colab": f"https://colab.research.google.com/github/{address.repo}/blob/{address.tag}/{lesson}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src={quote(page, safe=':/')}",
        "Codespaces": f"https://codespaces.new/{address.repo}/tree/{address.tag}",
        "JupyterHub": f"{hub}/hub/user-redirect/git-pull?{urlencode(where)}",
    }


def setup(address):
    """The source of the set-up cell; with an address, it installs the course on Colab and Kaggle first."""
    if address is None:
        return PLAIN_SETUP
    return f"""import os
import sys

if "google.colab" in sys.modules or "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
    course = "git+{address.url}@{address.tag}"
    get_ipython().run_line_magic("pip", f"install --quiet {{course}}")

{PLAIN_SETUP}"""


def with_setup(notebook, address):
    """The notebook with the address's set-up where it calls start(). Raises ValueError if it does not."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.rstrip().endswith(START):
            cell.source = setup(address)
            return notebook
    raise ValueError("no cell calls course_utils.start()")


def lessons():
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def main(arguments=None):
    argparse.ArgumentParser(prog="hosted_links", description=__doc__.splitlines()[0]).parse_args(arguments)
    address = read()
    if address is None:
        print("No address is set: python start.py publish --repo OWNER/NAME", file=sys.stderr)
        return 1
    for path in lessons():
        services = links(address, path.relative_to(ROOT).as_posix())
        print(f"{path.stem}: " + " · ".join(f"[{name}]({link})" for name, link in services.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
