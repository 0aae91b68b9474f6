"""Techniques that learn from preferences: a reward model with PPO, GRPO, RLOO or best-of-n, and DPO.

All begin with the same policy, fine-tuned on the task's demonstrations of mixed quality, and see the same
stored pairs; `labels` counts these. So they compare with each other, and with `sft_mediocre`, their start;
the techniques of the other lessons had the clean records. Where the task says so (Feedback.lora), an adapter
alone trains, and start, policy and reward model share one set of weights. Taught in lesson 05.
"""

from course_utils.generation import generate
from course_utils.prompts.few_shot import ending
from course_utils.prompts.templates import token_count
from course_utils.rlhf import guided_decoding, ppo, rewards, training_cache, trl_trainers
from course_utils.techniques import policies
from course_utils.techniques.base import CONTROL, Result, Technique, replier
from course_utils.techniques.peft import grid


def sft_mediocre(model, tokenizer, train, seed, task, lr=1e-3, sizes=None):
    """The start of all the others: supervised fine-tuning on demonstrations of mixed quality."""
    seconds = started(model, tokenizer, train, seed, task, sizes, lr=lr)
    return replied(model, tokenizer, train, task, seconds, sizes)


def ppo_learned(model, tokenizer, train, seed, task, lr=ppo.LR, kl=ppo.KL, sizes=None):
    """PPO on a reward model. Source: Ouyang et al. 2022 (InstructGPT)."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += policies.optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes)
    return replied(model, tokenizer, train, task, seconds, sizes, pairs)


def grpo(model, tokenizer, train, seed, task, lr=2e-4, beta=trl_trainers.KL, sizes=None):
    """GRPO on the same reward model. Source: Shao et al. 2024 (DeepSeekMath)."""
    return _in_groups("grpo", model, tokenizer, train, seed, task, sizes, lr, beta)


def rloo(model, tokenizer, train, seed, task, lr=2e-4, beta=trl_trainers.KL, sizes=None):
    """RLOO on the same reward model. Source: Ahmadian et al. 2024."""
    return _in_groups("rloo", model, tokenizer, train, seed, task, sizes, lr, beta)


def dpo(model, tokenizer, train, seed, task, lr=1e-4, beta=0.1, sizes=None):
    """DPO on the pairs themselves. Source: Rafailov et al. 2023."""
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = policies.pairs_of(tokenizer, task, sizes)
    seconds += policies.by_dpo(model, tokenizer, pairs, seed, task, lr, beta, sizes)
    return replied(model, tokenizer, train, task, seconds, sizes, pairs)


def reward_best_of_n(model, tokenizer, train, seed, task, n=8, temperature=0.7, sizes=None):
    """Sample n replies and return the one with the highest reward. Source: Stiennon et al. 2020."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    result = replied(model, tokenizer, train, task, seconds, sizes, pairs, extra=policies.kept(reward))
    room = (sizes or task.feedback).room
    options = {"max_new_tokens": room, "stop": ending(train), "temperature": temperature}

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests for _ in range(n)]
        samples = [task.said(text) for text in generate(model, tokenizer, texts, seed=seed, **options)]
        scores = reward.score(tokenizer, texts, samples)
        groups = (range(start, start + n) for start in range(0, len(texts), n))
        return [samples[max(group, key=scores.__getitem__)].strip() for group in groups]

    lengths = [token_count(tokenizer, text) for text in prompts(tokenizer, train, task)[:50]]
    result.reply, result.prompt_tokens = reply, (n - 1) * sum(lengths) / len(lengths)
    return result


def critic_guided(model, tokenizer, train, seed, task, k=8, weight=1.0, sizes=None):
    """A value model chooses among the policy's k most likely tokens (course_utils.rlhf.guided_decoding)."""
    sizes = sizes or task.feedback
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = policies.pairs_of(tokenizer, task, sizes)
    asked = prompts(tokenizer, train, task)
    value_model, more = training_cache.fit_value_model(
        model, tokenizer, asked, pairs, seed, rounds=sizes.value_rounds
    )
    parameters = list(value_model.parameters())
    result = replied(model, tokenizer, train, task, seconds + more, sizes, pairs, extra=parameters)
    end = ending(train)

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests]
        replies = guided_decoding.generate(
            model, value_model, tokenizer, texts, k=k, weight=weight, max_new_tokens=sizes.room
        )
        return [text.strip().split(end)[0] for text in replies]

    result.reply = reply
    return result


