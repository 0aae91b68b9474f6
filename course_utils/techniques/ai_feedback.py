"""Feedback from a model: preference labels, a reward, and self-refinement.

`rlaif` and `ai_reward` begin where lesson 05's techniques begin, with a policy fine-tuned on demonstrations
of mixed quality, so they compare with `ppo`: only the source of the feedback differs. The judge is the policy
as it began, or the base model, or one trained on the clean records, which the policy never saw.
`self_reflection` is trained on the clean records and compares with `full` or `lora_all`. No person judges
anything, so `labels` is 0; `choice` has the number of the judge's verdicts. Taught in lesson 06. Left out: a
larger judge. Sources: Lee et al. 2023, "RLAIF"; Bai et al. 2022; Madaan et al. 2023, "Self-Refine".
"""

import copy
import time

import torch

from course_utils.ai_feedback import judge_training, llm_judge, self_refine
from course_utils.peft import adapter_layer
from course_utils.prompts import templates
from course_utils.rlhf import adapter_policy, ppo, rewards
from course_utils.techniques import policies, rlhf
from course_utils.techniques.base import Technique
from course_utils.techniques.peft import grid

RATE, SAMPLE = 2e-3, 50  # messages on which the tokens of self-refinement are counted
JUDGE = "judge"  # the adapter of a judge that is trained


def rlaif(model, tokenizer, train, seed, task, critic="itself", lr=ppo.LR, kl=ppo.KL, sizes=None):
    """The judge labels lesson 05's pairs in place of people; a reward model and PPO follow."""
    sizes = sizes or task.feedback
    grade, seconds = begun(model, tokenizer, train, seed, task, critic, sizes)
    pairs = task.training_pairs(tokenizer, labeled(grade, task.pairs("train")[: sizes.pairs]))
    reward, more = policies.fit_reward(model, tokenizer, pairs, seed, task, sizes)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += more + policies.optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes)
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes)
    result.choice = {"verdicts": 2 * len(pairs)}
    return result


def ai_reward(model, tokenizer, train, seed, task, critic="itself", lr=ppo.LR, kl=ppo.KL, sizes=None):
    """PPO on the judge's verdict itself, mapped to -1 … 1. Lee et al. 2023: direct RLAIF."""
    sizes = sizes or task.feedback
    grade, seconds = begun(model, tokenizer, train, seed, task, critic, sizes)
    requests = {task.asked(tokenizer, record["prompt"]): record["prompt"] for record in train}
    reward_fn = squeezed(grade, requests)
    seconds += policies.optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes)
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes)
    result.choice = {"verdicts": sizes.updates * sizes.batch}
    return result


def begun(model, tokenizer, train, seed, task, judge, sizes=None):
    """(grade of a judge, seconds for it and the policy); the model becomes the policy."""
    sizes = sizes or task.feedback
    base = model if sizes.lora else copy.deepcopy(model)
    seconds = rlhf.started(model, tokenizer, train, seed, task, sizes)
    grade, more = judge_of(judge, base, model, tokenizer, train, seed, task, sizes)
    return grade, seconds + more


def self_reflection(model, tokenizer, train, seed, task, least=0.0, lr=RATE, sizes=None):
    """Answer, critique, revise, with one model trained on all three with the clean records."""
    sizes, started = sizes or task.feedback, time.perf_counter()
    records = policies.drawn(train, seed, task, sizes)
    examples = self_refine.examples(records, sizes.verdicts, seed, task.worsener(records))
    examples = task.training_records(tokenizer, [*records, *examples])
    policies.tune(model, tokenizer, examples, lr, sizes.refining, seed, task, sizes)
    seconds = time.perf_counter() - started
    result = rlhf.replied(model, tokenizer, train, task, seconds, sizes)

    def refined(requests):
        def asked(request):
            return task.asked(tokenizer, request)

        def judge(asked_for, replies):
            return llm_judge.yes(model, tokenizer, asked_for, replies, llm_judge.GOOD, asked, task.said)

        return self_refine.refine(model, tokenizer, requests, judge, least, asked)

    prompts = [record["prompt"] for record in records[:SAMPLE]]
    extra_texts = [
        llm_judge.single(prompt, note["first"], llm_judge.GOOD)
        + note["revised"] * self_refine.revision(prompt, note["first"])
        for prompt, note in zip(prompts, refined(prompts)[1])
    ]
    tokens = sum(templates.token_count(tokenizer, text) for text in extra_texts)
    result.reply, result.prompt_tokens = lambda requests: refined(requests)[0], tokens / len(prompts)
    return result


