"""No dead link or anchor inside the checkout: README, CONTRIBUTING, docs, lessons, READMEs of data."""

from pathlib import Path

import pytest

from tests.helpers import links

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*.*"), *ROOT.glob("data/**/*.md")]
)
PAGES = [path for path in PAGES if path.suffix in (".md", ".ipynb")]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    assert not links.dead(path, ROOT)


def test_pages_are_found():
    assert {"README.md", "TEACHING.md", "glossary.md", "00_start_here.ipynb"} <= {path.name for path in PAGES}
    assert sum(len(links.links(links.prose(path))) for path in PAGES) > 80


def test_a_dead_link_is_seen(tmp_path):
    (tmp_path / "b.md").write_text("# One thing, *twice*\n## Same\n## Same\n", "utf-8")
    (tmp_path / "a.md").write_text(
        "# A\n[x](b.md) [x](b.md#one-thing-twice) [x](#a) [x](b.md#same-1) ![p](<b.md>) [x](https://x.org/none)\n"
        "[bad](c.md) [bad](b.md#two) [bad](#b) [bad](../../outside) ![bad](p.png) `[no](link.md)`\n"
        "```\n[no](code.md)\n```\n",
        "utf-8",
    )
    assert links.dead(tmp_path / "a.md", tmp_path) == ["c.md", "b.md#two", "#b", "../../outside", "p.png"]
