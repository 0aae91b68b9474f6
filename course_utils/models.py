"""Loads a causal language model and its tokenizer: the course's two, a local folder, or a hub id.

The real model is SmolLM2-135M-Instruct, fetched once (course_utils.storage.real_model); the glass box is the
course's own small model, every text of whose pretraining is known. Device and number format are decided here
and nowhere else. Only safetensors are read, and no code that comes with a model is run. Neither model needs a
hub: the package switches it off (HF_HUB_OFFLINE) on import unless COURSE_MODEL names another model.

Environment: COURSE_MODEL replaces the real model by a folder or a hub id; COURSE_DEVICE (cpu, cuda, mps)
overrides the device (MPS has been wrong in silence for others); COURSE_RANDOM_WEIGHTS=1 makes `load` return
an untrained model of the same shape, with which the tests show that the lessons' claims can fail.
"""

import copy
import functools
import hashlib
import os
import time
from pathlib import Path

import psutil
import torch
from huggingface_hub import constants, get_session
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from course_utils.prompts.templates import CHAT_TEMPLATE
from course_utils.storage import paths, real_model

REAL = "smollm2"
GLASS_BOX = {
    "glass-box": "glass_box",
    "glass-box-small": "glass_box_small",
    "glass-box-tiny": "glass_box_tiny",
}
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
OFFER = 'The course\'s own model needs no network: models.load("glass-box").'


@functools.cache
def device():
    """The torch.device of every model: COURSE_DEVICE if it is set, else CUDA, else Apple's MPS, else the CPU.

    Raises ValueError for a COURSE_DEVICE that this machine does not have.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted := os.environ.get("COURSE_DEVICE", "").strip().lower():
        numbered = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        if not (there.get(wanted) or wanted in numbered):
            has = ", ".join([*(name for name, available in there.items() if available), *numbered])
            raise ValueError(f"COURSE_DEVICE is {wanted!r}, and this machine has {has}: choose one of these.")
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@functools.cache
def dtype():
    """fp32 on CPU and MPS; on CUDA bf16 where the hardware has it (capability 8.0), else fp16.

    `torch.cuda.is_bf16_supported` is not asked: it says yes where bf16 is emulated.
    """
    if device().type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability() >= (8, 0) else torch.float16


def load(name=None):
    """(model, tokenizer), the model in evaluation mode on `device()`, the tokenizer padding left.

    name: "smollm2" (the default: the real model, or what COURSE_MODEL names in its place), "glass-box",
    "glass-box-small", "glass-box-tiny", a folder, or a hub id. The real model is downloaded at its first
    load, with a progress bar. The glass boxes are fp32 everywhere; they are too small to gain from less.
    A missing pad token becomes the end token, a missing chat template the course's plain one.
    Raises FileNotFoundError, ValueError, ConnectionError or OSError, each with a sentence to act on.
    """
    name = _named(name)
    source, local = _find(name)
    options = {"local_files_only": local, "trust_remote_code": False}
    number_format = dtype()
    # fp16 has no room to spare: SmolLM2's largest activations are a third of its limit, and training here
    # scales no losses. Both of the course's models are small enough for fp32 on such a GPU.
    if name in GLASS_BOX or (name == REAL and number_format == torch.float16):
        number_format = torch.float32
    logging.disable_progress_bar()  # a bar for 40 small tensors is only noise in a lesson
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModelForCausalLM.from_pretrained(
            source, dtype=number_format, use_safetensors=True, **options
        )
    except (OSError, ValueError) as error:
        if isinstance(source, Path):
            raise ValueError(f"{name} could not be loaded: {_first_line(error)}") from error
        raise ConnectionError(_unreachable(name, error)) from error
    _complete(model, tokenizer, name)
    if os.environ.get("COURSE_RANDOM_WEIGHTS") == "1":
        model = randomised(model)
    return model.to(device()).eval(), tokenizer


def count_parameters(model, trainable=False):
    """Number of parameters, tied ones once; with trainable=True only those that get gradients."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def randomised(model, seed=0):
    """A copy of the model with fresh random weights, in its format and on its device."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh = type(model)(copy.deepcopy(model.config))
    fresh.generation_config = copy.deepcopy(model.generation_config)
    return fresh.to(model.device, model.dtype).train(model.training)


def choose_threads(rounds=4):
    """How many CPU threads are reliably faster than fewer right now; changes no setting.

    1, 2, 4 and so on up to the physical cores that this process may use are tried, at most 0.3 seconds
    in all. OMP_NUM_THREADS, if it is set, has the last word. Where another process shares the cores,
    threads wait for each other and training slows many-fold. So the slowest run with more of them must
    clearly beat the fastest with fewer.
    """
    wished = os.environ.get("OMP_NUM_THREADS", "")
    if wished.isdigit() and int(wished):
        return int(wished)
    cores, chosen, before = physical_cores(), 1, torch.get_num_threads()
    try:
        while chosen < cores and _faster(min(2 * chosen, cores), chosen, rounds):
            chosen = min(2 * chosen, cores)
    finally:
        torch.set_num_threads(before)
    return chosen


def physical_cores():
    """Processor cores that this process may use; two threads of one core count once: they share its units."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def _faster(many, few, rounds):
    """Whether the slowest of `rounds` runs with `many` threads clearly beats the fastest with `few`."""
    best, worst = float("inf"), 0.0
    for turn in range(rounds + 1):
        seconds = _seconds_of_products(few), _seconds_of_products(many)
        if turn:  # the first turn warms up
            best, worst = min(best, seconds[0]), max(worst, seconds[1])
            if worst * 1.15 >= best:  # further runs can only make it worse
                return False
    return True


