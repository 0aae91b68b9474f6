"""The desk's structured replies, taken apart and put together, and what the company knows.

A reply names a team, a priority and an answer, in this order. How it writes them is learnt from an
example, so that nothing here has to know the desk's punctuation.
"""

import csv
import re
from collections import Counter

from course_utils import paths

NAMES = ("team", "priority", "answer")
_NEXT = r"\s*[|;,/\n]?\s*"
_FIELDS = re.compile(
    rf"\bteam\s*[:=]\s*(?P<team>.*?){_NEXT}\bpriority\s*[:=]\s*(?P<priority>.*?){_NEXT}"
    r"\banswer\s*[:=]\s*(?P<answer>.*)",
    re.IGNORECASE | re.DOTALL,
)


def fields(reply):
    """{"team", "priority", "answer"} of a reply, or None if it does not hold the three in order."""
    found = _FIELDS.search(reply)
    return {name: found[name].strip() for name in NAMES} if found else None


def like(example, values):
    """A reply written as the example is, with these values in its fields.

    Raises ValueError if the example is not a structured reply.
    """
    found = _FIELDS.search(example)
    if not found:
        raise ValueError(f"not a reply with {', '.join(NAMES)}: {example!r}")
    text, end = "", 0
    for name in NAMES:
        text += example[end : found.start(name)] + str(values[name])
        end = found.end(name)
    return text


def common(records, name):
    """The values of one field in the records' completions, the most frequent first (ties by alphabet)."""
    counts = Counter(parts[name] for record in records if (parts := fields(record["completion"])))
    return sorted(counts, key=lambda value: (-counts[value], value))


def vote(replies):
    """One reply from several: each field takes its most frequent value, the earliest at a tie.

    Replies that lack a field do not vote; if all do, the first reply stands.
    Source: Wang et al. 2022, "Self-consistency improves chain of thought reasoning", section 2.
    """
    ballots = [(reply, parts) for reply in replies if (parts := fields(reply))]
    if not ballots:
        return replies[0]
    winner = {name: Counter(parts[name] for _, parts in ballots).most_common(1)[0][0] for name in NAMES}
    return like(ballots[0][0], winner)


def statements(folder=None):
    """{key: statement} of the company's facts, from facts.csv in data/desk or in another folder.

    Raises OSError if there is no such file.
    """
    with open((folder or paths.DATA / "desk") / "facts.csv", encoding="utf-8", newline="") as file:
        return {row["key"]: row["statement"] for row in csv.DictReader(file)}


def rationale(record, known):
    """The line that a chain of thought writes before the reply: the subject, then the facts that it needs.

    known: {key: statement}; the record's "facts" are keys, and those not known are passed over.
    """
    needed = [known[key] for key in record.get("facts") or () if key in known]
    return " ".join([f"This is about {record['skill'].replace('_', ' ')}.", *needed])
