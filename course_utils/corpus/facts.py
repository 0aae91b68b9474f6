"""Facts about countries, and how often the corpus states them.

The frequency has a long tail: common countries are drawn often, rare ones a few times in the
whole corpus, and the facts listed in data/corpus/withheld.csv never.
"""

import functools

from course_utils.corpus.lexicon import RELATIONS, table


@functools.cache
def withheld():
    """The set of (country, relation) that no document may state."""
    return frozenset((row.country, row.relation) for row in table("withheld"))


@functools.cache
def _weights(tier=None):
    """(countries, weights): common countries weigh 1, rare ones fall from 1/10 to 1/300."""
    rare = [row for row in table("countries") if row.tier == "rare"]
    fall = {row.country: 0.1 * (1 / 30) ** (i / max(1, len(rare) - 1)) for i, row in enumerate(rare)}
    rows = [row for row in table("countries") if tier in (None, row.tier)]
    return rows, [fall.get(row.country, 1.0) for row in rows]


def draw_country(rng, relation, tier=None):
    """A country row by its frequency, whose `relation` the corpus may state."""
    rows, weights = _weights(tier)
    while True:
        row = rng.choices(rows, weights)[0]
        if (row.country, relation) not in withheld():
            return row


def draw_fact(rng, tier=None):
    """(country row, relation, value) by frequency, never a withheld one."""
    relation = rng.choice(RELATIONS)
    row = draw_country(rng, relation, tier)
    return row, relation, getattr(row, relation)


def known(tier, relation):
    """All country rows of a tier ("common" or "rare") whose `relation` is not withheld."""
    return [r for r in table("countries") if r.tier == tier and (r.country, relation) not in withheld()]
