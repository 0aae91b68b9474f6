"""How good a policy's replies are: gold rewards, verdicts by how well a fact is known, and KL.

    grades = metrics.graded(policy, tokenizer, records)
    metrics.rate(grades, "known", ("wrong",))          (hits, questions)
    metrics.kl(policy, ref, tokenizer, prompts)        nats per reply

The grades of a policy are a dictionary of JSON values, so that they can be stored. Taught in lesson 05.
Left out: replies that are sampled more than once.
"""

import statistics
from collections import Counter, defaultdict

import torch

from course_utils import losses
from course_utils.generation import generate
from course_utils.rlhf import preferences
from course_utils.rlhf.rollout import sample_rollouts, score_tokens
from course_utils.tasks.toy_desk import gold, noisy_demonstrations

ROOM = 64  # tokens of a reply
QUARTERS = 4  # gold rewards are whole quarters, and stored as such
CONFIDENT_AND_WRONG, CONFIDENT_AND_RIGHT = ("wrong",), ("right",)
HEDGED = ("right, hedged", "wrong, hedged", "declined")


def graded(policy, tokenizer, records, known=None, replies=None, max_new_tokens=ROOM):
    """Grades of a policy's greedy replies to records, or of other replies in the order of the records.

    "gold": quarters of a point, a reply each; "right" and "rude": numbers of replies; "words": their
    mean length; "verdicts": {"known", "rare" or "withheld": {verdict: number}}, of questions for facts;
    "n": the number of replies. known: as noisy_demonstrations.tiers.
    """
    known = known or noisy_demonstrations.tiers()
    if replies is None:
        prompts = [record["prompt"] for record in records]
        replies = generate(policy, tokenizer, prompts, max_new_tokens=max_new_tokens, stop="\n")
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


def rate(grades, level, verdicts):
    """(how many of a tier's questions got one of these verdicts, how many questions)."""
    counts = grades["verdicts"].get(level, {})
    return sum(counts.get(verdict, 0) for verdict in verdicts), sum(counts.values())


def gold_rewards(grades):
    """The gold rewards of a graded policy, in points: list of float."""
    return [quarters / QUARTERS for quarters in grades["gold"]]


@torch.no_grad()
def kl(policy, ref, tokenizer, prompts, seed=0, max_new_tokens=ROOM):
    """KL(policy ‖ ref) in nats per reply: exact at each token of replies that the policy samples."""
    rollouts = sample_rollouts(policy, tokenizer, prompts, max_new_tokens, seed=seed)
    logits, ref_logits = (score_tokens(model, rollouts)[1] for model in (policy, ref))  # (B, T, V)
    return losses.per_reply(losses.kl(logits, ref_logits), rollouts.mask).item()


def gold_watch(records, gold_reward=gold.gold_reward, asked=str):
    """(watch, golds): with on_update=watch, PPO's every update adds the mean gold reward of its replies.

    records: those that the prompts come from; asked(prompt) -> what the policy is sent (tasks.base.Task).
    gold_reward(record, reply) -> float, by default the toy desk's.
    """
    known, golds = {asked(record["prompt"]): record for record in records}, []

    def watch(history):
        rewards = [gold_reward(known[prompt], reply) for prompt, reply, _ in history.samples]
        golds.append(statistics.mean(rewards))

    return watch, golds