def started(model, tokenizer, train, seed, task, sizes=None, lr=None):
    """Make the model the policy that all begin with, by SFT on demonstrations; the seconds."""
    return policies.start(model, tokenizer, train, seed, task, sizes, lr)


def begun(model, tokenizer, train, seed, task, sizes=None):
    """(reward, the pairs it saw, seconds for it and the policy); the model becomes the policy."""
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = policies.pairs_of(tokenizer, task, sizes)
    reward, more = policies.fit_reward(model, tokenizer, pairs, seed, task, sizes)
    return reward, pairs, seconds + more


def prompts(tokenizer, train, task):
    """What the policy is asked while it learns."""
    return [task.asked(tokenizer, record["prompt"]) for record in train]


def replied(model, tokenizer, train, task, seconds, sizes=None, pairs=(), extra=()):
    """The Result of asking the model with the bare request. extra: parameters that are kept besides."""
    sizes = sizes or task.feedback
    count = sum(parameter.numel() for parameter in policies.trained(model, sizes))
    stored = count + sum(parameter.numel() for parameter in extra)
    return Result(
        replier(model, tokenizer, task, train, sizes.room),
        trainable_parameters=count,
        stored_parameters=stored,
        stored_bytes=4 * stored,
        examples=policies.demonstrations(train, sizes),
        labels=len(pairs),
        train_seconds=seconds,
        model=model,
    )


def _in_groups(method, model, tokenizer, train, seed, task, sizes, lr, beta):
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    asked, reward_fn = prompts(tokenizer, train, task), rewards.learned(reward, tokenizer)
    seconds += policies.in_groups(method, model, tokenizer, asked, reward_fn, seed, task, lr, beta, sizes)
    return replied(model, tokenizer, train, task, seconds, sizes, pairs)


NEEDS = frozenset(("fields", "pairs"))
RATES = grid(lr=(1e-4, 2e-4, 4e-4), beta=(0.02, 0.1))
TOY_SETTINGS = {
    "sft_mediocre": grid(lr=(3e-4, 5e-4, 7e-4, 1e-3, 1.4e-3, 2e-3)),
    "reward_best_of_n": grid(n=(4, 8, 16), temperature=(0.7, 1.0)),
    "ppo": grid(lr=(5e-5, 1e-4, 2e-4), kl=(0.05, 0.1)),
    "dpo": grid(lr=(3e-5, 1e-4, 3e-4), beta=(0.1, 0.3)),
    "grpo": RATES,
    "rloo": RATES,
    "critic_guided": grid(k=(4, 8), weight=(0.5, 1.0, 2.0)),
}
SETTINGS = {  # of the help desk: four each
    "sft_mediocre": grid(lr=(1e-3, 2e-3, 5e-3, 1e-2)),
    "reward_best_of_n": grid(n=(4,), temperature=(0.03, 0.1, 0.3, 0.5)),  # more would be too slow
    "ppo": grid(lr=(1e-4, 3e-4, 1e-3, 2e-3), kl=(0.05,)),
    "dpo": grid(lr=(3e-5, 1e-4, 3e-4, 1e-3), beta=(0.1,)),
    "grpo": grid(lr=(1e-4, 3e-4, 1e-3, 2e-3), beta=(0.05,)),
    "rloo": grid(lr=(1e-4, 3e-4, 1e-3, 2e-3), beta=(0.05,)),
}


def _described(name, learn, family="RLHF"):
    settings = {"toy_desk": TOY_SETTINGS[name]}
    if name in SETTINGS:
        settings["helpdesk"] = SETTINGS[name]
    return Technique(name, family, "05", learn, settings, NEEDS, data="mixed quality")


TECHNIQUES = (
    _described("sft_mediocre", sft_mediocre, CONTROL),
    _described("reward_best_of_n", reward_best_of_n),
    _described("ppo", ppo_learned),
    _described("dpo", dpo),
    _described("grpo", grpo),
    _described("rloo", rloo),
    _described("critic_guided", critic_guided),
)
