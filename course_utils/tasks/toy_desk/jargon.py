"""Messages that use the company's own words for things, and whether a reply names the right team.

    records = jargon.messages(240)
    texts = jargon.prompts(records, shots)           shots: solved records that stand before each message
    jargon.routed(records, replies)                  [bool]

The words are in no document of the pretraining corpus. Taught in lesson 04. Left out: the rest of the reply.
"""

from course_utils.prompts import few_shot
from course_utils.tasks.toy_desk import company, frames, gold
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.tasks.toy_desk.task import TASK


def messages(count):
    """The first `count` messages with jargon, in sentences of dev and test, which nobody trains on."""
    return [record for part in ("dev", "test") for record in _messages(part)][:count]


def _messages(split):
    for word, (_, topic) in company.JARGON.items():
        for sentence in frames.ABOUT_JARGON[split]:
            for wish in ("", *frames.URGENT[split], *frames.CALM[split]):
                for hello in sorted(set(frames.GREETINGS[split])):
                    text = f"{hello}{sentence.format(j=word)} {wish}".strip()
                    yield {"prompt": f"Message: {text}\nRecord:", "team": company.TEAMS[topic]}


def shots(count):
    """`count` solved training records of all skills, to be shown before a message."""
    return stratified(TASK.read("train"), count, seed=0)


def prompts(records, shown=()):
    """The texts that a model is sent: each message after the solved records that are shown."""
    return [few_shot.few_shot_prompt(list(shown), record["prompt"]) for record in records]


def routed(records, replies):
    """[bool]: the reply has the desk's form and names the record's team."""
    teams = [(gold.parse(reply) or {}).get("team") for reply in replies]
    return [team == record["team"] for team, record in zip(teams, records, strict=True)]
