"""RLHF on the real model, on open questions: four methods from one start, on one reward or the same pairs.

    python -m course_utils.experiments rlhf_open_questions [--table NAME …] [--list]

The start is SFT on the model's own replies, every second one cut after its first sentence, so that some of
its samples are what is wanted. A rule labels pairs of its samples (course_utils.tasks.open_questions.gold).
DPO learns from the pairs, off-policy; PPO, GRPO and RLOO sample, on-policy, for the reward model that learned
from the same pairs. "trials" are graded on dev, each method with as many settings; "methods" take the best of
them and are graded on test. "gold" are the rule's rewards of each reply, "proxy" is the mean of the learned
one, "kl" the divergence from the start in nats a reply. All runs share one start, its pairs and its reward
model: the seeds of "methods" vary the training after it. The on-policy methods see as many samples; PPO takes
four steps on those of an update (one a minibatch), GRPO and RLOO one. "guarded" repeats the on-policy runs of
"methods" with one change: a reply that is cut off loses MISSING_END of its reward. A killed sweep goes on
where it stopped. Left out: pairs labeled by people.
"""

import functools
import statistics
import time

from course_utils import models
from course_utils.experiments import runner
from course_utils.generation import generate
from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy, dpo, grpo, metrics, ppo, reward_model
from course_utils.storage import number_formats, paths
from course_utils.tasks import open_questions

