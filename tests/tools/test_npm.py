"""What comes from npm is what its checksum says, is kept, and is fetched once."""

import io
import tarfile

import pytest

from course_utils.tools import npm


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """A registry that serves one package with one file, and counts."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("package/a/b.js")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"code"))
    asked = []

    def urlopen(url, timeout):
        asked.append(url)
        return io.BytesIO(packed.getvalue())

    monkeypatch.setattr(npm, "urlopen", urlopen)
    return asked


def test_fetched_once_and_again_if_damaged(registry, tmp_path):
    package = npm.Package("x.js", "1.0.0", {"a/b.js": npm.digest(b"code")})
    assert npm.contents(package) == npm.contents(package) == {"a/b.js": b"code"}
    assert registry == ["https://registry.npmjs.org/x.js/-/x.js-1.0.0.tgz"]
    (tmp_path / "x.js-1.0.0" / "a-b.js").write_bytes(b"evil")
    assert npm.contents(package) == {"a/b.js": b"code"} and len(registry) == 2


def test_another_content_is_refused_and_not_kept(registry, tmp_path):
    with pytest.raises(SystemExit, match="is not x.js 1.0.0"):
        npm.contents(npm.Package("x.js", "1.0.0", {"a/b.js": npm.digest(b"other")}))
    assert not (tmp_path / "x.js-1.0.0").exists()


def test_without_a_network_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))

    def urlopen(url, timeout):
        raise OSError("no way out")

    monkeypatch.setattr(npm, "urlopen", urlopen)
    with pytest.raises(SystemExit, match="reveal.js could not be fetched .*no way out"):
        npm.contents(npm.REVEAL)
