"""Fine-tunes a model on your own records, from a terminal or a notebook.

    python -m course_utils.finetune --data my.csv --out my_model [--method lora|full|last_block|head]

Asks held-back records before and after, and writes a folder that plain transformers (or peft, for
LoRA) loads. The folder appears when everything is in it, and not before. Left out: continuing a
killed run (it starts again), several files, and choosing the learning rate for you.
"""

import argparse
import math
import os
import shutil
import sys
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError
from torch import nn

from course_utils import data, evaluation, losses, models, training
from course_utils.batching import context_length
from course_utils.finetune import augment
from course_utils.finetune.options import positive
from course_utils.generation import generate

RATES = {"lora": (5e-3, 3e-4), "full": (1e-3, 2e-5), "last_block": (3e-3, 1e-4), "head": (1e-2, 1e-3)}
SMALL = 20_000_000  # parameters; the first rate is for models below, the second for those above
RANK = 8
HELD_BACK = 0.1
ROOM = 128  # new tokens of a reply


def opened(prompt):
    """The prompt as the model is asked: as it is if it ends with a colon, else as a question."""
    prompt = prompt.strip()
    return prompt if prompt.endswith(":") else f"Question: {prompt}\nAnswer:"


def encoded(tokenizer, records, max_length=None):
    """The records as training examples: the prompt opened, the completion after one space."""
    shaped = [{"prompt": opened(r["prompt"]), "completion": f" {r['completion'].strip()}"} for r in records]
    return data.encode(tokenizer, shaped, max_length)


