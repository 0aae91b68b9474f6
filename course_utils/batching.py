"""From prompts to padded batches, and what a model says of itself: the floor under `generation`.

Batches are left-padded, so that the last column holds every prompt's last token.
"""

import contextlib

import torch


def encode(model, tokenizer, prompts):
    """Token ids of each prompt, with the tokenizer's start token once. Raises ValueError in a sentence."""
    if isinstance(prompts, str):
        raise TypeError("prompts is a list of strings: write [prompt] for a single one.")
    if any(not prompt for prompt in prompts):
        empty = next(i for i, prompt in enumerate(prompts) if not prompt)
        raise ValueError(
            f"Prompt {empty} is empty: a model continues text, so give it at least one character."
        )
    start = tokenizer.bos_token
    rows = [
        tokenizer(prompt, add_special_tokens=not (start and prompt.startswith(start)))["input_ids"]
        for prompt in prompts
    ]
    check_lengths([row + [0] for row in rows], context_length(model))
    return rows


def check_lengths(rows, context):
    """Raises ValueError with the counts if a row of ids does not fit the context."""
    for i, row in enumerate(rows):
        if len(row) > context:
            raise ValueError(
                f"Prompt {i} needs {len(row)} tokens and the model's context holds {context:.0f}."
            )


def batches(rows, batch_size):
    """Row numbers in batches of similar length, longest first."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def left_pad(rows, device):
    """Ids, mask and positions of a batch, each (B, T); a row's first token has position 0."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask, (mask.cumsum(1) - 1).clamp(min=0)


def shared_prefix(rows, least=24):
    """How many ids all rows begin with, if they are at least `least` and worth reading apart, else 0.

    Every row keeps an id of its own behind them.
    """
    first, most = rows[0], min(map(len, rows)) - 1
    count = next((i for i in range(most) if any(row[i] != first[i] for row in rows)), most)
    return count if len(rows) > 1 and count >= least else 0


def end_ids(model):
    """The set of token ids that end a text for this model."""
    ends = model.generation_config.eos_token_id
    ends = model.config.eos_token_id if ends is None else ends
    return set(ends) if isinstance(ends, (list, tuple)) else {ends} - {None}


def context_length(model):
    """The most tokens the model was made for, or infinity if it does not say."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None) or float("inf")


def sliding_window(model):
    """How many tokens back every layer sees: infinity, or the window of layers that have one (Gemma 3).

    transformers counts that window in columns of the batch, so pads between two pieces of a text take room
    in it; pads in front of a text, or behind it, do not.
    """
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    slides = kinds is None or "sliding_attention" in kinds
    return (slides and getattr(config, "sliding_window", None)) or float("inf")


@contextlib.contextmanager
def evaluating(model):
    """Dropout off inside the block; refuses PEFT's soft prompts (see the top of this file)."""
    if getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False):
        raise ValueError(
            "PEFT soft prompts are wrong in padded batches; use course_utils.soft_prompts instead."
        )
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
