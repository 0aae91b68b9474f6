"""Lesson 05: preferences, advantages, the clip, the KL penalty, and four runs with one mistake each."""

import math

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect

p1 = Prediction(
    "05.p1",
    "A reward model learns from 129 pairs of SmolLM2's replies. On how many of 100 new pairs is it right?",
)
p2 = Prediction(
    "05.p2",
    "A correct and confident answer pays 1, a hedged one 0.5 (wrong: -0.5), 'we do not know' -0.25, a wrong "
    "and confident one -2. You are right in 6 cases of 10. What pays best?",
    ["be confident", "hedge", "decline"],
)
p3 = Prediction(
    "05.p3",
    "PPO without a KL penalty: the learned reward rises. What does the gold reward do in the end, compared "
    "with a run under the strongest penalty?",
    ["it is higher", "it is lower"],
)


def preference_loss(chosen, rejected):
    gaps = [a - b for a, b in zip(chosen, rejected)]
    return sum(math.log(1 + math.exp(-gap)) for gap in gaps) / len(gaps)


def _summed(chosen, rejected):
    return preference_loss(chosen, rejected) * len(chosen)


def _swapped(chosen, rejected):
    return preference_loss(rejected, chosen)


def _chance(chosen, rejected):
    return sum(1 / (1 + math.exp(b - a)) for a, b in zip(chosen, rejected)) / len(chosen)


def _plain_gap(chosen, rejected):
    return -sum(a - b for a, b in zip(chosen, rejected)) / len(chosen)


def _of_means(chosen, rejected):
    return preference_loss([sum(chosen) / len(chosen)], [sum(rejected) / len(rejected)])


q1 = Exercise(
    "05.1",
    """
    Write `preference_loss(chosen, rejected)`: two lists of rewards, one pair in each place. The model thinks
    that the chosen reply wins with probability 1 / (1 + exp(-(chosen - rejected))). Return the mean of minus
    the logarithm of that probability. Import math yourself.
    """,
    preference_loss,
    cases(
        (([0.0], [0.0]), math.log(2), "at a tie the probability is one half, and the loss log 2"),
        (
            ([2.0], [0.0]),
            math.log(1 + math.exp(-2.0)),
            "the chosen reply has the higher reward: the loss must be below log 2",
        ),
        (
            ([1.0, 1.0], [0.0, 0.0]),
            math.log(1 + math.exp(-1.0)),
            "the mean over the pairs, not their sum",
        ),
        (
            ([3.0, -3.0], [0.0, 0.0]),
            (math.log(1 + math.exp(-3.0)) + math.log(1 + math.exp(3.0))) / 2,
            "first the loss of each pair, then the mean: one bad miss is not made good by one easy win",
        ),
    ),
    wrong=[
        (_summed, "not their sum"),
        (_swapped, "below log 2"),
        (_chance, "log 2"),
        (_plain_gap, "log 2"),
        (_of_means, "each pair"),
    ],
    hints=[
        "-log(1 / (1 + exp(-gap))) is log(1 + exp(-gap)).",
        "zip(chosen, rejected) gives the pairs; divide the sum of their losses by their number.",
    ],
    minutes=5,
    difficulty=1,
)


def token_rewards(score, logps, ref_logps, kl):
    rewards = [-kl * (p - q) for p, q in zip(logps, ref_logps)]
    rewards[-1] += score
    return rewards


def _everywhere(score, logps, ref_logps, kl):
    return [score - kl * (p - q) for p, q in zip(logps, ref_logps)]


def _only_at_the_end(score, logps, ref_logps, kl):
    return [0.0] * (len(logps) - 1) + [score - kl * (sum(logps) - sum(ref_logps))]


def _paid_for_moving(score, logps, ref_logps, kl):
    return token_rewards(score, ref_logps, logps, kl)


def _at_the_start(score, logps, ref_logps, kl):
    return token_rewards(score, logps[::-1], ref_logps[::-1], kl)[::-1]


def _distance(score, logps, ref_logps, kl):
    rewards = [-kl * abs(p - q) for p, q in zip(logps, ref_logps)]
    rewards[-1] += score
    return rewards


