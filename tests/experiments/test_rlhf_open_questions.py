"""The methods begin at one start, learn from the same pairs or reward, and take the rate that dev chose."""

import json

import pytest

from course_utils import models
from course_utils.experiments import __main__ as command
from course_utils.experiments import open_question_pairs
from course_utils.experiments import rlhf_open_questions as sweep
from course_utils.peft import adapter_layer
from course_utils.tasks import open_questions
from tests.helpers.tiny import tiny_llama

GRADED = {"gold", "proxy", "words", "replies"}
MOVED = GRADED | {"kl", "curves", "seconds"}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny random model, with few questions, few tokens and few steps."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(models, "load", lambda *name: tiny_llama(context=512))
    monkeypatch.setattr(models, "fingerprint", lambda name: f"{name}@0")
    monkeypatch.setattr(open_questions, "ROOM", 6)
    monkeypatch.setattr(open_questions, "gold", lambda question, reply: len(reply) % 3 / 2)
    few = {part: open_questions.questions(part)[:4] for part in open_questions.PARTS}
    monkeypatch.setattr(open_questions, "questions", few.__getitem__)
    online = {"updates": 2, "batch_size": 8, "minibatch_size": 8, "max_new_tokens": 6}
    changed = {
        "FILE": tmp_path / "open.json",
        "SHAPE": (2, 1),
        "SFT": sweep.SFT | {"steps": 1},
        "LONG": 6,
        "ONLINE": online,
        "RATES": dict.fromkeys(sweep.WEIGHTS, (1e-3,)),
    }
    for name, value in changed.items():
        monkeypatch.setattr(sweep, name, value)
    sweep.prepared.cache_clear()
    yield
    sweep.prepared.cache_clear()


def test_the_plan_tunes_every_method_equally_and_repeats_it():
    assert set(sweep.TABLES) == set(sweep.RUNS)
    for runs in sweep.TABLES.values():
        assert len({json.dumps(run) for run in runs}) == len(runs)
    assert set(sweep.RATES) == set(sweep.WEIGHTS) == {"dpo", "ppo", "grpo", "rloo"}
    assert len({len(rates) for rates in sweep.RATES.values()}) == 1
    for method in sweep.RATES:
        assert sum(run["method"] == method for run in sweep.TABLES["methods"]) >= 3
    assert sweep.TRIAL not in {run["seed"] for run in sweep.TABLES["methods"]}


def test_a_sweep_is_stored_and_skipped(small, monkeypatch):
    monkeypatch.setattr(
        sweep,
        "TABLES",
        {
            "start": sweep.TABLES["start"],
            "trials": [{"method": name, "lr": 1e-3} for name in sweep.RATES],
            "methods": [{"method": name, "seed": 0} for name in sweep.RATES],
            "guarded": [{"method": "grpo", "seed": 0}],
            "penalties": [{"kl_weight": 0.0}],
        },
    )
    assert command.main(["rlhf_open_questions"]) == 0
    rows = sweep.FILE.read_text("utf-8")
    for row in sweep.read("start"):
        assert set(row) - {"policy", "pairs", "margins", "kl"} == GRADED
    for table, own in (
        ("trials", set()),
        ("methods", {"lr"}),
        ("guarded", {"lr"}),
        ("penalties", set()),
    ):
        for setting, row in zip(sweep.TABLES[table], sweep.read(table), strict=True):
            assert set(row) - set(setting) == MOVED | own
    assert len(sweep.read("penalties")[0]["curves"]["gold"]) == 4  # twice the updates
    monkeypatch.setattr(sweep, "RUNS", {})  # a second sweep has nothing to do
    command.main(["rlhf_open_questions"])
    assert sweep.FILE.read_text("utf-8") == rows


