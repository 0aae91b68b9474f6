"""Feedback from a model: preference labels, a reward, and self-refinement.

`rlaif` and `ai_reward` begin where lesson 05's techniques begin, with a policy fine-tuned on noisy
demonstrations, so they compare with `ppo`: only the source of the feedback differs. The judge is a frozen
copy of the policy itself, or the base model, or one trained on the clean records, which the policy never
saw. `self_reflection` is trained on the clean records and compares with `full`. No person judges anything,
so `labels` is 0; `choice` has the number of the judge's verdicts. Taught in lesson 06. Left out: a larger
judge. Sources: Lee et al. 2023, "RLAIF"; Bai et al. 2022; Madaan et al. 2023, "Self-Refine".
"""

import copy
import time

import torch

from course_utils import training
from course_utils.ai_feedback import judge_training, llm_judge, self_refine
from course_utils.prompts import templates
from course_utils.prompts.few_shot import open_end
from course_utils.rlhf import ppo, preferences, rewards, training_cache
from course_utils.techniques import rlhf
from course_utils.techniques.base import Rung
from course_utils.techniques.peft import BATCH

VERDICTS, TEACHING, REFINING = 1000, 240, 320  # training verdicts of a judge; steps of two trainings
RATE, SAMPLE = 2e-3, 50  # messages on which the tokens of self-refinement are counted


def rlaif(model, tokenizer, train, seed, critic="itself", lr=ppo.LR, kl=ppo.KL):
    """The judge labels lesson 05's pairs in place of people; a reward model and PPO follow."""
    grade, seconds = begun(model, tokenizer, train, seed, critic)
    pairs = labelled(grade, preferences.read("train"))
    reward, more = training_cache.fit_combined_reward(model, tokenizer, pairs, seed)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += more + rlhf.optimize(model, tokenizer, train, reward_fn, seed, lr, kl)
    result = rlhf.replied(model, tokenizer, train, seconds)
    result.choice = {"verdicts": 2 * len(pairs)}
    return result


def ai_reward(model, tokenizer, train, seed, critic="itself", lr=ppo.LR, kl=ppo.KL):
    """PPO on the judge's verdict itself, mapped to -1 … 1. Lee et al. 2023: direct RLAIF."""
    grade, seconds = begun(model, tokenizer, train, seed, critic)
    seconds += rlhf.optimize(model, tokenizer, train, squeezed(grade), seed, lr, kl)
    result = rlhf.replied(model, tokenizer, train, seconds)
    result.choice = {"verdicts": rlhf.UPDATES * rlhf.BATCH}
    return result


def begun(model, tokenizer, train, seed, judge):
    """(grade of a judge, seconds for it and the policy); the model becomes the policy."""
    base = copy.deepcopy(model)
    seconds = training_cache.sft(model, tokenizer, rlhf.open_ended(train), seed)
    grade, more = judge_of(judge, base, model, tokenizer, train, seed)
    return grade, seconds + more


def self_reflection(model, tokenizer, train, seed, least=0.0, lr=RATE):
    """Answer, critique, revise, with one model trained on all three with the clean records."""
    started, records = time.perf_counter(), rlhf.open_ended(train)
    examples = records + self_refine.examples(records, VERDICTS, seed)
    training.fit(model, tokenizer, examples, lr, REFINING, BATCH, seed)
    result = rlhf.replied(model, tokenizer, train, time.perf_counter() - started)

    def reply(requests):
        texts = [open_end(request) for request in requests]
        return self_refine.refine(model, tokenizer, texts, least=least)[0]

    prompts = [record["prompt"] for record in records[:SAMPLE]]
    extra_texts = [
        llm_judge.single(prompt, note["first"], llm_judge.GOOD)
        + note["revised"] * self_refine.revision(prompt, note["first"])
        for prompt, note in zip(prompts, self_refine.refine(model, tokenizer, prompts, least=least)[1])
    ]
    tokens = sum(templates.token_count(tokenizer, text) for text in extra_texts)
    result.reply, result.prompt_tokens = reply, tokens / len(prompts)
    return result


def judge_of(judge, base, policy, tokenizer, train, seed):
    """(grade(prompts, replies) -> numbers, the seconds that it took to make the judge).

    judge: "itself", a copy of the policy, by how likely it finds a reply; "principles", the base model, by
    questions; "taught", a model trained on the clean records and verdicts about them, by its verdict; or
    "expected", the same, by how likely it finds a reply. Raises ValueError for another name.
    """
    model = copy.deepcopy(policy if judge == "itself" else base).requires_grad_(False)
    if judge == "itself":
        return lambda prompts, replies: llm_judge.expected(model, tokenizer, prompts, replies), 0.0
    if judge == "principles":
        return lambda prompts, replies: llm_judge.principled(model, tokenizer, prompts, replies), 0.0
    if judge not in ("taught", "expected"):
        raise ValueError(f"{judge!r} is no judge: choose itself, principles, taught or expected")
    records = rlhf.open_ended(train)
    records += judge_training.verdicts(records, VERDICTS, seed)
    key = ["ai judge", seed, RATE, TEACHING, [[r["prompt"], r["completion"]] for r in records]]
    model.requires_grad_(True)
    arguments = training.fit, tokenizer, records, RATE, TEACHING, BATCH, seed
    seconds = training_cache.train_once(model, key, *arguments)
    model.requires_grad_(False)
    if judge == "expected":
        return lambda prompts, replies: llm_judge.expected(model, tokenizer, prompts, replies), seconds
    return lambda prompts, replies: llm_judge.yes(model, tokenizer, prompts, replies, llm_judge.GOOD), seconds


def labelled(grade, pairs):
    """The pairs with the judge's choice as "chosen", whatever people chose; a tie stays as it stands."""
    prompts = [pair["prompt"] for pair in pairs]
    chosen, rejected = (grade(prompts, [pair[name] for pair in pairs]) for name in ("chosen", "rejected"))
    return [
        pair if a >= b else pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        for pair, a, b in zip(pairs, chosen, rejected)
    ]


def squeezed(grade):
    """A reward function: log-odds as probabilities, mapped to -1 … 1. An empty reply is graded as "-"."""

    def reward(prompts, replies):
        odds = grade(prompts, [text.strip() or "-" for text in replies])
        return (2 * torch.tensor(odds).sigmoid() - 1).tolist()

    return reward


JUDGES = [{"critic": c, "lr": r} for c in ("itself", "principles", "expected") for r in (5e-5, 1.5e-4)]
RUNGS = {
    "rlaif": Rung(rlaif, "06", JUDGES),
    "ai_reward": Rung(ai_reward, "06", JUDGES),
    "self_reflection": Rung(
        self_reflection, "06", [{"lr": r, "least": x} for r in (1e-3, 2e-3, 3e-3) for x in (0.0, -2.0)]
    ),
}
