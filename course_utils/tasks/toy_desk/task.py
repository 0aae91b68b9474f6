"""The toy desk as a task of the scoreboard: the glass box's workbench."""

import functools

from course_utils.tasks import base, retention
from course_utils.tasks.toy_desk import (
    company,
    gold,
    noisy_demonstrations,
    records,
    replies,
    synthetic_checks,
    worse_replies,
)

INSTRUCTIONS = {
    "none": "",
    "form": "Reply as: {form}",
    "teams": "Teams: {teams}. Reply as: {form}",
    "all": "Teams: {teams}. Priorities: {priorities}. Reply as: {form}",
    "sort": "Sort the messages. Teams: {teams}.",
    "role": "You work at the service desk. Read the message, choose team and priority, and answer politely.",
}
SYSTEMS = {
    "role": "You are a polite agent of the service desk.",
    "form": "Reply as: {form}",
    "role and form": "You are a polite agent of the service desk. Reply as: {form}",
    "short": "You are an agent of the service desk. Reply in one line, as: {form}",
    "choices": "You are an agent of the service desk. The teams are {teams}. Reply as: {form}",
    "all": "You are a polite agent. Teams: {teams}. Priorities: {priorities}. Reply as: {form}",
}


def grade(record, reply):
    """gold.score, and whether the reply is in the form."""
    return {"form": gold.parse(reply) is not None} | gold.score(record, reply)


@functools.cache
def _finder():
    return base.fact_finder(replies.statements())


def facts_for(message, k):
    """The k facts of the sheet that are nearest to a message, the nearest last."""
    return _finder()(message, k)


def rationale(record):
    """The line of reasoning that leads to a record's reply."""
    return replies.rationale(record, replies.statements())


def mixed_quality(records, seed):
    """The demonstrations that the firm has on file: thinned out, and half of them worsened."""
    return noisy_demonstrations.records(
        noisy_demonstrations.thinned(records, noisy_demonstrations.tiers()), seed
    )


TASK = base.Task(
    name="toy_desk",
    grade=grade,
    model="glass-box",
    gold_reward=gold.gold_reward,
    folder=records.FOLDER,
    names=replies.NAMES,
    parse=gold.parse,
    written=replies.written,
    statements=replies.statements,
    facts_for=facts_for,
    rationale=rationale,
    instructions=INSTRUCTIONS,
    systems=SYSTEMS,
    decline=company.signed(company.DECLINES[0]),
    mixed_quality=mixed_quality,
    worsener=worse_replies.worsener,
    problems=synthetic_checks.checker,
    retention=retention.measure,
    suffix="_toy_desk",
    offers=frozenset(("fields", "facts", "pairs")),
)
