"""The model card and the record of a run, as they lie beside the weights: README.md and training.json.

Both are made from one dictionary of facts, so that neither says what was not measured. Left out: claims
about bias, risks and intended use, which only the maker of a model can make.
"""

import importlib.metadata
import json

SHOWN = 10
LIBRARIES = ("torch", "transformers", "peft")

CARD = """---
{front}
---

# {title}

{base} fine-tuned on {count} records of `{file}` with `python -m course_utils.finetune`.
The table below quotes the file: keep that in mind before you publish this folder.

## How to load it

{loading}

## Training

| | |
|---|---|
{settings}

## Before and after

{asked}

{table}

{probe}

## Licence

The base model's licence ({license}) holds for these weights, too; what may be done with what was learned
from `{file}` depends on that file, about which nothing is known here.
"""
ADAPTER_ON_HUB = """On the hub's original of the base model (fetched at the first call):

```python
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("{folder}")
tokenizer = AutoTokenizer.from_pretrained("{folder}")
```
"""
ADAPTER = """{heading}

```python
from peft import PeftModel
{load}
model = PeftModel.from_pretrained(base, "{folder}")
```
"""
WHOLE = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{folder}")
tokenizer = AutoTokenizer.from_pretrained("{folder}")
```
"""


def versions():
    """{library: its version} of what trained."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


def training_json(facts):
    """The text of training.json."""
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def card(facts, base, folder):
    """The text of README.md: facts as in training.json, the Base, and the name of the model's folder."""
    data, loss = facts["data"], facts["loss"]
    settings = facts["settings"] | {
        "records learned": data["learned"],
        "records held back": data["held_back"],
        "steps": facts["steps"],
        "loss in training (nats per token), first and last": f"{loss['first']:.3f}, {loss['last']:.3f}",
        "libraries": ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
    }
    if loss["before"] is not None:
        settings["loss on the questions below, before and after"] = (
            f"{loss['before']:.3f}, {loss['after']:.3f}"
        )
    return CARD.format(
        front=_front(facts, base),
        title=folder,
        base=base.name,
        count=data["used"],
        file=data["file"],
        loading=_loading(facts, base, folder),
        settings="\n".join(f"| {name} | {value} |" for name, value in settings.items()),
        asked=facts["asked"]["what"] + " " + " ".join(facts["asked"]["scores"]),
        table=_table(facts["asked"]["replies"]),
        probe=_sentences(facts["probe"]["report"]),
        license=base.license,
    )


def _front(facts, base):
    """The card's YAML header; base_model only if it is a name that the hub knows."""
    adapter = facts["settings"]["method"] == "lora"
    lines = [f"base_model: {base.hub}"] if base.hub else []
    lines += [f"license: {base.license}"] if " " not in base.license else []
    lines += ["library_name: " + ("peft" if adapter else "transformers"), "pipeline_tag: text-generation"]
    return "\n".join([*lines, "tags:", *(["- lora"] if adapter else []), "- fine-tuning"])


def _loading(facts, base, folder):
    """The lines of Python that load the folder."""
    if facts["settings"]["method"] != "lora":
        return WHOLE.format(folder=folder)
    parts = []
    if base.hub:
        parts.append(ADAPTER_ON_HUB.format(folder=folder))
    if base.course_name and base.course_name != base.hub:
        heading = "On the course's own copy of the base model, which it was trained on"
        heading += " (the weights of a 4-bit file):" if base.hub else ":"
        load = f'from course_utils import models\n\nbase, tokenizer = models.load("{base.course_name}")'
        parts.append(ADAPTER.format(heading=heading, load=load, folder=folder))
    if not parts:
        heading = f"On the base model that it was trained on, a folder called `{base.name}`:"
        load = "from transformers import AutoModelForCausalLM\n\n"
        load += f'base = AutoModelForCausalLM.from_pretrained("{base.name}")'
        parts.append(ADAPTER.format(heading=heading, load=load, folder=folder))
    if facts["settings"]["merged"]:
        whole = WHOLE.format(folder=f"{folder}/merged")
        parts.append(f"Merged into whole weights, which need no base model:\n\n{whole}")
    return "\n".join(parts).strip()


def _table(replies):
    """A Markdown table of the first replies."""

    def cell(text):
        text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
        return text if len(text) <= 200 else text[:199] + "…"

    if not replies:
        return ""
    lines = ["| question | wanted | before | after |", "|---|---|---|---|"]
    names = ("question", "wanted", "before", "after")
    lines += ["| " + " | ".join(cell(row[name]) for name in names) + " |" for row in replies[:SHOWN]]
    return "\n".join([*lines, f"\n… and {len(replies) - SHOWN} more" if len(replies) > SHOWN else ""]).strip()


def _sentences(lines):
    first, *rest = lines
    return "\n".join([first[0].upper() + first[1:] + ".", *(["", "```", *rest, "```"] if rest else [])])
