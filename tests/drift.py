"""Every name that the course takes from torch, transformers, peft and trl: does it exist here?

    python tests/drift.py

Reads the package, the tests and the lessons, and looks each name up in this environment's versions.
`tests/second_environment.py` runs it with the oldest versions that pyproject.toml allows. Left out:
methods of objects, whose class only a run can tell.
"""

import ast
import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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
    tree, found, alias = ast.parse(text), set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] in LIBRARIES:
                    found.add(name.name)
                    alias[name.asname or name.name.split(".")[0]] = (
                        name.name if name.asname else name.name.split(".")[0]
                    )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            for name in node.names:
                found.add(f"{node.module}.{name.name}")
                alias[name.asname or name.name] = f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        chain = dotted(node)
        if chain and chain[0] in alias:
            found.add(".".join([alias[chain[0]], *chain[1:]]))
    return found


def dotted(node):
    """["torch", "nn", "Linear"] for that attribute chain, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) and parts else None


def exists(name):
    """Can the dotted name be reached, by import or as an attribute of what an import gave?"""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            if not hasattr(thing, part):
                # What an object carries besides its class shows only in a run.
                return not (
                    isinstance(thing, type) or hasattr(thing, "__path__") or hasattr(thing, "__file__")
                )
            thing = getattr(thing, part)
        return True
    return False


def missing():
    """({name: [where]}, number of names looked up)"""
    used = {}
    for where, text in sources():
        for name in names(text):
            used.setdefault(name, []).append(where)
    return {name: where for name, where in sorted(used.items()) if not exists(name)}, len(used)


if __name__ == "__main__":
    lost, count = missing()
    print(", ".join(f"{library} {version(library)}" for library in LIBRARIES))
    print(f"{count} names looked up, {len(lost)} missing")
    for name, where in lost.items():
        print(f"  {name}: {', '.join(where)}")
    sys.exit(int(bool(lost)))
