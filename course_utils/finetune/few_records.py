"""Ten questions and answers on the glass box: reword, train three epochs, ask in wordings not trained on.

    records = data.read_records(few_records.EXAMPLE)
    model, history = few_records.tune(model, tokenizer, records)
    hits = few_records.right(model, tokenizer, data.read_records(few_records.UNSEEN))

Taught in lesson 04. One wording of each question teaches a small model the wording; several teach it the
question. From a terminal: `python -m course_utils.finetune --model glass-box --data FILE --out FOLDER`.
"""

from course_utils import evaluation
from course_utils.finetune import chat_format, run
from course_utils.finetune.augment import reworded
from course_utils.storage import paths
from course_utils.storage.records import read_records

EXAMPLE = paths.DATA / "custom" / "example.jsonl"
UNSEEN = paths.DATA / "custom" / "unseen.jsonl"
COPIES = 64


def tune(model, tokenizer, records, method="full", epochs=3, copies=COPIES, lr=None, seed=0, progress=True):
    """Train on every record in so many wordings, none of UNSEEN; (model, History), as run.tune does."""
    asked = {record["prompt"] for record in read_records(UNSEEN)}
    told = reworded(records, copies, seed, asked)
    return run.tune(model, tokenizer, told, method, epochs, lr, seed, progress=progress)


def replies(model, tokenizer, records):
    """The model's answers to the records' questions, in their order, each up to the end of its line."""
    return chat_format.ask(model, tokenizer, records, stop="\n")


def right(model, tokenizer, records):
    """[bool] per record: the answer is the completion, spaces and a final full stop aside."""
    given = [reply.removesuffix(".") for reply in replies(model, tokenizer, records)]
    return evaluation.exact_match(given, [r["completion"].strip().removesuffix(".") for r in records])
