"""Your own records from a file in any of the usual forms: used, counted, or refused with row and remedy.

    own = own_data.read("my_questions.xlsx")
    own.records     [{"prompt", "completion"}], or [{"messages"}] where there are more turns than two
    own.notes       what was recognized, skipped, or looks odd, in sentences to print

What cannot be used is refused as a whole. Nothing is lost in silence: the records, and the rows that the
notes count as empty or repeated, are all rows of the file. Left out: guessing what a file means.
"""

from dataclasses import dataclass

from course_utils.finetune import columns, turns
from course_utils.finetune.read_table import is_blank, listed
from course_utils.finetune.read_table import read as read_table
from course_utils.storage.records import BadRecords

SHOWN = 5  # contradictions told in full


@dataclass
class OwnData:
    """Records with their rows in the file, what was recognized, and what the reader should be told."""

    name: str
    records: list
    rows: list  # the row of each record
    mapping: dict  # {role: the column's name}
    notes: list
    empty: list  # rows without any content
    repeated: list  # rows that repeat an earlier one


def read(path):
    """The OwnData of a .jsonl, .json, .csv, .tsv or .xlsx file.

    Raises BadRecords, with row, reason and remedy for everything that cannot be used, and nothing else.
    """
    table = read_table(path)
    names = list(dict.fromkeys(name for _, values in table.rows for name in values))
    if not table.rows:
        reason = "it has no records: a header and rows below it, or one JSON object a line"
        raise BadRecords(table.name, table.problems or [(None, reason)])
    try:
        mapping = columns.recognize(names)
    except ValueError as error:
        raise BadRecords(table.name, [*table.problems, (None, str(error))]) from None
    records, problems = [], list(table.problems)
    for row, values in table.rows:
        record, reasons = _record(values, mapping)
        records.append((row, record))
        problems += [(row, reason) for reason in reasons]
    if problems:
        raise BadRecords(table.name, _hinted(sorted(problems, key=lambda p: p[0] or 0), table.name))
    kept, repeated = _once(records)
    own = OwnData(
        table.name, [r for _, r in kept], [row for row, _ in kept], mapping, [], table.empty, repeated
    )
    own.notes = [columns.described(mapping, names), *table.notes, *_counts(own), *_contradictions(own)]
    return own


def to_ask(path):
    """The records of a file of questions to ask; one that has no column of answers gets empty ones.

    Raises BadRecords as `read` does.
    """
    table = read_table(path)
    names = list(dict.fromkeys(name for _, values in table.rows for name in values))
    name = columns.question_alone(names)
    if name is None:
        return read(path).records
    records, problems = [], list(table.problems)
    for row, values in table.rows:
        try:
            records.append({"prompt": turns.clean(values.get(name, "")), "completion": ""})
        except ValueError as error:
            problems.append((row, f"{name} {error}"))
    if problems:
        raise BadRecords(table.name, problems)
    return records


def question(record):
    """The turns of a record that the model is asked: all but the last."""
    if "messages" in record:
        return record["messages"][:-1]
    return [{"role": "user", "content": record["prompt"]}]


def answer(record):
    """The text of a record that the model is to say: the last turn."""
    return record["messages"][-1]["content"] if "messages" in record else record["completion"]


def asked(record):
    """A record's question as one text, by which it is told from others."""
    parts = question(record)
    return (
        parts[0]["content"] if len(parts) == 1 else "\n".join(f"{t['role']}: {t['content']}" for t in parts)
    )


def _record(values, mapping):
    """(record, [reason and remedy]) of one row; the record is None if there is a reason."""
    parts, reasons = {}, []
    for role, name in mapping.items():
        value = values.get(name)
        optional = role in ("context", "system")
        if optional and (value is None or (isinstance(value, str) and is_blank(value))):
            continue
        try:
            if name not in values:
                raise ValueError("is missing: add it, or delete the row")
            if role == "messages" or isinstance(value, list):
                parts[role] = turns.parsed(value)
            else:
                parts[role] = turns.clean(value)
        except ValueError as error:
            reasons.append(f"{name} {error}")
    if reasons:
        return None, reasons
    try:
        messages = _messages(parts, mapping)
        turns.check_order(messages)
    except ValueError as error:
        return None, [f"{mapping.get('messages', 'the conversation')} {error}"]
    if [turn["role"] for turn in messages] == ["user", "assistant"]:
        return {"prompt": messages[0]["content"], "completion": messages[1]["content"]}, []
    return {"messages": messages}, []


def _messages(parts, mapping):
    """The turns of a row, whichever way it holds them."""
    if "messages" in parts:
        turns = parts["messages"]
    else:
        prompt, completion = parts["prompt"], parts["completion"]
        if "context" in parts and isinstance(prompt, list):
            raise ValueError("has turns and a context beside them: put the context into a turn")
        if "context" in parts:  # the text first that a question is about, but an instruction before its input
            order = (
                ("prompt", "context")
                if columns.plain(mapping["prompt"]) == "instruction"
                else ("context", "prompt")
            )
            prompt = "\n\n".join(parts[role] for role in order)
        before = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        after = completion if isinstance(completion, list) else [{"role": "assistant", "content": completion}]
        turns = before + after
    return ([{"role": "system", "content": parts["system"]}] if "system" in parts else []) + turns


def _hinted(problems, name):
    """The problems, with a word on formulas where an Excel cell seems to be empty."""
    hint = " (a formula that was never calculated counts as empty: open the file in Excel and save it)"
    excel = name.lower().endswith((".xlsx", ".xlsm"))
    return [(row, reason + hint if excel and " is empty" in reason else reason) for row, reason in problems]


def _once(records):
    """(the (row, record) pairs without repetitions, the rows that repeat an earlier one)."""
    seen, kept, repeated = set(), [], []
    for row, record in records:
        key = (asked(record), answer(record))
        if key in seen:
            repeated.append(row)
        else:
            seen.add(key)
            kept.append((row, record))
    return kept, repeated


def _counts(own):
    """Sentences on how many rows are used and why others are not."""
    used, empty, repeated = len(own.records), len(own.empty), len(own.repeated)
    lines = [f"{used} record{'s' if used > 1 else ''} to use in {own.name}."]
    if empty:
        lines.append(f"{empty} empty row{'s are' if empty > 1 else ' is'} skipped ({listed(own.empty)}).")
    if repeated:
        say = (
            "rows repeat earlier ones word for word and are"
            if repeated > 1
            else ("row repeats an earlier one word for word and is")
        )
        lines.append(f"{repeated} {say} used once ({listed(own.repeated)}).")
    return lines


def _contradictions(own):
    """Sentences on prompts that have different completions."""
    groups = {}
    for row, record in zip(own.rows, own.records, strict=True):
        groups.setdefault(asked(record), []).append(row)
    double = {prompt: rows for prompt, rows in groups.items() if len(rows) > 1}
    lines = []
    for prompt, rows in list(double.items())[:SHOWN]:
        short = prompt if len(prompt) <= 60 else prompt[:59] + "…"
        lines.append(f"Careful: {listed(rows)} ask the same ({short!r}) and want different answers.")
    if len(double) > SHOWN:
        lines.append(f"Careful: {len(double) - SHOWN} more prompts have different answers in several rows.")
    if double:
        lines.append("The model will learn one of them, or a mix: keep one answer for each prompt.")
    return lines
