"""Where things are: the package, its data, and the learner's own folder."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent  # the package
# Beside the package in a checkout, inside it when it was installed from a wheel (see tools/packaging.py).
DATA = HERE / "data" if (HERE / "data").is_dir() else HERE.parent / "data"


def course_home():
    """The learner's own folder (COURSE_HOME, default ~/.cache/course_utils), created if it is missing.

    Raises OSError if it cannot be created.
    """
    home = Path(os.environ.get("COURSE_HOME") or "~/.cache/course_utils").expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home
