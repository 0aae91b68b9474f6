"""Samples the help desk's preference pairs from a real model: writes data/helpdesk/preferences.jsonl.

    python -m course_utils.rlhf.sample_pairs [--train 300] [--held-out 100] [--out FILE]

SmolLM2 is fine-tuned on demonstrations of mixed quality, with LoRA; to each message it then samples two
replies, and the rule grader says which one is better and why (course_utils.tasks.helpdesk.preferences). What
is done is kept in the learner's own folder, so that a run that was interrupted continues. Training pairs ask
messages of train.jsonl that were not among these demonstrations, held-out pairs those of dev.jsonl, whose
frames no model was trained on. Taught in lesson 05. Left out: a second model beside the policy.
"""

import argparse
import hashlib
import json
import random
from pathlib import Path

from course_utils import models
from course_utils.generation import generate
from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy
from course_utils.storage.files import write_atomically
from course_utils.storage.paths import course_home
from course_utils.tasks import base
from course_utils.tasks.helpdesk import preferences

SEED, BATCH = 2026, 24  # messages whose replies are sampled together
SPLITS = {"train": "train", "held_out": "dev"}  # of the pairs: of the records whose messages they ask


def build(model, tokenizer, task, counts, seed=SEED, temperature=preferences.TEMPERATURE, folder=None):
    """The pairs, as many of each split as counts says, each to a message of its own.

    The model becomes the policy that was sampled: the start that the task's Feedback describes. folder: where
    what is done is kept. Raises ValueError if there are too few messages.
    """
    folder = folder or course_home() / "pairs"
    folder.mkdir(parents=True, exist_ok=True)
    sizes, train = task.feedback, task.read("train")
    shown = task.sample(train, min(sizes.records or len(train), len(train)), seed)
    demonstrations = task.training_records(tokenizer, task.mixed_quality(shown, seed))
    settings = dict(lr=sizes.sft_lr, steps=sizes.sft_steps, batch_size=sizes.sft_batch, bf16=task.half)
    settings["checkpoint"] = folder / f"sft-{sizes.sft_lr:g}-{seed}"
    seconds = adapter_policy.sft(model, tokenizer, demonstrations, sizes.lora, seed, **settings)
    print(f"Fine-tuned on {len(demonstrations)} records in {seconds:.0f} s.", flush=True)
    sampler, pairs = Sampler(model, tokenizer, task, seed, temperature, folder), []
    known = {record["id"] for record in shown}
    for split, part in SPLITS.items():
        messages = [record for record in task.read(part) if record["id"] not in known]
        random.Random(f"{seed} {split}").shuffle(messages)
        kept = sampler.pairs(messages, counts[split])
        pairs += [{"id": f"{split}-{i:04}", "split": split} | pair for i, pair in enumerate(kept, 1)]
    return pairs


class Sampler:
    """Two replies to each message, in batches that are kept in a folder."""

    def __init__(self, model, tokenizer, task, seed, temperature, folder):
        self.model, self.tokenizer, self.task = model, tokenizer, task
        self.seed, self.temperature, self.folder = seed, temperature, Path(folder)
        weights = [p.detach().double().sum().item() for p in adapter_layer.parameters(model, "start")]
        self.subject = repr([round(sum(weights), 3), seed, temperature, task.feedback.room])

    def pairs(self, records, count):
        """The first `count` pairs of the records. Raises ValueError if there are fewer."""
        kept = []
        for start in range(0, len(records), BATCH):
            batch = records[start : start + BATCH]
            kept += filter(None, map(preferences.labeled, batch, *zip(*self.replies(batch))))
            print(f"{start + len(batch)} messages, {len(kept)} pairs.", flush=True)
            if len(kept) >= count:
                return kept[:count]
        raise ValueError(f"{len(records)} messages gave only {len(kept)} pairs, and {count} were asked for.")

    def replies(self, batch):
        """[(one reply, another)] to the messages of a batch, sampled or from the folder."""
        name = hashlib.sha256((self.subject + "".join(record["prompt"] for record in batch)).encode())
        file = self.folder / f"{name.hexdigest()[:24]}.json"
        if not file.exists():
            texts = [self.task.asked(self.tokenizer, r["prompt"]) for r in batch for _ in range(2)]
            options = dict(max_new_tokens=self.task.feedback.room, stop="\n", temperature=self.temperature)
            number = int(name.hexdigest()[:8], 16)  # other chances for each batch
            replies = generate(self.model, self.tokenizer, texts, seed=self.seed + number, **options)
            write_atomically(file, json.dumps(list(zip(replies[::2], replies[1::2]))))
        return json.loads(file.read_text("utf-8"))


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="sample_pairs", description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=300, help="training pairs")
    parser.add_argument("--held-out", type=int, default=100, help="held-out pairs, in frames of their own")
    parser.add_argument("--out", type=Path, help="the file to write")
    options = parser.parse_args(arguments)
    task = base.find("helpdesk")
    counts = {"train": options.train, "held_out": options.held_out}
    pairs = build(*models.load(task.model), task, counts)
    out = options.out or task.folder / "preferences.jsonl"
    write_atomically(out, "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs))
    print(f"Wrote {len(pairs)} pairs to {out}.")


if __name__ == "__main__":
    main()
