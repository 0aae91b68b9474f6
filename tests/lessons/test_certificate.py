"""The certificate counts what was solved, hides nothing, and needs nothing from elsewhere."""

import datetime
import re
from html.parser import HTMLParser

from course_utils.lessons import certificate, progress
from course_utils.lessons.exercise import Exercise, in_lessons
from course_utils.lessons.personal import Personal

DAY = datetime.date(2026, 12, 1)


def exercise(name):
    return Exercise(name, "q", 1, print, [], [])


def test_rows_count_solved_and_helped():
    everything = {
        "exercises": {
            "00.1": {"solved": True, "solution_seen": True},
            "00.2": {"tries": 3},
            "01.1": {"solved": True},
        }
    }
    rows = certificate.rows([exercise(name) for name in ("01.1", "00.2", "00.1")], everything)
    assert rows == [certificate.Row("00", 1, 2, 1), certificate.Row("01", 1, 1, 0)]


def test_the_page_says_what_was_solved_and_escapes_the_name():
    table = [certificate.Row("00", 1, 2, 1), certificate.Row("01", 1, 1, 0)]
    page = certificate.page("Ada <b> & Söhne", table, DAY)
    assert "Ada &lt;b&gt; &amp; Söhne" in page and "<b>" not in page
    assert "<strong>2 of 3</strong>" in page and "1 of them after seeing a solution" in page
    assert "every exercise solved: 1 of 2" in page and "2026-12-01" in page
    assert "after seeing" not in certificate.page("Ada", [certificate.Row("00", 1, 2, 0)], DAY)
    assert not re.search(r"https?:|<script|<link|<img", page)


def test_the_page_is_well_formed():
    opened = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Tags().feed(certificate.page("Ada", [certificate.Row("00", 1, 2, 0)], DAY))
    assert not opened


def test_every_lesson_with_exercises_has_a_title():
    assert {e.id[:2] for e in in_lessons((Exercise, Personal))} == set(certificate.TITLES)


def test_the_command_writes_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    progress.note("exercises", "00.1", solved=True)
    file = tmp_path / "mine.html"
    assert progress.main(["--certificate", str(file), "--name", "Ada"]) == 0
    assert "<strong>1 of " in file.read_text("utf-8") and ">Ada<" in file.read_text("utf-8")
    assert progress.main(["--certificate", str(tmp_path / "no" / "x.html")]) == 2
    assert "No such file" in capsys.readouterr().err
