"""The desk's structured replies, taken apart and put together, and what the company knows."""

import csv
import random
from collections import Counter, defaultdict

from course_utils.storage import paths
from course_utils.tasks.toy_desk.gold import parse as fields

NAMES = ("team", "priority", "answer")


def written(values):
    """A reply in the desk's form from {"team", "priority", "answer"}; `fields` takes it apart again."""
    return " | ".join(f"{name.capitalize()}: {values[name]}" for name in NAMES)


def common(records, name):
    """The values of one field in the records' completions, the most frequent first (ties by alphabet)."""
    counts = Counter(parts[name] for record in records if (parts := fields(record["completion"])))
    return sorted(counts, key=lambda value: (-counts[value], value))


def vote(replies):
    """One reply from several: each field takes its most frequent value, the earliest at a tie.

    Replies that lack a field do not vote; if all do, the first reply stands.
    Source: Wang et al. 2022, "Self-consistency improves chain of thought reasoning", section 2.
    """
    ballots = [parts for reply in replies if (parts := fields(reply))]
    if not ballots:
        return replies[0]
    winner = {name: Counter(parts[name] for parts in ballots).most_common(1)[0][0] for name in NAMES}
    return written(winner)


def statements(folder=None):
    """{key: statement} of the company's facts, from facts.csv in data/toy_desk or in another folder.

    Raises OSError if there is no such file.
    """
    with open((folder or paths.DATA / "toy_desk") / "facts.csv", encoding="utf-8", newline="") as file:
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
    if k > len(train):
        raise ValueError(f"{k} shots from {len(train)} records")
    rng, by_skill = random.Random(seed), defaultdict(list)
    for record in rng.sample(train, len(train)):
        by_skill[record["skill"]].append(record)
    turns, chosen, shown = rng.sample(sorted(by_skill), len(by_skill)), [], set()
    while len(chosen) < k:
        for skill in turns:
            if by_skill[skill]:
                new = (i for i, record in enumerate(by_skill[skill]) if _team(record) not in shown)
                chosen.append(by_skill[skill].pop(next(new, -1)))
                shown.add(_team(chosen[-1]))
    return rng.sample(chosen[:k], k)


def _team(record):
    return (fields(record["completion"]) or {}).get("team")
