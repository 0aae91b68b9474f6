"""RLHF under other conditions: judges, rewards, penalties, methods, rounds, and four runs gone wrong.

    python -m course_utils.experiments rlhf [--table judge ppo …] [--list]

Each table is a list of runs in data/results/rlhf.json; a killed sweep goes on where it stopped. About
95 minutes on a free thread. Needs data/toy_desk/preferences.jsonl (python -m course_utils.rlhf.preferences).
Measured on dev. Left out: a search for the best settings of each run.
"""

from course_utils.experiments import rlhf_others, rlhf_runs, runner
from course_utils.rlhf import rewards
from course_utils.storage import paths

FILE = paths.DATA / "results" / "rlhf.json"
SEEDS = range(5)
WORDY, USUAL = 0.3, 16  # what each word beyond the usual number is worth where length is rewarded


def wordy(reward_fn):
    """The reward with a bonus for words: a bias that people have, too (Singhal et al. 2023)."""

    def paid(prompts, replies):
        given = reward_fn(prompts, replies)
        return [value + WORDY * (len(reply.split()) - USUAL) for value, reply in zip(given, replies)]

    return paid


WRONG = {  # what is wrong with a run: (settings of PPO, what is done to the reward)
    "no KL penalty": ({"kl": 0.0}, None),
    "length is rewarded": ({}, wordy),
    "learning rate too high": ({"lr": 1e-3}, None),
    "values explode": ({"gamma": 1.15, "value_weight": 1.0}, None),
}


def bad_run(run):
    """The log of one run gone wrong (a key of WRONG), or of a good one for comparison."""
    settings, twist = WRONG.get(run, ({}, None))
    policy, tokenizer, *_ = rlhf_runs.start(0)
    ref, told = rlhf_runs.start(0)[0], rlhf_runs.messages()[0]
    reward_fn = rewards.learned(rlhf_runs.stored_judge(policy, tokenizer, 0), tokenizer)
    reward_fn = twist(reward_fn) if twist else reward_fn
    return rlhf_runs.improve(policy, ref, tokenizer, told, reward_fn, 0, **settings)


TABLES = {
    "judge": [
        {"pairs": count, "noise": noise, "seed": seed}
        for count in (100, 300, 1000)
        for noise in (0.0, 0.1, 0.3)
        for seed in range(2)
    ],
    "judge from the base": [{"pairs": 1000, "noise": 0.1, "seed": seed} for seed in range(2)],
    "ppo": [
        {"reward": reward, "seed": seed}
        for reward in ("none", "learned", *rlhf_runs.SCALES)
        for seed in SEEDS
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
    "bad": [{"run": name} for name in (*WRONG, "a good run")],
}  # fmt: skip
RUNS = {
    "judge": rlhf_runs.judge,
    "judge from the base": lambda **setting: rlhf_runs.judge(**setting, begun="base"),
    "ppo": rlhf_runs.ppo_run,
    "penalties": rlhf_runs.penalty,
    "methods": rlhf_others.method,
    "filtered": rlhf_others.filtered,
    "second round": rlhf_runs.second_round,
    "guided": rlhf_others.guided,
    "problems": rlhf_others.problems,
    "bad": bad_run,
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def bad_runs():
    """{name: log} of the runs gone wrong, and "a good run"; empty before the first."""
    return {row["run"]: row for row in read("bad")}
