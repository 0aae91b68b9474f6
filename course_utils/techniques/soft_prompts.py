"""Soft prompts on the ladder: prompt tuning, p-tuning and prefix tuning, the base left as it is.

All begin where a few-shot prompt stands: at the embeddings, or the keys and values, of solved
records drawn by seed. Training then starts with what those records already teach. Left out: other
starts on the scoreboard (lesson 02 compares them).
"""

import time

import safetensors.torch

from course_utils import data, training
from course_utils.batching import context_length
from course_utils.generation import generate
from course_utils.peft.soft_prompt_encoders import Direct, Lstm, Mlp, without_encoder
from course_utils.peft.soft_prompts import SoftPrompted, keys_and_values, text_start
from course_utils.prompts.few_shot import ending, few_shot_prompt
from course_utils.techniques.base import Result, Technique
from course_utils.techniques.peft import grid

BETWEEN = "\n\n"  # between the solved records and the request, as in a few-shot prompt


def prompt_tuning(model, tokenizer, train, seed, task, lr=0.03, shots=2, length=None, steps=None):
    """Vectors before the text, trained as they are. Source: Lester et al. 2021."""
    start = begin(model, tokenizer, train, seed, task, shots, length)
    return tuned(model, tokenizer, train, seed, task, Direct(start), lr, steps)


def p_tuning_mlp(model, tokenizer, train, seed, task, lr=3e-3, shots=2, length=None, steps=None):
    """Vectors before the text, made by an MLP. Source: Liu et al. 2021, with a residual start."""
    start = begin(model, tokenizer, train, seed, task, shots, length)
    return tuned(model, tokenizer, train, seed, task, Mlp(start, seed=seed), lr, steps)


def p_tuning_lstm(model, tokenizer, train, seed, task, lr=3e-3, shots=2, length=None, steps=None):
    """Vectors before the text, made by an LSTM. Source: Liu et al. 2021, with a residual start."""
    start = begin(model, tokenizer, train, seed, task, shots, length)
    return tuned(model, tokenizer, train, seed, task, Lstm(start, seed=seed), lr, steps)


def prefix_tuning(model, tokenizer, train, seed, task, lr=0.03, shots=2, length=None, steps=None):
    """Keys and values in every layer, trained as they are. Source: Li and Liang 2021."""
    start = keys_and_values(model, begin(model, tokenizer, train, seed, task, shots, length))
    return tuned(model, tokenizer, train, seed, task, Direct(start), lr, steps)


def prefix_tuning_mlp(model, tokenizer, train, seed, task, lr=3e-3, shots=2, length=None, steps=None):
    """Keys and values in every layer, made by an MLP. Source: Li and Liang 2021, section 4.3."""
    start = keys_and_values(model, begin(model, tokenizer, train, seed, task, shots, length))
    return tuned(model, tokenizer, train, seed, task, Mlp(start, seed=seed), lr, steps)


def between(task):
    """What parts the solved records from the request: in a chat, the turns do it."""
    return "" if task.chat else BETWEEN


def begin(model, tokenizer, train, seed, task, shots, length=None):
    """The embeddings (v, D) of a few-shot prompt: so many solved records, drawn so that kinds alternate.

    length: only the last so many vectors of it. Fewer records if the longest would not fit behind all.
    Raises ValueError if none leaves room.
    """
    longest = max(
        len(example["input_ids"])
        for example in data.encode(tokenizer, task.training_records(tokenizer, train))
    )
    for count in range(shots, 0, -1):
        start = text_start(model, tokenizer, solved(tokenizer, task.sample(train, count, seed), task))
        start = start[-length:] if length else start
        if len(start) + longest + task.room <= context_length(model):
            return start
    raise ValueError(
        f"The longest record has {longest} tokens: with a solved one it does not fit the context."
    )


