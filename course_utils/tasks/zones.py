"""In which zone of a store is a hammer? A task for the glass box, which its corpus prepares.

Groups of things (tools, fruit, …) are put into zones at random. The glass box knows the groups; no text of
its corpus says which zone has them. Taught in lesson 02. Left out: things that belong to two groups.
"""

import functools
import random
from dataclasses import dataclass

from course_utils.corpus.families import relations

ZONES = ("red", "blue", "green", "white", "black", "yellow")


@dataclass(frozen=True)
class Zones:
    """How the task is trained and graded: steps and rows of a batch, new tokens of a reply and its end."""

    steps: int = 120
    batch: int = 16
    room: int = 4
    stop: str = "\n"

    def front(self, tokenizer):
        """The text in front of every question: one solved pair for each zone."""
        first = {record["completion"]: record for record in reversed(zones("train"))}
        return "".join(first[f" {zone}"]["prompt"] + f" {zone}" for zone in ZONES)

    def records(self, tokenizer, part, count=260):
        """Records behind the front."""
        return zones(part)[: count if part == "train" else None]

    def exact(self, part, replies):
        """[bool]: which replies to a part's questions are right."""
        return [reply == record["completion"] for reply, record in zip(replies, zones(part), strict=True)]


@functools.cache
def zones(part):
    """[{"prompt", "completion"}] of "train", "dev" or "test": a thing and its zone; no thing is in two parts.

    26 groups of 15 things: a group has 10 things in train, 2 in dev and 3 in test.
    """
    groups = {}
    for thing, group in relations.pairs("category"):
        groups.setdefault(group, []).append(thing)
    names, chosen = random.Random("zones").sample(sorted(groups), len(groups)), []
    for number, group in enumerate(names):
        things = random.Random(f"zones {group}").sample(groups[group], len(groups[group]))
        low, high = {"test": (0, 3), "dev": (3, 5), "train": (5, None)}[part]
        zone = ZONES[number % len(ZONES)]
        chosen += [{"prompt": f"\n{thing} ->", "completion": f" {zone}"} for thing in things[low:high]]
    return random.Random(f"zones {part}").sample(chosen, len(chosen))
