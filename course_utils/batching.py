"""From prompts to padded batches, and what a model says of itself: the floor under `generation`.

Batches are left-padded, so that the last column holds every prompt's last token. `read` computes the
keys and values of a batch of prompts. Left out: caches of other kinds than plain attention's, which
stay as the model makes them.
"""

import contextlib
import copy

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

PART = 1024  # tokens that go through the model together while prompts are read: what processor caches hold


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


class Prefix:
    """The keys and values of ids that many rows begin with, computed once; gradients flow into them.

    len(prefix) is the number of ids, 0 for none. `cache(count)` is a new cache for so many rows.
    """

    def __init__(self, model, ids):
        self.ids, self.device, self.whole = list(ids), next(model.parameters()).device, None
        if ids:
            row = torch.tensor([self.ids], device=self.device)
            self.whole = model(input_ids=row, use_cache=True, logits_to_keep=1).past_key_values

    def __len__(self):
        return len(self.ids)

    def cache(self, count):
        """A cache that holds the prefix for each of `count` rows, or None if there is no prefix."""
        if self.whole is None:
            return None
        cache = copy.copy(self.whole)
        cache.layers = [copy.copy(layer) for layer in cache.layers]
        for layer in cache.layers:  # expanded, not copied: a cache grows by concatenation
            layer.keys = layer.keys.expand(count, -1, -1, -1)
            layer.values = layer.values.expand(count, -1, -1, -1)
        return cache


class RoomyLayer(DynamicLayer):
    """Keys and values (B, H, T, D / H) with room behind them: a new token is written, not concatenated.

    Rows that leave make place for the last ones, so few rows move; transformers' own layer copies all
    that stay.
    """

    def __init__(self, keys, values):
        super().__init__()
        self.lazy_initialization(keys, values)
        self.storage, self.length = [keys, values], 0

    def grow(self, length):
        """Make so many columns count."""
        self.length = length
        self.keys, self.values = (kept[:, :, :length] for kept in self.storage)

    def update(self, key_states, value_states, *args, **kwargs):
        start, end = self.length, self.length + key_states.shape[-2]
        for kept, new in zip(self.storage, (key_states, value_states)):
            kept[:, :, start:end] = new
        self.grow(end)
        return self.keys, self.values

    def batch_select_indices(self, indices):
        moved = (indices != torch.arange(len(indices), device=indices.device)).nonzero()[:, 0]
        for kept in self.storage:
            kept[moved, :, : self.length] = kept[indices[moved], :, : self.length]
        self.storage = [kept[: len(indices)] for kept in self.storage]
        self.grow(self.length)


def plain_cache(model):
    """Whether all layers of the model's cache hold every key and value, whatever its position."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=model.config).layers)


def read(model, rows, prefix, room, before=None):
    """Prompts, longest first, through the model: (logits (B, V) after each, cache, mask, positions).

    mask (B, T + room) has room for new tokens, positions (B, 1) are those of the last ones. The rows
    go in parts of similar length, so that little is computed for padding. before(places) is told
    which rows come next.
    """
    shared, width = len(prefix), len(rows[0]) - len(prefix)
    own = [row[shared:] for row in rows]
    parts = token_parts(own) if plain_cache(model) else [range(len(own))]
    mask = torch.zeros(len(rows), shared + width + room, dtype=torch.long, device=model.device)
    mask[:, :shared] = mask[:, shared + width :] = 1
    logits, cache = [], None
    for part in parts:
        if before:
            before(list(part))
        ids, own_mask, positions = left_pad([own[i] for i in part], model.device)  # (b, t)
        place, columns = slice(part.start, part.stop), slice(shared + width - ids.shape[1], shared + width)
        mask[place, columns] = own_mask
        attended = torch.cat([mask[place, :shared], own_mask], 1)
        out = model(
            input_ids=ids,
            attention_mask=attended,
            position_ids=positions + shared,
            past_key_values=prefix.cache(len(ids)),
            use_cache=True,
            logits_to_keep=1,
        )
        logits.append(out.logits[:, -1])
        cache = _keep(cache, out.past_key_values, part, len(rows), ids.shape[1], width, room)
    positions = torch.tensor([[len(row) - 1] for row in rows], device=model.device)
    return torch.cat(logits), cache, mask, positions


def token_parts(rows):
    """Ranges of rows, which come longest first, of about PART tokens with their padding."""
    starts, first = [0], 0
    for i in range(1, len(rows)):
        if (i + 1 - first) * len(rows[first]) > PART:
            starts.append(first := i)
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(rows)])]


def _keep(whole, cache, part, count, own, width, room):
    """Write a part's keys and values into the whole batch's cache, which the first part makes.

    own: columns of the part's own tokens. They end where the longest row's end, `width` columns behind
    the prefix; a cache of another kind is handed on, since there is one part then.
    """
    if not all(type(layer) is DynamicLayer for layer in cache.layers):
        return cache
    front = cache.get_seq_length() - own
    if whole is None:
        whole = DynamicCache()
        for layer in cache.layers:
            both = []
            for new in (layer.keys, layer.values):
                store = new.new_empty(count, new.shape[1], front + width + room, new.shape[3])
                store[:, :, front : front + width] = 0  # masked padding must be a number
                both.append(store)
            whole.layers.append(RoomyLayer(*both))
    for layer, kept in zip(cache.layers, whole.layers):
        for store, new in zip(kept.storage, (layer.keys, layer.values)):
            rows = store[part.start : part.stop]
            rows[:, :, :front] = new[:, :, :front]
            rows[:, :, front + width - own : front + width] = new[:, :, front:]
        kept.grow(front + width)
    return whole


def logits_where(model, counts, forward=None, **inputs):
    """The model's logits (N, V) at the places of a batch that count, in their order; counts (B, T) of bool.

    forward: what is called in the model's place and ends in its head, such as the model with another adapter.
    The output head sees nothing else: with a vocabulary of 49,152, it is a fifth of a small model's work.
    """
    inner = next((module for module in model.modules() if isinstance(module, PreTrainedModel)), None)
    head = inner.get_output_embeddings() if inner is not None else None
    forward = forward or model
    if head is None:
        return forward(**inputs).logits[counts]

    def select(module, hidden):  # a soft prompt's own pass has another shape
        return (hidden[0][counts],) if hidden[0].shape[:2] == counts.shape else None

    hook = head.register_forward_pre_hook(select)
    try:
        logits = forward(**inputs).logits
    finally:
        hook.remove()
    return logits if logits.dim() == 2 else logits[counts]


def end_ids(model):
    """The set of token ids that end a text for this model."""
    ends = model.generation_config.eos_token_id
    ends = model.config.eos_token_id if ends is None else ends
    return set(ends) if isinstance(ends, (list, tuple)) else {ends} - {None}


def text_config(model):
    """The configuration of a model's language part, or None; wrappers are looked into."""
    configs = (getattr(module, "config", None) for module in model.modules())
    config = next((config for config in configs if hasattr(config, "get_text_config")), None)
    return config and config.get_text_config()


def context_length(model):
    """The most tokens the model was made for, or infinity if it does not say."""
    return getattr(text_config(model), "max_position_embeddings", None) or float("inf")


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
            "PEFT soft prompts are wrong in padded batches; use course_utils.peft.soft_prompts instead."
        )
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