def test_the_guard_takes_the_penalty_off_replies_without_an_end(monkeypatch):
    monkeypatch.setattr(sweep, "scores", lambda reward, tokenizer, prompts, replies: [1.0, 2.0, 3.0])
    replies = ["Cheese is made of", "Cheese is made of milk. ", "Is it?"]
    assert sweep.guarded_scores(None, None, ["a"] * 3, replies) == [1.0 - sweep.MISSING_END, 2.0, 3.0]
    seeds = {(run["method"], run["seed"]) for run in sweep.TABLES["guarded"]}
    assert seeds == {
        (run["method"], run["seed"]) for run in sweep.TABLES["methods"] if run["method"] != "dpo"
    }


def test_every_method_moves_the_policy_and_leaves_the_start_as_it_was(small):
    model, tokenizer, *_ = sweep.prepared()
    before = [parameter.clone() for parameter in adapter_layer.parameters(model, "start")]
    asked = open_questions.questions("test")
    replies = sweep.answers(model, tokenizer, asked)
    for method in sweep.RATES:
        assert sweep.learned(method, 1e-1, 0.1, 0, "test")["kl"] > 0.001, method
        after = adapter_layer.parameters(model, "start")
        assert all((a == b).all() for a, b in zip(before, after, strict=True))
        assert adapter_layer.tasks(model) == ["start", "reward"]
        assert sweep.answers(model, tokenizer, asked) == replies


def test_dev_chooses_and_nothing_is_chosen_before_its_trials(small, monkeypatch):
    with pytest.raises(ValueError, match="run --table trials first"):
        sweep.chosen("grpo")
    monkeypatch.setattr(sweep, "RATES", {"grpo": (1e-4, 1e-3)})
    trials = [
        {"method": "grpo", "lr": 1e-4, "gold": [1.0, 0.3]},
        {"method": "grpo", "lr": 1e-3, "gold": [1.0, 1.0]},
        {"method": "ppo", "lr": 1e-2, "gold": [9.0]},
    ]
    monkeypatch.setattr(sweep, "read", {"trials": trials}.__getitem__)
    assert sweep.chosen("grpo") == 1e-3


def test_best_of_n_takes_the_sample_that_the_reward_likes_best(small, monkeypatch):
    asked = open_questions.questions("test")[:2]
    samples = [f"{question.topic} {i}" for question in asked for i in range(3)]
    monkeypatch.setattr(sweep, "answers", lambda model, tokenizer, repeated, **options: samples)
    monkeypatch.setattr(sweep, "scores", lambda reward, tokenizer, prompts, replies: [0, 2, 1, 5, 3, 4])
    assert sweep.best_of(None, tiny_llama()[1], None, asked, n=3) == [samples[1], samples[3]]


def test_every_second_demonstration_is_one_sentence(small, monkeypatch):
    asked = open_questions.questions("train")[:2]
    monkeypatch.setattr(sweep, "answers", lambda *arguments, **options: ["One. Two. Thr"] * 2)
    shown = sweep.demonstrations(None, tiny_llama()[1], asked)
    assert [record["completion"] for record in shown] == ["One. Two.", "One."]


def test_the_stored_pairs_begin_with_those_of_the_sweep(small, tmp_path, capsys):
    open_question_pairs.main(["--out", str(tmp_path)])
    assert "demonstrations.jsonl" in capsys.readouterr().out
    shown = open_questions.demonstrations(tmp_path / "demonstrations.jsonl")
    assert [record["prompt"] for record in shown] == [q.text for q in open_questions.questions("train")]
    train, held_out = (
        open_questions.preferences(split, tmp_path / "pairs.jsonl") for split in ("train", "held_out")
    )
    _, tokenizer, pairs, _ = sweep.prepared()
    columns = ("prompt", "chosen", "rejected")
    as_chat = open_questions.as_chat(tokenizer, train)
    assert [{name: pair[name] for name in columns} for pair in as_chat] == pairs
    assert not {pair["topic"] for pair in held_out} & {pair["topic"] for pair in train}
