"""The sweep of lesson 06 stores what it should, skips what is there, and its parts do what they say."""

import functools

import pytest

from course_utils import feedback_sweep, judge, lineage, preferences, reward_model, synthesis
from tests.test_techniques_ai_feedback import TRAIN
from tests.tiny import tiny_llama

PAIRS = [
    {
        "id": f"p{i}",
        "prompt": record["prompt"],
        "chosen": record["completion"],
        "rejected": " no",
        "flipped": i % 5 == 0,
    }
    for i, record in enumerate(TRAIN)
]
MADE = [record | {"generation": 1, "prompt": record["prompt"].replace("My", "Our")} for record in TRAIN]
FIRSTS = {
    "reward_models": [{"source": s, "labels": 4, "seed": 0} for s in feedback_sweep.SOURCES],
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
    monkeypatch.setattr(feedback_sweep, "FILE", tmp_path / "ai_feedback.json")
    monkeypatch.setattr(feedback_sweep, "TABLES", FIRSTS)
    monkeypatch.setattr(feedback_sweep, "desk", lambda: [TRAIN, TRAIN[:3]])
    monkeypatch.setattr(feedback_sweep.models, "load", lambda *arguments: tiny_llama(context=512))
    monkeypatch.setattr(feedback_sweep, "taught", lambda: tiny_llama(context=512))
    monkeypatch.setattr(preferences, "read", lambda split: PAIRS)
    monkeypatch.setattr(feedback_sweep, "writer", lambda: tiny_llama(context=512))
    monkeypatch.setattr(judge, "yes", lambda m, t, asked, given, question: [len(text) for text in given])
    monkeypatch.setattr(reward_model.train, "__defaults__", (1e-3, 1, 2, 0, 0.1, None))
    for name, value in {"STEPS": 2, "SIZES": (4, 8)}.items():
        monkeypatch.setattr(feedback_sweep, name, value)
    monkeypatch.setattr(feedback_sweep.synthetic, "SEEDS", 6)
    monkeypatch.setattr(feedback_sweep.synthetic, "COUNT", 4)
    monkeypatch.setattr(feedback_sweep.synthetic, "written", lambda *a, **k: MADE)
    sure = [r | {"confidence": i / 10} for i, r in enumerate(TRAIN[:10])]
    monkeypatch.setattr(
        synthesis, "pseudo_labelled", lambda m, t, prompts: [s for s in sure if s["prompt"] in prompts]
    )
    monkeypatch.setattr(lineage, "run", lambda *a: [{"generation": 0, "fresh": a[5]}])
    for name in ("family", "pseudo_labels"):
        plain = getattr(feedback_sweep, name).__wrapped__
        monkeypatch.setattr(feedback_sweep, name, functools.lru_cache(1)(plain))


def test_every_table_stores_its_columns_once(small):
    feedback_sweep.sweep(list(FIRSTS))
    before = feedback_sweep.FILE.read_text("utf-8")
    for name, settings in FIRSTS.items():
        rows = feedback_sweep.read(name)
        assert [row.keys() for row in rows] == [setting.keys() | COLUMNS[name] for setting in settings]
        assert all(setting.items() <= row.items() for setting, row in zip(settings, rows))
    feedback_sweep.sweep(list(FIRSTS))
    assert feedback_sweep.FILE.read_text("utf-8") == before, "what is there is not run again"
    assert feedback_sweep.read("lineage")[0]["students"][0]["fresh"] == 0.5


def test_what_is_added_is_what_the_name_says(small):
    feedback_sweep.sweep(["synthetic", "pseudo"])
    records = {row["added"]: row["records"] for row in feedback_sweep.read("synthetic")}
    assert records == {"nothing": 0, "unfiltered": 4, "random replies": 4, "real": 4}
    row = feedback_sweep.read("pseudo")[0]
    assert 0 < row["records"] == row["labels_right"] <= 5, "those of a confidence of at least the threshold"


def test_the_judge_s_labels_replace_the_stored_ones(small):
    turned = [
        p if i % 2 else p | {"chosen": p["rejected"], "rejected": p["chosen"]} for i, p in enumerate(PAIRS)
    ]
    told = feedback_sweep.relabelled(None, None, turned)
    assert [t["chosen"] for t in told] == [p["chosen"] for p in PAIRS], "the longer one, says this judge"
    feedback_sweep.sweep(["reward_models"])
    rows = {row["source"]: row for row in feedback_sweep.read("reward_models")}
    chosen = feedback_sweep.random.Random("labels 0").sample(PAIRS, 4)
    assert rows["people"]["labels_right"] == sum(not pair["flipped"] for pair in chosen)
    assert all(len(row["hits"]) == row["n"] == len(PAIRS) for row in rows.values())


def test_the_better_reply_is_known_in_spite_of_a_slip():
    assert feedback_sweep.right(PAIRS[0]) == " no" and feedback_sweep.right(PAIRS[1]) == PAIRS[1]["chosen"]


def test_random_replies_are_the_same_replies_elsewhere():
    made = feedback_sweep.shuffled(MADE, 0)
    assert sorted(r["completion"] for r in made) == sorted(r["completion"] for r in MADE)
    assert [r["prompt"] for r in made] == [r["prompt"] for r in MADE]
    assert [r["completion"] for r in made] != [r["completion"] for r in MADE]


def test_every_table_has_its_runs():
    assert set(FIRSTS) == set(feedback_sweep.RUNS) == set(COLUMNS)


def test_the_list_says_how_far_it_is(small, capsys):
    feedback_sweep.main(["--list"])
    assert "reward_models  0 of 5 runs" in capsys.readouterr().out
