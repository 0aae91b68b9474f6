"""Reward functions: prompts and replies in, one number for each reply out.

    reward = rewards.gold(records)              the toy desk's true quality, known because it is made up
    reward = rewards.fine_grained(records)      a program that checks answers and detects hedges
    reward = rewards.learned(model, tokenizer)  a reward model, trained on preferences

All three are called alike, `reward(prompts, replies) -> [float]`, so that PPO, best-of-n and guided
decoding take any of them. Taught in lesson 05. Left out: weighted sums of rewards.
"""

from course_utils.tasks.toy_desk.gold import SCALE, gold_reward, verdict


def gold(records):
    """The desk's gold reward, from -2 to 1: content, form, team, priority, manners and length."""
    return graded(records, gold_reward)


def fine_grained(records, scale=SCALE):
    """A reward for what the answer says and how surely, and for nothing else.

    | the answer is                       | reward |
    |-------------------------------------|--------|
    | right and confident                 |  1     |
    | right, but hedged                   |  0.5   |
    | "we do not know", where one could   | -0.25  |
    | wrong, but hedged                   | -0.5   |
    | wrong and confident; not in the form| -2     |

    For an answer that is right with probability p, confidence is worth p - 2(1 - p) = 3p - 2, a hedge
    0.5p - 0.5(1 - p) = p - 0.5, and declining -0.25. So confidence pays best above p = 0.75, a
    hedge from 0.25 to 0.75, declining below. A model that knows a share s of the answers, and knows
    which, earns s - 0.25(1 - s): more than the s - 0.5 of always hedging, by 0.25 + 0.25s, and more
    than the -0.25 of always declining, by 1.25s. Both therefore lose for every s above 0.
    """
    return graded(records, lambda record, reply: scale[verdict(record, reply)])


def learned(model, tokenizer):
    """The score of a RewardModel or CombinedReward, which knows no more than its training data."""

    def reward(prompts, replies):
        return model.score(tokenizer, prompts, replies)

    return reward


def graded(records, grade):
    """A reward function from grade(record, reply) -> float, each prompt standing for its record.

    Raises ValueError if two records share a prompt and differ; the function raises KeyError for a
    prompt of no record.
    """
    known = {}
    for record in records:
        if known.setdefault(record["prompt"], record)["completion"] != record["completion"]:
            raise ValueError(f"two records ask {record['prompt']!r} and want different replies")

    def reward(prompts, replies):
        return [float(grade(known[prompt], reply)) for prompt, reply in zip(prompts, replies, strict=True)]

    return reward


def expected(share, confident=0.0, hedged=0.0, scale=SCALE):
    """The mean reward of answers of which `share` are right, said confidently, hedged, or else declined.

    confident and hedged: how often each is done, whatever is asked; the rest is declined.
    """
    sure = share * scale["right"] + (1 - share) * scale["wrong"]
    unsure = share * scale["right, hedged"] + (1 - share) * scale["wrong, hedged"]
    return confident * sure + hedged * unsure + (1 - confident - hedged) * scale["declined"]