def judge_of(judge, base, policy, tokenizer, train, seed, task, sizes=None):
    """(grade(requests, replies) -> numbers, the seconds that it took to make the judge).

    judge: "itself", the policy as it is now, by how likely it finds a reply; "principles", the base model, by
    questions; "taught", a model trained on the clean records and verdicts about them, by its verdict; or
    "expected", the same, by how likely it finds a reply. Raises ValueError for another name.
    """
    if judge not in ("itself", "principles", "taught", "expected"):
        raise ValueError(f"{judge!r} is no judge: choose itself, principles, taught or expected")
    sizes = sizes or task.feedback
    model, adapter, seconds = _subject(judge, base, policy, tokenizer, train, seed, task, sizes)

    def asked(request):
        return task.asked(tokenizer, request)

    def grade(requests, replies):
        about = model, tokenizer
        with adapter_layer.active(model, adapter):
            if judge == "principles":
                questions = task.principles or llm_judge.PRINCIPLES
                return llm_judge.principled(*about, requests, replies, questions, asked, task.said)
            if judge == "taught":
                return llm_judge.yes(*about, requests, replies, llm_judge.GOOD, asked, task.said)
            return llm_judge.expected(*about, [asked(request) for request in requests], replies, task.said)

    return grade, seconds


def _subject(judge, base, policy, tokenizer, train, seed, task, sizes):
    """(the model that judges, its adapter or None, the seconds of its training)."""
    adapter = {"itself": adapter_policy.START, "principles": adapter_policy.BASE}.get(judge, JUDGE)
    if not sizes.lora:  # a model of its own, which later training does not move
        base, adapter = copy.deepcopy(policy if judge == "itself" else base), None
        base.requires_grad_(False)
    if judge in ("itself", "principles"):
        return base, adapter, 0.0
    records = policies.drawn(train, seed, task, sizes)
    records = [
        *records,
        *judge_training.verdicts(records, sizes.verdicts, seed, worsen=task.worsener(records)),
    ]
    records = task.training_records(tokenizer, records)
    seconds = policies.tune_judge(base, tokenizer, records, seed, task, sizes, JUDGE)
    return base, adapter, seconds


def labeled(grade, pairs):
    """The pairs with the judge's choice as "chosen", whatever people chose; a tie stays as it stands."""
    prompts = [pair["prompt"] for pair in pairs]
    chosen, rejected = (grade(prompts, [pair[name] for pair in pairs]) for name in ("chosen", "rejected"))
    return [
        pair if a >= b else pair | {"chosen": pair["rejected"], "rejected": pair["chosen"]}
        for pair, a, b in zip(pairs, chosen, rejected)
    ]


def squeezed(grade, requests=None):
    """A reward function: log-odds as probabilities, mapped to -1 … 1. An empty reply is graded as "-".

    requests: {what the policy is asked: the bare request}, where they differ.
    """

    def reward(prompts, replies):
        bare = [(requests or {}).get(prompt, prompt) for prompt in prompts]
        odds = grade(bare, [text.strip() or "-" for text in replies])
        return (2 * torch.tensor(odds).sigmoid() - 1).tolist()

    return reward


TOY_JUDGES = grid(critic=("itself", "principles", "expected"), lr=(5e-5, 1.5e-4))
JUDGES = grid(critic=("itself", "expected"), lr=(3e-4, 1e-3))
PAIRS = frozenset(("fields", "pairs"))
SETTINGS = {"toy_desk": TOY_JUDGES, "helpdesk": JUDGES}
TECHNIQUES = (
    Technique("rlaif", "AI feedback", "06", rlaif, SETTINGS, PAIRS, data="mixed quality"),
    Technique("ai_reward", "AI feedback", "06", ai_reward, SETTINGS, PAIRS, data="mixed quality"),
    Technique(
        "self_reflection",
        "AI feedback",
        "06",
        self_reflection,
        {
            "toy_desk": grid(lr=(1e-3, 2e-3, 3e-3), least=(0.0, -2.0)),
            "helpdesk": [*grid(lr=(2e-3, 5e-3, 1e-2), least=(0.0,)), {"lr": 5e-3, "least": -2.0}],
        },
        frozenset(("fields",)),
    ),
)
