"""Samples the pairs and demonstrations of the open questions: writes two files in data/open_questions.

    python -m course_utils.experiments.open_question_pairs [--out FOLDER]

The demonstrations are the model's own replies, every second one cut after its first sentence; the start that
learned from them samples four replies to each question, and the rule labels them (see rlhf_open_questions,
whose runs begin with the same start and training pairs). Held-out pairs ask the questions of dev and test.
About seven minutes on a free thread. Taught in lesson 05. Left out: labels of people.
"""

import argparse
import json
from pathlib import Path

from course_utils import models
from course_utils.experiments import rlhf_open_questions as runs
from course_utils.rlhf import adapter_policy
from course_utils.storage.files import write_atomically
from course_utils.tasks import open_questions

HELD_OUT = ("dev", "test")


def build(model, tokenizer):
    """(demonstrations, pairs) as they are stored, by the start, which becomes the active adapter."""
    asked = open_questions.questions("train")
    shown = runs.demonstrations(model, tokenizer, asked[: runs.SHOWN])
    adapter_policy.sft(model, tokenizer, shown, runs.SHAPE, runs.SEED, **runs.SFT)
    pairs = stored(tokenizer, "train", asked, runs.sampled_pairs(model, tokenizer, asked))
    later = [question for part in HELD_OUT for question in open_questions.questions(part)]
    sampled = runs.sampled_pairs(model, tokenizer, later, runs.SEED + 1)
    demonstrations = [
        {"prompt": question.text, "completion": record["completion"]}
        for question, record in zip(asked, shown)
    ]
    return demonstrations, pairs + stored(tokenizer, "held_out", later, sampled)


def stored(tokenizer, split, asked, pairs):
    """Pairs with an id, their split and topic, and the question alone as the prompt."""
    known = dict(zip(open_questions.prompts(tokenizer, asked), asked))
    return [
        {
            "id": f"{split}-{i:03}",
            "split": split,
            "topic": known[pair["prompt"]].topic,
            "prompt": known[pair["prompt"]].text,
            "chosen": pair["chosen"],
            "rejected": pair["rejected"],
        }
        for i, pair in enumerate(pairs, 1)
    ]


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="open_question_pairs", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=open_questions.PAIRS.parent, help="the folder to write to"
    )
    folder = parser.parse_args(arguments).out
    demonstrations, pairs = build(*models.load(runs.MODEL))
    for name, records in ((open_questions.SHOWN.name, demonstrations), (open_questions.PAIRS.name, pairs)):
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        write_atomically(folder / name, lines)
        print(f"Wrote {len(records)} records to {folder / name}.")


if __name__ == "__main__":
    main()
