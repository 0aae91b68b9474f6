"""Run lessons in an environment with other versions: what Colab has preinstalled, or the oldest allowed.

    python tests/helpers/second_environment.py FOLDER [--lessons 00 01 02 03] [--torch 2.13.0]

Makes a virtual environment in FOLDER (kept for the next time) with the versions of
constraints-colab.txt, checks that every imported name of the large libraries exists there, and runs
the lessons with nbval. --torch takes another version of torch, where PyPI's CUDA build of Colab's
one is too large. Colab's Python is 3.13; here it is the one that runs this file.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ["torchao"]  # what Colab has and the course does not ask for, and what changes how others behave
SHOWN = ["torch", *BESIDE, "transformers", "peft", "trl", "datasets", "ipywidgets", "ipython", "ipykernel"]
VERSIONS = f"from importlib.metadata import version; print({{n: version(n) for n in {SHOWN}}})"


def constraints(folder, torch):
    """The path of constraints-colab.txt; with another torch, if one is asked for, and its setuptools free."""
    lines = (ROOT / "constraints-colab.txt").read_text(encoding="utf-8").splitlines()
    if torch:
        lines = [line for line in lines if not line.startswith(("torch==", "setuptools=="))]
        lines.append(f"torch=={torch}")
    path = folder / "constraints.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lessons", nargs="*", default=["00", "01", "02", "03"])
    parser.add_argument("--torch", help="a version of torch other than Colab's")
    parser.add_argument("--only-install", action="store_true")
    options = parser.parse_args()
    folder = options.folder.resolve()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    wanted = ["-e", f"{ROOT}[test]", *BESIDE]
    subprocess.run([*pip, "-c", constraints(folder, options.torch), *wanted], check=True, cwd=folder)
    subprocess.run([python, "-c", VERSIONS], check=True)
    if options.only_install:
        return 0
    found = [path for n in options.lessons for path in sorted((ROOT / "notebooks").glob(f"{n}_*.ipynb"))]
    nbval = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]
    environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    runs = [["tests/helpers/drift.py"], ["-m", "pytest", "-q", "-p", "tests.conftest", *nbval, *found]]
    return max(subprocess.run([python, *run], cwd=ROOT, env=environment).returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main())