q2 = Exercise(
    "05.2",
    """
    Write `token_rewards(score, logps, ref_logps, kl)`: the reward of each token of one reply. At each token
    minus kl times (log-probability under the policy - under the reference); at the LAST token the reply's
    score is added. A list of numbers.
    """,
    token_rewards,
    cases(
        (
            (2.0, [-1.0, -1.0], [-1.0, -1.0], 0.1),
            [0.0, 2.0],
            "the score is known only when the reply is complete: it belongs to the last token alone",
        ),
        (
            (0.0, [-1.0, -1.0], [-1.5, -1.0], 0.1),
            [-0.05, 0.0],
            "where the policy likes its token more than the reference does, it pays: policy minus reference",
        ),
        (
            (1.0, [-1.0, -2.0, -1.0], [-1.5, -1.0, -1.0], 0.1),
            [-0.05, 0.1, 1.0],
            "each token has its own penalty, which can be negative: no sum and no absolute value",
        ),
    ),
    wrong=[
        (_everywhere, "last token alone"),
        (_only_at_the_end, "policy minus reference"),
        (_paid_for_moving, "policy minus reference"),
        (_at_the_start, "last token alone"),
        (_distance, "no absolute value"),
    ],
    hints=[
        "Make the list of penalties first, one for each pair of log-probabilities.",
        "rewards[-1] is the last entry of a list.",
    ],
    minutes=6,
    difficulty=1,
)


def advantages(rewards, values, gamma, lam):
    result, ahead, after = [], 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values)):
        ahead = reward + gamma * after - value + gamma * lam * ahead
        after = value
        result.append(ahead)
    return result[::-1]


def _without_the_future(rewards, values, gamma, lam):
    return [r - v for r, v in zip(rewards, values)]


def _one_step(rewards, values, gamma, lam):
    return advantages(rewards, values, gamma, 0.0)


def _reversed(rewards, values, gamma, lam):
    return advantages(rewards, values, gamma, lam)[::-1]


def _no_gamma_in_the_sum(rewards, values, gamma, lam):
    result, ahead, after = [], 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values)):
        ahead = reward + gamma * after - value + lam * ahead
        after = value
        result.append(ahead)
    return result[::-1]


def _value_behind_the_end(rewards, values, gamma, lam):
    result, ahead, after = [], 0.0, values[-1]
    for reward, value in zip(reversed(rewards), reversed(values)):
        ahead = reward + gamma * after - value + gamma * lam * ahead
        after = value
        result.append(ahead)
    return result[::-1]


q3 = Exercise(
    "05.3",
    """
    Write `advantages(rewards, values, gamma, lam)` for one reply (GAE). The delta of a token is its reward
    + gamma * the value of the NEXT token - its own value; behind the last token the value is 0. The advantage
    of a token is its delta + gamma * lam * the advantage of the next. A list, in the order of the tokens.
    """,
    advantages,
    cases(
        (([1.0], [0.4], 1.0, 0.5), [0.6], "behind the end a reply is worth 0"),
        (
            ([0.0, 1.0], [0.5, 0.5], 1.0, 0.0),
            [0.0, 0.5],
            "with lam 0 a token asks how the NEXT value differs from its own",
        ),
        (
            ([0.0, 0.0, 1.0], [0.5, 0.2, 0.4], 1.0, 0.5),
            [-0.05, 0.5, 0.6],
            "go from the end: each token takes lam times the advantage of the next, and the order stays",
        ),
        (
            ([0.0, 0.0, 1.0], [0.5, 0.2, 0.4], 0.9, 0.5),
            [-0.1265, 0.43, 0.6],
            "what lies ahead is discounted by gamma AND lam",
        ),
    ),
    wrong=[
        (_without_the_future, "NEXT value"),
        (_one_step, "from the end"),
        (_reversed, "NEXT value"),
        (_no_gamma_in_the_sum, "AND lam"),
        (_value_behind_the_end, "behind the end"),
    ],
    hints=[
        "Loop over zip(reversed(rewards), reversed(values)), and keep the next value and advantage.",
        "Turn the list round at the end: result[::-1].",
    ],
    minutes=10,
    difficulty=3,
)


def clipped_gain(ratio, advantage, clip):
    near = max(1 - clip, min(1 + clip, ratio))
    return min(ratio * advantage, near * advantage)


