"""The lines that a technique must beat: constant and random replies, the nearest copy, always declining."""

import random
import statistics
import time
from collections import Counter

from course_utils.prompts.retrieval import nearest
from course_utils.techniques.base import CONTROL, Result, Technique

CANDIDATES, JUDGES = 100, 100  # replies that constant_reply chooses from, and records that it tries them on


def majority_class(model, tokenizer, train, seed, task):
    """The most frequent team, and the most frequent completion of that team, whatever the request."""
    started = time.perf_counter()
    team = task.common(train, task.names[0])[0]
    of_team = [record["completion"] for record in train if task.team(record) == team]
    return constant(Counter(of_team).most_common(1)[0][0], train, started)


def constant_reply(model, tokenizer, train, seed, task):
    """The one training reply that earns most if everybody gets it: the best that a constant can do.

    By the mean gold reward of CANDIDATES replies, drawn by seed, over JUDGES other training records.
    """
    started, rng = time.perf_counter(), random.Random(seed)
    replies = [record["completion"] for record in rng.sample(train, min(CANDIDATES, len(train)))]
    judges = rng.sample(train, min(JUDGES, len(train)))
    worth = {
        reply: statistics.mean(task.gold_reward(record, reply) for record in judges)
        for reply in dict.fromkeys(replies)
    }
    return constant(max(worth, key=worth.get), train, started)


def constant(reply, train, started):
    """The Result of giving one reply to every request."""
    return Result(
        reply=lambda requests: [reply] * len(requests),
        stored_bytes=len(reply.encode()),
        examples=len(train),
        train_seconds=time.perf_counter() - started,
    )


def random_reply(model, tokenizer, train, seed, task):
    """The completion of a training record drawn at random: right as often as frequencies allow."""
    rng, completions = random.Random(seed), [record["completion"] for record in train]
    return Result(
        reply=lambda requests: [rng.choice(completions) for _ in requests],
        stored_bytes=sum(len(text.encode()) for text in completions),
        examples=len(train),
    )


def nearest_copy(model, tokenizer, train, seed, task):
    """The completion of the training record that is most like the request, by TF-IDF and cosine."""
    started, show = time.perf_counter(), nearest(train, 1)
    return copied(train, started, lambda request: show(request)[-1]["completion"])


def always_decline(model, tokenizer, train, seed, task):
    """Team and priority of the nearest training record, and always the answer that nobody knows."""
    started, show = time.perf_counter(), nearest(train, 1)

    def decline(request):
        values = task.parse(show(request)[-1]["completion"])
        return task.written(values | {task.names[-1]: task.decline})

    return copied(train, started, decline)


def copied(train, started, write):
    """The Result of write(request) -> reply, which keeps all training records."""
    return Result(
        reply=lambda requests: [write(request) for request in requests],
        stored_bytes=sum(len((record["prompt"] + record["completion"]).encode()) for record in train),
        examples=len(train),
        train_seconds=time.perf_counter() - started,
    )


ONCE = {"toy_desk": [{}], "helpdesk": [{}]}  # nothing to tune
FIELDS = frozenset(("fields",))
TECHNIQUES = (
    Technique("majority_class", CONTROL, "07", majority_class, ONCE, FIELDS, random=False),
    Technique("constant_reply", CONTROL, "07", constant_reply, ONCE, FIELDS),
    Technique("random_reply", CONTROL, "07", random_reply, ONCE, FIELDS),
    Technique("nearest_copy", CONTROL, "07", nearest_copy, ONCE, random=False),
    Technique("always_decline", CONTROL, "07", always_decline, ONCE, FIELDS, random=False),
)
