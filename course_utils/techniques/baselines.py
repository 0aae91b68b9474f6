"""The two lines that a technique must beat: the best constant reply, and a random one."""

import random
import time
from collections import Counter

from course_utils.tasks.toy_desk import replies
from course_utils.techniques.base import Result, Rung


def majority_class(model, tokenizer, train, seed):
    """The most frequent team, and the most frequent completion of that team, whatever the request."""
    started = time.perf_counter()
    team = replies.common(train, "team")[0]
    of_team = [r["completion"] for r in train if (replies.fields(r["completion"]) or {}).get("team") == team]
    constant = Counter(of_team).most_common(1)[0][0]
    return Result(
        reply=lambda requests: [constant] * len(requests),
        stored_bytes=len(constant.encode()),
        examples=len(train),
        train_seconds=time.perf_counter() - started,
    )


def random_reply(model, tokenizer, train, seed):
    """The completion of a training record drawn at random: right as often as frequencies allow."""
    draw, completions = random.Random(seed), [record["completion"] for record in train]
    return Result(
        reply=lambda requests: [draw.choice(completions) for _ in requests],
        stored_bytes=sum(len(text.encode()) for text in completions),
        examples=len(train),
    )


RUNGS = {
    "majority_class": Rung(majority_class, "07", [{}]),
    "random_reply": Rung(random_reply, "07", [{}]),
}
