"""Training a model to judge: questions about right and corrupted replies, made from the records alone.

    model = judge_training.train(model, tokenizer, records)     a judge for llm_judge.yes and .expected

Taught in lesson 06. Left out: verdicts of people.
"""

import random

from course_utils import training
from course_utils.ai_feedback.llm_judge import GOOD, single
from course_utils.tasks.toy_desk import noisy_demonstrations


def verdicts(records, count, seed=0, question=GOOD):
    """Examples of judging: half ask about a record's right reply, half about a worse one (worse_reply)."""
    rng, others, examples = random.Random(f"verdicts {seed}"), by_skill(records), []
    while len(examples) < count:
        record, good = rng.choice(records), len(examples) % 2 == 0
        reply = record["completion"] if good else worse_reply(record, records, others, rng)
        if good or reply != record["completion"]:
            prompt, answer = single(record["prompt"], reply, question), " yes" if good else " no"
            examples.append({"prompt": prompt, "completion": answer, "record": record.get("id")})
    return examples


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


def train(model, tokenizer, records, count=1000, steps=240, lr=2e-3, seed=0, progress=False):
    """Train all weights on the records and on `count` verdicts about them; returns the model, a judge.

    The records themselves are among the examples so that it learns which replies are right.
    """
    examples = records + verdicts(records, count, seed)
    training.fit(model, tokenizer, examples, lr, steps, seed=seed, progress=progress)
    return model
