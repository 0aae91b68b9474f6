"""Set the repository's address once, everywhere it shows: `python start.py publish --repo owner/name`.

    python start.py publish --repo owner/name [--tag v1.0]   set it (again); tag: this version's
    python start.py publish --unset                          take it out, so that no link is dead
    python start.py publish --check                          change nothing; say what is unset or out of date

It changes pyproject.toml, CITATION.cff, the set-up cells of the lessons, and in README.md and docs/running.md
what stands between `<!-- address: … -->` and `<!-- end of address -->`, and the table's Colab links. A second
run changes nothing. Left out: committing, tagging and pushing, which it only names.
"""

import argparse
import re
import sys

import nbformat

from course_utils.storage.files import write_atomically
from course_utils.tools import hosted_links, notebooks
from course_utils.tools.hosted_links import ROOT, TAG, Address

REPO = re.compile(r"(?:https://github\.com/)?([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+?)(?:\.git)?/?")
TAGS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
PLACEHOLDER = re.compile(r"\bOWNER/[a-z]")  # of older copies; the commands' own help says OWNER/NAME
BLOCK = re.compile(r"(<!-- address: (\w+) -->\n)(.*?)(<!-- end of address -->)", re.DOTALL)
ROW = re.compile(r"\]\((notebooks/\d\d_\w+\.ipynb)\)( · \[Colab\]\([^)]*\))?(?= \|)")


def badges(address):
    """The README's badges: pictures of the code host and shields.io, so only where there is an address."""
    if address is None:
        return ""
    colab = hosted_links.links(address)["Colab"]
    shown = [
        ("Open in Colab", "https://colab.research.google.com/assets/colab-badge.svg", colab),
        ("Python 3.11 to 3.13", "https://img.shields.io/badge/python-3.11--3.13-blue", "docs/running.md"),
        ("MIT, CC BY 4.0", "https://img.shields.io/badge/license-MIT%20%2F%20CC%20BY%204.0-blue", "LICENSE"),
    ]
    return " ".join(f"[![{text}]({image})]({link})" for text, image, link in shown) + "\n"


def hosted(address):
    """docs/running.md's part on hosted notebooks."""
    if address is None:
        return (
            "This copy has no published address yet, so there are no links to Colab, Kaggle, Codespaces\n"
            "and JupyterHub. Whoever publishes it runs `python start.py publish --repo OWNER/NAME` once,\n"
            "which writes them here.\n"
        )
    lines = [
        f"The course lives at <{address.url}>; the links open version `{address.tag}`.",
        "",
        "| lesson | open in |",
        "|---|---|",
    ]
    for path in hosted_links.lessons():
        links = hosted_links.links(address, path.relative_to(ROOT).as_posix())
        shown = " · ".join(f"[{name}]({link})" for name, link in links.items() if name != "JupyterHub")
        lines.append(f"| {path.stem} | {shown} |")
    pull = hosted_links.links(address)["JupyterHub"]
    lines += ["", f"On a JupyterHub with nbgitpuller, put its address for `https://HUB`: `{pull}`"]
    return "\n".join(lines) + "\n"


BLOCKS = {"badges": badges, "hosted": hosted}


def markdown(text, address):
    """The text with the address's blocks, and its Colab link in each row of the table of lessons."""

    def row(match):
        lesson = match[1]
        if address is None:
            return f"]({lesson})"
        return f"]({lesson}) · [Colab]({hosted_links.links(address, lesson)['Colab']})"

    text = BLOCK.sub(lambda match: match[1] + BLOCKS[match[2]](address) + match[4], text)
    return ROW.sub(row, text)


def without_blocks(text):
    """Markdown without its address blocks and Colab links: what pages show that ask nothing of a network."""
    return markdown(BLOCK.sub("", text), None)


def project(text, address):
    """pyproject.toml's text with this address in its two tables, or without them."""
    text = re.sub(r"\[project\.urls\]\n(?:[^\[\n].*\n)*\n?", "", text)
    text = re.sub(r"\[tool\.course\]\n(?:[^\[\n].*\n)*\n?", "", text)
    if address is None:
        return text
    urls = f'[project.urls]\nRepository = "{address.url}"\nIssues = "{address.url}/issues"\n\n'
    own = "" if address.tag == TAG else f'[tool.course]\ntag = "{address.tag}"\n\n'
    before, mark, after = text.partition("[tool.setuptools.packages.find]")
    return before + urls + own + mark + after


def citation(text, address):
    """CITATION.cff's text with or without the repository's address."""
    text = re.sub(r"(?m)^repository-code:.*\n", "", text)
    return text if address is None else text.rstrip("\n") + f'\nrepository-code: "{address.url}"\n'


def lesson(text, address):
    """A notebook's text in the normal form, with the address's set-up cell."""
    notebook = hosted_links.with_setup(nbformat.reads(text, as_version=4), address)
    return notebooks.dumps(notebooks.normalize(notebook))


def places():
    """{path: function(text, address) -> text} of every file that shows the address."""
    fixed = {"pyproject.toml": project, "CITATION.cff": citation}
    fixed |= {"README.md": markdown, "docs/running.md": markdown}
    return {ROOT / name: rule for name, rule in fixed.items()} | dict.fromkeys(hosted_links.lessons(), lesson)


def changes(address):
    """{path: new text} of the files that do not show this address as they should."""
    changed = {}
    for path, rule in places().items():
        text = path.read_text("utf-8")
        if (new := rule(text, address)) != text:
            changed[path] = new
    return changed


def placeholders():
    """The Markdown pages that still hold an address with OWNER in it."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("notebooks/*.md")]
    return sorted(path for path in pages if PLACEHOLDER.search(path.read_text("utf-8")))


def check():
    """Print what is unset or out of date. Returns the exit status: 0 if everything shows one address."""
    address = hosted_links.read()
    stale = changes(address)
    for path in stale:
        print(f"out of date: {path.relative_to(ROOT).as_posix()}")
    for path in placeholders():
        print(f"placeholder: {path.relative_to(ROOT).as_posix()}")
    if address is None:
        print("unset: the repository's address. Set it: python start.py publish --repo OWNER/NAME")
    else:
        print(f"set: {address.url} at {address.tag}")
    if stale:
        again = "--unset" if address is None else f"--repo {address.repo} --tag {address.tag}"
        print(f"Bring these files up to date: python start.py publish {again}")
    return int(bool(stale or placeholders() or address is None))


def parse(repo, tag):
    """The Address of the two arguments. Raises ValueError with a sentence."""
    match, tag = REPO.fullmatch(repo), tag or TAG
    if not match or match[1].lower().startswith("owner/"):
        raise ValueError(f"--repo {repo}: give it as owner/name, as on github.com")
    if not TAGS.fullmatch(tag):
        raise ValueError(f"--tag {tag}: a tag has letters, digits, dots and hyphens, such as {TAG}")
    return Address(match[1], tag)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="start.py publish", description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--repo", help="owner/name on github.com")
    action.add_argument("--unset", action="store_true", help="take the address out")
    action.add_argument("--check", action="store_true", help="say what is unset or out of date")
    parser.add_argument("--tag", help=f"the version that links open (default: {TAG})")
    options = parser.parse_args(arguments)
    if options.check:
        return check()
    try:
        address = None if options.unset else parse(options.repo, options.tag)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    changed = changes(address)
    for path, text in changed.items():
        write_atomically(path, text)
        print(f"{path.relative_to(ROOT).as_posix()}: written")
    if not changed:
        print("Nothing to change.")
    if address is not None:
        print(f"Next: commit, `git tag {address.tag}`, and push both; the links open that version.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
