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


# The first pages of the curriculum: copying from the context, which all later learning can use.
COPYING = {name: SHARES[name] for name in ("relations", "incontext", "lookup", "repeats")}
# The second half: less of what is learned by then, more of what takes longest.
SECOND_HALF = SHARES | {
    "encyclopaedia": 3,
    "exam": 4,
    "forum": 3,
    "quiz": 2,
    "dictionary": 5,
    "relations": 9,
    "incontext": 7,
    "lookup": 8,
    "repeats": 2,
    "problems": 18,
    "tracking": 8,
    "counting": 1,
    "translation": 7,
    "passages": 12,
    "reviews": 6,
    "dialogue": 10,
    "verdicts": 10,
    "chat": 1,
    "stories": 1,
    "forms": 11,
}
# After a first fall of the learning rate: what was still weak then, above all sorting by examples.
LAST = SECOND_HALF | {"relations": 10, "incontext": 8, "lookup": 9, "repeats": 4, "passages": 13, "forms": 18}
# Then to sort sentences by examples, in whatever form the examples have.
SORTING = SHARES | {"incontext": 18, "lookup": 8, "dictionary": 4, "encyclopaedia": 4, "forms": 36}
# And to close, everything once more, most of all what takes several steps.
CLOSING = SECOND_HALF | {"problems": 20, "tracking": 10, "passages": 14, "verdicts": 13, "forms": 16}


def family(name):
    """The module of a family: its `document(rng)` makes one document."""
    return importlib.import_module(f"course_utils.corpus.families.{name}")


@functools.cache
def _mean_length(name):
    """Characters of a family's documents, on average."""
    rng = random.Random(f"length of {name}")
    return sum(len(family(name).document(rng)) for _ in range(300)) / 300


def documents(seed, index, shares=None):
    """Endless documents of shard `index`: (family name, text) pairs, in SHARES or in other shares."""
    rng, shares = random.Random(f"corpus {seed} {index}"), shares or SHARES
    weights = [share / _mean_length(name) for name, share in shares.items()]
    makers = {name: family(name).document for name in shares}
    while True:
        name = rng.choices(list(shares), weights)[0]
        yield name, makers[name](rng)
