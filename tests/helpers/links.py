"""Links inside the checkout: which a page has, where they lead, and which headings a page offers."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat

LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def prose(path):
    """The Markdown of a page or of a notebook's text cells, without its code."""
    path = Path(path)
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda code: code[0] if "](" not in code[0] else "", text)


def links(text):
    """The targets of a text's links and pictures that lead to no other server."""
    return [target for target in LINK.findall(text) if not ELSEWHERE.match(target)]


def anchors(path):
    """What `#…` may name: headings as the code host writes them, for a notebook also as JupyterLab does."""
    text, found = prose(path), set()
    for title in re.findall(r"^#{1,6} +(.+?)\s*#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = next(n for n in range(1000) if (f"{slug}-{n}" if n else slug) not in found)
        found.add(f"{slug}-{number}" if number else slug)
        if Path(path).suffix == ".ipynb":
            found.add(plain.replace(" ", "-"))
    return found | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))


def dead(path, root):
    """[target] of a page's links that lead to no file or folder below root, or to no heading of it."""
    wrong = []
    for target in links(prose(path)):
        place, _, anchor = target.partition("#")
        file = (Path(path).parent / unquote(place)).resolve() if place else Path(path).resolve()
        if (
            not file.exists()
            or not file.is_relative_to(Path(root).resolve())
            or anchor
            and (file.suffix not in (".md", ".ipynb") or unquote(anchor) not in anchors(file))
        ):
            wrong.append(target)
    return wrong
