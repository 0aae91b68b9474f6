"""Preference pairs: labels, reasons, noise, and a command that repeats itself."""

import json
import random

import pytest

from course_utils.rlhf import preferences
from course_utils.tasks.toy_desk import gold, noisy_demonstrations
from course_utils.tasks.toy_desk.records import read as read_desk
from tests.helpers.tiny import tiny_llama

TRAIN = read_desk("train")
DEV = read_desk("dev")
COLUMNS = ["id", "split", "record", "prompt", "chosen", "rejected", "chosen_by", "rejected_by"]
COLUMNS += ["chosen_gold", "rejected_gold", "flipped", "reason"]


@pytest.fixture
def without_models(monkeypatch):
    """Replies made from the records instead of sampled from models."""

    def replies(base, sft, tokenizer, records, shots, seed, progress):
        asked = [[("base", " ?"), ("few_shot", gold.hedged(record))] for record in records]
        return [[*some, ("sft", record["completion"])] for some, record in zip(asked, records)]

    monkeypatch.setattr(preferences, "sample_replies", replies)
    monkeypatch.setattr(preferences.models, "load", lambda name: (None, None))
    monkeypatch.setattr(preferences.training_cache, "sft", lambda *arguments, **settings: 0.0)


def reply(answer, team="orange", priority="normal"):
    return f" Team: {team} | Priority: {priority} | Answer: {answer}"


def test_reasons_in_their_order():
    record = next(r for r in TRAIN if r["skill"] == "tone")
    right = record["completion"]
    fields = gold.parse(right)
    want, team, level = fields["answer"], fields["team"], fields["priority"]
    worse = {
        "it has team, priority and answer, the other does not": " I do not care.",
        "its answer is right, the other's right, hedged": gold.hedged(record),
        "it has the right team": reply(want, "turquoise", level),
        "it has the right priority": reply(want, team, "low"),
        "it is polite, the other is rude": reply(f"You fool. {want}", team, level),
        "it signs off, the other does not": reply(want.removesuffix(" Your Ombly."), team, level),
        "it says sorry, the other does not": reply(want.replace("We are sorry about", "Oh,"), team, level),
    }
    for expected, text in worse.items():
        assert gold.gold_reward(record, text) < gold.gold_reward(record, right), expected
        assert preferences.reason(record, right, text) == expected


def test_a_label_follows_the_gold_reward_and_noise_turns_it_round():
    record = TRAIN[0]
    replies = [("sft", record["completion"]), ("base", " What?")]
    clean = preferences.labeled(record, replies, random.Random(0), noise=0.0)
    assert clean["chosen"] == record["completion"] and clean["chosen_by"] == "sft"
    assert (clean["chosen_gold"], clean["rejected_gold"], clean["flipped"]) == (1.0, -2.0, False)
    noisy = preferences.labeled(record, replies, random.Random(0), noise=1.0)
    assert (noisy["chosen"], noisy["rejected"]) == (clean["rejected"], clean["chosen"])
    assert noisy["flipped"] and noisy["reason"] == f"a slip, for the other one is better: {clean['reason']}"
    assert preferences.labeled(record, replies[:1] * 2, random.Random(0), 0.0) is None


def test_the_command_writes_the_columns_and_repeats_itself(without_models, tmp_path, capsys):
    out = tmp_path / "pairs.jsonl"
    command = ["--train", "200", "--held-out", "20", "--unseen", "10", "--out", str(out)]
    preferences.main(command)
    first = out.read_bytes()
    assert "230 pairs" in capsys.readouterr().out
    preferences.main(command)
    assert out.read_bytes() == first
    pairs = preferences.read(path=out)
    assert all(list(pair) == COLUMNS for pair in pairs)
    assert len({pair["id"] for pair in pairs}) == len({pair["prompt"] for pair in pairs}) == 230

    train, held_out, unseen = (preferences.read(split, out) for split in preferences.SPLITS)
    assert (len(train), len(held_out), len(unseen)) == (200, 20, 10)
    for pairs_of_use, use in ((train, "pairs"), (held_out, "held_out")):
        new = {record["prompt"] for record in noisy_demonstrations.messages(TRAIN, use)}
        assert {pair["prompt"] for pair in pairs_of_use} <= new
    assert {pair["prompt"] for pair in unseen} <= {record["prompt"] for record in DEV}
    assert not any(pair["flipped"] for pair in held_out + unseen)
    assert 0.04 < sum(pair["flipped"] for pair in train) / 200 < 0.18
    for pair in pairs:
        assert (pair["chosen_gold"] > pair["rejected_gold"]) != pair["flipped"]
    assert json.loads(first.splitlines()[0])["chosen"].startswith(" ")


def test_too_few_records_are_told(without_models):
    with pytest.raises(ValueError, match="only 5 pairs for unseen"):
        preferences.build(TRAIN, DEV[:5], {"train": 3, "held_out": 2, "unseen": 9})


def test_replies_are_sampled_from_every_source():
    model, tokenizer = tiny_llama(context=1024)
    replies = preferences.sample_replies(
        model, model, tokenizer, TRAIN[:2], TRAIN[2:4], seed=1, progress=False
    )
    sources = [name for name, count in preferences.SAMPLES.items() for _ in range(count)]
    assert [[name for name, _ in own] for own in replies] == [sources] * 2
    assert len({text for own in replies for _, text in own}) > 6
    assert replies == preferences.sample_replies(model, model, tokenizer, TRAIN[:2], TRAIN[2:4], 1, False)
