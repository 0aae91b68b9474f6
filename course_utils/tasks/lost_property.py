"""The example of an own task: the lost-property office of a railway that does not exist.

    python -m course_utils.tasks.lost_property          writes data/capstone from one seed

A note about a lost thing becomes a line of the office's book: color and thing, its kind, the shelf of
that kind, and the day. Test uses other sentences than train; half of its notes name things that train
never names, so that the kind must come from what the base model knows. Left out: spelling mistakes.
"""

import argparse
import random
from pathlib import Path

from course_utils.corpus import lexicon
from course_utils.storage import paths
from course_utils.storage.records import write_records

FOLDER = paths.DATA / "capstone"
SEED, TRAIN, TEST = 2027, 400, 200
SHELVES = {  # kind of thing: the word on the shelf
    "clothing": "north",
    "instrument": "south",
    "toy": "east",
    "office": "west",
    "kitchen": "upper",
    "tool": "lower",
}
COLORS = ("red", "blue", "green", "yellow", "black", "white", "brown", "grey")
KEPT = 5  # things of each kind that train never names
FRAMES = {  # sentences of train, and of test
    "train": (
        "On {day} a {color} {thing} was left in the train.",
        "A {color} {thing} was found at the station on {day}.",
        "I lost my {color} {thing} on {day}.",
        "We found a {color} {thing} on the seat. It was {day}.",
        "{day}: a {color} {thing} lay under the bench.",
        "Somebody left a {color} {thing} here on {day}.",
        "My {color} {thing} is lost. I had it on {day}.",
        "The driver found a {color} {thing} on {day}.",
    ),
    "test": (
        "A passenger gave us a {color} {thing} on {day}.",
        "On {day} I forgot my {color} {thing} in the tram.",
        "It was {day} when a {color} {thing} was found by the door.",
        "There is a {color} {thing} on the stairs since {day}.",
    ),
}


def things(split):
    """{kind: the nouns that notes of a split may name}; test names those of train and the kept ones."""
    kinds = {kind: [row.noun for row in lexicon.nouns_by_category()[kind]] for kind in SHELVES}
    return {kind: nouns[:-KEPT] if split == "train" else nouns for kind, nouns in kinds.items()}


def records(split, count, seed=SEED):
    """So many different records: {"id", "prompt", "completion", "skill", "new"}, the kinds in turn.

    skill is the kind of thing; new says whether train never names it (every second note of test).
    """
    rng, drafts, seen = random.Random(f"{seed} {split}"), [], set()
    known, kinds = things("train"), list(SHELVES)
    while len(drafts) < count:
        kind, new = kinds[len(drafts) % len(kinds)], split == "test" and len(drafts) // len(kinds) % 2 == 1
        nouns = [noun for noun in things(split)[kind] if (noun not in known[kind]) == new]
        words = dict(thing=rng.choice(nouns), color=rng.choice(COLORS), day=rng.choice(lexicon.DAYS))
        note = rng.choice(FRAMES[split]).format(**words)
        if note not in seen:
            seen.add(note)
            line = f" {words['color']} {words['thing']}: {kind}, {SHELVES[kind]} shelf, {words['day']}"
            about = {"id": f"{split}-{len(drafts) + 1:03}", "prompt": f"Note: {note}\nBook:"}
            drafts.append(about | {"completion": line, "skill": kind, "new": new})
    return rng.sample(drafts, count)


def main(arguments=None):
    """Write the two files."""
    parser = argparse.ArgumentParser(prog="lost_property", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", TRAIN), ("test", TEST)):
        write_records(out / f"{split}.jsonl", records(split, count))


if __name__ == "__main__":
    main()
