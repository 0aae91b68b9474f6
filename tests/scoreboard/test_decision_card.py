"""Tests for the printed decision card."""

from course_utils.scoreboard import advisor, decision_card


def test_every_way_of_the_card_is_the_advisors():
    for family, (_, _, answers) in decision_card.ENDS.items():
        assert advisor.path(*answers)[-1][0] == family


def test_every_answer_of_the_advisor_has_an_arrow():
    ways = {}
    for source, _, answer in decision_card.ARROWS:
        ways.setdefault(source, []).append(answer)
    for name, (_, answers) in advisor.QUESTIONS.items():
        assert sorted(", or ".join(ways[name]).split(", or ")) == sorted(answers)


def test_the_card_cites_the_rows_and_says_what_is_missing(tmp_path):
    best = advisor.best("PEFT", task="toy_desk")
    assert f"toy desk: {best.technique} {best.value:.2f}" in decision_card.measured("PEFT")
    assert decision_card.measured("PEFT", tmp_path)[0] == "help desk: not measured"


def test_the_command_writes_a_sheet(tmp_path, capsys):
    assert decision_card.main([str(tmp_path / "card.svg")]) == 0
    drawn = (tmp_path / "card.svg").read_text("utf-8")
    assert drawn.startswith("<?xml") and len(drawn) > 10_000
    assert decision_card.main(["card.txt"]) == 2
    assert "Name the file to write" in capsys.readouterr().err
