"""What a technique is: a function that learns from records, and what it hands back.

    def few_shot(model, tokenizer, train, seed, **setting) -> Result

The function may change the model that it is given; it then returns it in `Result.model`. `seed`
varies everything that chance decides: initialisation, the order of data, the choice of shots.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass
class Result:
    """A technique that is ready to reply, and what it cost.

    reply: requests (prompts of records) -> replies, in their order. examples: records whose completion
    it used; labels: judgements of replies that it used (preferences, scores). Stored numbers are those
    kept per task beside the base model, and stored_bytes is all that is kept, text included.
    prompt_tokens: tokens per request beyond the request itself, over all its calls of the model.
    model: the model as trained, or None if the base is unchanged. choice: what it chose, to look at.
    """

    reply: Callable[[list], list]
    trainable_parameters: int = 0
    stored_parameters: int = 0
    stored_bytes: int = 0
    examples: int = 0
    labels: int = 0
    train_seconds: float = 0.0
    prompt_tokens: float = 0.0
    model: Any = None
    choice: dict = field(default_factory=dict)


class Rung(NamedTuple):
    """One technique of the ladder: its function, its lesson, and the settings to try on dev."""

    learn: Callable
    lesson: str
    settings: list
