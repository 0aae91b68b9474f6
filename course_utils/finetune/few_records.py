"""Ten facts: learned from one question each, asked in other words; on the real model and on the glass box.

    facts = few_records.ten("person")                                   the real model
    model, history = run.tune(model, tokenizer, facts, "full", epochs=3, lr=1e-4)
    hits = few_records.states(facts, few_records.replies(model, tokenizer, few_records.in_other_words(facts)))

    records = data.read_records(few_records.EXAMPLE)                    the glass box
    model, history = few_records.tune(model, tokenizer, records)
    hits = few_records.right(model, tokenizer, data.read_records(few_records.UNSEEN))

Taught in lesson 04. One wording of each question teaches a small model the wording; several teach it the
question. From a terminal: `python -m course_utils.finetune --data FILE --out FOLDER`.
"""

import json
import re

from course_utils import evaluation
from course_utils.finetune import chat_format, run
from course_utils.finetune.augment import reworded
from course_utils.storage import paths
from course_utils.storage.records import read_records

TEN = ("person", "product", "place", "rules")  # sets of ten facts, in data/custom/ten
EXAMPLE = paths.DATA / "custom" / "example.jsonl"
UNSEEN = paths.DATA / "custom" / "unseen.jsonl"
COPIES = 64
ROOM = 40  # new tokens of a reply to a fact's question


def ten(name):
    """The facts of a set of TEN: [{"prompt", "completion", "asked", "key"}].

    asked: the question in other words, which is never trained on; key: a regular expression that a right
    reply matches, case aside.
    """
    lines = (paths.DATA / "custom" / "ten" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def in_other_words(facts):
    """The facts' questions in other words, as records to ask."""
    return [{"prompt": fact["asked"], "completion": fact["completion"]} for fact in facts]


def states(facts, answers):
    """[bool] per fact and reply: the fact's key stands in it."""
    return [bool(re.search(f["key"], reply, re.IGNORECASE)) for f, reply in zip(facts, answers, strict=True)]


def tune(model, tokenizer, records, method="full", epochs=3, copies=COPIES, lr=None, seed=0, progress=True):
    """Train on every record in so many wordings, none of UNSEEN; (model, History), as run.tune does."""
    asked = {record["prompt"] for record in read_records(UNSEEN)}
    wordings = reworded(records, copies, seed, asked)
    return run.tune(model, tokenizer, wordings, method, epochs, lr, seed, progress=progress)


def replies(model, tokenizer, records):
    """The model's answers to the records' questions, in their order.

    Those of a chat model have up to ROOM tokens; those of a base model end with their line.
    """
    if chat_format.is_chat(tokenizer):
        return chat_format.ask(model, tokenizer, records, room=ROOM)
    return chat_format.ask(model, tokenizer, records, stop="\n")


def right(model, tokenizer, records):
    """[bool] per record: the answer is the completion, spaces and a final full stop aside."""
    answers = [reply.removesuffix(".") for reply in replies(model, tokenizer, records)]
    return evaluation.exact_match(answers, [r["completion"].strip().removesuffix(".") for r in records])
