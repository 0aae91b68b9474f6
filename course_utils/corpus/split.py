"""What the corpus may not contain: a split by content, not at random.

Every evaluated item has a key (its numbers, its words, its passage). A hash of the key decides
whether the item belongs to the corpus or is kept for evaluation, so a held-out item cannot
appear in a corpus of any size or seed. One key in ten is held out.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass


def held_out(*key):
    """True if the item with this key is kept for evaluation."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 10 == 0


def draw_until(draw, wanted, key, tries=10_000):
    """Call draw() until held_out(*key(value)) == wanted; returns the value."""
    for _ in range(tries):
        value = draw()
        if held_out(*key(value)) == wanted:
            return value
    raise RuntimeError("no such item in 10,000 draws: is the key too coarse?")


@dataclass(frozen=True)
class Item:
    """One evaluation item: the text to continue, the right answer, and how to grade.

    grade is "line" (the first line of the continuation, stripped of spaces and a final full
    stop, equals the answer), "final" (what follows the last "The answer is" equals the answer),
    "number" (the last number of the whole continuation is the answer's), or a function from the
    continuation to True or False.
    """

    prompt: str
    answer: str
    grade: str | Callable[[str], bool] = "line"
    max_new_tokens: int = 16
