"""Your own few questions and answers: reword, train three epochs, ask in wordings that nobody trained on.

    records = data.read_records(custom.EXAMPLE)
    model, history = custom.tune(model, tokenizer, records)
    hits = custom.right(model, tokenizer, data.read_records(custom.UNSEEN))

Taught in lesson 04. One wording of each question teaches the wording; several teach the question.
From a terminal: `python -m course_utils.finetune --data FILE --copies 64 --out FOLDER`.
"""

from course_utils import evaluation
from course_utils.finetune import run
from course_utils.finetune.augment import reworded
from course_utils.storage import paths
from course_utils.storage.records import read_records

EXAMPLE = paths.DATA / "custom" / "example.jsonl"
UNSEEN = paths.DATA / "custom" / "unseen.jsonl"
COPIES = 64


def tune(model, tokenizer, records, method="full", epochs=3, copies=COPIES, lr=None, seed=0, progress=True):
    """Train on every record in so many wordings, none of UNSEEN; (model, History), as finetune.tune does."""
    asked = {record["prompt"] for record in read_records(UNSEEN)}
    told = reworded(records, copies, seed, asked)
    return run.tune(model, tokenizer, told, method, epochs, lr, seed, progress=progress)


def replies(model, tokenizer, records):
    """The model's answers to the records' questions, in their order."""
    return run.ask(model, tokenizer, records)


def right(model, tokenizer, records):
    """[bool] per record: the answer is the completion, spaces and a final full stop aside."""
    given = [reply.removesuffix(".") for reply in replies(model, tokenizer, records)]
    return evaluation.exact_match(given, [r["completion"].strip().removesuffix(".") for r in records])
