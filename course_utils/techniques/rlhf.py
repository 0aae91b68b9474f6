"""Techniques that learn from preferences: a reward model with PPO, GRPO, RLOO or best-of-n, and DPO.

All begin with the same policy, fine-tuned on noisy demonstrations (course_utils.rlhf.training_cache), and
see the same stored pairs; `labels` counts these. So they compare with each other, and with `sft_mediocre`,
their start; the techniques of the other lessons had the clean records. Taught in lesson 05.
"""

import copy
from typing import NamedTuple

from course_utils.generation import generate
from course_utils.prompts.few_shot import ending
from course_utils.prompts.templates import token_count
from course_utils.rlhf import guided_decoding, ppo, preferences, rewards, training_cache, trl_trainers
from course_utils.tasks.toy_desk import noisy_demonstrations
from course_utils.techniques.base import CONTROL, Result, Technique, replier
from course_utils.techniques.peft import grid


class Sizes(NamedTuple):
    """How long a run is: steps of SFT and its batch, updates, replies in each, tokens of a reply.

    value_rounds: of sampling replies that teach a value model.
    """

    sft_steps: int = noisy_demonstrations.STEPS
    sft_batch: int = 16
    updates: int = 24
    batch: int = 64
    room: int = 64
    value_rounds: int = guided_decoding.ROUNDS


USUAL = Sizes()


def sft_mediocre(model, tokenizer, train, seed, task, lr=noisy_demonstrations.LR, sizes=USUAL):
    """The start of all the others: supervised fine-tuning on noisy demonstrations."""
    seconds = started(model, tokenizer, train, seed, task, sizes, lr=lr)
    return replied(model, tokenizer, train, task, seconds, sizes)


def ppo_learned(model, tokenizer, train, seed, task, lr=ppo.LR, kl=ppo.KL, sizes=USUAL):
    """PPO on a reward model. Source: Ouyang et al. 2022 (InstructGPT)."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes)
    return replied(model, tokenizer, train, task, seconds, sizes, pairs)


def optimize(model, tokenizer, train, reward_fn, seed, task, lr, kl, sizes):
    """PPO from the model as it is, which is also the reference; the seconds that it took."""
    return ppo.train(
        model,
        copy.deepcopy(model).requires_grad_(False),
        tokenizer,
        prompts(tokenizer, train, task),
        reward_fn,
        updates=sizes.updates,
        batch_size=sizes.batch,
        lr=lr,
        kl=kl,
        max_new_tokens=sizes.room,
        seed=seed,
        progress=False,
    ).seconds


def grpo(model, tokenizer, train, seed, task, lr=2e-4, beta=trl_trainers.KL, sizes=USUAL):
    """TRL's GRPO on the same reward model. Source: Shao et al. 2024 (DeepSeekMath)."""
    return _by_trl(trl_trainers.grpo, model, tokenizer, train, seed, task, sizes, lr=lr, beta=beta)


def rloo(model, tokenizer, train, seed, task, lr=2e-4, beta=trl_trainers.KL, sizes=USUAL):
    """TRL's RLOO on the same reward model. Source: Ahmadian et al. 2024."""
    return _by_trl(trl_trainers.rloo, model, tokenizer, train, seed, task, sizes, lr=lr, beta=beta)


def dpo(model, tokenizer, train, seed, task, lr=1e-4, beta=0.1, sizes=USUAL):
    """TRL's DPO on the pairs themselves. Source: Rafailov et al. 2023."""
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = preferences.read("train")
    history = trl_trainers.dpo(model, tokenizer, pairs, lr=lr, beta=beta, seed=seed)
    return replied(model, tokenizer, train, task, seconds + history.seconds, sizes, pairs)


