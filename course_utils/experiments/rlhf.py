"""RLHF under other conditions: reward models, rewards, penalties, methods, rounds, and four runs gone wrong.

    python -m course_utils.experiments rlhf [--table judge ppo …] [--list]

Each table is a list of runs in data/results/rlhf.json; a killed sweep continues where it stopped. About
95 minutes on a free thread. Needs data/toy_desk/preferences.jsonl (python -m course_utils.rlhf.preferences).
"""

import functools

from course_utils.experiments import (
    rlhf_methods,
    rlhf_ppo,
    rlhf_reward_models,
    rlhf_verifiable_rewards,
    runner,
)
from course_utils.storage import paths

FILE = paths.DATA / "results" / "rlhf.json"
SEEDS = range(5)
TABLES = {
    "judge": [
        {"pairs": count, "noise": noise, "seed": seed}
        for count in (100, 300, 1000)
        for noise in (0.0, 0.1, 0.3)
        for seed in range(2)
    ],
    "judge from the base": [{"pairs": 1000, "noise": 0.1, "seed": seed} for seed in range(2)],
    "ppo": [
        {"reward": reward, "seed": seed} for reward in ("none", "learned", *rlhf_ppo.SCALES) for seed in SEEDS
    ]
    + [
        {"reward": reward, "seed": seed}
        for reward in ("gold", "head alone", "second opinion alone")
        for seed in range(2)
    ],
    "penalties": [{"penalty": kl, "seed": seed} for kl in (0.0, 0.1, 0.4) for seed in range(2)],
    "methods": [
        {"name": name, "budget": budget, "seed": seed}
        for name, budget in (*((n, "labels") for n in ("dpo", "ppo", "grpo", "rloo")), ("ppo", "seconds"))
        for seed in range(3)
    ],
    "filtered": [{"seed": seed} for seed in range(3)],
    "second round": [{"seed": seed} for seed in range(2)],
    "guided": [{"weight": weight, "seed": seed} for weight in (0, 1.0, 3.0) for seed in range(2)],
    "problems": [{"lr": lr, "seed": 0} for lr in (1e-4, 4e-4)],
    "bad": [{"run": name} for name in (*rlhf_ppo.WRONG, "a good run")],
}
RUNS = {
    "judge": rlhf_reward_models.learning_curve,
    "judge from the base": functools.partial(rlhf_reward_models.learning_curve, begun="base"),
    "ppo": rlhf_ppo.ppo_run,
    "penalties": rlhf_ppo.penalty,
    "methods": rlhf_methods.method,
    "filtered": rlhf_methods.filtered,
    "second round": rlhf_ppo.second_round,
    "guided": rlhf_methods.guided,
    "problems": rlhf_verifiable_rewards.problems,
    "bad": rlhf_ppo.bad_run,
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def bad_runs():
    """{name: log} of the runs gone wrong, and "a good run"; empty before the first."""
    return {row["run"]: row for row in read("bad")}
