"""Techniques that learn from preferences: a reward model with PPO, GRPO, RLOO or best-of-n, and DPO.

All begin with the same policy, fine-tuned on noisy demonstrations (course_utils.rlhf.training_cache), and
see the same stored pairs; `labels` counts these. So they compare with each other, and with `sft_mediocre`,
their start; the techniques of the other lessons had the clean records. Taught in lesson 05.
"""

import copy

from course_utils.generation import generate
from course_utils.prompts.few_shot import ending, open_end
from course_utils.prompts.templates import token_count
from course_utils.rlhf import guided_decoding, ppo, preferences, rewards, training_cache, trl_trainers
from course_utils.tasks.toy_desk.noisy_demonstrations import STEPS
from course_utils.techniques.base import Result, Rung

ROOM = 64  # tokens of a reply
UPDATES, BATCH = 24, 64  # their product: replies that are rewarded


def sft_mediocre(model, tokenizer, train, seed, lr=1e-3, sft_steps=STEPS):
    """The start of all the others: supervised fine-tuning on noisy demonstrations."""
    seconds = training_cache.sft(model, tokenizer, open_ended(train), seed, lr=lr, steps=sft_steps)
    return replied(model, tokenizer, train, seconds)


def ppo_learned(model, tokenizer, train, seed, lr=ppo.LR, kl=ppo.KL, sft_steps=STEPS, updates=None):
    """PPO on a reward model. Source: Ouyang et al. 2022 (InstructGPT)."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, sft_steps)
    reward_fn = rewards.learned(reward, tokenizer)
    seconds += optimize(model, tokenizer, train, reward_fn, seed, lr, kl, updates)
    return replied(model, tokenizer, train, seconds, pairs)


def optimize(model, tokenizer, train, reward_fn, seed, lr, kl, updates=None):
    """PPO from the model as it is, which is also the reference; the seconds that it took."""
    return ppo.train(
        model,
        copy.deepcopy(model).requires_grad_(False),
        tokenizer,
        prompts(train),
        reward_fn,
        updates=updates or UPDATES,
        batch_size=BATCH,
        lr=lr,
        kl=kl,
        max_new_tokens=ROOM,
        seed=seed,
        progress=False,
    ).seconds


def grpo(model, tokenizer, train, seed, lr=2e-4, beta=trl_trainers.KL, sft_steps=STEPS, updates=None):
    """TRL's GRPO on the same reward model. Source: Shao et al. 2024 (DeepSeekMath)."""
    return _by_trl(trl_trainers.grpo, model, tokenizer, train, seed, lr, beta, sft_steps, updates)


def rloo(model, tokenizer, train, seed, lr=2e-4, beta=trl_trainers.KL, sft_steps=STEPS, updates=None):
    """TRL's RLOO on the same reward model. Source: Ahmadian et al. 2024."""
    return _by_trl(trl_trainers.rloo, model, tokenizer, train, seed, lr, beta, sft_steps, updates)


def dpo(model, tokenizer, train, seed, lr=1e-4, beta=0.1, sft_steps=STEPS):
    """TRL's DPO on the pairs themselves. Source: Rafailov et al. 2023."""
    seconds = training_cache.sft(model, tokenizer, open_ended(train), seed, steps=sft_steps)
    pairs = preferences.read("train")
    history = trl_trainers.dpo(model, tokenizer, pairs, lr=lr, beta=beta, seed=seed)
    return replied(model, tokenizer, train, seconds + history.seconds, pairs)


def reward_best_of_n(model, tokenizer, train, seed, n=8, temperature=0.7, sft_steps=STEPS):
    """Sample n replies and return the one with the highest reward. Source: Stiennon et al. 2020."""
    reward, pairs, seconds = begun(model, tokenizer, train, seed, sft_steps)
    result = replied(model, tokenizer, train, seconds, pairs, extra=reward.head)
    options = {"max_new_tokens": ROOM, "stop": ending(train), "temperature": temperature}

    def reply(requests):
        texts = [open_end(request) for request in requests for _ in range(n)]
        sampled = [f" {text.strip()}" for text in generate(model, tokenizer, texts, seed=seed, **options)]
        scores = reward.score(tokenizer, texts, sampled)
        groups = (range(start, start + n) for start in range(0, len(texts), n))
        return [sampled[max(group, key=scores.__getitem__)].strip() for group in groups]

    lengths = [token_count(tokenizer, text) for text in prompts(train)[:50]]
    result.reply, result.prompt_tokens = reply, (n - 1) * sum(lengths) / len(lengths)
    return result