def reward_best_of_n(model, tokenizer, train, seed, task, n=8, temperature=0.7, sizes=USUAL):
    """Sample n replies and return the one with the highest reward. Source: Stiennon et al. 2020."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    result = replied(model, tokenizer, train, task, seconds, sizes, pairs, extra=reward.head)
    options = {"max_new_tokens": sizes.room, "stop": ending(train), "temperature": temperature}

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests for _ in range(n)]
        samples = [task.said(text) for text in generate(model, tokenizer, texts, seed=seed, **options)]
        scores = reward.score(tokenizer, texts, samples)
        groups = (range(start, start + n) for start in range(0, len(texts), n))
        return [samples[max(group, key=scores.__getitem__)].strip() for group in groups]

    lengths = [token_count(tokenizer, text) for text in prompts(tokenizer, train, task)[:50]]
    result.reply, result.prompt_tokens = reply, (n - 1) * sum(lengths) / len(lengths)
    return result


def critic_guided(model, tokenizer, train, seed, task, k=8, weight=1.0, sizes=USUAL):
    """A value model chooses among the policy's k most likely tokens (course_utils.rlhf.guided_decoding)."""
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = preferences.read("train")
    asked = prompts(tokenizer, train, task)
    value_model, more = training_cache.fit_value_model(
        model, tokenizer, asked, pairs, seed, rounds=sizes.value_rounds
    )
    result = replied(model, tokenizer, train, task, seconds + more, sizes, pairs, extra=value_model)
    end = ending(train)

    def reply(requests):
        texts = [task.asked(tokenizer, request) for request in requests]
        replies = guided_decoding.generate(
            model, value_model, tokenizer, texts, k=k, weight=weight, max_new_tokens=sizes.room
        )
        return [text.strip().split(end)[0] for text in replies]

    result.reply = reply
    return result


def started(model, tokenizer, train, seed, task, sizes=USUAL, lr=noisy_demonstrations.LR):
    """Make the model the policy that all begin with, by SFT on noisy demonstrations; the seconds."""
    records = task.training_records(tokenizer, train)
    return training_cache.sft(
        model, tokenizer, records, seed, steps=sizes.sft_steps, batch_size=sizes.sft_batch, lr=lr
    )


def begun(model, tokenizer, train, seed, task, sizes=USUAL):
    """(reward, the pairs it saw, seconds for it and the policy); the model becomes the policy."""
    seconds = started(model, tokenizer, train, seed, task, sizes)
    pairs = preferences.read("train")
    reward, more = training_cache.fit_combined_reward(model, tokenizer, pairs, seed)
    return reward, pairs, seconds + more


def prompts(tokenizer, train, task):
    """What the policy is asked while it learns."""
    return [task.asked(tokenizer, record["prompt"]) for record in train]


def replied(model, tokenizer, train, task, seconds, sizes=USUAL, pairs=(), extra=None):
    """The Result of asking the model with the bare request. extra: a second network that is kept."""
    count = sum(parameter.numel() for parameter in model.parameters())
    stored = count + sum(parameter.numel() for parameter in extra.parameters()) if extra else count
    return Result(
        replier(model, tokenizer, task, train, sizes.room),
        trainable_parameters=count,
        stored_parameters=stored,
        stored_bytes=4 * stored,
        examples=len(train),
        labels=len(pairs),
        train_seconds=seconds,
        model=model,
    )


def _by_trl(train_by, model, tokenizer, train, seed, task, sizes, **rates):
    reward, pairs, seconds = begun(model, tokenizer, train, seed, task, sizes)
    history = train_by(
        model,
        tokenizer,
        prompts(tokenizer, train, task),
        rewards.learned(reward, tokenizer),
        steps=sizes.updates,
        batch_size=sizes.batch,
        max_new_tokens=sizes.room,
        seed=seed,
        **rates,
    )
    return replied(model, tokenizer, train, task, seconds + history.seconds, sizes, pairs)


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


def _described(name, learn, family="RLHF"):
    return Technique(name, family, "05", learn, {"toy_desk": TOY_SETTINGS[name]}, NEEDS, data="mixed quality")


TECHNIQUES = (
    _described("sft_mediocre", sft_mediocre, CONTROL),
    _described("reward_best_of_n", reward_best_of_n),
    _described("ppo", ppo_learned),
    _described("dpo", dpo),
    _described("grpo", grpo),
    _described("rloo", rloo),
    _described("critic_guided", critic_guided),
)
