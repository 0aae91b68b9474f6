"""What pretraining leaves behind: the finished model with its card, and its abilities over training."""

import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from tqdm import tqdm
from transformers import AutoTokenizer, LlamaForCausalLM

from course_utils import models
from course_utils.storage import files, paths
from course_utils.storage.checkpoint import read_notes
from course_utils.tasks import abilities

CARD = """# {name}: the course's own base model

A Llama model with {parameters:,} parameters, trained from scratch on {tokens:g} million tokens of the
corpus that `course_utils.corpus` generates (seed {seed}; {stages}). Training took {hours:.1f} hours on
{device}; the last loss was {loss:.2f} nats per token. Make it again with
`python -m course_utils.pretrain --size {size}`; the optimizer and its schedule are in
course_utils/pretrain/train.py. The weights are stored in half precision.
License: the course's (MIT); no outside data was used.

It is a *base* model: it continues texts, good sources and bad alike, about a small invented world.
It is no assistant, and it knows nothing but what `data/corpus/README.md` describes.

## What it can do

Held-out items (see `data/corpus/README.md`), greedy decoding, Wilson intervals; written by
`python -m course_utils.pretrain`, printed again by `--evaluate data/models/{name}`.

{table}
{note}"""


def measure(size, folder, recipe, items):
    """Abilities of every milestone reached so far, into data/results/base_model.json.

    What is measured already is kept, so this may run beside the training and again after it.
    """
    results = paths.DATA / "results" / "base_model.json"
    recipe = recipe | {"items": items}
    tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
    milestones = sorted(folder.glob("milestone-*"), key=lambda p: int(p.name.split("-")[1]))
    for milestone in tqdm(milestones, desc=f"{size}, milestones"):
        seen, entry = milestone.name.split("-")[1], _entry(results, size, recipe)
        if seen not in entry["milestones"]:
            model = LlamaForCausalLM.from_pretrained(milestone, dtype=torch.float32).eval()
            measured = abilities.measure(model, tokenizer, abilities.OVER_TOKENS, items)
            entry = _entry(results, size, recipe)  # again: another size may have been written meanwhile
            entry["parameters"] = model.num_parameters()
            entry["milestones"][seen] = measured
        entry["loss"] = read_notes(folder)["log"]
        whole = json.loads(results.read_text()) if results.exists() else {}
        files.write_atomically(results, json.dumps(whole | {size: entry}, indent=1) + "\n")


def _entry(results, size, recipe):
    whole = json.loads(results.read_text()) if results.exists() else {}
    entry = whole.get(size, {})
    return entry if entry.get("recipe") == recipe else {"recipe": recipe, "milestones": {}}


def publish(size, model, tokenizer, out, recipe, log, items, note=""):
    """Write the finished model in half precision, with its card: recipe, note and the whole ability table."""
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    model, tokenizer = models.load(str(out))
    table = abilities.report(abilities.measure(model, tokenizer, abilities.ALL, items, progress=True))
    hours = log[-1]["seconds"] / 3600
    text = CARD.format(
        parameters=model.num_parameters(),
        tokens=recipe["million_tokens"],
        hours=hours,
        device="a GPU" if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU thread(s)",
        loss=log[-1]["loss"],
        seed=recipe["seed"],
        table=table,
        stages=recipe["stages"],
        name=out.name,
        size=size,
        note=f"\n## How this run went\n\n{note}\n" if note else "",
    )
    files.write_atomically(out / "README.md", text)
