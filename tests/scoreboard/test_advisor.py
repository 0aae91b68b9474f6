"""The advice follows the four questions, and every number in it is traced to rows and items."""

import csv
import itertools

import numpy as np
import pytest

from course_utils.scoreboard import advisor, columns, plots
from course_utils.scoreboard import table as scoreboard
from course_utils.techniques import registry
from tests.helpers.scoreboards import TASK, keep

NO = dict(ability="no", clean="no", compute="no", model_can="neither")


@pytest.fixture
def folder(tmp_path):
    """Rows of five techniques with known hits: 3 seeds, 200 messages."""
    right = {"few_shot_nearest": 40, "zero_shot": 10, "lora_qv": 120, "ia3": 100, "full": 110}
    rows = []
    for name, count in right.items():
        keep(tmp_path, name, np.tile(np.arange(200) < count, (3, 1)))
        numbers = dict.fromkeys(columns.COLUMNS, 1) | {"technique": name, "accuracy": count / 200}
        rows += [numbers | {"seed": seed, "lesson": "01"} for seed in range(3)]
    with open(tmp_path / "scoreboard_toy_desk.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


def advice(folder, **answers):
    return advisor.advise(**(NO | answers), task=TASK, folder=folder)


def test_every_answer_leads_somewhere_and_the_order_of_questions_holds():
    for chosen in itertools.product(*(answers for _, answers in advisor.QUESTIONS.values())):
        steps = advisor.path(*chosen)
        assert steps and all(family in advisor.RIVALS and reason for family, reason in steps)
        assert (steps[0][0] == "prompting") == (chosen[0] != "no")
        assert (len(steps) == 1) == (chosen[0] != "unsure")
    lead = {
        model_can: advisor.path("no", "no", "yes", model_can)[0][0]
        for model_can in advisor.QUESTIONS["model_can"][1]
    }
    assert lead == {"make good data": "synthetic data", "judge": "AI feedback", "neither": "RLHF"}
    assert advisor.path("no", "yes", "yes", "judge")[0][0] == "fine-tuning"
    assert advisor.path("no", "yes", "no", "judge")[0][0] == "PEFT"


def test_an_answer_that_is_none_is_refused():
    with pytest.raises(ValueError, match="hold the ability already\\? The answers are yes, unsure, no"):
        advisor.path("perhaps", "yes", "no", "judge")


def test_the_row_cited_is_the_best_of_its_family(folder):
    (row,) = advice(folder, clean="yes")
    assert (
        row.family == "PEFT" and row.best.technique == "lora_qv" and row.rival.technique == "few_shot_nearest"
    )
    table = scoreboard.read(TASK, folder)
    assert row.best.value == pytest.approx(table[table.technique == "lora_qv"].accuracy.mean())
    assert row.best.seeds == 3
    pair = "lora_qv", "few_shot_nearest"
    assert row.gap == scoreboard.compare(*pair, "accuracy", advisor.RESAMPLES, TASK, folder)
    assert row.gap[0] == pytest.approx(0.4) and row.sure == advisor.SURE
    text = str(row)
    assert all(part in text for part in ("lora_qv 0.60", "3 seeds", "few_shot_nearest 0.20", "+0.40"))


def test_how_sure_follows_the_interval(folder):
    assert advice(folder, clean="yes", compute="yes")[0].sure == advisor.AGAINST  # full is right on fewer
    keep(folder, "full", np.arange(600).reshape(3, 200) % 5 < 3)
    assert advice(folder, clean="yes", compute="yes")[0].sure == advisor.UNCLEAR
    assert advice(folder, ability="yes")[0].sure == advisor.AGAINST
    assert [a.family for a in advice(folder, ability="unsure", clean="yes")] == ["prompting", "PEFT"]


def test_a_family_without_rows_is_not_measured(folder):
    (row,) = advice(folder, model_can="judge")
    assert row.family == "AI feedback" and row.best is None and row.gap is None
    assert row.sure == advisor.UNKNOWN and "measure both on your task" in str(row)


def test_before_the_first_row_there_is_advice_without_rows(tmp_path):
    (row,) = advice(tmp_path, clean="yes")
    assert row.sure == advisor.UNKNOWN and row.family == "PEFT"


def test_every_technique_of_the_ladder_belongs_to_one_family():
    known = [name for names in advisor.FAMILIES.values() for name in names]
    controls = registry.families()["control"]
    assert len(set(known)) == len(known) and not set(known) & set(controls)
    assert set(registry.TECHNIQUES) == {*known, *controls}
    assert {"majority_class", "nearest_copy", "sft_mediocre"} <= set(controls), "never advised"
    with pytest.raises(ValueError, match="no family 'magic'"):
        registry.Technique("x", "magic", "01", None, {})


def test_the_command_prints_the_advice_or_asks(folder, monkeypatch, capsys):
    monkeypatch.setattr(advisor.scoreboard, "rows_done", lambda *_: [])
    answers = ["--ability", "no", "--clean", "yes", "--compute", "no", "--model-can", "judge"]
    assert advisor.main(answers) == 0
    assert "PEFT: " in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert advisor.main(answers[:2]) == 2
    assert "Can you get a clean dataset?" in capsys.readouterr().err


def test_the_widget_shows_the_advice_of_its_menus(folder):
    box = advisor.widget(TASK, folder)
    *menus, shown = box.children
    menus[0].value, menus[1].value = "no", "yes"
    menus[2].value = "no"
    assert "lora_qv" in shown.value and "PEFT" in shown.value
    menus[2].value = "yes"
    assert "fine-tuning" in shown.value


def test_pictures_show_what_is_measured(folder):
    import matplotlib.pyplot as plt

    board = scoreboard.read(TASK, folder)
    assert plots.families(board)["PEFT"] == ["ia3", "lora_qv"]
    axes = plots.effort(board, task=TASK, folder=folder)
    assert {text.get_text() for text in axes[0].texts} == {"few_shot_nearest", "lora_qv", "full"}, (
        "each family's best"
    )
    assert len(axes[0].containers) == len(set(board.technique)), "every technique has a mark"
    table = plots.ranking(board)
    assert [row[0] for row in table.rows][:2] == ["lora_qv", "full"]
    assert [row[0] for row in plots.ranking(board, most_first=False).rows][0] == "zero_shot"
    menu = plots.sortable(board).children[0]
    menu.value = "train_seconds"
    ax = plots.differences({"a": (0.1, 0.05, 0.2), "b": (0.0, -0.1, 0.1)})
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    plt.close("all")


def test_the_readme_s_picture_shows_the_rows_of_today(tmp_path):
    from PIL import Image

    plots.readme_picture(tmp_path / "new.png")
    new, stored = Image.open(tmp_path / "new.png"), Image.open(plots.README_PICTURE)
    assert stored.info["Description"] == new.info["Description"] == plots.rows_shown()
    assert stored.size == pytest.approx(new.size, rel=0.02)
