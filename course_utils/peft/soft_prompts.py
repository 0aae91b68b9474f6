"""Soft prompts: learned vectors in front of every text of a frozen model.

    soft = SoftPrompted(model, Direct(text_start(model, tokenizer, "Message: …")))
    training.train(soft, examples, lr=0.3, steps=100)       # only the vectors train
    generation.generate(soft, tokenizer, prompts)

What is learned, and with which encoder, is in course_utils.peft.soft_prompt_encoders; many tasks in one
file in course_utils.peft.soft_prompt_table. Taught in lesson 02. Left out: encoder-decoder models, and
models that keep no keys and values.
"""

import copy

import torch
from torch import nn
from transformers import DynamicCache

from course_utils.batching import sliding_window


class SoftPrompted(nn.Module):
    """A frozen base model with a soft prompt; takes and returns what the base does.

    part() gives the soft prompt: vectors (v, D), the first layer's inputs (Lester et al. 2021,
    "The power of scale for parameter-efficient prompt tuning"), or keys and values
    (v, L, 2, H, D / H) for each of L layers (Li and Liang 2021, "Prefix-tuning", section 4).

    One forward pass over the soft prompt serves all rows of a batch: its keys and values are passed
    on as a cache. So it stands directly before each row's own positions, whatever the padding.

    behind: the last so many vectors stand where the text holds marks (see `marks`) and the rest
    in front. The base's parameters no longer require gradients; nothing else about it changes.
    Raises ValueError for a prompt as long as the context, or keys and values of another model.
    """

    def __init__(self, base, part, behind=0, first_mark=None):
        super().__init__()
        self.base, self.part, self.behind = base.requires_grad_(False), part.to(base.device), behind
        self.first_mark = base.get_input_embeddings().num_embeddings if first_mark is None else first_mark
        with torch.no_grad():
            values = part()
        if values.shape[1:] != start_shape(base, values.dim() == 2):
            raise ValueError(f"A soft prompt of the shape {tuple(values.shape)} was made for another model.")
        self.length = len(values) - behind  # vectors in front of the text
        self.config = copy.deepcopy(base.config)  # the context that is left for text
        text = self.config.get_text_config()
        if not 0 <= behind <= len(values) or self.length >= text.max_position_embeddings:
            raise ValueError(
                f"{self.length} vectors in front and {behind} behind do not fit: the model's context "
                f"holds {text.max_position_embeddings} tokens."
            )
        text.max_position_embeddings -= self.length
        self.generation_config = base.generation_config

    @property
    def device(self):
        return self.base.device

    def get_input_embeddings(self):
        return self.base.get_input_embeddings()

    def forward(
        self,
        input_ids,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        use_cache=False,
        logits_to_keep=0,
    ):
        """As the base's forward, for ids (B, T). Masks and positions count the text alone.

        A cache that comes back holds the soft prompt too, and is used as any other.
        """
        (rows, width), v = input_ids.shape, self.length
        if past_key_values is None and v:
            past_key_values = self.read(rows)
        before = past_key_values.get_seq_length() if past_key_values is not None else 0
        if attention_mask is None:
            attention_mask = input_ids.new_ones(rows, before - v + width)
        if position_ids is None:
            position_ids = (attention_mask.cumsum(1) - 1).clamp(min=0)[:, -width:]
        self.refuse_gaps(attention_mask)
        return self.base(
            **self.words(input_ids),
            attention_mask=torch.cat([attention_mask.new_ones(rows, v), attention_mask], 1),
            position_ids=position_ids + v,
            past_key_values=past_key_values,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
        )

    def refuse_gaps(self, mask):
        """Raises ValueError where left pads would push the soft prompt out of a layer's window."""
        window = sliding_window(self.base)
        if self.length and self.length + mask.shape[1] > window and not mask[:, 0].all():
            raise ValueError(
                f"Some layers of this model see only {window} tokens back, and the padding of this batch "
                "would hide the soft prompt from them: use batch_size=1."
            )

    def read(self, rows):
        """The keys and values of the vectors in front, for a batch of so many rows: a cache."""
        values = self.part().to(self.base.dtype)
        if values.dim() == 2:
            front = values[None, : self.length]  # (1, v, D)
            cache = self.base(inputs_embeds=front, use_cache=True, logits_to_keep=1).past_key_values
            cache.batch_repeat_interleave(rows)
            return cache
        cache = DynamicCache(config=self.base.config)
        for layer, pair in enumerate(values.permute(1, 2, 3, 0, 4)):  # (2, H, v, D / H)
            keys, values = pair[:, None].expand(-1, rows, -1, -1, -1)
            cache.update(keys, values, layer)
        return cache

    def words(self, ids):
        """The base's inputs: the ids, or their embeddings where some of them are marks."""
        marked = ids >= self.first_mark
        if not marked.any():
            return {"input_ids": ids}
        words = self.base.get_input_embeddings()(ids.masked_fill(marked, 0))  # (B, T, D)
        own = self.part()[self.length :][(ids - self.first_mark).clamp(min=0)]
        return {"inputs_embeds": torch.where(marked[..., None], own.to(words.dtype), words)}


