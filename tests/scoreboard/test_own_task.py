"""One call climbs the ladder on records of one's own; what cannot be used is told before anything runs."""

import json
import re

import numpy as np
import pytest

from course_utils.scoreboard import own_outcome, own_task
from course_utils.storage.records import BadRecords, read_records, write_records
from course_utils.tasks import lost_property
from course_utils.techniques.base import Result, Technique
from course_utils.techniques.registry import TECHNIQUES
from tests.helpers.tiny import tiny_llama

TRAIN = [{"prompt": f"{i} in words:", "completion": " one" if i % 4 else " four"} for i in range(20)]
TEST = [{"prompt": f"{i} in words:", "completion": " one" if i % 4 else " four"} for i in range(20, 32)]
CALLS = []


def learns(model, tokenizer, train, seed, task, skill=1.0):
    """Right on a share of requests that depends on the setting and the seed; notes what it was given."""
    CALLS.append((len(train), seed, skill, task))
    hit = np.random.default_rng(seed).random(100) < skill
    answers = {r["prompt"]: r["completion"] for r in [*TRAIN, *TEST]}

    def reply(requests):
        return [answers[r] if hit[int(r.split()[0])] else " none" for r in requests]

    return Result(reply, trainable_parameters=7, stored_bytes=30, prompt_tokens=2.0)


@pytest.fixture(autouse=True)
def learner(monkeypatch):
    CALLS.clear()
    settings = {"toy_desk": [{"skill": s} for s in (0.2, 0.9, 0.5)]}
    monkeypatch.setitem(TECHNIQUES, "learns", Technique("learns", "control", "99", learns, settings))
    monkeypatch.setattr(own_task.models, "load", lambda name: tiny_llama())


def test_one_call_gives_one_table_with_the_cheap_baselines_first():
    outcome = own_task.run(TRAIN, TEST, ["learns"])
    assert [r["technique"] for r in outcome.rows] == [
        "majority",
        "nearest_copy",
        "tfidf_classifier",
        "learns",
    ]
    constant, *_, learned = outcome.rows
    assert constant["right"] == 9 / 12 and learned["right"] == 1.0
    assert learned["trainable_parameters"] == 7 and learned["stored_bytes"] == 30
    assert outcome.items["majority"].shape == (1, 12)
    assert outcome.replies["learns"][0] == TEST[0]["completion"].strip()
    value, low, high = outcome.compare("learns", "majority")
    assert value == pytest.approx(0.25) and low < value < high
    assert "learns" in repr(outcome) and "1.00" in outcome._repr_html_()
    assert [call[:3] for call in CALLS] == [(20, 0, 1.0)], "one trial: the technique's own setting"


def test_the_real_model_is_asked_in_its_chat_and_trained_within_minutes():
    own_task.run(TRAIN, TEST, ["learns"], progress=None)
    task = CALLS[0][-1]
    assert task.model == "smollm2" and task.chat and task.budget == (None, 40, 4)
    assert task.room == len("four") + 1 + own_task.SPARE, "a token a byte, the space in front among them"
    own_task.run(TRAIN, TEST, ["learns"], model="glass-box", progress=None)
    assert CALLS[1][-1].model == "glass-box" and not CALLS[1][-1].chat


def test_settings_are_chosen_on_a_part_of_train_and_seeds_learn_from_all():
    outcome = own_task.run(TRAIN, TEST, ["learns"], 2, trials=3, model="glass-box", progress=None)
    assert outcome.rows[-1]["setting"] == {"skill": 0.9}
    calls = [call[:3] for call in CALLS]
    tried, reported = calls[:3], calls[3:]
    assert {count for count, _, _ in tried} == {16} and {skill for *_, skill in tried} == {0.2, 0.9, 0.5}
    assert reported == [(20, 0, 0.9), (20, 1, 0.9)] and outcome.items["learns"].shape == (2, 12)


def test_the_help_desk_s_settings_suit_the_real_model_and_name_no_prompt_of_the_desk():
    for trials in (1, 4):
        for name in ("few_shot_nearest", "few_shot", "zero_shot", "lora_all", "full", "prompt_tuning"):
            settings = own_task._settings(TECHNIQUES[name], trials, "smollm2", "", 10)
            assert settings and all(s.get("instruction", "none") == "none" for s in settings)
            assert all(s.get("k", 0) <= 8 for s in settings), "a tenth of ten records are kept for dev"
            assert len({json.dumps(s) for s in settings}) == len(settings)
    (setting,) = own_task._settings(TECHNIQUES["full"], 1, "smollm2", "", 10)
    assert setting["lr"] <= 4e-4, (
        "what dev chose on the help desk; the glass box's rate would wreck the real model"
    )
    (setting,) = own_task._settings(TECHNIQUES["zero_shot"], 1, "glass-box", "Sort this.", 10)
    assert setting["instruction"] == "own"


def test_the_instruction_reaches_prompts():
    outcome = own_task.run(TRAIN, TEST, ["zero_shot"], instruction="Write it in words.", progress=None)
    assert outcome.rows[-1]["setting"]["instruction"] == "own"


