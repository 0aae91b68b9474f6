"""The quiz bank is whole, and each export read by a parser of its format gives the same questions back."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

import pytest

from course_utils.tools.quiz import __main__ as command
from course_utils.tools.quiz import bank, gift, page, qti12, qti21

QUIZZES = bank.read()
QUESTIONS = [question for quiz in QUIZZES for question in quiz.questions]
GOOD = """
lesson: "09"
title: T
questions:
  - {id: 09.a, question: "Which?", explanation: "Why: <x> & y", answer: "a = {b}",
     distractors: [c~d, "e:f", "g#h"]}
"""
NASTY = bank.parse(GOOD)


# ---- the bank ----------------------------------------------------------------------------------


def test_ten_questions_for_each_lesson():
    assert [(quiz.lesson, len(quiz.questions)) for quiz in QUIZZES] == [(f"0{n}", 10) for n in range(9)]
    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)


def test_right_answers_stand_at_every_place():
    places = [[right for _, right in question.choices()].index(True) for question in QUESTIONS]
    assert all(places.count(place) >= len(places) / 10 for place in range(4))


def test_the_longest_answer_is_seldom_the_right_one():
    """Whoever always chooses the longest must not do much better than by chance, one in four."""
    longest = [each for each in QUESTIONS if len(each.answer) > max(map(len, each.distractors))]
    assert len(longest) <= 0.35 * len(QUESTIONS), [each.id for each in longest]


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("answer:", "reply:", "09.a needs exactly answer"),
        ("c~d,", "", "3 distractors"),
        ("c~d", "' A = {B}'", "all different"),
        ("id: 09.a", "id: 08.a", "an id looks like 09.two-words"),
        ('question: "Which?"', "question: 7", "quote numbers"),
        ("title: T", "", "title"),
        ("questions:", "questions: [", "quiz.yaml"),
    ],
)
def test_a_wrong_file_is_named(old, new, said):
    with pytest.raises(ValueError, match=f"quiz.yaml.*{re.escape(said)}|{re.escape(said)}"):
        bank.parse(GOOD.replace(old, new, 1), "quiz.yaml")


def test_an_id_is_used_once():
    row = "\n".join(GOOD.strip().split("\n")[-2:])
    with pytest.raises(ValueError, match="09.a is used twice"):
        bank.parse(GOOD.rstrip() + "\n  " + row.strip())


# ---- GIFT ----------------------------------------------------------------------------------------


def read_gift(text):
    """[(title, question, [(answer, right)], feedback)] of single-choice questions in GIFT."""
    unescape = lambda part: re.sub(r"\\([~=#{}:\\])", r"\1", part).strip()  # noqa: E731
    free = r"(?:\\.|[^\\{}~=#:])*?"
    found = []
    for block in re.split(r"\n\s*\n", text.strip()):
        if block.startswith("$CATEGORY:"):
            continue
        match = re.fullmatch(
            rf"::({free})::\[plain\]((?:\\.|[^\\{{}}])*?)\{{((?:\\.|[^\\{{}}])*)\}}", block, re.DOTALL
        )
        assert match, block
        answers, _, feedback = re.split(r"(?<!\\)(####)", match[3])
        options = re.findall(r"(?<!\\)([=~])((?:\\.|[^\\~=#])*)", answers)
        choices = [(unescape(answer), sign == "=") for sign, answer in options]
        found.append((unescape(match[1]), unescape(match[2]), choices, unescape(feedback)))
    return found


@pytest.mark.parametrize("quiz", [*QUIZZES, NASTY], ids=lambda quiz: quiz.lesson)
def test_gift_gives_the_questions_back(quiz):
    wanted = [(each.id, each.question, each.choices(), each.explanation) for each in quiz.questions]
    assert read_gift(gift.dumps(quiz)) == wanted


def test_the_gift_reader_sees_what_was_not_escaped():
    with pytest.raises(AssertionError):
        read_gift("::a::[plain]What is {x}? {\n =b\n ~c\n ####d\n}")


# ---- QTI -----------------------------------------------------------------------------------------


def opened(files):
    """{path: root element} of a zipped package, whose manifest names each other file once."""
    archive = zipfile.ZipFile(io.BytesIO(command.packed(files)))
    assert archive.testzip() is None
    roots = {path: ET.fromstring(archive.read(path)) for path in archive.namelist()}
    named = [each.get("href") for each in roots["imsmanifest.xml"].iterfind(".//{*}file")]
    assert sorted(named) == sorted(set(roots) - {"imsmanifest.xml"})
    return roots


@pytest.mark.parametrize("quiz", [*QUIZZES, NASTY], ids=lambda quiz: quiz.lesson)
def test_qti_1_2_gives_the_questions_back(quiz):
    root = opened(qti12.files([quiz]))[f"lesson-{quiz.lesson}/assessment.xml"]
    items = root.findall(".//{*}item")
    assert [item.get("ident") for item in items] == [each.id for each in quiz.questions]
    for item, each in zip(items, quiz.questions):
        order = ["itemmetadata", "presentation", "resprocessing", "itemfeedback"]
        assert [part.tag.split("}")[1] for part in item] == order
        assert item.findtext("{*}presentation/{*}material/{*}mattext") == each.question
        labels = {c.get("ident"): c.findtext(".//{*}mattext") for c in item.iterfind(".//{*}response_label")}
        assert list(labels.values()) == [text for text, _ in each.choices()]
        scored = item.find(".//{*}varequal")
        assert labels[scored.text] == each.answer
        assert scored.get("respident") == item.find(".//{*}response_lid").get("ident")
        feedback = item.find("{*}itemfeedback")
        assert feedback.get("ident") == item.find(".//{*}displayfeedback").get("linkrefid")
        assert feedback.findtext(".//{*}mattext") == each.explanation


@pytest.mark.parametrize("quiz", [*QUIZZES, NASTY], ids=lambda quiz: quiz.lesson)
def test_qti_2_1_gives_the_questions_back(quiz):
    roots = opened(qti21.files([quiz]))
    references = roots[f"lesson-{quiz.lesson}.xml"].findall(".//{*}assessmentItemRef")
    assert len(references) == len(quiz.questions)
    identifiers = {each.get("identifier") for each in roots["imsmanifest.xml"].iterfind(".//{*}resource")}
    needed = [each.get("identifierref") for each in roots["imsmanifest.xml"].iterfind(".//{*}dependency")]
    assert len(needed) == len(quiz.questions) and set(needed) <= identifiers
    for reference, each in zip(references, quiz.questions):
        item = roots[reference.get("href")]
        assert item.get("identifier") == reference.get("identifier")
        assert re.fullmatch(r"[A-Za-z_][\w-]*", item.get("identifier"))  # an NCName
        choices = {c.get("identifier"): c.text for c in item.iterfind(".//{*}simpleChoice")}
        assert list(choices.values()) == [text for text, _ in each.choices()]
        assert choices[item.findtext("{*}responseDeclaration/{*}correctResponse/{*}value")] == each.answer
        assert item.findtext(".//{*}prompt") == each.question
        assert item.findtext("{*}modalFeedback/{*}p") == each.explanation


# ---- the page and the command ----------------------------------------------------------------


def test_the_self_test_page_shows_every_question_as_text():
    text = page.markdown()
    assert text.count("<details>") == text.count("</details>") == len(QUESTIONS)
    nasty = page.markdown([NASTY])
    assert "Why: &lt;x&gt; &amp; y" in nasty and "## 09 · T" in nasty
    letter = re.search(r"<p><strong>([ABCD])\.</strong> Why", nasty)[1]
    options = re.findall(r"<li>(.*?)</li>", nasty)
    assert options["ABCD".index(letter)] == "a = {b}"


def test_the_command_writes_the_same_bytes_twice(tmp_path, capsys):
    for name in ("one", "two"):
        assert command.main(["--output", str(tmp_path / name)]) == 0
    made = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert len(made) == len(QUIZZES) + 2 and f"{len(QUESTIONS)} questions" in capsys.readouterr().out
    assert all((tmp_path / "one" / p).read_bytes() == (tmp_path / "two" / p).read_bytes() for p in made)