def _seconds_of_products(threads):
    """The seconds that some matrix products take with so many threads."""
    a, b = torch.ones(2048, 128), torch.ones(128, 512)
    torch.set_num_threads(threads)
    started = time.perf_counter()
    for _ in range(6):
        a @ b
    return time.perf_counter() - started


def fingerprint(name="glass-box"):
    """The model's name and, for files on this machine, the start of the SHA-256 of its weights.

    Of a folder only its own name counts, so that a stored result does not tell where it was made.
    """
    name = _named(name)
    if name == REAL:
        folder = real_model.folder()
    else:
        folder = paths.DATA / "models" / GLASS_BOX[name] if name in GLASS_BOX else Path(name).expanduser()
    if not folder.is_dir():
        return name
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(file.read_bytes())
    return f"{name if name in GLASS_BOX else folder.resolve().name}@{digest.hexdigest()[:8]}"


def _named(name):
    """The name of the model to load: the real one by default, and COURSE_MODEL in its place."""
    name = str(name or REAL)
    return os.environ.get("COURSE_MODEL") or name if name == REAL else name


def _find(name):
    """(what to load, whether to stay on this machine) for a name; raises if it can be nothing."""
    if name == REAL:
        return real_model.folder(), True
    if name in GLASS_BOX:
        folder = paths.DATA / "models" / GLASS_BOX[name]
        if not (folder / "config.json").exists():
            raise FileNotFoundError(
                f"{name} is missing from data/models: run `python -m course_utils.pretrain`."
            )
        return folder, True
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not any(folder.glob("*.safetensors")):
            held = (
                "only pickled weights, which can run code"
                if any(map(any, map(folder.glob, PICKLES)))
                else "no weights"
            )
            raise ValueError(f"{name} holds {held}: the course loads safetensors files only. {OFFER}")
        return folder, True
    if name.count("/") != 1 or name.startswith((".", "~", "/")) or name.endswith("/") or "\\" in name:
        known = ", ".join([REAL, *GLASS_BOX])
        raise FileNotFoundError(
            f"{name} is neither a folder, nor a hub id like owner/model, nor one of {known}."
        )
    return name, not _hub_answers()


def _hub_answers():
    """One short question, because the hub's own retries take most of a minute without a network."""
    try:
        get_session().head(constants.ENDPOINT, timeout=5)
    except Exception:  # offline mode, no network, a proxy that refuses: whatever it is, it is no answer
        return False
    return True


def _unreachable(name, error):
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return (
            f"{name} is not on this machine and the course runs offline. To fetch it, set the environment "
            f"variable COURSE_MODEL={name} before you start, with a network. {OFFER}"
        )
    return f"{name} could not be fetched (no network, no such model, or no safetensors in it). {OFFER}"


def _first_line(error):
    return str(error).strip().split("\n")[0]


def _complete(model, tokenizer, name):
    """Pad token, padding side and chat template, as the rest of the course expects them."""
    if tokenizer.eos_token is None:
        raise ValueError(f"The tokenizer of {name} has no end token, so generation would never stop. {OFFER}")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    if not tokenizer.chat_template:
        tokenizer.chat_template = CHAT_TEMPLATE
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
