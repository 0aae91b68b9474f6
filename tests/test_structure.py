"""The plan of the package: few rooms, imports that only go down, no circles, small files and functions.

The table below is the plan; CONTRIBUTING.md shows it to people. Imports inside functions count, too.
"""

import ast
import re
import statistics
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "course_utils"
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
DATA_TABLES = ("corpus", "frames.py")  # files of word tables and sentence frames, whose length says nothing
MEDIAN_LINES, P90_LINES = 140, 260  # of a file
FUNCTION_LINES, MOST_FUNCTION_LINES = 60, 80  # of code in a function's body
LONG_FUNCTIONS = {}  # {"file::function": why it may have more than FUNCTION_LINES}


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


# ---- sizes -----------------------------------------------------------------------------------


def lengths():
    """Lines of each file, tables of words or frames and files of a docstring alone left out."""
    plain = [path for path in files() if not set(path.relative_to(PACKAGE).parts) & set(DATA_TABLES)]
    return sorted(len(path.read_text("utf-8").splitlines()) for path in plain if path.name != "__init__.py")


def functions():
    """[("file::function", lines of code)]: the body without docstring, blank lines and comments."""
    for path in files():
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[ast.get_docstring(node) is not None :]
                lines = source.splitlines()[body[0].lineno - 1 : node.end_lineno] if body else []
                code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
                yield f"{path.relative_to(PACKAGE).as_posix()}::{node.name}", len(code)


def test_files_are_short():
    lines = lengths()
    assert statistics.median(lines) <= MEDIAN_LINES
    assert lines[int(0.9 * len(lines))] <= P90_LINES


def test_functions_are_short():
    long = {name: lines for name, lines in functions() if lines > FUNCTION_LINES}
    assert not {name: lines for name, lines in long.items() if lines > MOST_FUNCTION_LINES}
    assert set(long) == set(LONG_FUNCTIONS), long  # a function that became short leaves the list


def test_long_loops_number_their_steps():
    silent = []
    for path in files():
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.For, ast.While)) and node.end_lineno - node.lineno >= 30:
                loop = "\n".join(source.splitlines()[node.lineno - 1 : node.end_lineno])
                if not re.search(r"# \d\)", loop):
                    silent.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert not silent, f"loops of more than 30 lines without numbered steps: {silent}"


# ---- tests -----------------------------------------------------------------------------------


def test_no_test_module_imports_another():
    """What several need is in tests/helpers."""
    pattern = re.compile(r"^\s*(?:from|import) tests[\w.]*\.test_|^\s*from \.+test_", re.MULTILINE)
    modules = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len(modules) > 50
    assert not [str(path) for path in modules if pattern.search(path.read_text("utf-8"))]


# ---- CONTRIBUTING.md -------------------------------------------------------------------------


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:course_utils|tests|notebooks|data|docs)/[^`]*)`", text)
    assert len(named) >= 15 and not [name for name in named if not (ROOT / name).exists()]
    assert len(text.splitlines()) <= 120


def test_contributing_shows_this_plan():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Layers")[1].split("\n## ")[0]
    shown = [
        re.findall(r"`(\w+)`", line.split("|")[1]) for line in text.splitlines() if line.startswith("| `")
    ]
    assert shown == [list(floor) for floor in FLOORS]


def test_the_front_page_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 9_000
