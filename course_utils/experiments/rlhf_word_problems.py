"""Verifiable rewards: GRPO makes the glass box solve longer word problems, if an update sees enough samples.

    python -m course_utils.experiments rlhf_word_problems [--table NAME …] [--list]

Problems of three to five steps, where the corpus stops at four; a program checks the final number. An update
takes one step on 8 samples to each of 64 problems. "trials" choose the learning rate on new problems;
"curves" grade the problems of course_utils.tasks.word_problems.items, greedy, before training and every EVERY
updates. "few samples" is the same number of updates of an eighth of the problems. A killed sweep goes on
where it stopped. Left out: the KL penalty (the checker cannot be fooled), partial credit.
"""

import statistics

from course_utils import models
from course_utils.evaluation import interval
from course_utils.experiments import runner
from course_utils.generation import generate
from course_utils.rlhf import grpo
from course_utils.storage import paths
from course_utils.tasks import word_problems

FILE = paths.DATA / "results" / "rlhf_word_problems.json"
STEPS, GRADED = (3, 4, 5), (3, 4, 5, 6)  # of the problems trained on, and of those graded
PROBLEMS, GROUP, FEW = 64, 8, 8  # problems of an update, samples to each, and problems where they are few
UPDATES, EVERY, TRIED = 40, 20, 20  # updates of a run, between two gradings, of a trial
COUNT, DEV = 200, 200  # problems of each length that are graded; new ones of a trial
RATES, TRIAL, DEV_SEED = (2e-5, 5e-5, 1e-4, 2e-4), 100, 1000
TABLES = {
    "trials": [{"lr": lr} for lr in RATES],
    "curves": [{"seed": seed} for seed in range(3)],
    "few samples": [{"seed": 0}],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def trained(lr, seed, updates, problems, on_update=None):
    """(the glass box after GRPO on word problems, its tokenizer, the History)."""
    model, tokenizer = models.load("glass-box")
    prompts, reward_fn = word_problems.task(STEPS, count=updates * problems, seed=seed, asked=COUNT)
    settings = {"updates": updates, "batch_size": problems * GROUP, "group": GROUP, "minibatch_size": 16}
    history = grpo.train(
        model,
        None,  # without a penalty no reference is needed
        tokenizer,
        prompts,
        reward_fn,
        parameters=list(model.parameters()),
        lr=lr,
        kl=0.0,
        max_new_tokens=word_problems.ROOM,
        stop="\n",
        seed=seed,
        on_update=on_update and (lambda history: on_update(model, tokenizer, history)),
        **settings,
    )
    return model, tokenizer, history


def trial(lr):
    """A short run with a learning rate, graded on new problems: their rewards, greedy."""
    model, tokenizer, history = trained(lr, TRIAL, TRIED, PROBLEMS)
    prompts, reward_fn = word_problems.task(STEPS, count=DEV, seed=DEV_SEED, asked=COUNT)
    replies = generate(model, tokenizer, prompts, max_new_tokens=word_problems.ROOM, stop="\n")
    return {"right": int(sum(reward_fn(prompts, replies))), "n": DEV} | log(history)


def chosen():
    """The middle one of the learning rates whose trials lie within the interval of the best trial.

    Raises ValueError before the trials.
    """
    rows = read("trials")
    if len(rows) < len(RATES):
        raise ValueError(f"There are {len(rows)} of {len(RATES)} trials: run --table trials first.")
    best = max(rows, key=lambda row: row["right"])
    low, _ = interval(best["right"], best["n"])
    alike = sorted(row["lr"] for row in rows if row["right"] / row["n"] >= low)
    return alike[len(alike) // 2]


def curve(seed):
    """A run that sees enough samples in an update: see `graded_run`."""
    return graded_run(seed, PROBLEMS)


def few_samples(seed):
    """As `curve`, with few problems in an update."""
    return graded_run(seed, FEW)


def graded_run(seed, problems):
    """A run with the chosen rate: {updates: {steps: (right, problems)}}, and the reward of each update."""
    lr, model_before = chosen(), models.load("glass-box")
    accuracies = {0: word_problems.accuracy(*model_before, steps=GRADED, count=COUNT)}

    def grade(model, tokenizer, history):
        if len(history.log) % EVERY == 0:
            accuracies[len(history.log)] = word_problems.accuracy(model, tokenizer, steps=GRADED, count=COUNT)

    _, _, history = trained(lr, seed, UPDATES, problems, grade)
    return {"lr": lr, "accuracy": accuracies} | log(history)


def log(history):
    """What is stored of a History; seconds include gradings."""
    columns = {name: [round(value, 3) for value in history.column(name)] for name in ("reward", "alike")}
    tokens = round(statistics.mean(history.column("tokens")), 1)
    return columns | {"tokens": tokens, "seconds": round(history.seconds, 1)}


RUNS = {"trials": trial, "curves": curve, "few samples": few_samples}
