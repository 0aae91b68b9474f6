"""Memory that is free goes back to the system, where glibc would keep it for this process."""

import ctypes
import sys


def release():
    """Give freed memory back: gradients, moments and activations are gigabytes in pieces that glibc keeps.

    Does nothing where the C library has no `malloc_trim`.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)
