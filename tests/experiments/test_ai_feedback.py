"""The sweep of lesson 06 stores what it should, skips what is there, and its parts do what they say."""

import functools

import pytest

from course_utils.ai_feedback import llm_judge, model_collapse, synthetic_data
from course_utils.experiments import __main__ as command
from course_utils.experiments import ai_feedback, runner
from course_utils.rlhf import preferences
from tests.helpers.desk_records import SOLVED
from tests.helpers.tiny import tiny_llama

PAIRS = [
    {
        "id": f"p{i}",
        "prompt": record["prompt"],
        "chosen": record["completion"],
        "rejected": " no",
        "flipped": i % 5 == 0,
    }
    for i, record in enumerate(SOLVED)
]
SYNTHETIC = [record | {"generation": 1, "prompt": record["prompt"].replace("My", "Our")} for record in SOLVED]
FIRSTS = {
    "reward_models": [{"source": s, "labels": 4, "seed": 0} for s in ai_feedback.SOURCES],
    "synthetic": [{"added": name, "seed": 0} for name in ("nothing", "unfiltered", "random replies", "real")],
    "pseudo": [{"threshold": 0.5, "seed": 1}],
    "annotation": [{"seed": 0}],
    "lineage": [{"fresh": 0.5, "seed": 0}],
}
COLUMNS = {
    "reward_models": {"hits", "right", "n", "labels_right"},
    "synthetic": {"hits", "right", "team_right", "n", "records"},
    "pseudo": {"hits", "right", "team_right", "n", "records", "labels_right"},
    "annotation": {"batches"},
    "lineage": {"students"},
}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny random model, few records and few steps."""
    monkeypatch.setattr(ai_feedback, "FILE", tmp_path / "ai_feedback.json")
    monkeypatch.setattr(ai_feedback, "TABLES", FIRSTS)
    monkeypatch.setattr(ai_feedback, "desk", lambda: [SOLVED, SOLVED[:3]])
    monkeypatch.setattr(ai_feedback.models, "load", lambda *arguments: tiny_llama(context=512))
    monkeypatch.setattr(ai_feedback, "trained_judge", lambda: tiny_llama(context=512))
    monkeypatch.setattr(preferences, "read", lambda split: PAIRS)
    monkeypatch.setattr(ai_feedback, "writer", lambda: tiny_llama(context=512))
    monkeypatch.setattr(
        llm_judge, "yes", lambda m, t, prompts, replies, question, *rest: [len(text) for text in replies]
    )
    for name, value in {"STEPS": 2, "SIZES": (4, 8), "SEEDS": 6, "COUNT": 4}.items():
        monkeypatch.setattr(ai_feedback, name, value)
    monkeypatch.setattr(ai_feedback.synthetic, "written", lambda *a, **k: SYNTHETIC)
    sure = [r | {"confidence": i / 10} for i, r in enumerate(SOLVED[:10])]
    monkeypatch.setattr(
        synthetic_data, "pseudo_labeled", lambda m, t, prompts: [s for s in sure if s["prompt"] in prompts]
    )
    monkeypatch.setattr(model_collapse, "run", lambda *a: [{"generation": 0, "fresh": a[5]}])
    for name in ("record_groups", "pseudo_labels"):
        plain = getattr(ai_feedback, name).__wrapped__
        monkeypatch.setattr(ai_feedback, name, functools.lru_cache(1)(plain))


def test_every_table_stores_its_columns_once(small):
    runner.run(ai_feedback, list(FIRSTS))
    before = ai_feedback.FILE.read_text("utf-8")
    for name, settings in FIRSTS.items():
        rows = ai_feedback.read(name)
        assert [row.keys() for row in rows] == [setting.keys() | COLUMNS[name] for setting in settings]
        assert all(setting.items() <= row.items() for setting, row in zip(settings, rows))
    runner.run(ai_feedback, list(FIRSTS))
    assert ai_feedback.FILE.read_text("utf-8") == before, "what is there is not run again"
    assert ai_feedback.read("lineage")[0]["students"][0]["fresh"] == 0.5


def test_what_is_added_is_what_the_name_says(small):
    runner.run(ai_feedback, ["synthetic", "pseudo"])
    records = {row["added"]: row["records"] for row in ai_feedback.read("synthetic")}
    assert records == {"nothing": 0, "unfiltered": 4, "random replies": 4, "real": 4}
    row = ai_feedback.read("pseudo")[0]
    assert 0 < row["records"] == row["labels_right"] <= 5, "those of a confidence of at least the threshold"


def test_the_judge_s_labels_replace_the_stored_ones(small):
    turned = [
        p if i % 2 else p | {"chosen": p["rejected"], "rejected": p["chosen"]} for i, p in enumerate(PAIRS)
    ]
    labeled = ai_feedback.relabeled(None, None, turned)
    assert [t["chosen"] for t in labeled] == [p["chosen"] for p in PAIRS], "the longer one, says this judge"
    runner.run(ai_feedback, ["reward_models"])
    rows = {row["source"]: row for row in ai_feedback.read("reward_models")}
    chosen = ai_feedback.random.Random("labels 0").sample(PAIRS, 4)
    assert rows["people"]["labels_right"] == sum(not pair["flipped"] for pair in chosen)
    assert all(len(row["hits"]) == row["n"] == len(PAIRS) for row in rows.values())


def test_the_better_reply_is_known_in_spite_of_a_slip():
    assert ai_feedback.right(PAIRS[0]) == " no" and ai_feedback.right(PAIRS[1]) == PAIRS[1]["chosen"]


def test_random_replies_are_the_same_replies_elsewhere():
    shuffled = ai_feedback.shuffled(SYNTHETIC, 0)
    assert sorted(r["completion"] for r in shuffled) == sorted(r["completion"] for r in SYNTHETIC)
    assert [r["prompt"] for r in shuffled] == [r["prompt"] for r in SYNTHETIC]
    assert [r["completion"] for r in shuffled] != [r["completion"] for r in SYNTHETIC]


def test_every_table_has_its_runs():
    assert set(FIRSTS) == set(ai_feedback.RUNS) == set(COLUMNS)


def test_the_list_says_how_far_it_is(small, capsys):
    command.main(["ai_feedback", "--list"])
    assert "reward_models  0 of 5 runs" in capsys.readouterr().out
