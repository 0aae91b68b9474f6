"""The plan of the package: few rooms, imports that only go down, no circles between rooms.

The table below is the plan; CONTRIBUTING.md shows it to people. Imports inside functions count, too.
"""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "course_utils"
FLOORS = (  # from the top; a module imports from its own floor (if that makes no circle) or from below
    ("tools",),
    ("experiments",),
    ("scoreboard",),
    ("techniques",),
    ("ai_feedback",),
    ("rlhf", "scaling"),
    ("finetune", "peft", "pretrain"),
    ("tasks", "lessons"),
    ("display", "training", "evaluation"),
    ("models", "generation", "batching", "data", "corpus"),
    ("losses", "prompts", "storage"),
)
FLOOR = {room: -height for height, floor in enumerate(FLOORS) for room in floor}
MOST_ENTRIES = 24
DATA_TABLES = ("corpus", "frames")  # files of word tables and sentence frames, whose length says nothing


def files():
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


def room(path):
    """The top-level entry that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """[(line, room)] of all imports of the package in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "course_utils":
            parts = node.module.split(".")[1:2] or [alias.name for alias in node.names]
            yield from ((node.lineno, part) for part in parts)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("course_utils."):
                    yield node.lineno, alias.name.split(".")[1]


def arrows():
    """[(file, line, from room, to room)] of all imports between rooms."""
    for path in files():
        if room(path) in FLOOR:  # the package's own __init__ stands above all
            for line, target in imported_rooms(path):
                if target in FLOOR and target != room(path):
                    yield str(path.relative_to(PACKAGE)), line, room(path), target


def test_every_room_has_its_floor():
    assert {room(path) for path in files()} - {"__init__"} <= set(FLOOR)


def test_the_listing_stays_short():
    entries = [p.name for p in PACKAGE.iterdir() if not p.name.startswith((".", "__pycache__"))]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_imports_only_go_down():
    upward = [f"{file}:{line} {a} -> {b}" for file, line, a, b in arrows() if FLOOR[b] > FLOOR[a]]
    assert not upward, "\n".join(upward)


def test_no_circles_between_rooms():
    below = defaultdict(set)
    for _, _, a, b in arrows():
        below[a].add(b)

    def reach(start):
        seen, waiting = set(), [start]
        while waiting:
            for target in below[waiting.pop()] - seen:
                seen.add(target)
                waiting.append(target)
        return seen

    circles = [name for name in FLOOR if name in reach(name)]
    assert not circles, f"imports run in a circle through {circles}"
