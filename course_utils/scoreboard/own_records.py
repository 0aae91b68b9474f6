"""Records of your own for the ladder: read in any usual form, checked, with row, reason and remedy.

    train, test, notes = own_records.read("train.xlsx", "test.csv")

A record: "prompt", "completion" (with a space in front), "row", and what other columns the file has, of which
"group" and "pattern" mean something here (`own_task`, `graders`). Left out: conversations of several turns.
"""

from course_utils.finetune import columns, own_data, read_table, turns
from course_utils.storage.records import BadRecords

FEW = 50  # test records with which hardly any difference can be seen


def read(train, test):
    """(train, test, [note]) from files or lists of records. Raises BadRecords, and nothing else."""
    (train, notes), (test, more) = (_part(part, name) for part, name in ((train, "train"), (test, "test")))
    seen = {record["prompt"]: record["row"] for record in train}
    shared = [(r["row"], seen[r["prompt"]]) for r in test if r["prompt"] in seen]
    if shared:
        raise BadRecords(
            "the test records",
            [
                (row, f"its prompt stands in train, too (row {other}): delete it from one of the two")
                for row, other in shared
            ],
        )
    if len(train) < 2:
        raise BadRecords("the training records", [(None, "there is only one: write at least two")])
    if len(test) < FEW:
        more = [*more, f"Test has {len(test)} records: with fewer than {FEW}, few differences can be seen."]
    return train, test, notes + more


def _part(part, name):
    """(records, notes) of a file or a list."""
    if isinstance(part, list):
        return _checked(part, name), []
    own = own_data.read(part)
    table = dict(read_table.read(part).rows)
    problems = [
        (row, "has more turns than a question and an answer: leave it out, or join its turns")
        for row, record in zip(own.rows, own.records)
        if "messages" in record
    ]
    if problems:
        raise BadRecords(own.name, problems)
    records = [
        _others(table[row], own.mapping) | _formed(record["prompt"], record["completion"], row)
        for row, record in zip(own.rows, own.records)
    ]
    return records, own.notes


def _others(values, mapping):
    """The columns of a row that are neither prompt nor completion, under plain names."""
    return {columns.plain(name): value for name, value in values.items() if name not in mapping.values()}


def _checked(records, name):
    """A list of records, each cleaned as those of a file are."""
    kept, problems = [], []
    for row, record in enumerate(records, 1):
        texts = {}
        for field in ("prompt", "completion"):
            try:
                texts[field] = turns.clean(record[field])
            except (KeyError, TypeError):
                problems.append((row, f"{field} is missing: add it, or delete the record"))
            except ValueError as error:
                problems.append((row, f"{field} {error}"))
        if len(texts) == 2:
            kept.append(record | _formed(**texts, row=row))
    if problems or not kept:
        raise BadRecords(f"the {name} records", problems or [(None, "there are none")])
    return kept


def _formed(prompt, completion, row):
    """A record as techniques take it: its reply follows the prompt after a space."""
    return {"prompt": prompt, "completion": f" {completion}", "row": row}
