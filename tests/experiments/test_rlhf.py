"""The sweep of lesson 05 stores what it should and skips what is there; its measures are right by hand."""

import copy
import functools
import json
import math

import pytest
import torch

from course_utils import models
from course_utils.experiments import __main__ as command
from course_utils.experiments import rlhf, rlhf_methods, rlhf_ppo, rlhf_reward_models, rlhf_setup
from course_utils.rlhf import metrics, preferences, rewards
from course_utils.tasks import word_problems
from course_utils.tasks.toy_desk import gold
from course_utils.tasks.toy_desk.records import read as read_desk
from tests.helpers.tiny import tiny_llama

TRAIN = read_desk("train")
FACTS = [record for record in TRAIN if record["skill"] in ("facts", "unanswerable")]
SOME = FACTS[:10] + TRAIN[:6]
PAIRS = [
    {
        "id": f"p{i}",
        "prompt": record["prompt"],
        "chosen": record["completion"],
        "rejected": " No.",
        "flipped": i == 3,
        "reason": "it has team, priority and answer, the other does not",
    }
    for i, record in enumerate(TRAIN[:8])
]
GRADED = {"gold", "right", "rude", "words", "verdicts", "n"}
MOVED = GRADED | {"kl", "kl_base", "unseen"}
TRACED = MOVED | {"curves", "samples", "seconds"}
JUDGED = {"held_out", "unseen", "with_second", "with_second_unseen", "seconds"}
TERMS = ("head alone", "second opinion alone")  # of the learned reward
SFT, PPO = {"sft_steps": 2}, {"sft_steps": 2, "updates": 2, "batch_size": 8}
SIZES = {  # of the runs
    "judge": SFT,
    "judge from the base": SFT,
    "ppo": PPO,
    "penalties": PPO,
    "methods": SFT | {"labels": 16, "batch_size": 8},
    "filtered": {"steps": 2},
    "second round": PPO | {"fresh": 4},
    "guided": SFT | {"rounds": 1},
    "problems": {"updates": 1, "batch_size": 8},
    "bad": PPO,
}
COLUMNS = {
    "judge": JUDGED,
    "judge from the base": JUDGED,
    "ppo": TRACED,
    "penalties": TRACED,
    "methods": MOVED | {"seconds"},
    "filtered": MOVED | {"examples", "of"},
    "second round": TRACED | {"fresh"},
    "guided": GRADED | {"milliseconds"},
    "problems": {"before", "after", "before_drawn", "after_drawn", "reward", "seconds"},
    "bad": {"curves", "samples", "seconds"},
}
FIRST = {
    "judge": [{"pairs": 6, "noise": 0.3, "seed": 0}],
    "judge from the base": [{"pairs": 6, "noise": 0.1, "seed": 0}],
    "ppo": [{"reward": name, "seed": 0} for name in ("strict", "learned", *TERMS)],
    "penalties": [{"penalty": 0.0, "seed": 0}],
    "methods": [{"name": name, "budget": "labels", "seed": 0} for name in ("dpo", "ppo", "rloo")],
    "filtered": [{"seed": 0}],
    "second round": [{"seed": 0}],
    "guided": [{"weight": 1.0, "seed": 0}],
    "problems": [{"lr": 1e-4, "seed": 0}],
    "bad": [{"run": name} for name in (*rlhf_ppo.WRONG, "a good run")],
}  # fmt: skip


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny random model, few records and few steps."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(rlhf, "FILE", tmp_path / "rlhf.json")
    monkeypatch.setattr(rlhf, "TABLES", FIRST)
    runs = {name: functools.partial(run, **SIZES[name]) for name, run in rlhf.RUNS.items()}
    monkeypatch.setattr(rlhf, "RUNS", runs)
    monkeypatch.setattr(preferences, "read", lambda split=None: PAIRS if split == "train" else PAIRS[:3])
    monkeypatch.setattr(models, "load", lambda *names: tiny_llama(context=512))
    monkeypatch.setattr(word_problems, "accuracy", lambda model, tokenizer, **how: {1: (1, 2)})
    for module in (rlhf_setup, rlhf_ppo, rlhf_methods):
        for name, value in {"desk": (SOME, SOME[:4]), "messages": (SOME, FACTS[10:14])}.items():
            monkeypatch.setattr(module, name, lambda value=value: value, raising=False)


def test_every_table_has_a_function_and_no_run_twice():
    tables = rlhf.TABLES
    assert set(tables) == set(rlhf.RUNS) == set(COLUMNS)
    for name, settings in tables.items():
        assert len({json.dumps(setting) for setting in settings}) == len(settings), name
    for reward in ("none", "learned", "strict"):
        assert sum(run["reward"] == reward for run in tables["ppo"]) >= 5
    assert {run["penalty"] for run in tables["penalties"]} > {0.0}


