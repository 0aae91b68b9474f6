"""NumPy arrays in a file: a compressed .npz, written whole or not at all, read without pickle."""

import io

import numpy as np

from course_utils.storage import files


def save_arrays(path, arrays):
    """Write {name: array} as a compressed .npz; a reader sees the old file or the new. Raises OSError."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    files.write_atomically(path, packed.getvalue())


def load_arrays(path):
    """{name: array} of an .npz; no pickle is read."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