def solved(tokenizer, shots, task):
    """The solved records as a few-shot prompt has them before its request: plain text, or turns of a chat."""
    if not task.chat:
        return few_shot_prompt(shots, "").rsplit(BETWEEN, 1)[0]
    mark = "<request>"  # an own turn, whose text is nowhere else
    text = task.conversation(tokenizer, shots, mark)
    alone = task.conversation(tokenizer, [], mark)
    turn = next(i for i in range(len(alone)) if text.endswith(alone[i:]))  # the last turn, without a system's
    return text[: len(text) - len(alone) + turn]


def tuned(model, tokenizer, train, seed, task, part, lr, steps=None):
    """Train a soft prompt within the task's budget; the Result of asking with it, the encoder dropped."""
    started, train = time.perf_counter(), task.subset(train, seed)
    soft = SoftPrompted(model, part)
    records = [
        record | {"prompt": between(task) + record["prompt"]}
        for record in task.training_records(tokenizer, train)
    ]
    training.train(
        soft,
        data.encode(tokenizer, records),
        lr=lr,
        steps=steps or task.budget.steps,
        batch_size=task.budget.batch,
        seed=seed,
        parameters=list(part.parameters()),
        progress=False,
        pad_id=tokenizer.pad_token_id,
        bf16=None if task.bf16 else False,
    )
    learned = SoftPrompted(model, without_encoder(part))
    seconds, stop = time.perf_counter() - started, ending(train)

    def reply(requests):
        texts = [between(task) + task.asked(tokenizer, request) for request in requests]
        replies = generate(learned, tokenizer, texts, max_new_tokens=task.room, stop=stop)
        return [text.strip() for text in replies]

    kept = learned.part().detach().cpu().contiguous()
    return Result(
        reply,
        trainable_parameters=sum(parameter.numel() for parameter in part.parameters()),
        stored_parameters=kept.numel(),
        stored_bytes=len(safetensors.torch.save({"prompt": kept})),
        examples=len(train),
        train_seconds=seconds,
        prompt_tokens=learned.length + len(tokenizer(between(task))["input_ids"]),
        choice={"soft": learned},
    )


TECHNIQUES = (
    Technique(
        "prompt_tuning",
        "soft prompts",
        "02",
        prompt_tuning,
        {
            "toy_desk": grid(lr=(0.01, 0.03, 0.1), shots=(1, 2)),
            "helpdesk": grid(lr=(3e-3, 1e-2, 3e-2, 0.1), shots=(1,)),
        },
    ),
    Technique(
        "p_tuning_mlp",
        "soft prompts",
        "02",
        p_tuning_mlp,
        {
            "toy_desk": grid(lr=(3e-3, 1e-2, 3e-2), shots=(1, 2)),
            "helpdesk": grid(lr=(3e-5, 1e-4, 3e-4, 1e-3), shots=(1,)),
        },
    ),
    Technique(
        "p_tuning_lstm",
        "soft prompts",
        "02",
        p_tuning_lstm,
        {
            "toy_desk": grid(lr=(3e-4, 1e-3, 3e-3), shots=(1, 2)),
            "helpdesk": grid(lr=(1e-4, 3e-4, 1e-3, 3e-3), shots=(1,)),
        },
    ),
    Technique(
        "prefix_tuning",
        "soft prompts",
        "02",
        prefix_tuning,
        {
            "toy_desk": grid(lr=(0.03, 0.1, 0.3), shots=(1, 2)),
            "helpdesk": grid(lr=(3e-3, 1e-2, 3e-2, 0.1), shots=(1,)),
        },
    ),
    Technique(
        "prefix_tuning_mlp",
        "soft prompts",
        "02",
        prefix_tuning_mlp,
        {
            "toy_desk": grid(lr=(3e-3, 1e-2, 3e-2), shots=(1, 2)),
            "helpdesk": grid(lr=(1e-4, 3e-4, 1e-3, 3e-3), shots=(1,)),
        },
    ),
)
