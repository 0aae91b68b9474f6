"""Techniques that learn from preferences: a reward model with PPO, GRPO, RLOO or a vote, and DPO.

All begin with the same policy, fine-tuned on mediocre records (course_utils.rlhf.training_cache), and see
the same stored pairs; `labels` counts these. So they compare with each other, and with `sft_mediocre`, their
start; the techniques of the other lessons had the clean records. Taught in lesson 05.
"""

import copy

from course_utils.generation import generate
from course_utils.prompts.few_shot import ending, open_end
from course_utils.prompts.templates import token_count
from course_utils.rlhf import guided_decoding, ppo, preferences, rewards, training_cache, trl_trainers
from course_utils.techniques.base import Result, Rung

ROOM = 64  # tokens of a reply
UPDATES, BATCH = 24, 64  # replies judged: their product


def sft_mediocre(model, tokenizer, train, seed, lr=1e-3):
    """The start of all the others: supervised fine-tuning on mediocre records."""
    seconds = training_cache.sft(model, tokenizer, asked(train), seed, lr=lr)
    return replied(model, tokenizer, train, seconds)


def ppo_learned(model, tokenizer, train, seed, lr=1e-4, kl=0.1):
    """PPO on a reward model. Source: Ouyang et al. 2022 (InstructGPT)."""
    judge, pairs, spent = begun(model, tokenizer, train, seed)
    history = ppo.train(
        model,
        copy.deepcopy(model),
        tokenizer,
        prompts(train),
        rewards.learned(judge, tokenizer),
        updates=UPDATES,
        batch_size=BATCH,
        lr=lr,
        kl=kl,
        max_new_tokens=ROOM,
        seed=seed,
        progress=False,
    )
    return replied(model, tokenizer, train, spent + history.seconds, pairs)


def grpo(model, tokenizer, train, seed, lr=2e-4, beta=0.05):
    """TRL's GRPO on the same reward model. Source: Shao et al. 2024 (DeepSeekMath)."""
    return _on_policy(trl_trainers.grpo, model, tokenizer, train, seed, lr, beta)


def rloo(model, tokenizer, train, seed, lr=2e-4, beta=0.05):
    """TRL's RLOO on the same reward model. Source: Ahmadian et al. 2024."""
    return _on_policy(trl_trainers.rloo, model, tokenizer, train, seed, lr, beta)


def dpo(model, tokenizer, train, seed, lr=1e-4, beta=0.1):
    """TRL's DPO on the pairs themselves. Source: Rafailov et al. 2023."""
    spent, pairs = training_cache.sft(model, tokenizer, asked(train), seed), preferences.read("train")
    history = trl_trainers.dpo(model, tokenizer, pairs, lr=lr, beta=beta, seed=seed)
    return replied(model, tokenizer, train, spent + history.seconds, pairs)


def reward_best_of_n(model, tokenizer, train, seed, n=8, temperature=0.7):
    """Draw n replies and give the one that the reward model likes best. Source: Stiennon et al. 2020."""
    judge, pairs, spent = begun(model, tokenizer, train, seed)
    result = replied(model, tokenizer, train, spent, pairs, extra=judge.head)
    options = {"max_new_tokens": ROOM, "stop": ending(train), "temperature": temperature}

    def reply(requests):
        texts = [open_end(request) for request in requests for _ in range(n)]
        drawn = [f" {text.strip()}" for text in generate(model, tokenizer, texts, seed=seed, **options)]
        scores = judge.score(tokenizer, texts, drawn)
        groups = (range(start, start + n) for start in range(0, len(texts), n))
        return [drawn[max(group, key=scores.__getitem__)].strip() for group in groups]

    some = [token_count(tokenizer, text) for text in prompts(train)[:50]]
    result.reply, result.prompt_tokens = reply, (n - 1) * sum(some) / len(some)
    return result


def critic_guided(model, tokenizer, train, seed, k=8, weight=1.0):
    """A value network chooses among the policy's k most likely tokens (course_utils.rlhf.guided_decoding)."""
    spent, pairs = training_cache.sft(model, tokenizer, asked(train), seed), preferences.read("train")
    value, more = training_cache.value(model, tokenizer, prompts(train), pairs, seed)
    spent += more
    result, end = replied(model, tokenizer, train, spent, pairs, extra=value), ending(train)

    def reply(requests):
        texts = [open_end(request) for request in requests]
        drawn = guided_decoding.generate(
            model, value, tokenizer, texts, k=k, weight=weight, max_new_tokens=ROOM
        )
        return [text.strip().split(end)[0] for text in drawn]

    result.reply = reply
    return result


def begun(model, tokenizer, train, seed):
    """(reward model, the pairs it saw, seconds for it and the policy); the model becomes the policy."""
    spent, pairs = training_cache.sft(model, tokenizer, asked(train), seed), preferences.read("train")
    judge, more = training_cache.judge(model, tokenizer, pairs, seed)
    return judge, pairs, spent + more


def asked(train):
    """The records, each with a prompt that ends where its reply begins."""
    return [record | {"prompt": open_end(record["prompt"])} for record in train]


def prompts(train):
    """What the policy is asked while it learns."""
    return [record["prompt"] for record in asked(train)]


def replied(model, tokenizer, train, seconds, pairs=(), extra=None):
    """The Result of asking the model with the bare request. extra: a second network that is kept."""
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


def _on_policy(train_by, model, tokenizer, train, seed, lr, beta):
    judge, pairs, spent = begun(model, tokenizer, train, seed)
    learned = rewards.learned(judge, tokenizer)
    settings = dict(lr=lr, beta=beta, steps=UPDATES, batch_size=BATCH, max_new_tokens=ROOM, seed=seed)
    history = train_by(model, tokenizer, prompts(train), learned, **settings)
    return replied(model, tokenizer, train, spent + history.seconds, pairs)


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
