"""Which cells of a lesson show a widget, and what such a cell needs from the cells before it."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "course_utils"


def widget_functions():
    """The names of the package's functions that make ipywidgets."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                name.name == "ipywidgets"
                for part in ast.walk(node)
                if isinstance(part, ast.Import)
                for name in part.names
            ):
                found.add(node.name)
    return found


def called(source):
    """The last part of the name of everything that is called: {"display.bars"} gives {"bars"}."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {getattr(call, "attr", getattr(call, "id", None)) for call in calls}


def defined(source):
    """The names that a cell binds: imports, definitions, assignments, loop variables."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(name.asname or name.name).split(".")[0] for name in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def used(source):
    return {
        n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }


def slices(notebook):
    """For each cell with a widget: the code cells that it needs, in order, itself the last."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    makers = widget_functions()
    for place, cell in enumerate(code):
        if not called(cell.source) & makers:
            continue
        kept, wanted = [cell], used(cell.source)
        for before in reversed(code[:place]):
            if defined(before.source) & wanted:
                kept.insert(0, before)
                wanted = (wanted - defined(before.source)) | used(before.source)
        yield kept
