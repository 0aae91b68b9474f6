"""Feedback from a model: labels for a reward model, a reward itself, and second thoughts.

`rlaif` and `ai_reward` begin where lesson 05's techniques begin, with a policy fine-tuned on mediocre
records, so they compare with `ppo`: only the judge is another. It is a frozen copy of the policy itself,
or the untouched model, or one that has learned the clean records, which the policy never saw.
`self_reflection` learns from the clean records and compares with `full`. No person judges anything, so
`labels` is 0; `choice` has the number of the judge's verdicts. Taught in lesson 06. Left out: a larger
judge. Sources: Lee et al. 2023, "RLAIF"; Bai et al. 2022; Madaan et al. 2023, "Self-Refine".
"""

import copy
import time

import torch

from course_utils import data, training
from course_utils.ai_feedback import llm_judge, self_refine
from course_utils.prompts import templates
from course_utils.prompts.few_shot import open_end
from course_utils.rlhf import ppo, preferences, rewards, training_cache
from course_utils.techniques import rlhf
from course_utils.techniques.base import Rung
from course_utils.techniques.peft import BATCH

VERDICTS, TEACHING, REFLECTING = 1000, 240, 320  # what teaches a judge; steps of two trainings
RATE, SAMPLE = 2e-3, 50  # messages by which the tokens of a second thought are counted


def rlaif(model, tokenizer, train, seed, critic="itself", lr=1e-4, kl=0.1):
    """The judge labels lesson 05's pairs in place of people, and a reward model and PPO follow."""
    untouched = copy.deepcopy(model)
    spent = training_cache.sft(model, tokenizer, rlhf.asked(train), seed)
    grade, more = judge_of(critic, untouched, model, tokenizer, train, seed)
    spent += more
    pairs = labelled(grade, preferences.read("train"))
    scorer, more = training_cache.judge(model, tokenizer, pairs, seed)
    spent += more + practise(model, tokenizer, train, rewards.learned(scorer, tokenizer), seed, lr, kl)
    result = rlhf.replied(model, tokenizer, train, spent)
    result.choice = {"verdicts": 2 * len(pairs)}
    return result


def ai_reward(model, tokenizer, train, seed, critic="itself", lr=1e-4, kl=0.1):
    """PPO follows the judge itself: squeezed to -1 … 1. Lee et al. 2023: direct RLAIF."""
    untouched = copy.deepcopy(model)
    spent = training_cache.sft(model, tokenizer, rlhf.asked(train), seed)
    grade, more = judge_of(critic, untouched, model, tokenizer, train, seed)
    spent += more
    spent += practise(model, tokenizer, train, squeezed(grade), seed, lr, kl)
    result = rlhf.replied(model, tokenizer, train, spent)
    result.choice = {"verdicts": rlhf.UPDATES * rlhf.BATCH}
    return result


def self_reflection(model, tokenizer, train, seed, least=0.0, lr=RATE):
    """Answer, critique, revise, with one model that has learned all three from the clean records."""
    started, told = time.perf_counter(), rlhf.asked(train)
    fit(model, tokenizer, told + self_refine.skills(told, VERDICTS, seed), seed, lr, REFLECTING)
    result = rlhf.replied(model, tokenizer, train, time.perf_counter() - started)

    def reply(requests):
        texts = [open_end(request) for request in requests]
        return self_refine.reflect(model, tokenizer, texts, least=least)[0]

    asked = [record["prompt"] for record in told[:SAMPLE]]
    read = [
        llm_judge.single(prompt, note["first"], llm_judge.GOOD)
        + note["revised"] * self_refine.revision(prompt, note["first"])
        for prompt, note in zip(asked, self_refine.reflect(model, tokenizer, asked, least=least)[1])
    ]
    tokens = sum(templates.token_count(tokenizer, text) for text in read)
    result.reply, result.prompt_tokens = reply, tokens / len(asked)
    return result


def judge_of(critic, untouched, policy, tokenizer, train, seed):
    """(grade(prompts, replies) -> numbers, the seconds that it took to make the judge).

    critic: "itself", a copy of the policy, by how likely it finds a reply; "principles", the untouched
    model, by questions; "taught", a model after the clean records and verdicts on them, by its verdict;
    or "expected", the same, by how likely it finds a reply. Raises ValueError for another name.
    """
    judging = copy.deepcopy(policy if critic == "itself" else untouched).requires_grad_(False)
    if critic == "itself":
        return lambda asked, given: llm_judge.expected(judging, tokenizer, asked, given), 0.0
    if critic == "principles":
        return lambda asked, given: llm_judge.principled(judging, tokenizer, asked, given), 0.0
    if critic not in ("taught", "expected"):
        raise ValueError(f"{critic!r} is no judge: choose itself, principles, taught or expected")
    told = rlhf.asked(train)
    told += llm_judge.verdicts(told, VERDICTS, seed)
    about = ["ai judge", seed, RATE, TEACHING, [[r["prompt"], r["completion"]] for r in told]]
    judging.requires_grad_(True)
    spent = training_cache.once(judging, about, lambda: fit(judging, tokenizer, told, seed, RATE, TEACHING))
    judging.requires_grad_(False)
    if critic == "expected":
        return lambda asked, given: llm_judge.expected(judging, tokenizer, asked, given), spent
    return lambda asked, given: llm_judge.yes(judging, tokenizer, asked, given, llm_judge.GOOD), spent


def labelled(grade, pairs):
    """The pairs with the judge's choice as "chosen", whatever people chose; a tie stays as it stands."""
    asked = [pair["prompt"] for pair in pairs]
    chosen, rejected = (grade(asked, [pair[name] for pair in pairs]) for name in ("chosen", "rejected"))
    return [
        pair if a >= b else pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        for pair, a, b in zip(pairs, chosen, rejected)
    ]


def squeezed(grade):
    """A reward function: log-odds as chances, stretched to -1 … 1. An empty reply is read as "-"."""

    def reward(asked, given):
        odds = grade(asked, [text.strip() or "-" for text in given])
        return (2 * torch.tensor(odds).sigmoid() - 1).tolist()

    return reward


def practise(model, tokenizer, train, reward, seed, lr, kl):
    """PPO as in lesson 05, on another reward; the seconds that it took."""
    return ppo.train(
        model,
        copy.deepcopy(model).requires_grad_(False),
        tokenizer,
        rlhf.prompts(train),
        reward,
        updates=rlhf.UPDATES,
        batch_size=rlhf.BATCH,
        lr=lr,
        kl=kl,
        max_new_tokens=rlhf.ROOM,
        seed=seed,
        progress=False,
    ).seconds


def fit(model, tokenizer, records, seed, lr, steps):
    """Train all weights on records for some steps."""
    training.train(
        model,
        data.encode(tokenizer, records),
        lr=lr,
        steps=steps,
        batch_size=BATCH,
        seed=seed,
        progress=False,
        pad_id=tokenizer.pad_token_id,
    )


JUDGES = [{"critic": c, "lr": r} for c in ("itself", "principles", "expected") for r in (5e-5, 1.5e-4)]
RUNGS = {
    "rlaif": Rung(rlaif, "06", JUDGES),
    "ai_reward": Rung(ai_reward, "06", JUDGES),
    "self_reflection": Rung(
        self_reflection, "06", [{"lr": r, "least": x} for r in (1e-3, 2e-3, 3e-3) for x in (0.0, -2.0)]
    ),
}
