"""Worse replies to the toy desk's records, made by program: a judge learns from them what a bad reply is.

worsen = worse_replies.worsener(records)
reply = worsen(record, rng)           the record's own completion where the chosen way does not fit
"""

from course_utils.tasks.toy_desk import noisy_demonstrations


def worsener(records):
    """worsen(record, rng) -> a completion, worsened in one way of noisy_demonstrations or another."""
    others = by_skill(records)
    return lambda record, rng: worse_reply(record, records, others, rng)


def by_skill(records):
    """{skill: its records}."""
    groups = {}
    for record in records:
        groups.setdefault(record["skill"], []).append(record)
    return groups


def worse_reply(record, records, others, rng):
    """A reply worsened in one of noisy_demonstrations' ways, or with another record's team and priority.

    All ways are equally likely; one that does not fit leaves the reply as it is. others: of by_skill.
    """
    ways = [way for way in noisy_demonstrations.QUALITIES if way != "good"]
    way = rng.choice([*ways, "field"])
    if way == "field":
        return other_field(record, records, rng)
    return noisy_demonstrations.worsened(record, way, others[record["skill"]], rng)


def other_field(record, records, rng):
    """The record's completion with the team and priority of another record."""
    other = rng.choice(records)["completion"].partition("Answer: ")[0]
    return other + "Answer: " + record["completion"].partition("Answer: ")[2]
