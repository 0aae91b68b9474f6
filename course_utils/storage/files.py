"""How a file is written: whole or not at all."""

import os
import uuid
from pathlib import Path


def write_atomically(path, content):
    """Write text (as UTF-8, line ends kept) or bytes to path; a reader sees the old file or the new one.

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