def ask(model, tokenizer, records, stop="\n"):
    """The model's replies to the records' prompts, in their order."""
    room = min(ROOM, context_length(model) // 4)
    texts = [opened(record["prompt"]) for record in records]
    return [text.strip() for text in generate(model, tokenizer, texts, max_new_tokens=room, stop=stop)]


def tune(model, tokenizer, records, method="lora", epochs=3, lr=None, seed=0, batch_size=None, progress=True):
    """Train on the records; returns (model, History). With "lora" the model is one of PEFT's.

    method: lora, full, last_block or head. lr: by default one that suits the method and the model's
    size. Raises BadRecords for records that do not fit the model's context.
    """
    small = models.count_parameters(model) < SMALL
    lr = lr or RATES[method][0 if small else 1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # LoRA starts with random numbers
        model, parameters = _chosen(model, method)
    # Few records get small batches, so that three epochs are more than three steps.
    batch_size = batch_size or min(16, max(1, len(records) // 8))
    history = training.train(
        model,
        encoded(tokenizer, records, context_length(model)),
        lr=lr,
        steps=epochs * math.ceil(len(records) / batch_size),
        batch_size=batch_size,
        seed=seed,
        parameters=parameters,
        progress=progress,
        pad_id=tokenizer.pad_token_id,
    )
    return model, history


def last_blocks(model, count=1):
    """The parameters of the last `count` blocks. Raises ValueError if there are not so many."""
    total = model.config.get_text_config().num_hidden_layers
    found = (m for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) == total)
    blocks = next(found, None)
    if blocks is None or not 1 <= count <= total:
        raise ValueError(f"{count} blocks of the model's {total} cannot be chosen.")
    return [parameter for block in blocks[total - count :] for parameter in block.parameters()]


def own_head(model):
    """The parameters of the head, which gets a weight of its own if it shares that of the embeddings.

    Otherwise what the model reads would change with what it writes.
    """
    head = model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
        model.config.get_text_config().tie_word_embeddings = False
        model.config.tie_word_embeddings = False
    return list(head.parameters())


def _chosen(model, method):
    """(model, the parameters to train) for a method. Raises ValueError for an unknown one."""
    if method == "lora":
        from peft import LoraConfig, get_peft_model

        settings = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, settings)
        return model, [parameter for parameter in model.parameters() if parameter.requires_grad]
    chosen = {"full": lambda model: list(model.parameters()), "last_block": last_blocks, "head": own_head}
    if method not in chosen:
        raise ValueError(f"There is no method {method!r}: use one of {', '.join(RATES)}.")
    return model, chosen[method](model)


def too_long(tokenizer, model):
    """check(record) for read_records: the reason if a record does not fit the model's context."""
    most = context_length(model)

    def check(record):
        count = len(encoded(tokenizer, [record])[0]["input_ids"])
        return f"{count} tokens, and the model's context holds {most}" if count > most else None

    return check


def ending(records):
    """What ends a reply: a line or an empty line, unless a completion holds it; else only the model's end."""
    texts = [record["completion"].strip() for record in records]
    return next((mark for mark in ("\n", "\n\n") if not any(mark in text for text in texts)), None)


def write(model, tokenizer, out):
    """Write the model's folder, whole or not at all. Raises OSError, also if `out` exists.

    It is made under another name beside `out` and renamed at the end; what a killed run has left there
    is removed.
    """
    out = Path(out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    for left in out.parent.glob(f".{out.name}.*.draft"):
        number = left.name.split(".")[-2]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.draft")
    try:
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
        for file in draft.iterdir():  # on the disk, before the name says that it is there
            with open(file, "rb+") as handle:
                os.fsync(handle.fileno())
        if out.exists():
            raise FileExistsError(f"{out} exists")
        os.rename(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def held_back(records, seed=0):
    """(records to learn from, records to ask): a tenth of the prompts, from one to 200, is kept back.

    Below five different prompts nothing can be spared, and the same records serve for both.
    """
    count = len({record["prompt"] for record in records})
    if count < 5:
        return records, records
    share = min(max(1, HELD_BACK * count), 200) / count
    return tuple(data.split(records, (1 - share, share), seed))


def loss_on(model, tokenizer, records):
    """Mean cross-entropy of the records' completions, in nats per token."""
    total, count = 0.0, 0
    with torch.inference_mode():
        for example in encoded(tokenizer, records):
            batch = data.collate([example], tokenizer.pad_token_id)
            ids, mask = batch["input_ids"].to(model.device), batch["mask"].to(model.device)
            number = sum(example["mask"])
            total += number * losses.sft(model(input_ids=ids).logits, ids, mask).item()
            count += number
    return total / count


def table(records, before, after, shown=10, width=34):
    """Lines: prompt, expected, before and after of the first records, and the shares right of all."""

    def cut(text):
        text = " ".join(text.split())
        return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"

    heads = ("prompt", "expected", "before", "after")
    lines = ["  ".join(cut(head) for head in heads), "  ".join("─" * width for _ in heads)]
    for record, *replies in list(zip(records, before, after))[:shown]:
        lines.append("  ".join(map(cut, (record["prompt"], record["completion"], *replies))))
    if len(records) > shown:
        lines.append(f"… and {len(records) - shown} more")
    for name, replies in (("before", before), ("after", after)):
        right = sum(evaluation.exact_match(replies, [record["completion"] for record in records]))
        low, high = evaluation.interval(right, len(records))
        lines.append(
            f"{name}: {right} of {len(records)} word for word right (95 % interval {low:.2f} to {high:.2f})"
        )
    return lines


def run(options):
    """Everything that the command does. Raises OSError or ValueError with a sentence."""
    out = Path(options.out)
    if out.exists():
        raise FileExistsError(f"{out} exists already: choose another folder, or move it away.")
    parent = next(folder for folder in out.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise PermissionError(f"{parent} cannot be written to.")
    if options.model and (Path(options.model) / "adapter_config.json").exists():
        raise ValueError(
            f"{options.model} is an adapter, not a whole model: train the model it was made for."
        )
    files = [options.data, *([options.ask] if options.ask else [])]
    for file in files:  # before the model is loaded, which takes longer
        data.read_records(file)
    torch.set_num_threads(models.choose_threads())
    model, tokenizer = models.load(options.model)
    records, *other = (data.read_records(file, check=too_long(tokenizer, model)) for file in files)
    learned, asked = (records, other[0]) if other else held_back(records, options.seed)
    kind = "the same" if learned is asked else "other"
    print(
        f"{len(learned)} records to learn from, {len(asked)} {kind} records to ask; method {options.method}"
    )
    told = {opened(record["prompt"]) for record in learned}
    known = sum(opened(record["prompt"]) in told for record in asked)
    if known and kind == "other":
        print(f"{known} prompts that are asked stand in what is learned, too: being right there is no test.")
    stop = ending(records)
    before = ask(model, tokenizer, asked, stop), loss_on(model, tokenizer, asked)
    model, history = tune(
        model,
        tokenizer,
        augment.reworded(learned, options.copies, options.seed, {record["prompt"] for record in asked}),
        options.method,
        options.epochs,
        options.lr,
        options.seed,
        options.batch_size,
    )
    after = ask(model, tokenizer, asked, stop), loss_on(model, tokenizer, asked)
    write(model, tokenizer, out)
    print("\n".join(table(asked, before[0], after[0])))
    print(f"loss per token on them: {before[1]:.2f} before, {after[1]:.2f} after")
    print(f"{len(history.losses)} steps in {history.seconds:.0f} s; the model is in {out}. Ask it like this:")
    print(repr(opened(asked[0]["prompt"])))


def main(arguments=None):
    """The command; returns the exit code: 2 with a plain sentence if something cannot be used."""
    parser = argparse.ArgumentParser(prog="finetune", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", required=True, metavar="FILE", help="records: .jsonl or .csv, prompt and completion"
    )
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder to write; it must not exist")
    parser.add_argument("--method", choices=RATES, default="lora")
    parser.add_argument("--model", help="embedded (default), a folder, or a hub id")
    parser.add_argument("--epochs", type=positive(int), default=3)
    parser.add_argument(
        "--ask", metavar="FILE", help="records to ask before and after, instead of some held back"
    )
    parser.add_argument(
        "--copies",
        type=positive(int),
        default=1,
        help="wordings of each question to learn from (try 32 for ten records)",
    )
    parser.add_argument("--lr", type=positive(float), help="learning rate (default: by method and size)")
    parser.add_argument(
        "--batch-size", type=positive(int), help="records in a step (by default: by their number)"
    )
    parser.add_argument("--seed", type=int, default=0)
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
