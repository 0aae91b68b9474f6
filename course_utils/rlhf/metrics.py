"""What a policy says, graded: gold rewards, verdicts by how well a fact is known, and how far it moved.

    found = rlhf_measure.graded(policy, tokenizer, records)
    rlhf_measure.rate(found, "known", ("wrong",))          (hits, questions)
    rlhf_measure.kl(policy, ref, tokenizer, prompts)       nats per reply

A graded policy is a dictionary of JSON values, so that it can be stored. Taught in lesson 05. Left
out: replies that are sampled more than once.
"""

import statistics
from collections import Counter, defaultdict

import torch

from course_utils.generation import generate
from course_utils.rlhf import preferences, rollout
from course_utils.tasks.toy_desk import gold, noisy_demonstrations

ROOM = 64  # tokens of a reply
QUARTERS = 4  # gold rewards are whole quarters, and stored as such
CONFIDENT_AND_WRONG, CONFIDENT_AND_RIGHT = ("wrong",), ("right",)
HEDGED = ("right, hedged", "wrong, hedged", "declined")


def graded(policy, tokenizer, records, known=None, replies=None):
    """Greedy replies to records, graded; or other replies, given in the order of the records.

    "gold": quarters of a point, a reply each; "right" and "rude": numbers of replies; "words": their
    mean length; "verdicts": {"known", "rare" or "withheld": {verdict: number}}, of questions for facts;
    "n": the number of replies. known: as mediocre.tiers.
    """
    known = known or noisy_demonstrations.tiers()
    if replies is None:
        asked = [record["prompt"] for record in records]
        replies = generate(policy, tokenizer, asked, max_new_tokens=ROOM, stop="\n")
    verdicts = defaultdict(Counter)
    for record, reply in zip(records, replies, strict=True):
        if level := noisy_demonstrations.tier(record, known):
            verdicts[level][gold.verdict(record, reply)] += 1
    pairs = list(zip(records, replies))
    return {
        "gold": [round(QUARTERS * gold.gold_reward(record, reply)) for record, reply in pairs],
        "right": sum(gold.score(record, reply)["whole"] for record, reply in pairs),
        "rude": sum(map(preferences.rude, replies)),
        "words": statistics.mean(len(reply.split()) for reply in replies),
        "verdicts": {level: dict(counts) for level, counts in verdicts.items()},
        "n": len(records),
    }


def rate(found, level, verdicts):
    """(how many of a tier's questions got one of these verdicts, how many questions)."""
    counts = found["verdicts"].get(level, {})
    return sum(counts.get(verdict, 0) for verdict in verdicts), sum(counts.values())


def gold_rewards(found):
    """The gold rewards of a graded policy, in points: list of float."""
    return [quarters / QUARTERS for quarters in found["gold"]]


def mean_gold(found):
    """The mean gold reward of a graded policy, in points."""
    return statistics.mean(gold_rewards(found))


@torch.no_grad()
def kl(policy, ref, tokenizer, prompts, seed=0):
    """KL(policy ‖ ref) in nats per reply: exact at each token of replies that the policy draws."""
    drawn = rollout.draw(policy, tokenizer, prompts, ROOM, seed=seed)
    p, q = (rollout.read(model, drawn)[1].log_softmax(-1) for model in (policy, ref))  # (B, T, V)
    return ((p.exp() * (p - q)).sum(-1) * drawn.mask).sum(1).mean().item()


def gold_watch(records):
    """(watch, golds): with on_update=watch, PPO's every update adds the mean gold reward of its replies.

    records: those that the prompts come from.
    """
    known, golds = {record["prompt"]: record for record in records}, []

    def watch(history):
        some = [gold.gold_reward(known[prompt], reply) for prompt, reply, _ in history.samples]
        golds.append(statistics.mean(some))

    return watch, golds
