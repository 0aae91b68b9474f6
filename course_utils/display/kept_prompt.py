"""Replies to a prompt that is being edited: keys and values of its unchanged beginning are kept.

An attention layer looks back only, so a token's keys and values do not change when something after it does.
An edit at the end of a long prompt therefore costs a few tokens, wherever else it would cost all of them.
Left out: batches and sampling (course_utils.generation), and the choice of what to keep among many prompts.
"""

import torch

from course_utils.batching import context_length, encode, end_ids, evaluating, plain_cache


class KeptPrompt:
    """A model with the keys and values of the last prompt; `computed` says how many ids the last one cost."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.ids, self.cache, self.computed = [], None, 0

    @torch.inference_mode()
    def logits(self, text):
        """Logits (V,) of the token that follows a text. Raises ValueError if it is empty or too long."""
        (row,) = encode(self.model, self.tokenizer, [text])
        same = same_beginning(row[:-1], self.ids) if plain_cache(self.model) else 0
        if not same:
            self.cache = None
        elif same < len(self.ids):
            for layer in self.cache.layers:  # (1, H, T, D / H)
                layer.keys, layer.values = layer.keys[:, :, :same], layer.values[:, :, :same]
        self.ids = row[:same]  # should the forward pass be interrupted, this is what the cache holds
        logits = self._forward(row[same:])
        self.computed = len(row) - same
        return logits

    @torch.inference_mode()
    def reply(self, text, max_new_tokens=48, stop=None):
        """The greedy continuation of a text, without spaces around it, up to `stop` if it comes."""
        logits, ends, new = self.logits(text), end_ids(self.model), []
        limit = min(max_new_tokens, context_length(self.model) - len(self.ids))
        while len(new) < limit and (token := int(logits.argmax())) not in ends:
            new.append(token)
            said = self.tokenizer.decode(new, skip_special_tokens=True)
            if stop and stop in said.lstrip():
                return said.lstrip().split(stop)[0].strip()
            if len(new) < limit:
                logits = self._forward([token])
        return self.tokenizer.decode(new, skip_special_tokens=True).strip()

    def _forward(self, ids):
        """Logits (V,) after some more ids, whose keys and values join those that are kept."""
        with evaluating(self.model):
            out = self.model(
                input_ids=torch.tensor([ids], device=self.model.device),  # (1, t)
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            )
        self.cache, self.ids = out.past_key_values, [*self.ids, *ids]
        return out.logits[0, -1]


def same_beginning(a, b):
    """How many items two lists have in common from the start on."""
    length = min(len(a), len(b))
    return next((i for i in range(length) if a[i] != b[i]), length)
