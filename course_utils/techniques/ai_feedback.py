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
from typing import NamedTuple

import torch

from course_utils import training
from course_utils.ai_feedback import judge_training, llm_judge, self_refine
from course_utils.prompts import templates
from course_utils.rlhf import ppo, preferences, rewards, training_cache
from course_utils.techniques import rlhf
from course_utils.techniques.base import Technique
from course_utils.techniques.peft import grid

RATE, SAMPLE = 2e-3, 50  # messages on which the tokens of self-refinement are counted


class Sizes(NamedTuple):
    """How long a run is: training verdicts of a judge, steps of its training, steps of self-refinement's."""

    verdicts: int = 1000
    teaching: int = 240
    refining: int = 320
    batch: int = 16
    policy: rlhf.Sizes = rlhf.USUAL


USUAL = Sizes()


def rlaif(model, tokenizer, train, seed, task, critic="itself", lr=ppo.LR, kl=ppo.KL, sizes=USUAL):
    """The judge labels lesson 05's pairs in place of people; a reward model and PPO follow."""
    grade, seconds = begun(model, tokenizer, train, seed, task, critic, sizes)
    pairs = labelled(grade, preferences.read("train"))
    reward, more = training_cache.fit_combined_reward(model, tokenizer, pairs, seed)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += more + rlhf.optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes.policy)
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes.policy)
    result.choice = {"verdicts": 2 * len(pairs)}
    return result


def ai_reward(model, tokenizer, train, seed, task, critic="itself", lr=ppo.LR, kl=ppo.KL, sizes=USUAL):
    """PPO on the judge's verdict itself, mapped to -1 … 1. Lee et al. 2023: direct RLAIF."""
    grade, seconds = begun(model, tokenizer, train, seed, task, critic, sizes)
    seconds += rlhf.optimize(model, tokenizer, train, squeezed(grade), seed, task, lr, kl, sizes.policy)
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes.policy)
    result.choice = {"verdicts": sizes.policy.updates * sizes.policy.batch}
    return result


def begun(model, tokenizer, train, seed, task, judge, sizes=USUAL):
    """(grade of a judge, seconds for it and the policy); the model becomes the policy."""
    base = copy.deepcopy(model)
    seconds = rlhf.started(model, tokenizer, train, seed, task, sizes.policy)
    grade, more = judge_of(judge, base, model, tokenizer, train, seed, task, sizes)
    return grade, seconds + more


def self_reflection(model, tokenizer, train, seed, task, least=0.0, lr=RATE, sizes=USUAL):
    """Answer, critique, revise, with one model trained on all three with the clean records."""
    started, records = time.perf_counter(), task.training_records(tokenizer, train)
    examples = records + self_refine.examples(records, sizes.verdicts, seed)
    training.fit(model, tokenizer, examples, lr, sizes.refining, sizes.batch, seed)
    seconds = time.perf_counter() - started
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes.policy)

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests]
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


def judge_of(judge, base, policy, tokenizer, train, seed, task, sizes=USUAL):
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
    records = task.training_records(tokenizer, train)
    records += judge_training.verdicts(records, sizes.verdicts, seed)
    key = ["ai judge", seed, RATE, sizes.teaching, [[r["prompt"], r["completion"]] for r in records]]
    model.requires_grad_(True)
    arguments = training.fit, tokenizer, records, RATE, sizes.teaching, sizes.batch, seed
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


JUDGES = grid(critic=("itself", "principles", "expected"), lr=(5e-5, 1.5e-4))
PAIRS = frozenset(("fields", "pairs"))
TECHNIQUES = (
    Technique("rlaif", "AI feedback", "06", rlaif, {"toy_desk": JUDGES}, PAIRS, data="mixed quality"),
    Technique("ai_reward", "AI feedback", "06", ai_reward, {"toy_desk": JUDGES}, PAIRS, data="mixed quality"),
    Technique(
        "self_reflection",
        "AI feedback",
        "06",
        self_reflection,
        {"toy_desk": grid(lr=(1e-3, 2e-3, 3e-3), least=(0.0, -2.0))},
        frozenset(("fields",)),
    ),
)
