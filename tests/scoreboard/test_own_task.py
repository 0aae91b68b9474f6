"""One call climbs the ladder on records of one's own; what cannot be used is told before anything runs."""

import re

import numpy as np
import pytest

from course_utils.scoreboard import own_task
from course_utils.storage.records import read_records, write_records
from course_utils.tasks import lost_property
from course_utils.techniques.base import Result, Technique
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.tiny import tiny_llama

TRAIN = [{"prompt": f"{i} in words:", "completion": " one" if i % 4 else " four"} for i in range(20)]
TEST = [{"prompt": f"{i} in words:", "completion": " one" if i % 4 else " four"} for i in range(20, 32)]
CALLS = []


def learns(model, tokenizer, train, seed, task, skill=1.0):
    """Right on a share of requests that depends on the setting and the seed; notes what it was given."""
    CALLS.append((len(train), seed, skill))
    hit = np.random.default_rng(seed).random(100) < skill
    answers = {r["prompt"]: r["completion"] for r in [*TRAIN, *TEST]}

    def reply(requests):
        return [answers[r] if hit[int(r.split()[0])] else " none" for r in requests]

    return Result(reply, trainable_parameters=7, stored_bytes=30, prompt_tokens=2.0)


@pytest.fixture(autouse=True)
def rungs(monkeypatch):
    CALLS.clear()
    settings = {"toy_desk": [{"skill": s} for s in (0.2, 0.9, 0.5)]}
    monkeypatch.setitem(TECHNIQUES, "learns", Technique("learns", "control", "99", learns, settings))
    monkeypatch.setattr(own_task.models, "load", lambda name: tiny_llama())


def test_one_call_gives_one_table():
    outcome = own_task.run(TRAIN, TEST, ["learns"])
    assert [row["rung"] for row in outcome.rows] == ["most_frequent", "learns"]
    constant, learned = outcome.rows
    assert constant["right"] == 9 / 12 and learned["right"] == 1.0
    assert learned["trainable_parameters"] == 7 and learned["stored_bytes"] == 30
    assert outcome.items["most_frequent"].shape == (1, 12)
    assert outcome.replies["learns"][0] == TEST[0]["completion"].strip()
    value, low, high = outcome.compare("learns", "most_frequent")
    assert value == pytest.approx(0.25) and 0 <= low < value < high
    assert "learns" in repr(outcome) and "1.00" in outcome._repr_html_()
    assert CALLS == [(20, 0, 1.0)], "one trial: the technique's own setting, nothing tried on dev"


def test_settings_are_chosen_on_a_part_of_train_and_seeds_learn_from_all():
    outcome = own_task.run(TRAIN, TEST, ["learns"], seeds=2, trials=3, progress=None)
    assert outcome.rows[1]["setting"] == {"skill": 0.9}
    tried, reported = CALLS[:3], CALLS[3:]
    assert {count for count, _, _ in tried} == {16} and {skill for _, _, skill in tried} == {0.2, 0.9, 0.5}
    assert reported == [(20, 0, 0.9), (20, 1, 0.9)] and outcome.items["learns"].shape == (2, 12)


def test_what_cannot_be_used_is_told_before_anything_runs(tmp_path):
    with pytest.raises(ValueError, match="no technique 'lora'"):
        own_task.run(TRAIN, TEST, ["learns", "lora"])
    with pytest.raises(ValueError, match="specialists: made for a help desk"):
        own_task.run(TRAIN, TEST, ["specialists"])
    with pytest.raises(ValueError, match="dpo: made for a help desk"):
        own_task.run(TRAIN, TEST, ["dpo"])
    with pytest.raises(ValueError, match="1 prompts of test stand in train"):
        own_task.run(TRAIN, [*TEST, TRAIN[0]], ["learns"])
    (tmp_path / "bad.jsonl").write_text('{"prompt": "x"}\n', "utf-8")
    with pytest.raises(ValueError, match="row 1: completion is missing"):
        own_task.run(tmp_path / "bad.jsonl", TEST, ["learns"])
    assert not CALLS


def test_the_command(tmp_path, capsys):
    for name, records in (("train", TRAIN), ("test", TEST)):
        write_records(tmp_path / f"{name}.csv", records)
    files = ["--train", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv")]
    assert own_task.main([*files, "--rungs", "learns"]) == 0
    assert "most_frequent" in capsys.readouterr().out
    assert own_task.main([*files, "--rungs", "nothing"]) == 1
    assert "no technique" in capsys.readouterr().err


def test_the_shipped_task_is_what_its_maker_makes(tmp_path):
    lost_property.main(["--out", str(tmp_path)])
    for name in ("train.jsonl", "test.jsonl"):
        assert (tmp_path / name).read_bytes() == (lost_property.FOLDER / name).read_bytes()
    train, test = (read_records(tmp_path / f"{part}.jsonl") for part in ("train", "test"))
    assert (len(train), len(test)) == (lost_property.TRAIN, lost_property.TEST)
    assert not {r["prompt"] for r in train} & {r["prompt"] for r in test}
    named = " ".join(r["prompt"] for r in train).replace(".", " ").split()
    things = {r["id"]: r["completion"].split(":")[0].split()[-1] for r in test}
    assert all((things[r["id"]] not in named) == r["new"] for r in test)
    assert 0.4 < sum(r["new"] for r in test) / len(test) < 0.6
    lines = {
        (r["skill"], *re.search(r": (\w+), (\w+) shelf, ", r["completion"]).groups()) for r in train + test
    }
    assert lines == {(kind, kind, shelf) for kind, shelf in lost_property.SHELVES.items()}


def test_the_frames_of_train_and_test_differ():
    train, test = ({f.split("{")[0] for f in lost_property.FRAMES[part]} for part in ("train", "test"))
    assert not set(lost_property.FRAMES["train"]) & set(lost_property.FRAMES["test"])
    assert len(train) >= 6 and len(test) == 4


@pytest.mark.slow
def test_the_shipped_task_by_one_call(monkeypatch):
    """The embedded model, trained rungs and all."""
    monkeypatch.undo()
    files = (lost_property.FOLDER / f"{part}.jsonl" for part in ("train", "test"))
    outcome = own_task.run(*files, ["few_shot_nearest", "lora_all"])
    assert outcome.compare("lora_all", "most_frequent")[1] > 0.1
