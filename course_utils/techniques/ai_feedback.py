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
from typing import NamedTuple

import torch

from course_utils import data, training
from course_utils.ai_feedback import llm_judge, self_refine
from course_utils.prompts import templates
from course_utils.rlhf import preferences, rewards, training_cache
from course_utils.techniques import rlhf
from course_utils.techniques.base import Technique
from course_utils.techniques.peft import grid

RATE, SAMPLE = 2e-3, 50  # messages by which the tokens of a second thought are counted


class Sizes(NamedTuple):
    """How long a run is: verdicts that teach a judge, steps of its training, steps of self-reflection's."""

    verdicts: int = 1000
    teaching: int = 240
    reflecting: int = 320
    batch: int = 16
    policy: rlhf.Sizes = rlhf.USUAL


USUAL = Sizes()


def rlaif(model, tokenizer, train, seed, task, critic="itself", lr=1e-4, kl=0.1, sizes=USUAL):
    """The judge labels lesson 05's pairs in place of people, and a reward model and PPO follow."""
    untouched = copy.deepcopy(model)
    spent = rlhf.started(model, tokenizer, train, seed, task, sizes.policy)
    grade, more = judge_of(critic, untouched, model, tokenizer, train, seed, task, sizes)
    spent += more
    pairs = labelled(grade, preferences.read("train"))
    scorer, more = training_cache.judge(model, tokenizer, pairs, seed)
    reward_fn = rewards.learned(scorer, tokenizer)
    spent += more + rlhf.improved(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes.policy)
    result = rlhf.replied(model, tokenizer, train, task, spent, sizes.policy)
    result.choice = {"verdicts": 2 * len(pairs)}
    return result


def ai_reward(model, tokenizer, train, seed, task, critic="itself", lr=1e-4, kl=0.1, sizes=USUAL):
    """PPO follows the judge itself: squeezed to -1 … 1. Lee et al. 2023: direct RLAIF."""
    untouched = copy.deepcopy(model)
    spent = rlhf.started(model, tokenizer, train, seed, task, sizes.policy)
    grade, more = judge_of(critic, untouched, model, tokenizer, train, seed, task, sizes)
    spent += more
    spent += rlhf.improved(model, tokenizer, train, squeezed(grade), seed, task, lr, kl, sizes.policy)
    result = rlhf.replied(model, tokenizer, train, task, spent, sizes.policy)
    result.choice = {"verdicts": sizes.policy.updates * sizes.policy.batch}
    return result


def self_reflection(model, tokenizer, train, seed, task, least=0.0, lr=RATE, sizes=USUAL):
    """Answer, critique, revise, with one model that has learned all three from the clean records."""
    started, records = time.perf_counter(), task.training_records(tokenizer, train)
    skills = self_refine.skills(records, sizes.verdicts, seed)
    fit(model, tokenizer, records + skills, seed, lr, sizes.reflecting, sizes.batch)
    spent = time.perf_counter() - started
    result = rlhf.replied(model, tokenizer, train, task, spent, sizes.policy)

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests]
        return self_refine.reflect(model, tokenizer, texts, least=least)[0]

    prompts = [record["prompt"] for record in records[:SAMPLE]]
    read = [
        llm_judge.single(prompt, note["first"], llm_judge.GOOD)
        + note["revised"] * self_refine.revision(prompt, note["first"])
        for prompt, note in zip(prompts, self_refine.reflect(model, tokenizer, prompts, least=least)[1])
    ]
    tokens = sum(templates.token_count(tokenizer, text) for text in read)
    result.reply, result.prompt_tokens = reply, tokens / len(prompts)
    return result


def judge_of(critic, untouched, policy, tokenizer, train, seed, task, sizes=USUAL):
    """(grade(prompts, replies) -> numbers, the seconds that it took to make the judge).

    critic: "itself", a copy of the policy, by how likely it finds a reply; "principles", the untouched
    model, by questions; "taught", a model after the clean records and verdicts on them, by its verdict;
    or "expected", the same, by how likely it finds a reply. Raises ValueError for another name.
    """
    judging = copy.deepcopy(policy if critic == "itself" else untouched).requires_grad_(False)
    if critic == "itself":
        return lambda prompts, replies: llm_judge.expected(judging, tokenizer, prompts, replies), 0.0
    if critic == "principles":
        return lambda prompts, replies: llm_judge.principled(judging, tokenizer, prompts, replies), 0.0
    if critic not in ("taught", "expected"):
        raise ValueError(f"{critic!r} is no judge: choose itself, principles, taught or expected")
    records = task.training_records(tokenizer, train)
    records += llm_judge.verdicts(records, sizes.verdicts, seed)
    about = ["ai judge", seed, RATE, sizes.teaching, [[r["prompt"], r["completion"]] for r in records]]
    judging.requires_grad_(True)
    spent = training_cache.once(
        judging,
        about,
        lambda: fit(judging, tokenizer, records, seed, RATE, sizes.teaching, sizes.batch),
    )
    judging.requires_grad_(False)
    if critic == "expected":
        return lambda prompts, replies: llm_judge.expected(judging, tokenizer, prompts, replies), spent
    return lambda prompts, replies: llm_judge.yes(judging, tokenizer, prompts, replies, llm_judge.GOOD), spent


def labelled(grade, pairs):
    """The pairs with the judge's choice as "chosen", whatever people chose; a tie stays as it stands."""
    prompts = [pair["prompt"] for pair in pairs]
    chosen, rejected = (grade(prompts, [pair[name] for pair in pairs]) for name in ("chosen", "rejected"))
    return [
        pair if a >= b else pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        for pair, a, b in zip(pairs, chosen, rejected)
    ]


def squeezed(grade):
    """A reward function: log-odds as probabilities, stretched to -1 … 1. An empty reply is read as "-"."""

    def reward(prompts, replies):
        odds = grade(prompts, [text.strip() or "-" for text in replies])
        return (2 * torch.tensor(odds).sigmoid() - 1).tolist()

    return reward


def fit(model, tokenizer, records, seed, lr, steps, batch_size):
    """Train all weights on records for some steps."""
    training.train(
        model,
        data.encode(tokenizer, records),
        lr=lr,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        progress=False,
        pad_id=tokenizer.pad_token_id,
    )


JUDGES = grid(critic=("itself", "principles", "expected"), lr=(5e-5, 1.5e-4))
PAIRS = frozenset(("fields", "pairs"))
TECHNIQUES = (
    Technique("rlaif", "AI feedback", "06", rlaif, {"toy_desk": JUDGES}, PAIRS),
    Technique("ai_reward", "AI feedback", "06", ai_reward, {"toy_desk": JUDGES}, PAIRS),
    Technique(
        "self_reflection",
        "AI feedback",
        "06",
        self_reflection,
        {"toy_desk": grid(lr=(1e-3, 2e-3, 3e-3), least=(0.0, -2.0))},
        frozenset(("fields",)),
    ),
)
