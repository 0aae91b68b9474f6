"""Every name and keyword that the course uses of torch, transformers, peft and trl: does it exist here?

    python tests/drift.py

Reads the package, the tests and the lessons, and looks each name up in this environment's versions.
`tests/second_environment.py` runs it with the oldest versions that pyproject.toml allows. Left out:
methods of objects, whose class only a run can tell.
"""

import ast
import importlib
import inspect
import json
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("torch", "transformers", "peft", "trl")


def sources():
    """(name, Python text) of every module, test and lesson."""
    for folder in ("course_utils", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        plain = [line for line in "\n".join(code).split("\n") if not line.lstrip().startswith(("%", "!"))]
        yield path.name, "\n".join(plain)


def names(text):
    """{dotted name} that a Python text takes from the libraries, such as torch.nn.functional.softmax."""
    return {name for name, _ in uses(ast.parse(text))}


def keywords(text):
    """{(dotted name, keyword)} of the calls of such names, such as ("trl.SFTConfig", "bf16")."""
    calls = [(name, node) for name, node in uses(ast.parse(text)) if isinstance(node, ast.Call)]
    return {(name, word.arg) for name, call in calls for word in call.keywords if word.arg}


def uses(tree):
    """[(dotted name, syntax tree)] of imports, attributes and calls of the libraries' names."""
    found, alias = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                first = name.name.split(".")[0]
                if first in LIBRARIES:
                    found.append((name.name, node))
                    alias[name.asname or first] = name.name if name.asname else first
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            for name in node.names:
                found.append((f"{node.module}.{name.name}", node))
                alias[name.asname or name.name] = f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        chain = dotted(node.func if isinstance(node, ast.Call) else node)
        if chain and chain[0] in alias and (len(chain) > 1 or isinstance(node, ast.Call)):
            found.append((".".join([alias[chain[0]], *chain[1:]]), node))
    return found


def dotted(node):
    """["torch", "nn", "Linear"] for that attribute chain, ["Linear"] for a plain name, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else None


def reached(name):
    """(the thing that the dotted name stands for or its last reachable part, the parts that are lost)."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for place, part in enumerate(parts[cut:], cut):
            if not hasattr(thing, part):
                return thing, parts[place:]
            thing = getattr(thing, part)
        return thing, []
    return None, parts


def exists(name):
    """Can the dotted name be reached, by import or as an attribute of what an import gave?"""
    thing, lost = reached(name)
    # What an object carries besides its class shows only in a run.
    kinds = (
        thing is None or isinstance(thing, type) or hasattr(thing, "__path__") or hasattr(thing, "__file__")
    )
    return not (lost and kinds)


def takes(name, keyword):
    """Does what the dotted name stands for take this keyword? Yes, too, where only a run can tell."""
    thing, lost = reached(name)
    try:
        found = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return True
    return bool(lost) or keyword in found or any(p.kind is p.VAR_KEYWORD for p in found.values())


def missing():
    """({name or name(keyword=): [where]}, number of them looked up)"""
    used = {}
    for where, text in sources():
        for name in names(text):
            used.setdefault((name, None), []).append(where)
        for name, keyword in keywords(text):
            used.setdefault((name, keyword), []).append(where)
    lost = {}
    for (name, keyword), where in sorted(used.items(), key=str):
        if not (takes(name, keyword) if keyword else exists(name)):
            lost[f"{name}({keyword}=)" if keyword else name] = where
    return lost, len(used)


if __name__ == "__main__":
    lost, count = missing()
    print(", ".join(f"{library} {version(library)}" for library in LIBRARIES))
    print(f"{count} names and keywords looked up, {len(lost)} missing")
    for name, where in lost.items():
        print(f"  {name}: {', '.join(where)}")
    sys.exit(int(bool(lost)))
