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
from course_utils.prompts.few_shot import ending, few_shot_prompt, open_end
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.techniques.base import Result, Rung
from course_utils.techniques.prompting import ROOM

BETWEEN = "\n\n"  # between the solved records and the request, as in a few-shot prompt
STEPS, BATCH = 240, 16  # two passes over 2,000 records


def prompt_tuning(model, tokenizer, train, seed, lr=0.03, shots=2, steps=STEPS):
    """Vectors before the text, trained as they are. Source: Lester et al. 2021."""
    return tuned(
        model, tokenizer, train, seed, Direct(begin(model, tokenizer, train, seed, shots)), lr, steps
    )


def p_tuning_mlp(model, tokenizer, train, seed, lr=3e-3, shots=2, steps=STEPS):
    """Vectors before the text, made by an MLP. Source: Liu et al. 2021, with a residual start."""
    start = begin(model, tokenizer, train, seed, shots)
    return tuned(model, tokenizer, train, seed, Mlp(start, seed=seed), lr, steps)


def p_tuning_lstm(model, tokenizer, train, seed, lr=3e-3, shots=2, steps=STEPS):
    """Vectors before the text, made by an LSTM. Source: Liu et al. 2021, with a residual start."""
    start = begin(model, tokenizer, train, seed, shots)
    return tuned(model, tokenizer, train, seed, Lstm(start, seed=seed), lr, steps)


def prefix_tuning(model, tokenizer, train, seed, lr=0.03, shots=2, steps=STEPS):
    """Keys and values in every layer, trained as they are. Source: Li and Liang 2021."""
    start = keys_and_values(model, begin(model, tokenizer, train, seed, shots))
    return tuned(model, tokenizer, train, seed, Direct(start), lr, steps)


def prefix_tuning_mlp(model, tokenizer, train, seed, lr=3e-3, shots=2, steps=STEPS):
    """Keys and values in every layer, made by an MLP. Source: Li and Liang 2021, section 4.3."""
    start = keys_and_values(model, begin(model, tokenizer, train, seed, shots))
    return tuned(model, tokenizer, train, seed, Mlp(start, seed=seed), lr, steps)


def begin(model, tokenizer, train, seed, shots):
    """The embeddings (v, D) of a few-shot prompt: so many solved records, drawn so that skills alternate.

    Fewer of them if the longest record would not fit behind all. Raises ValueError if none leaves room.
    """
    longest = max(len(example["input_ids"]) for example in data.encode(tokenizer, train))
    for count in range(shots, 0, -1):
        text, _ = few_shot_prompt(stratified(train, count, seed), "").rsplit(BETWEEN, 1)
        start = text_start(model, tokenizer, text)
        if len(start) + longest + ROOM <= context_length(model):
            return start
    raise ValueError(
        f"The longest record has {longest} tokens: with a solved one it does not fit the context."
    )


def tuned(model, tokenizer, train, seed, part, lr, steps):
    """Train a soft prompt on all records; the Result of asking with what was learned, encoder dropped."""
    started = time.perf_counter()
    soft = SoftPrompted(model, part)
    records = [record | {"prompt": BETWEEN + open_end(record["prompt"])} for record in train]
    training.train(
        soft,
        data.encode(tokenizer, records),
        lr=lr,
        steps=steps,
        batch_size=BATCH,
        seed=seed,
        parameters=list(part.parameters()),
        progress=False,
        pad_id=tokenizer.pad_token_id,
    )
    learned = SoftPrompted(model, without_encoder(part))
    seconds, stop = time.perf_counter() - started, ending(train)

    def reply(requests):
        texts = [BETWEEN + open_end(request) for request in requests]
        return [text.strip() for text in generate(learned, tokenizer, texts, max_new_tokens=ROOM, stop=stop)]

    kept = learned.part().detach().cpu().contiguous()
    return Result(
        reply,
        trainable_parameters=sum(parameter.numel() for parameter in part.parameters()),
        stored_parameters=kept.numel(),
        stored_bytes=len(safetensors.torch.save({"prompt": kept})),
        examples=len(train),
        train_seconds=seconds,
        prompt_tokens=learned.length + len(tokenizer(BETWEEN)["input_ids"]),
        choice={"soft": learned},
    )


RUNGS = {
    "prompt_tuning": Rung(
        prompt_tuning, "02", [{"lr": r, "shots": k} for r in (0.01, 0.03, 0.1) for k in (1, 2)]
    ),
    "p_tuning_mlp": Rung(
        p_tuning_mlp, "02", [{"lr": r, "shots": k} for r in (1e-3, 3e-3, 1e-2) for k in (1, 2)]
    ),
    "p_tuning_lstm": Rung(
        p_tuning_lstm, "02", [{"lr": r, "shots": k} for r in (1e-3, 3e-3, 1e-2) for k in (1, 2)]
    ),
    "prefix_tuning": Rung(
        prefix_tuning, "02", [{"lr": r, "shots": k} for r in (0.01, 0.03, 0.1) for k in (1, 2)]
    ),
    "prefix_tuning_mlp": Rung(
        prefix_tuning_mlp, "02", [{"lr": r, "shots": k} for r in (1e-3, 3e-3, 1e-2) for k in (1, 2)]
    ),
}
