"""Training a model to judge: questions about right and corrupted replies, made from the records alone.

    model = judge_training.train(model, tokenizer, records)     a judge for llm_judge.yes and .expected

Taught in lesson 06. Left out: verdicts of people.
"""

import random

from course_utils import training
from course_utils.ai_feedback.llm_judge import GOOD, single
from course_utils.tasks.toy_desk.worse_replies import worsener


def verdicts(records, count, seed=0, question=GOOD, worsen=None):
    """Examples of judging: half ask about a record's right reply, half about a worse one.

    worsen(record, rng) -> a worse completion, by default the toy desk's (worse_replies).
    """
    rng, worsen, examples = random.Random(f"verdicts {seed}"), worsen or worsener(records), []
    while len(examples) < count:
        record, good = rng.choice(records), len(examples) % 2 == 0
        reply = record["completion"] if good else worsen(record, rng)
        if good or reply != record["completion"]:
            prompt, answer = single(record["prompt"], reply, question), " yes" if good else " no"
            examples.append({"prompt": prompt, "completion": answer, "record": record.get("id")})
    return examples


def train(model, tokenizer, records, count=1000, steps=240, lr=2e-3, seed=0, progress=False):
    """Train all weights on the records and on `count` verdicts about them; returns the model, a judge.

    The records themselves are among the examples so that it learns which replies are right.
    """
    examples = records + verdicts(records, count, seed)
    training.fit(model, tokenizer, examples, lr, steps, seed=seed, progress=progress)
    return model