def _always_clipped(ratio, advantage, clip):
    return max(1 - clip, min(1 + clip, ratio)) * advantage


def _the_larger(ratio, advantage, clip):
    return max(ratio * advantage, _always_clipped(ratio, advantage, clip))


def _never(ratio, advantage, clip):
    return ratio * advantage


def _only_above(ratio, advantage, clip):
    return min(ratio, 1 + clip) * advantage


def _zero_outside(ratio, advantage, clip):
    return ratio * advantage if abs(ratio - 1) <= clip else 0.0


q4 = Exercise(
    "05.4",
    """
    Write `clipped_gain(ratio, advantage, clip)`: PPO's gain of one token. ratio is its probability under
    the policy now, divided by that when it was sampled. Bring the ratio into [1 - clip, 1 + clip] and return
    the SMALLER of ratio * advantage and that ratio * advantage.
    """,
    clipped_gain,
    cases(
        ((1.1, 2.0, 0.2), 2.2, "within the bounds nothing is changed: ratio * advantage"),
        ((1.5, 2.0, 0.2), 2.4, "a good token that is already much more probable gains nothing more"),
        ((0.5, -1.0, 0.2), -0.8, "a bad token that is already much less probable gains nothing more"),
        ((1.5, -1.0, 0.2), -1.5, "a bad token that became more probable is a mistake: it counts in full"),
        ((0.5, 1.0, 0.2), 0.5, "a good token that became less probable is a mistake: it counts in full"),
    ),
    wrong=[
        (_always_clipped, "counts in full"),
        (_the_larger, "nothing more"),
        (_never, "nothing more"),
        (_only_above, "much less probable"),
        (_zero_outside, "nothing more"),
    ],
    hints=[
        "max(1 - clip, min(1 + clip, ratio)) brings the ratio into the bounds.",
        "The smaller of two products: mind negative advantages, where the smaller is the worse one.",
    ],
    minutes=6,
    difficulty=2,
)

LOGS = {  # letter: the key of experiments.rlhf_ppo.WRONG
    "A": "learning rate too high",
    "B": "no KL penalty",
    "C": "values explode",
    "D": "length is rewarded",
}


def _rotated(by):
    names = list(LOGS.values())
    return dict(zip(LOGS, names[by:] + names[:by]))


def _test_diagnosis(answer):
    causes = sorted(LOGS.values())
    expect(isinstance(answer, dict) and set(answer) == set(LOGS), "a dictionary with the letters A, B, C, D")
    expect(all(value in causes for value in answer.values()), f"the causes to choose from are {causes}")
    expect(len(set(answer.values())) == 4, "each cause belongs to one log")
    expect(
        answer["C"] == LOGS["C"],
        "look at the value loss first: in one log it is far larger than in all others, and grows",
    )
    expect(
        answer["D"] == LOGS["D"],
        "look at the tokens per reply: in one log they rise with the reward",
    )
    expect(
        answer["A"] == LOGS["A"] and answer["B"] == LOGS["B"],
        "two are left: which one moves far within the first updates, with a large share of tokens clipped?",
    )


q5 = Exercise(
    "05.5",
    """
    Four logs of PPO, A to D, each with one mistake: "no KL penalty", "length is rewarded", "learning rate too
    high", "values explode". Write a dictionary diagnosis = {"A": ..., "B": ..., "C": ..., "D": ...}.
    """,
    LOGS,
    _test_diagnosis,
    wrong=[
        (_rotated(1), "value loss"),
        (_rotated(2), "value loss"),
        (LOGS | {"A": LOGS["D"], "D": LOGS["A"]}, "tokens per reply"),
        (LOGS | {"A": LOGS["B"], "B": LOGS["A"]}, "two are left"),
        (LOGS | {"A": "bad luck"}, "choose from"),
        (dict.fromkeys(LOGS, LOGS["A"]), "one log"),
        (list(LOGS.values()), "a dictionary"),
    ],
    hints=[
        "Compare each curve with the good run's: reward, KL, entropy, clipped tokens, value loss, tokens.",
        "Exploding values show in the value loss; a reward for length in the tokens per reply.",
    ],
    minutes=10,
    difficulty=2,
)
