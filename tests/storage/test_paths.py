"""The learner's folder is where COURSE_HOME says."""

from course_utils.storage import paths


def test_course_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "a b" / "c"))
    assert paths.course_home() == tmp_path / "a b" / "c"
    assert paths.course_home().is_dir()


def test_default_home_is_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert paths.course_home() == tmp_path / ".cache" / "course_utils"
