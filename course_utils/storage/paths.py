"""Where things are, and how a file is written: whole or not at all."""

import os
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent  # the package
# Beside the package in a checkout, inside it when it was installed from a wheel (see packaging.py).
DATA = HERE / "data" if (HERE / "data").is_dir() else HERE.parent / "data"


def course_home():
    """The learner's own folder (COURSE_HOME, default ~/.cache/course_utils), made if need be.

    Raises OSError if it cannot be made.
    """
    home = Path(os.environ.get("COURSE_HOME") or "~/.cache/course_utils").expanduser()
    home.mkdir(parents=True, exist_ok=True)
    return home


def write_atomically(path, content):
    """Write text (as UTF-8, line ends kept) or bytes to path, so that a reader sees the old file or the new.

    Raises OSError if the folder is missing or not writable; the old file then stays as it was.
    """
    path = Path(path)
    content = content.encode("utf-8") if isinstance(content, str) else content
    draft = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.tmp")
    try:
        with open(draft, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
