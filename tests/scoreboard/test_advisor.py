"""The advice follows the four questions, and every number in it is traced to rows and items."""

import csv
import itertools

import numpy as np
import pytest

from course_utils.scoreboard import advisor, columns, costs, evidence, own_outcome, plots
from course_utils.scoreboard import table as scoreboard
from course_utils.techniques import registry
from tests.helpers.scoreboards import TASK, keep, keep_curve

COSTS = {"examples": 10, "labels": 0, "train_seconds": 1.0, "latency_ms": 1.0, "prompt_tokens": 0.0}
COSTS |= {"trainable_parameters": 0, "stored_bytes": 0}
NO = dict(ability="no", clean="no", compute="no", model_can="neither")


RIGHT = {  # of 200 messages
    **{"few_shot_nearest": 40, "zero_shot": 10, "lora_qv": 120, "ia3": 100, "full": 110},
    **{"nearest_copy": 60, "constant_reply": 20},
}


@pytest.fixture
def folder(tmp_path):
    """Rows of techniques with known hits: 3 seeds, 200 messages."""
    for name, count in RIGHT.items():
        keep(tmp_path, name, np.tile(np.arange(200) < count, (3, 1)))
    stored(tmp_path, RIGHT)
    return tmp_path


def stored(folder, right):
    """A table with these rows, each of 3 seeds."""
    rows = []
    for name, count in right.items():
        numbers = dict.fromkeys(columns.COLUMNS, 1) | {"technique": name, "accuracy": count / 200}
        rows += [numbers | {"seed": seed, "lesson": "01", "model": "m@1"} for seed in range(3)]
    with open(folder / "scoreboard_toy_desk.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def advice(folder, **answers):
    return advisor.advise(**(NO | answers), task=TASK, folder=folder)


def test_every_answer_leads_somewhere_and_the_order_of_questions_holds():
    for chosen in itertools.product(*(answers for _, answers in advisor.QUESTIONS.values())):
        steps = advisor.path(*chosen)
        assert steps and all(family in advisor.FAMILIES and reason for family, reason in steps)
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
    assert row.gap == scoreboard.compare(*pair, "accuracy", evidence.RESAMPLES, TASK, folder)
    assert row.gap[0] == pytest.approx(0.4) and row.sure == evidence.SURE
    text = str(row)
    assert all(part in text for part in ("lora_qv 0.60", "3 seeds", "few_shot_nearest 0.20", "+0.40"))


def test_how_sure_follows_the_interval(folder):
    assert advice(folder, clean="yes", compute="yes")[0].sure == evidence.AGAINST  # full is right on fewer
    keep(folder, "full", np.arange(600).reshape(3, 200) % 5 < 3)
    assert advice(folder, clean="yes", compute="yes")[0].sure == evidence.UNCLEAR
    assert advice(folder, ability="yes", clean="yes")[0].sure == evidence.AGAINST
    assert [a.family for a in advice(folder, ability="unsure", clean="yes")] == ["prompting", "PEFT"]


def test_a_family_without_rows_is_not_measured(folder):
    (row,) = advice(folder, model_can="judge")
    assert row.family == "AI feedback" and row.best is None and row.gap is None
    assert row.sure == evidence.UNKNOWN and "measure it on your task" in str(row)
    assert "No technique of this kind was measured on toy_desk from records of mixed quality" in str(row)


def test_before_the_first_row_there_is_advice_without_rows(tmp_path):
    (row,) = advice(tmp_path, clean="yes")
    assert row.sure == evidence.UNKNOWN and row.family == "PEFT"
    helpdesk = advisor.advise(**(NO | {"ability": "unsure"}), folder=tmp_path)
    said = (
        "The scoreboard of helpdesk has no rows yet: run `python -m course_utils.scoreboard --task helpdesk`"
    )
    assert said in str(helpdesk[0]) and said not in str(helpdesk[1]), "the help desk by default, said once"


def test_rivals_saw_the_same_data(folder):
    """Whatever the answers: no row of other data is cited or compared."""
    everything = dict.fromkeys(registry.TECHNIQUES, 100)
    for name in everything:
        keep(folder, name, np.tile(np.arange(200) < 100, (3, 1)))
    stored(folder, everything)
    board = evidence.Board(TASK, folder)
    for family, clean in itertools.product(
        [*advisor.FAMILIES, *(n[0] for n in advisor.NEEDS.values())], "yn"
    ):
        if family not in ("soft prompts", "specialists"):  # never advised
            members, rivals, _ = advisor.candidates(board, family, {"y": "yes", "n": "no"}[clean])
            seen = {registry.find(name).data for name in (*members, *rivals)}
            if family == "prompting" and clean == "n":
                assert rivals == ["sft_mediocre"], "no clean records: nothing that learned from them"
            else:
                assert members and rivals and len(seen) == 1, family
    for model_can, control in (
        ("neither", "sft_mediocre"),
        ("judge", "sft_mediocre"),
        ("make good data", "synthetic_real_control"),
    ):
        (row,) = advice(folder, model_can=model_can)
        assert row.rival.technique == control and f"{control} is " in str(row), "and what it is"
    assert advice(folder, model_can="judge")[0].best.technique != "self_reflection", "it saw clean records"


def test_without_a_clean_dataset_a_prompt_shows_few_records(folder):
    rows = dict.fromkeys(("few_shot_nearest", "zero_shot", "sft_mediocre"), 40)
    keep(folder, "sft_mediocre", np.tile(np.arange(200) < 40, (3, 1)))
    stored(folder, rows)
    text = (folder / "scoreboard_toy_desk.csv").read_text("utf-8").splitlines()
    place = columns.COLUMNS.index("examples")
    for i, line in enumerate(text):
        if line.startswith("few_shot_nearest"):
            cells = line.split(",")
            text[i] = ",".join([*cells[:place], "1200", *cells[place + 1 :]])
    (folder / "scoreboard_toy_desk.csv").write_text("\n".join(text) + "\n", "utf-8")
    assert advice(folder, ability="yes")[0].best.technique == "zero_shot"
    assert advice(folder, ability="yes", clean="yes")[0].best.technique == "few_shot_nearest"


def test_gold_reward_has_a_verdict_of_its_own(folder):
    keep(folder, "lora_qv", np.tile(np.arange(200) < 120, (3, 1)), gold=np.zeros((3, 200)))
    keep(folder, "ia3", np.tile(np.arange(200) < 100, (3, 1)), gold=np.zeros((3, 200)))
    keep(folder, "few_shot_nearest", np.tile(np.arange(200) < 40, (3, 1)), gold=np.ones((3, 200)))
    (row,) = advice(folder, clean="yes")
    assert row.sure == "by accuracy sure; by gold reward the rows say otherwise"


def test_the_cheap_baselines_are_named(folder):
    (row,) = advice(folder, clean="yes")
    assert "by accuracy, lora_qv beats the cheap baseline nearest_copy 0.30: +0.30" in str(row)
    (row,) = advice(folder, ability="yes", clean="yes")
    assert "few_shot_nearest is beaten by the cheap baseline nearest_copy" in str(row)


def test_what_else_is_needed_comes_first():
    for need, (what, *_) in advisor.NEEDS.items():
        steps = advisor.path("no", "yes", "no", "neither", need)
        assert [step for step, _ in steps] == [what, "PEFT"]
    with pytest.raises(ValueError, match="What else is needed"):
        advisor.path("no", "yes", "no", "neither", "magic")


def test_retrieval_and_caching_cite_rows(folder):
    keep(folder, "facts_in_prompt", np.tile(np.arange(200) < 90, (3, 1)))
    keep(folder, "few_shot", np.tile(np.arange(200) < 30, (3, 1)))
    stored(folder, RIGHT | {"facts_in_prompt": 90, "few_shot": 30})
    row = advice(folder, clean="yes", need="facts that change")[0]
    assert (row.family, row.best.technique, row.rival.technique) == (
        *("retrieval", "facts_in_prompt", "few_shot_nearest"),
    )
    assert row.sure == evidence.SURE
    row = advice(folder, clean="yes", need="a long prompt for less")[0]
    assert row.best.technique == "few_shot" and "1 tokens beyond each message" in str(row)


def test_costs_stand_with_their_assumptions(folder):
    (row,) = advice(folder, clean="yes", assumptions=costs.Assumptions(wage=100))
    # One record, one preference, and eight hours of setting up.
    assert "costs: 8 hours of people, $806 once" in str(row) and "$100 an hour of people" in str(row)
    assert "$40 an hour of people" in str(advice(folder, clean="yes")[0])


def test_labels_are_read_from_the_curve(tmp_path):
    answers = NO | {"clean": "yes", "labels": 100, "folder": tmp_path}
    assert "label curve is not measured yet" in str(advisor.advise(**answers)[-1])
    for count, tuned in ((100, 5), (400, 30), (1200, 35)):
        keep_curve(tmp_path, "lora_all", count, tuned)
        keep_curve(tmp_path, "few_shot_nearest", count, 20)
    said = str(advisor.advise(**answers)[-1])
    assert "with 100, lora_all against few_shot_nearest -0.38" in said
    assert "doing without tuning leads; lora_all beats few_shot_nearest from 400 on" in said
    assert "with 1200, lora_all" in str(advisor.advise(**(answers | {"labels": 5000}))[-1])
    assert "begins at 100" in str(advisor.advise(**(answers | {"labels": 10}))[-1])
    with pytest.raises(ValueError, match="0 labels: give a number above 0"):
        advisor.advise(**(answers | {"labels": 0}))


def test_your_own_run_is_cited(tmp_path):
    outcome = own_outcome.Outcome(model="m")
    hits = np.arange(100)
    outcome.add("majority", {}, [hits < 68], [], COSTS)
    outcome.add("tfidf_classifier", {}, [hits < 90], [], COSTS)
    outcome.add("lora_all", {}, [hits < 70], [], COSTS)
    outcome.save(tmp_path)
    (row,) = advisor.advise(**(NO | {"clean": "yes"}), results=tmp_path)
    assert row.best.technique == "lora_all" and row.rival.technique == "tfidf_classifier"
    assert row.sure == evidence.AGAINST and [c.column for c in row.comparisons] == ["accuracy"]
    with pytest.raises(FileNotFoundError, match="holds no run of your own"):
        advisor.advise(**NO, results=tmp_path / "nothing")


def test_every_technique_of_the_ladder_belongs_to_one_family():
    known = [name for names in advisor.FAMILIES.values() for name in names]
    controls = registry.families()["control"]
    assert len(set(known)) == len(known) and not set(known) & set(controls)
    assert set(registry.TECHNIQUES) == {*known, *controls}
    assert {"majority_class", "nearest_copy", "sft_mediocre"} <= set(controls), "never advised"
    with pytest.raises(ValueError, match="no family 'magic'"):
        registry.Technique("x", "magic", "01", None, {})


def test_the_command_prints_the_advice_or_asks(folder, monkeypatch, capsys):
    answers = ["--ability", "no", "--clean", "yes", "--compute", "no", "--model-can", "judge"]
    assert advisor.main([*answers, "--task", TASK, "--folder", str(folder), "--wage", "50"]) == 0
    assert "PEFT: " in (said := capsys.readouterr().out) and "$50 an hour" in said
    assert advisor.main([*answers, "--results", str(folder)]) == 1
    assert "holds no run of your own" in capsys.readouterr().err
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
    assert {text.get_text() for text in axes[0].texts} == {"few shot nearest", "lora qv", "full"}, (
        "each family's best"
    )
    marks = set(board.technique) - {"nearest_copy", "constant_reply"}
    assert len(axes[0].containers) == len(marks), "every technique has a mark, and a baseline a line"
    table = plots.ranking(board)
    assert [row[0] for row in table.rows][:2] == ["lora_qv", "full"]
    priced = plots.ranking(costs.added(board))
    assert priced.columns[-3:] == ["hours of people", "$ once", "$ per 1,000 messages"]
    assert [row[0] for row in plots.ranking(board, most_first=False).rows][0] == "zero_shot"
    menu = plots.sortable(board).children[0]
    menu.value = "train_seconds"
    ax = plots.differences({"a": (0.1, 0.05, 0.2), "b": (0.0, -0.1, 0.1)})
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
    plt.close("all")


def test_both_ladders_stand_side_by_side(folder):
    import matplotlib.pyplot as plt

    empty, full = plots.ladders(folder=folder)
    assert "helpdesk has no rows yet" in empty.texts[0].get_text()
    assert full.get_title() == "toy desk: m"
    names = [text for text in full.texts if text.get_text().replace(" ", "_") in RIGHT]
    assert {name.get_text() for name in names} == {"few shot nearest", "lora qv", "full"}
    full.figure.canvas.draw()
    boxes = [name.get_window_extent() for name in names]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    lines = {line.get_label() for line in full.lines}
    assert {"nearest copy", "constant reply"} <= lines
    plt.close("all")


def test_a_curve_is_drawn_or_says_what_to_run(tmp_path):
    import matplotlib.pyplot as plt

    with pytest.raises(FileNotFoundError, match="python -m course_utils.experiments sizes"):
        plots.curve("size", folder=tmp_path)
    for count in (25, 100):
        keep_curve(tmp_path, "full", count, 10)
    ax, other = plots.curve("label", folder=tmp_path, title="all weights")
    assert other.get_ylabel() == "team right" and ax.figure.get_suptitle() == "all weights"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["25", "100"]
    assert list(ax.lines[0].get_xdata()) == [25, 100] and set(ax.lines[0].get_ydata()) == {0.25}
    plt.close("all")


def test_the_readme_s_picture_shows_the_rows_of_today(tmp_path):
    from PIL import Image

    plots.readme_picture(tmp_path / "new.png")
    new, stored = Image.open(tmp_path / "new.png"), Image.open(plots.README_PICTURE)
    assert stored.info["Description"] == new.info["Description"] == plots.rows_shown()
    assert stored.size == pytest.approx(new.size, rel=0.02)


def test_a_difference_of_one_seed_each_says_so():
    rows = {n: evidence.Row("full", 0.5, 0.4, 0.6, n) for n in (1, 3)}
    once = evidence.Comparison("accuracy", rows[1], rows[1], (0.1, 0.05, 0.15))
    thrice = evidence.Comparison("accuracy", rows[3], rows[1], (0.1, 0.05, 0.15))
    assert str(once).endswith("sure for one seed each: others may differ") and str(thrice).endswith("sure")