MODEL = models.REAL
FILE = paths.DATA / "results" / "rlhf_open_questions.json"
SHAPE = (8, 8)  # LoRA's rank, and the last blocks that have it
SFT = {"lr": 1e-3, "steps": 15, "batch_size": 8, "bf16": None}
SHOWN, LONG = 60, 80  # demonstrations, and the tokens that the longest may have
SAMPLES = 4  # to a question, of which pairs are made
REWARD = {"lr": 1e-3, "epochs": 3, "batch_size": 8}
ONLINE = {"updates": 8, "batch_size": 64, "minibatch_size": 16, "max_new_tokens": open_questions.ROOM}
KL_PROMPTS, BEST_OF = 16, 8
MISSING_END = 5.0  # what a reply without an end loses where the policy is guarded
SEED, TRIAL = 0, 100  # of the start; of the trials
WEIGHTS = {"dpo": 0.1, "grpo": 0.05, "rloo": 0.05, "ppo": 0.05}  # beta of DPO, else the KL coefficient
SAMPLED = (3e-4, 1e-3, 3e-3, 1e-2)  # learning rates that are tried on samples of the policy
RATES = {"dpo": (1e-5, 3e-5, 1e-4, 3e-4)} | dict.fromkeys(("grpo", "rloo", "ppo"), SAMPLED)  # as many each
TABLES = {
    "start": [{"policy": name} for name in ("start", "untouched", "best of n", "constant", "decline")],
    "trials": [{"method": name, "lr": lr} for name, rates in RATES.items() for lr in rates],
    "methods": [{"method": name, "seed": seed} for seed in range(3) for name in RATES],
    "guarded": [{"method": name, "seed": seed} for seed in range(3) for name in RATES if name != "dpo"],
    "penalties": [{"kl_weight": kl} for kl in (0.0, 0.2)],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


@functools.cache
def prepared():
    """(model, tokenizer, pairs, reward model): where every run begins; the start is active."""
    model, tokenizer = models.load()
    asked = open_questions.questions("train")
    shown = demonstrations(model, tokenizer, asked[:SHOWN])
    adapter_policy.sft(model, tokenizer, shown, SHAPE, SEED, **SFT)
    pairs = sampled_pairs(model, tokenizer, asked)
    native = number_formats.bf16_is_native(model.device.type)
    reward, _ = adapter_policy.fit_reward(model, tokenizer, pairs, SEED, bf16=native, **REWARD)
    return model, tokenizer, pairs, reward


def demonstrations(model, tokenizer, asked):
    """The model's own greedy replies, of every second one the first sentence: [{"prompt", "completion"}]."""
    own = answers(model, tokenizer, asked, max_new_tokens=LONG)
    replies = [
        open_questions.first_sentence(reply) if i % 2 else open_questions.whole_sentences(reply)
        for i, reply in enumerate(own)
    ]
    prompts = open_questions.prompts(tokenizer, asked)
    return [{"prompt": prompt, "completion": reply} for prompt, reply in zip(prompts, replies)]


def answers(model, tokenizer, asked, **options):
    """Replies to questions, in the number format of the hardware, greedy unless options say otherwise."""
    options = {"max_new_tokens": open_questions.ROOM} | options
    with number_formats.autocast(model, None):
        return generate(model, tokenizer, open_questions.prompts(tokenizer, asked), **options)


def sampled_pairs(model, tokenizer, asked, seed=SEED):
    """Pairs of the policy's samples to each question that the rule decides, for all questions."""
    repeated = [question for question in asked for _ in range(SAMPLES)]
    replies = answers(model, tokenizer, repeated, temperature=1.0, seed=seed)
    groups = [replies[start : start + SAMPLES] for start in range(0, len(replies), SAMPLES)]
    prompts = open_questions.prompts(tokenizer, asked)
    return [pair for each in zip(asked, prompts, groups) for pair in open_questions.pairs(*each)]


def scores(reward, tokenizer, prompts, replies):
    """The learned reward of replies, in the number format of the hardware: list of float."""
    with number_formats.autocast(reward, None):
        return reward.score(tokenizer, prompts, replies, batch_size=16)


def guarded_scores(reward, tokenizer, prompts, replies):
    """The learned reward, less MISSING_END for a reply that is cut off: list of float."""
    cut = [not open_questions.complete(reply) for reply in replies]
    learned = scores(reward, tokenizer, prompts, replies)
    return [score - MISSING_END * missing for score, missing in zip(learned, cut)]


def graded(asked, replies):
    """The rule's and the learned reward of replies to questions, and their length, as JSON values."""
    _, tokenizer, _, reward = prepared()
    proxies = scores(reward, tokenizer, open_questions.prompts(tokenizer, asked), replies)
    return {
        "gold": [open_questions.gold(question, reply) for question, reply in zip(asked, replies)],
        "proxy": round(statistics.mean(proxies), 3),
        "words": round(statistics.mean(len(reply.split()) for reply in replies), 2),
        "replies": replies,
    }


def baseline(policy):
    """A policy that no method trained, on test; with "start" go the pairs and what they taught the reward."""
    model, tokenizer, pairs, reward = prepared()
    asked, more = open_questions.questions("test"), {}
    if policy in ("constant", "decline"):
        text = open_questions.CONSTANT if policy == "constant" else open_questions.DECLINE
        replies = [text] * len(asked)
    elif policy == "best of n":
        replies = best_of(model, tokenizer, reward, asked)
    else:
        with adapter_layer.active(model, adapter_policy.START if policy == "start" else adapter_policy.BASE):
            replies = answers(model, tokenizer, asked)
    if policy == "start":
        new = sampled_pairs(model, tokenizer, open_questions.questions("dev"))
        with number_formats.autocast(model, None):
            margins = reward_model.margins(reward, tokenizer, new)
        more = {"pairs": len(pairs), "margins": [round(margin, 3) for margin in margins], "kl": 0.0}
    return graded(asked, replies) | more


def best_of(model, tokenizer, reward, asked, n=BEST_OF):
    """Of n samples of the start to each question the one that the reward model likes best."""
    repeated = [question for question in asked for _ in range(n)]
    replies = answers(model, tokenizer, repeated, temperature=1.0, seed=SEED + 1)
    proxies = scores(reward, tokenizer, open_questions.prompts(tokenizer, repeated), replies)
    groups = [range(start, start + n) for start in range(0, len(replies), n)]
    return [replies[max(group, key=proxies.__getitem__)] for group in groups]


def learned(method, lr, weight, seed, part, score=scores, **changed):
    """A policy trained from the start by a method, and graded on a part of the questions."""
    model, tokenizer, pairs, reward = prepared()
    asked, train = open_questions.questions(part), open_questions.questions("train")
    prompts = open_questions.prompts(tokenizer, train)
    known = dict(zip(prompts, train))
    parameters, golds = adapter_policy.policy(model), []
    ref, started = adapter_policy.Reference(model), time.perf_counter()
    native = number_formats.bf16_is_native(model.device.type)
    settings = {"lr": lr, "seed": seed, "parameters": parameters, "bf16": native}
    try:
        if method == "dpo":
            settings |= {"beta": weight, "batch_size": 8, "epochs": 2}
            history = dpo.train(model, ref, tokenizer, pairs, **settings)
        else:
            settings |= ONLINE | {"kl": weight, "progress": False} | changed
            settings["on_update"] = lambda history: golds.append(
                statistics.mean(open_questions.gold(known[p], reply) for p, reply, _ in history.samples)
            )
            settings |= {} if method == "ppo" else {"method": method}
            train_policy = ppo.train if method == "ppo" else grpo.train
            reward_fn = functools.partial(score, reward, tokenizer)
            history = train_policy(model, ref, tokenizer, prompts, reward_fn, **settings)
        seconds = time.perf_counter() - started
        few = open_questions.prompts(tokenizer, asked)[:KL_PROMPTS]
        with number_formats.autocast(model, None):
            kl = metrics.kl(model, ref, tokenizer, few, max_new_tokens=open_questions.ROOM)
        outcome = graded(asked, answers(model, tokenizer, asked))
    finally:
        adapter_layer.remove(model, adapter_policy.POLICY)
        adapter_layer.set_adapter(model, adapter_policy.START)
    columns = ("margin",) if method == "dpo" else ("reward", "kl", "tokens")
    curves = {name: [round(value, 3) for value in history.column(name)] for name in columns}
    curves |= {"gold": [round(value, 3) for value in golds]} if golds else {}
    return outcome | {"kl": round(kl, 3), "curves": curves, "seconds": round(seconds, 1)}


def trial(method, lr):
    """A method with one learning rate, graded on dev."""
    return learned(method, lr, WEIGHTS[method], TRIAL, "dev")


def chosen(method):
    """The learning rate with the highest mean gold reward on dev. Raises ValueError before its trials."""
    rows = [row for row in read("trials") if row["method"] == method]
    if len(rows) < len(RATES[method]):
        raise ValueError(
            f"{method} has {len(rows)} of {len(RATES[method])} trials: run --table trials first."
        )
    return max(rows, key=lambda row: statistics.mean(row["gold"]))["lr"]


def by_method(method, seed):
    """A method with the learning rate that dev chose, graded on test."""
    lr = chosen(method)
    return {"lr": lr} | learned(method, lr, WEIGHTS[method], seed, "test")


def guarded(method, seed):
    """As by_method, but a reply that is cut off loses MISSING_END of its reward in training."""
    lr = chosen(method)
    return {"lr": lr} | learned(method, lr, WEIGHTS[method], seed, "test", score=guarded_scores)


def penalty(kl_weight):
    """GRPO for twice as many updates under another KL coefficient: gold and proxy of each update."""
    twice = 2 * ONLINE["updates"]
    return learned("grpo", chosen("grpo"), kl_weight, SEED, "test", updates=twice)


RUNS = {"start": baseline, "trials": trial, "methods": by_method, "guarded": guarded, "penalties": penalty}
