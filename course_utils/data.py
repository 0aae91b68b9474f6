"""Records to tensors: split, tokenise with the loss on the completion only, collate.

Left out: truncation (an example that does not fit is refused, because half an answer teaches half
an answer) and packing. Reading and writing files is in course_utils.storage.records.
"""

import itertools
import math
import random

import torch

from course_utils.storage.records import BadRecords, read_records, write_records

__all__ = [
    "BadRecords",
    "collate",
    "encode",
    "encode_examples",
    "read_records",
    "refuse_unusable",
    "split",
    "write_records",
]
IGNORED = -100  # the label that cross-entropy leaves out


def split(records, fractions, seed):
    """Shuffle records into len(fractions) lists. A prompt that occurs twice stays in one of them.

    fractions are shares of the distinct prompts, positive, with sum 1. The order of records does
    not matter to who goes where. Raises ValueError for bad fractions or too few records.
    """
    if not fractions or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must be positive and sum to 1, not {fractions}")
    prompts = sorted({record["prompt"] for record in records})
    random.Random(seed).shuffle(prompts)
    cuts = [round(sum(fractions[:part]) * len(prompts)) for part in range(len(fractions) + 1)]
    groups = [set(prompts[low:high]) for low, high in itertools.pairwise(cuts)]
    if not all(groups):
        raise ValueError(f"{len(prompts)} distinct prompts are too few for the fractions {fractions}")
    return [[record for record in records if record["prompt"] in group] for group in groups]


def encode(tokenizer, records, max_length=None):
    """Tokenise records into [{"input_ids", "mask"}], two lists of T numbers; mask 1 counts in the loss.

    The mask is 1 on the completion and the end-of-text token, 0 on the prompt. Prompt and completion
    are tokenised apart: training then sees the prompt exactly as generation will, so a completion
    begins with its space. Raises BadRecords for examples of more than max_length tokens, ValueError
    for a tokenizer without an end-of-text token.
    """
    if tokenizer.eos_token_id is None:
        raise ValueError("the tokenizer has no end-of-text token, so the model could not learn to stop")
    examples, problems = [], []
    end, start = tokenizer.eos_token_id, tokenizer.bos_token
    for row, record in enumerate(records, 1):
        started = bool(start) and record["prompt"].startswith(start)  # as chat templates do
        prompt = list(tokenizer(record["prompt"], add_special_tokens=not started)["input_ids"])
        if prompt and prompt[-1] == end and not record["prompt"].endswith(tokenizer.eos_token):
            prompt.pop()  # some tokenizers close every text
        completion = [*tokenizer(record["completion"], add_special_tokens=False)["input_ids"], end]
        examples.append({"input_ids": prompt + completion, "mask": [0] * len(prompt) + [1] * len(completion)})
        if max_length is not None and len(prompt + completion) > max_length:
            problems.append((row, f"{len(prompt + completion)} tokens, more than {max_length}"))
    if problems:
        raise BadRecords("these records", problems)
    return examples


def encode_examples(tokenizer, records, max_length=None):
    """As `encode`, with "labels" in place of the mask, as transformers and TRL want them.

    A label is the token where the mask is 1, and -100 where it is 0.
    """
    return [
        {
            "input_ids": example["input_ids"],
            "labels": [i if counts else IGNORED for i, counts in zip(example["input_ids"], example["mask"])],
        }
        for example in encode(tokenizer, records, max_length)
    ]


def collate(examples, pad_id, side="right"):
    """Pad examples to one length: a dictionary of int64 tensors (B, T).

    "input_ids", "attention_mask", "position_ids", and "mask" or "labels", whichever the examples have.
    The attention mask follows the lengths, not pad_id, so the pad token may be a token in use; a row's
    first token has position 0 on either side. Raises ValueError if examples is empty or side is
    neither "left" nor "right".
    """
    if not examples or side not in ("left", "right"):
        raise ValueError("collate needs at least one example, and side 'left' or 'right'")
    longest = max(len(example["input_ids"]) for example in examples)

    def pad(ids, filler):
        gap = [filler] * (longest - len(ids))
        return ids + gap if side == "right" else gap + ids

    batch = {
        "input_ids": torch.tensor([pad(list(e["input_ids"]), pad_id) for e in examples]),
        "attention_mask": torch.tensor([pad([1] * len(e["input_ids"]), 0) for e in examples]),
    }
    batch["position_ids"] = (batch["attention_mask"].cumsum(1) - 1).clamp(min=0)
    for name, filler in (("mask", 0), ("labels", IGNORED)):
        if name in examples[0]:
            batch[name] = torch.tensor([pad(list(e[name]), filler) for e in examples])
    return batch


def refuse_unusable(examples, context=math.inf):
    """Raises ValueError for an example of more tokens than the context, or without a token that counts.

    The first token is predicted from nothing, so it never counts. A row cut at the context, with its whole
    completion gone, would otherwise take its place in a batch and teach nothing, without a word.
    """
    for number, example in enumerate(examples, 1):
        length = len(example["input_ids"])
        if length > context:
            raise ValueError(
                f"Example {number} has {length} tokens, and the model's context holds {context:.0f}: "
                "shorten it or leave it out."
            )
        if not any(example["mask"][1:]):
            raise ValueError(
                f"Example {number} has no token that counts in the loss (its mask is 0 everywhere), perhaps "
                "because it was cut before its completion: leave it out, or shorten its prompt."
            )