def critic_guided(
    model, tokenizer, train, seed, k=8, weight=1.0, sft_steps=STEPS, rounds=guided_decoding.ROUNDS
):
    """A value model chooses among the policy's k most likely tokens (course_utils.rlhf.guided_decoding)."""
    seconds = training_cache.sft(model, tokenizer, open_ended(train), seed, steps=sft_steps)
    pairs = preferences.read("train")
    fit = training_cache.fit_value_model
    value_model, more = fit(model, tokenizer, prompts(train), pairs, seed, rounds=rounds)
    result, end = replied(model, tokenizer, train, seconds + more, pairs, extra=value_model), ending(train)

    def reply(requests):
        texts = [open_end(request) for request in requests]
        replies = guided_decoding.generate(
            model, value_model, tokenizer, texts, k=k, weight=weight, max_new_tokens=ROOM
        )
        return [text.strip().split(end)[0] for text in replies]

    result.reply = reply
    return result


def begun(model, tokenizer, train, seed, sft_steps=STEPS):
    """(reward, the pairs it saw, seconds for it and the policy); the model becomes the policy."""
    seconds = training_cache.sft(model, tokenizer, open_ended(train), seed, steps=sft_steps)
    pairs = preferences.read("train")
    reward, more = training_cache.fit_combined_reward(model, tokenizer, pairs, seed)
    return reward, pairs, seconds + more


def open_ended(train):
    """The records, each with a prompt that ends where its reply begins."""
    return [record | {"prompt": open_end(record["prompt"])} for record in train]


def prompts(train):
    """The prompts on which the policy is trained."""
    return [record["prompt"] for record in open_ended(train)]


def replied(model, tokenizer, train, seconds, pairs=(), extra=None):
    """The Result of the model with the bare request as its prompt. extra: a second network that is kept."""
    end = ending(train)

    def reply(requests):
        texts = [open_end(request) for request in requests]
        return [text.strip() for text in generate(model, tokenizer, texts, max_new_tokens=ROOM, stop=end)]

    count = sum(parameter.numel() for parameter in model.parameters())
    stored = count + sum(parameter.numel() for parameter in extra.parameters()) if extra else count
    return Result(
        reply,
        trainable_parameters=count,
        stored_parameters=stored,
        stored_bytes=4 * stored,
        examples=len(train),
        labels=len(pairs),
        train_seconds=seconds,
        model=model,
    )


def _by_trl(train_by, model, tokenizer, train, seed, lr, beta, sft_steps, updates):
    reward, pairs, seconds = begun(model, tokenizer, train, seed, sft_steps)
    reward_fn = rewards.learned(reward, tokenizer)
    settings = dict(lr=lr, beta=beta, steps=updates or UPDATES, batch_size=BATCH, max_new_tokens=ROOM)
    history = train_by(model, tokenizer, prompts(train), reward_fn, seed=seed, **settings)
    return replied(model, tokenizer, train, seconds + history.seconds, pairs)


RATES = [{"lr": r, "beta": b} for r in (1e-4, 2e-4, 4e-4) for b in (0.02, 0.1)]
RUNGS = {
    "sft_mediocre": Rung(sft_mediocre, "05", [{"lr": r} for r in (3e-4, 5e-4, 7e-4, 1e-3, 1.4e-3, 2e-3)]),
    "reward_best_of_n": Rung(
        reward_best_of_n, "05", [{"n": n, "temperature": t} for n in (4, 8, 16) for t in (0.7, 1.0)]
    ),
    "ppo": Rung(ppo_learned, "05", [{"lr": r, "kl": b} for r in (5e-5, 1e-4, 2e-4) for b in (0.05, 0.1)]),
    "dpo": Rung(dpo, "05", [{"lr": r, "beta": b} for r in (3e-5, 1e-4, 3e-4) for b in (0.1, 0.3)]),
    "grpo": Rung(grpo, "05", RATES),
    "rloo": Rung(rloo, "05", RATES),
    "critic_guided": Rung(
        critic_guided, "05", [{"k": k, "weight": w} for k in (4, 8) for w in (0.5, 1.0, 2.0)]
    ),
}