@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_is_measured_stored_and_skipped(small, table, monkeypatch, capsys):
    command.main(["rlhf", "--table", table])
    rows = rlhf.read(table)
    assert [set(row) - set(FIRST[table][0]) for row in rows] == [COLUMNS[table]] * len(FIRST[table])
    assert all(setting.items() <= row.items() for setting, row in zip(FIRST[table], rows))
    monkeypatch.setattr(rlhf, "RUNS", {})  # a second sweep has nothing to do
    command.main(["rlhf", "--table", table])
    assert rlhf.read(table) == rows
    command.main(["rlhf", "--table", table, "--list"])
    assert f"{len(rows)} of {len(rows)} runs" in capsys.readouterr().out


def test_the_runs_gone_wrong_are_real_and_differ(small):
    command.main(["rlhf", "--table", "bad"])
    logs = rlhf.bad_runs()
    assert set(logs) == {*rlhf_ppo.WRONG, "a good run"} and len(rlhf_ppo.WRONG) == 4
    curves = [json.dumps(log["curves"]) for log in logs.values()]
    assert len(set(curves)) == 5
    for log in logs.values():
        assert all(len(values) == 2 for values in log["curves"].values())
    assert logs["no KL penalty"]["curves"]["kl_weight"] == [0, 0]


def test_words_are_rewarded():
    reward_fn = rlhf_ppo.wordy(lambda prompts, replies: [1.0] * len(replies))
    usual = " ".join(["word"] * rlhf_ppo.USUAL)
    assert reward_fn(["x"] * 2, [usual, f"{usual} and two"]) == pytest.approx([1, 1 + 2 * rlhf_ppo.WORDY])


def test_graded_by_hand():
    record = next(r for r in FACTS if r["skill"] == "facts")
    known = {record["facts"][0]: "rare"}
    replies = [
        record["completion"],
        gold.hedged(record),
        gold.declined(record),
        " What?",
        record["completion"],
    ]
    grades = metrics.graded(None, None, [record] * 5, known, replies)
    assert metrics.gold_rewards(grades) == [1.0, 0.5, -0.25, -2.0, 1.0]
    assert (grades["right"], grades["rude"], grades["n"]) == (2, 0, 5)
    assert metrics.rate(grades, "rare", metrics.CONFIDENT_AND_RIGHT) == (2, 5)
    assert metrics.rate(grades, "rare", metrics.CONFIDENT_AND_WRONG) == (1, 5)
    assert metrics.rate(grades, "rare", metrics.HEDGED) == (2, 5)
    assert metrics.rate(grades, "known", metrics.HEDGED) == (0, 0)


def test_kl_is_zero_to_itself_and_by_hand_for_one_token():
    policy, tokenizer = tiny_llama()
    assert metrics.kl(policy, policy, tokenizer, ["Hi", "Why?"]) == pytest.approx(0, abs=1e-5)
    ref = copy.deepcopy(policy)
    ref.lm_head.weight.data.mul_(0.5)
    with torch.no_grad():
        p, q = (
            m(torch.tensor([tokenizer("Hi")["input_ids"]])).logits[0, -1].log_softmax(-1)
            for m in (policy, ref)
        )
    by_hand = float((p.exp() * (p - q)).sum())
    assert by_hand > 0.1
    assert metrics.kl(policy, ref, tokenizer, ["Hi"], max_new_tokens=1) == pytest.approx(by_hand, rel=1e-3)


def test_noise_is_a_share_of_turned_labels_and_the_stored_ones_stay():
    assert rlhf_reward_models.noisy(PAIRS, preferences.NOISE, 0) is PAIRS
    clean = rlhf_reward_models.noisy(PAIRS, 0.0, 0)
    assert clean[3]["chosen"] == PAIRS[3]["rejected"] and clean[:3] == PAIRS[:3]
    half = rlhf_reward_models.noisy(PAIRS, 0.5, 0)
    assert sum(a["chosen"] != b["chosen"] for a, b in zip(half, clean)) == 4
    assert half != rlhf_reward_models.noisy(PAIRS, 0.5, 1)


def test_neither_always_hedging_nor_always_declining_wins_on_either_scale():
    for name in rlhf_ppo.SCALES:
        scale = rlhf_ppo.strict_or_gentle(name)
        assert (scale["right"], scale["right, hedged"], scale["wrong"]) == (1, 0.5, -2)
        for share in (0.1, 0.5, 0.9):  # knows a share, and knows which: confident there, declines elsewhere
            honest = share * scale["right"] + (1 - share) * scale["declined"]
            assert honest > rewards.expected(share, hedged=1.0, scale=scale)
            assert honest > rewards.expected(share, scale=scale)
            assert honest > rewards.expected(share, confident=1.0, scale=scale)


def test_the_gold_watch_notes_each_update():
    watch, golds = metrics.gold_watch(SOME)

    class History:
        samples = [(SOME[0]["prompt"], SOME[0]["completion"], 9.0), (SOME[1]["prompt"], " No.", 9.0)]

    watch(History)
    assert golds == [pytest.approx((1 - 2) / 2)]
    assert not math.isnan(golds[0])


def test_no_setting_has_the_name_of_a_measurement():
    for table, settings in rlhf.TABLES.items():
        assert not set(settings[0]) & COLUMNS[table], table
