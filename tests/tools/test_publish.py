"""The repository's address: set once everywhere, set again, taken out again, and never half there."""

import shutil

import nbformat
import pytest

from course_utils.tools import hosted_links, notebooks, publish
from course_utils.tools.hosted_links import Address

ADA = Address("ada/course", "v9.1")


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The files that show the address, in a folder of their own."""
    for path in [*publish.places(), *publish.ROOT.glob("notebooks/*.md")]:
        target = tmp_path / path.relative_to(publish.ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    for module in (publish, hosted_links):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    assert publish.main(["--unset"]) == 0
    return tmp_path


def texts(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_set_again_and_unset(copy, capsys):
    before = texts(copy)
    assert publish.main(["--repo", "ada/course", "--tag", "v9.1"]) == 0
    once = texts(copy)
    assert hosted_links.read((copy / "pyproject.toml").read_text("utf-8")) == ADA
    assert publish.check() == 0
    capsys.readouterr()
    assert publish.main(["--repo", "https://github.com/ada/course.git", "--tag", "v9.1"]) == 0
    assert texts(copy) == once and "Nothing to change" in capsys.readouterr().out
    assert publish.main(["--repo", "bob/other"]) == 0
    assert not [path for path, content in texts(copy).items() if b"ada/course" in content]
    assert publish.main(["--unset"]) == 0
    assert texts(copy) == before


def test_where_the_address_shows(copy):
    publish.main(["--repo", "ada/course", "--tag", "v9.1"])
    readme = (copy / "README.md").read_text("utf-8")
    assert (
        readme.count("[Colab](https://colab.research.google.com/github/ada/course/blob/v9.1/notebooks/") == 9
    )
    assert "colab-badge.svg" in readme and len(readme.encode()) <= 9_000
    assert (copy / "docs/running.md").read_text("utf-8").count(
        "https://codespaces.new/ada/course/tree/v9.1"
    ) == 9
    assert 'repository-code: "https://github.com/ada/course"' in (copy / "CITATION.cff").read_text("utf-8")
    for path in hosted_links.lessons():
        text = path.read_text("utf-8")
        assert "git+https://github.com/ada/course@v9.1" in text
        assert text == notebooks.dumps(notebooks.normalize(nbformat.reads(text, as_version=4)))


def test_unset_leaves_no_link(copy):
    readme = (copy / "README.md").read_text("utf-8")
    assert "colab.research" not in readme and "shields.io" not in readme
    assert "no published address yet" in (copy / "docs/running.md").read_text("utf-8")
    assert not [path for path in hosted_links.lessons() if "git+https" in path.read_text("utf-8")]


def test_the_check_names_what_is_unset_or_stale(copy, capsys):
    assert publish.check() == 1
    assert "unset: the repository's address" in capsys.readouterr().out
    publish.main(["--repo", "ada/course"])
    lesson = hosted_links.lessons()[0]
    lesson.write_text(lesson.read_text("utf-8").replace("ada/course", "eve/course"), "utf-8")
    (copy / "notebooks" / "TEACHING.md").write_text("https://github.com/OWNER/course", "utf-8")
    capsys.readouterr()
    assert publish.check() == 1
    said = capsys.readouterr().out
    assert f"out of date: notebooks/{lesson.name}" in said and "placeholder: notebooks/TEACHING.md" in said
    assert f"publish --repo ada/course --tag {hosted_links.TAG}" in said


@pytest.mark.parametrize("repo", ["course", "a/b/c", "OWNER/course", "a b/c", "https://example.org/a/b"])
def test_what_is_no_address(copy, repo, capsys):
    before = texts(copy)
    assert publish.main(["--repo", repo]) == 2
    assert "owner/name" in capsys.readouterr().err and texts(copy) == before


def test_a_tag_is_one_word(copy, capsys):
    assert publish.main(["--repo", "a/b", "--tag", "v1 beta"]) == 2
    assert "--tag v1 beta" in capsys.readouterr().err


def test_pages_without_a_network_show_no_badges():
    row = "| [A](notebooks/00_a.ipynb){} |"
    block = "<!-- address: badges -->\n[![x](https://img)](y)\n<!-- end of address -->\n"
    text = block + row.format(" · [Colab](https://c)")
    assert publish.without_blocks(text) == "\n" + row.format("")


def test_this_checkout_shows_one_address_or_none():
    """Fails after a merge that brought an older set-up cell along: `start.py publish --check` says where."""
    assert not publish.changes(hosted_links.read()) and not publish.placeholders()
