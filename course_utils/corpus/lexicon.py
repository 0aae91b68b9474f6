"""The lexicon of the corpus: every CSV in data/corpus, read once.

The corpus families sample their words from here, so that a word, a fact or a plural is
written down in one place only.
"""

import csv
import functools
from pathlib import Path
from types import SimpleNamespace

FOLDER = Path(__file__).resolve().parents[2] / "data" / "corpus"

RELATIONS = ("capital", "continent", "language", "currency", "demonym", "domain")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@functools.cache
def table(name):
    """All rows of data/corpus/<name>.csv, as objects with one attribute per column."""
    with open(FOLDER / f"{name}.csv", encoding="utf-8", newline="") as file:
        return tuple(SimpleNamespace(**row) for row in csv.DictReader(file))


@functools.cache
def column(name, key):
    """One column of a table, as a tuple of strings."""
    return tuple(getattr(row, key) for row in table(name))


@functools.cache
def nouns_by_category():
    """{category: (noun row, …)}, in the order of the file."""
    groups = {}
    for row in table("nouns"):
        groups.setdefault(row.category, []).append(row)
    return {category: tuple(rows) for category, rows in groups.items()}


@functools.cache
def first_names(gender=None):
    """First names; gender is "f", "m" or None for all."""
    return tuple(r.name for r in table("names") if r.kind == "first" and gender in (None, r.gender))


@functools.cache
def surnames():
    """Family names."""
    return tuple(row.name for row in table("names") if row.kind == "surname")


@functools.cache
def all_words():
    """The base form of every word of the lists, lower case: any of them may serve as a label."""
    words = {row.noun for row in table("nouns")} | {row.verb for row in table("verbs")}
    for row in table("adjectives"):
        words |= {row.adjective, row.opposite}
    return tuple(sorted(w for w in words if w.isalpha() and w.islower()))