def test_what_cannot_be_used_is_told_before_anything_runs(tmp_path):
    with pytest.raises(ValueError, match="no technique 'lora'"):
        own_task.run(TRAIN, TEST, ["learns", "lora"])
    with pytest.raises(ValueError, match="specialists: made for a help desk"):
        own_task.run(TRAIN, TEST, ["specialists"])
    with pytest.raises(ValueError, match="dpo: made for a help desk"):
        own_task.run(TRAIN, TEST, ["dpo"])
    with pytest.raises(BadRecords, match=r"row 13: its prompt stands in train, too \(row 1\): delete it"):
        own_task.run(TRAIN, [*TEST, TRAIN[0]], ["learns"])
    (tmp_path / "bad.jsonl").write_text('{"prompt": "x", "completion": ""}\n', "utf-8")
    with pytest.raises(BadRecords, match="row 1: completion is empty: fill it in, or delete the row"):
        own_task.run(tmp_path / "bad.jsonl", TEST, ["learns"])
    with pytest.raises(BadRecords, match="row 2: completion is missing: add it"):
        own_task.run([TRAIN[0], {"prompt": "x"}], TEST, ["learns"])
    with pytest.raises(ValueError, match="no grader 'nearly'"):
        own_task.run(TRAIN, TEST, ["learns"], grader="nearly")
    long = {"prompt": "word " * 200, "completion": "x"}
    with pytest.raises(BadRecords, match=r"row 21: \d+ tokens with its reply, more than the model's 256"):
        own_task.run([*TRAIN, long], TEST, ["learns"])
    assert not CALLS


def test_other_graders_grade():
    def starts(record, reply):
        return reply.startswith(record["completion"].strip()[0])

    for grader, right in ((starts, 1.0), ("contains", 1.0), ({"name": "regex", "pattern": "^n"}, None)):
        if right is None:
            with pytest.raises(BadRecords, match="row 1: the pattern finds nothing in the completion"):
                own_task.run(TRAIN, TEST, ["learns"], grader=grader, progress=None)
        else:
            outcome = own_task.run(TRAIN, TEST, ["learns"], grader=grader, progress=None)
            assert outcome.rows[-1]["right"] == right


def test_right_answers_among_other_words_are_pointed_out(monkeypatch):
    def chatty(model, tokenizer, train, seed, task):
        return Result(lambda requests: ["It is one." for _ in requests])

    monkeypatch.setitem(TECHNIQUES, "chatty", Technique("chatty", "control", "99", chatty, {}))
    said = "chatty: 9 of 12 replies say the right answer among other words: see --grader contains."
    for grader in ("exact", {"name": "exact"}):
        assert said in own_task.run(TRAIN, TEST, ["chatty"], grader=grader, progress=None).notes
    assert said not in own_task.run(TRAIN, TEST, ["chatty"], grader="contains", progress=None).notes


def test_a_technique_that_fails_leaves_the_others(monkeypatch, tmp_path):
    def fails(model, tokenizer, train, seed, task):
        raise RuntimeError("out of memory.")

    monkeypatch.setitem(TECHNIQUES, "fails", Technique("fails", "control", "99", fails, {}))
    outcome = own_task.run(TRAIN, TEST, ["fails", "learns"], out=tmp_path, progress=None)
    assert "fails is left out: out of memory." in outcome.notes and outcome.rows[-1]["technique"] == "learns"
    assert "fails" in own_outcome.load(tmp_path).notes[-1]


def test_a_column_group_is_drawn_whole():
    grouped = [record | {"group": i // 6} for i, record in enumerate(TEST)]
    outcome = own_task.run(TRAIN, grouped, ["learns"], progress=None)
    assert outcome.groups == ["0"] * 6 + ["1"] * 6
    # Nine of twelve are "one": four of the first six, five of the others. Only two groups can be drawn.
    assert outcome.rows[0]["low"] == pytest.approx(4 / 6) and outcome.rows[0]["high"] == pytest.approx(5 / 6)


def test_texts_have_no_classifier_and_the_table_says_so():
    train = [r | {"completion": f" text number {i}"} for i, r in enumerate(TRAIN)]
    outcome = own_task.run(train, TEST, ["learns"], progress=None)
    assert "tfidf_classifier" not in outcome.items
    assert "tfidf_classifier is left out: the completions are texts, not labels." in repr(outcome)


def test_the_command(tmp_path, capsys):
    for name, records in (("train", TRAIN), ("test", TEST)):
        write_records(tmp_path / f"{name}.csv", records)
    files = ["--train", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv")]
    out = tmp_path / "run"
    assert own_task.main([*files, "--technique", "learns", "--grader", "contains", "--out", str(out)]) == 0
    assert "majority" in capsys.readouterr().out
    assert own_outcome.load(out).rows[-1]["technique"] == "learns"
    assert own_task.main([*files, "--technique", "nothing"]) == 1
    assert "no technique" in capsys.readouterr().err
    assert own_task.main([*files, "--technique", "learns", "--pattern", "x"]) == 1
    assert "A pattern belongs to the grader regex" in capsys.readouterr().err


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
    """The embedded model, trained techniques and all."""
    monkeypatch.undo()
    files = (lost_property.FOLDER / f"{part}.jsonl" for part in ("train", "test"))
    outcome = own_task.run(*files, ["few_shot_nearest", "lora_all"], model="glass-box")
    assert outcome.compare("lora_all", "majority")[1] > 0.1