def start_shape(base, vectors):
    """The shape of one position of a soft prompt: (D,), or (L, 2, H, D / H) for keys and values."""
    config = base.config.get_text_config()
    if vectors:
        return (base.get_input_embeddings().embedding_dim,)
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    return config.num_hidden_layers, 2, getattr(config, "num_key_value_heads", None) or heads, size


@torch.no_grad()
def embeddings(base):
    """The embeddings (V, D) of all tokens as the first layer gets them (some models scale them), in fp32."""
    layer = base.get_input_embeddings()
    return layer(torch.arange(layer.num_embeddings, device=base.device)).float()


def random_start(base, length, seed=0):
    """Vectors (length, D): normal noise with the standard deviation of the base's embeddings."""
    table = embeddings(base)
    noise = torch.randn(length, table.shape[1], generator=torch.Generator().manual_seed(seed))
    return noise.to(table) * table.std()


def vocabulary_start(base, length, seed=0):
    """Vectors (length, D): the embeddings of tokens sampled from the vocabulary."""
    table = embeddings(base)
    ids = torch.randint(len(table), (length,), generator=torch.Generator().manual_seed(seed))
    return table[ids.to(table.device)]


def text_start(base, tokenizer, text, length=None):
    """Vectors: the embeddings of the text's tokens. With a length, cut at the end or repeated to it.

    Without one, the soft prompt computes exactly what the text would as a prompt.
    """
    ids = tokenizer(text)["input_ids"]
    ids = ids if length is None else (ids * (length // len(ids) + 1))[:length]
    return embeddings(base)[torch.tensor(ids, device=base.device)]


@torch.no_grad()
def keys_and_values(base, vectors):
    """What the base computes from vectors (v, D): a prefix (v, L, 2, H, D / H) to the same effect.

    Where a layer keeps only the last of them (a sliding window), those that no text will see are 0.
    """
    cache = base(inputs_embeds=vectors[None].to(base.dtype), use_cache=True, logits_to_keep=1).past_key_values
    pairs = [torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers]  # (2, H, v, D / H)
    pairs = [nn.functional.pad(pair, (0, 0, len(vectors) - pair.shape[2], 0)) for pair in pairs]
    return torch.stack(pairs).permute(3, 0, 1, 2, 4).contiguous()


def random_prefix(base, length, seed=0):
    """Keys and values (length, L, 2, H, D / H) drawn from a standard normal distribution."""
    shape = (length, *start_shape(base, vectors=False))
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(base.device)


def marks(tokenizer, count):
    """(a copy of the tokenizer that knows `count` marks, the marks as text), for vectors behind a text."""
    names = [f"<|soft{i}|>" for i in range(count)]
    marked = copy.deepcopy(tokenizer)
    marked.add_special_tokens({"additional_special_tokens": names})
    return marked, "".join(names)


def nearest(base, tokenizer, vectors, k=3):
    """For each vector (v, D) the k tokens whose embeddings are nearest: [[(text, cosine), …], …]."""
    table = nn.functional.normalize(embeddings(base), dim=-1)
    close = nn.functional.normalize(vectors.detach().float(), dim=-1) @ table.T  # (v, V)
    values, places = close.topk(k)
    return [
        [(tokenizer.decode([i]), value) for i, value in zip(row, likeness)]
        for row, likeness in zip(places.tolist(), values.tolist())
    ]
