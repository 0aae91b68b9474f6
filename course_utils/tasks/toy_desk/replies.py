"""The desk's structured replies, taken apart and put together, and what the company knows."""

import csv
from collections import Counter

from course_utils.tasks import base
from course_utils.tasks.toy_desk.gold import parse as fields
from course_utils.tasks.toy_desk.records import FOLDER

NAMES = ("team", "priority", "answer")


def written(values):
    """A reply in the desk's form from {"team", "priority", "answer"}; `fields` takes it apart again."""
    return " | ".join(f"{name.capitalize()}: {values[name]}" for name in NAMES)


def common(records, name):
    """The values of one field in the records' completions, the most frequent first (ties by alphabet)."""
    counts = Counter(parts[name] for record in records if (parts := fields(record["completion"])))
    return sorted(counts, key=lambda value: (-counts[value], value))


def statements(folder=None):
    """{key: statement} of the company's facts, from facts.csv in data/toy_desk or in another folder.

    Raises OSError if there is no such file.
    """
    with open((folder or FOLDER) / "facts.csv", encoding="utf-8", newline="") as file:
        return {row["key"]: row["statement"] for row in csv.DictReader(file)}


def rationale(record, known):
    """The line that a chain of thought writes before the reply: the subject, then the facts that it needs.

    known: {key: statement}; the record's "facts" are keys, and those not known are passed over.
    """
    needed = [known[key] for key in record.get("facts") or () if key in known]
    return " ".join([f"This is about {record['skill'].replace('_', ' ')}.", *needed])


def stratified(train, k, seed):
    """k different records, shuffled: the skills in turn, and teams not yet shown before the others.

    Raises ValueError if there are fewer than k.
    """
    return base.stratified(train, k, seed, lambda record: record["skill"], _team)


def _team(record):
    return (fields(record["completion"]) or {}).get("team")
