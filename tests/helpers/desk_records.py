"""Made-up records of a service desk for tests, and a score for them; no file is read."""

import random
from dataclasses import replace

from course_utils.tasks import base
from course_utils.tasks.toy_desk import replies
from course_utils.tasks.toy_desk.task import TASK as TOY_DESK

TOPICS = {
    "parcel": ("Hawks", "low", "It takes {} days."),
    "refund": ("Owls", "high", "You get {} coins."),
    "lamp": ("Wrens", "low", "It has {} watts."),
}
KNOWN = {f"{topic} rule": f"The {topic} rule of the house is short." for topic in TOPICS}


def records(count, seed=0, part="train"):
    """`count` records; no prompt occurs twice within a part, nor in two parts."""
    rng, made = random.Random(f"{part} {seed}"), []
    for i in range(count):
        topic = list(TOPICS)[i % 3]
        team, priority, answer = TOPICS[topic]
        number = 100 * ["train", "dev", "test"].index(part) + i
        text = f"{rng.choice(['Hello.', 'Hi.', 'Please help.'])} Is it {number} for my {topic}?"
        completion = f" Team: {team} | Priority: {priority} | Answer: {answer.format(number)}"
        made.append(
            {
                "id": f"{part}-{i}",
                "prompt": f"Message: {text}\nRecord:",
                "completion": completion,
                "skill": f"ask_{topic}",
                "facts": [f"{topic} rule"],
            }
        )
    return made


class Gold:
    """Stands in for course_utils.tasks.toy_desk.gold: `score` and `gold_reward` of these records."""

    @staticmethod
    def score(record, reply):
        wanted, given = replies.fields(record["completion"]), replies.fields(reply) or {}
        right = {name: given.get(name) == wanted[name] for name in replies.NAMES}
        return right | {"whole": all(right.values())}

    @staticmethod
    def gold_reward(record, reply):
        return 2.0 if Gold.score(record, reply)["whole"] else -1.0


def grade(record, reply):
    """As a task grades: the marks of Gold, and whether the reply is in the form."""
    return {"form": replies.fields(reply) is not None} | Gold.score(record, reply)


TASK = replace(  # these records as a task of the scoreboard, with a short budget
    TOY_DESK,
    grade=grade,
    gold_reward=Gold.gold_reward,
    statements=lambda: KNOWN,
    facts_for=base.fact_finder(KNOWN),
    rationale=lambda record: replies.rationale(record, KNOWN),
    budget=base.Budget(None, 6, 16),
)
SOLVED = [
    {
        "id": f"r{i}",
        "prompt": f"Message: My Fendle {i} is broken.\nRecord:",
        "completion": f" Team: {team} | Priority: low | Answer: The {team} team comes. Your Ombly.",
        "skill": "routing",
        "facts": [],
    }
    for i, team in enumerate(("silver", "orange", "purple", "silver") * 5)
]
DESK = [
    {
        "id": f"r{i}",
        "prompt": f"Message: My Fendle {i} is broken.\nRecord:",
        "completion": f" Team: {team} | Priority: low | Answer: The {team} team will take care of it. "
        "Your Ombly.",
        "skill": "routing",
        "facts": [],
    }
    for i, team in enumerate(("silver", "orange", "purple", "silver"))
]
