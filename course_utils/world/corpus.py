"""The pretraining corpus: a stream of short documents from many families, in stated shares.

A shard is a list of documents made from (seed, index) alone, so that any part of the corpus can
be made again, on any machine, without storing it.
"""

import functools
import importlib
import random

# Shares of the corpus's characters. In-context families get much, because copying from the
# context is what a small model learns last and what every prompt relies on.
SHARES = {
    "encyclopaedia": 5,
    "exam": 5,
    "forum": 4,
    "quiz": 3,
    "capital": 2,
    "dictionary": 3,
    "relations": 8,
    "incontext": 9,
    "lookup": 9,
    "repeats": 4,
    "problems": 14,
    "tracking": 7,
    "counting": 2,
    "translation": 6,
    "passages": 11,
    "reviews": 4,
    "dialogue": 9,
    "verdicts": 8,
    "chat": 2,
    "stories": 2,
    "forms": 9,
}


def family(name):
    """The module of a family: its `document(rng)` makes one document."""
    return importlib.import_module(f"course_utils.world.{name}")


@functools.cache
def _chances():
    """Chance of each family per document, from its share and its mean document length."""
    chances = {}
    for name, share in SHARES.items():
        rng = random.Random(f"length of {name}")
        mean = sum(len(family(name).document(rng)) for _ in range(300)) / 300
        chances[name] = share / mean
    return chances


# The first pages of the curriculum: copying from the context, which all later learning can use.
COPYING = ("relations", "incontext", "lookup", "repeats")


def documents(seed, index, families=None):
    """Endless documents of shard `index`: (family name, text) pairs, from some families or from all."""
    rng = random.Random(f"corpus {seed} {index}")
    names = list(families or SHARES)
    weights = [_chances()[name] for name in names]
    makers = {name: family(name).document for name in names}
    while True:
        name = rng.choices(names, weights)[0]
        yield name, makers[name](rng)
