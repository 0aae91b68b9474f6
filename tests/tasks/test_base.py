"""A task says how a model is asked and a reply is read; both tasks offer the same, each in its own form."""

import random
from dataclasses import replace

import pytest

from course_utils import data
from course_utils.tasks import base
from course_utils.tasks.toy_desk import replies
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import byte_tokenizer

CHAT = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TRAIN = records(36)
A, B = "Team: Owls | Priority: low | Answer: 4", "Team: Owls | Priority: high | Answer: 5"


@pytest.fixture(params=base.TASKS)
def task(request):
    return base.find(request.param)


def test_a_task_is_found_by_its_name_and_no_other_is():
    assert base.find("toy_desk").name == "toy_desk" and base.DEFAULT in base.TASKS
    with pytest.raises(ValueError, match="no task 'desk'.*helpdesk, toy_desk"):
        base.find("desk")


def test_every_record_is_right_by_its_own_task_and_a_foreign_reply_is_not(task):
    for record in task.read("test")[:50]:
        marks = task.grade(record, record["completion"])
        assert all(marks.values()) and set(marks) == {"form", "whole", *task.names}
        assert task.gold_reward(record, record["completion"]) == 1
        assert task.written(task.parse(record["completion"])) == record["completion"].strip()
        assert not any(task.grade(record, "I do not know.").values())
    assert task.rationale(record) and task.parse(task.written(dict.fromkeys(task.names, "x")))


def test_the_facts_that_a_message_needs_are_near(task):
    known = task.statements()
    asked = [record for record in task.read("test") if record["facts"]][:60]
    near = [task.facts_for(record["prompt"], 3) for record in asked]
    assert all(len(facts) == 3 and set(facts) <= set(known.values()) for facts in near)
    assert sum(known[record["facts"][0]] in facts for record, facts in zip(asked, near)) > 30


def test_instructions_and_systems_are_filled_in(task):
    train = task.read("train")[:100]
    for text in (*task.instructions.values(), *task.systems.values()):
        described = task.described(text, train)
        assert "{teams}" not in described and "{form}" not in described
    assert task.instructions["none"] == ""


def test_a_chat_has_the_instruction_in_the_first_user_turn():
    chat, tokenizer = replace(TASK, chat=True, system="Be brief."), byte_tokenizer(template=CHAT)
    text = chat.conversation(tokenizer, TRAIN[:2], "Message: Why?\nRecord:", "Sort.")
    system, first, one, second, two, third, rest = text.split("<|end|>")
    assert system == "<|system|>Be brief." and first.startswith("<|user|>Sort.\n\n")
    assert one == f"<|assistant|>{TRAIN[0]['completion'].strip()}" and "Sort" not in second
    assert third == "<|user|>Why?" and rest == "<|assistant|>" and two.startswith("<|assistant|>Team: ")
    assert chat.asked(tokenizer, "Why?").count("<|user|>") == 1
    alone = replace(chat, system="").asked(tokenizer, "Why?")
    assert alone == "<|user|>Why?<|end|><|assistant|>"


def test_in_training_the_loss_is_on_the_completion_and_the_end_token():
    chat, tokenizer = replace(TASK, chat=True, system="Be brief."), byte_tokenizer(template=CHAT)
    for each in (TASK, chat):
        (example,) = data.encode(tokenizer, each.training_records(tokenizer, TRAIN[:1]))
        counted = [i for i, counts in zip(example["input_ids"], example["mask"]) if counts]
        assert counted[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(counted[:-1]) == each.said(TRAIN[0]["completion"])
        before = example["input_ids"][: -len(counted)]
        assert tokenizer.decode(before) == each.asked(tokenizer, TRAIN[0]["prompt"])


def test_the_vote_is_taken_field_by_field():
    c = "Team: Hawks | Priority: high | Answer: 5"
    assert base.vote(TASK, [A, B, c]) == B
    assert base.vote(TASK, ["nonsense", c]) == c and base.vote(TASK, ["nonsense", "more"]) == "nonsense"


def test_the_toy_desk_samples_as_it_always_has():
    toy = base.find("toy_desk")
    train = toy.read("train")
    for k, seed in ((1, 0), (8, 3), (200, 1)):
        assert toy.sample(train, k, seed) == replies.stratified(train, k, seed)


def test_records_of_ones_own_need_nothing_but_an_answer():
    own = base.of_records("glass-box")
    record = {"prompt": "2 + 2", "completion": " 4"}
    assert own.grade(record, "4 ") == {"whole": True} and own.grade(record, "5") == {"whole": False}
    assert own.common([record], "team") == [] and own.sample([record], 1, 0) == [record]
    contains = base.of_records("glass-box", score=lambda r, reply: r["completion"].strip() in reply)
    assert contains.grade(record, "It is 4.")["whole"]


def test_results_of_two_tasks_never_meet(tmp_path):
    files = {base.results_file(base.find(n), "tuning.json", tmp_path).name for n in base.TASKS}
    assert files == {"tuning.json", "tuning_toy_desk.json", "tuning_toy_desk_smollm2.json"}


def test_a_task_offers_demonstrations_of_mixed_quality_and_worse_replies(task):
    train = task.read("train")[:120]
    noisy = task.mixed_quality(train, 1)
    good = {record["id"]: record["completion"] for record in train}
    kept = sum(record["completion"] == good[record["id"]] for record in noisy)
    assert 0.35 < kept / len(noisy) < 0.7 and noisy == task.mixed_quality(train, 1)
    assert noisy != task.mixed_quality(train, 2)
    worsen, rng = task.worsener(train), random.Random(0)
    worse = [worsen(record, rng) != record["completion"] for record in train]
    assert sum(worse) > 0.6 * len(train)
    check = task.problems(train)
    assert sum(not check(record) for record in train) > 0.95 * len(train)


def test_a_task_has_its_pairs_as_it_asks_and_says(tmp_path):
    task = base.find("toy_desk")
    tokenizer = byte_tokenizer(template=CHAT)
    train, held_out = task.pairs("train"), task.pairs("held_out")
    assert len(train) >= 300 and len(held_out) >= 100
    assert len(task.pairs()) >= len(train) + len(held_out)
    assert not {pair["prompt"] for pair in train} & {pair["prompt"] for pair in held_out}
    pair = task.training_pairs(tokenizer, train)[0]
    assert pair["prompt"] == task.asked(tokenizer, train[0]["prompt"])
    for side in ("chosen", "rejected"):
        assert pair[side] == task.said(train[0][side])
    with pytest.raises(FileNotFoundError, match="has no preferences"):
        task.in_folder(tmp_path).pairs()


def test_while_settings_are_tried_the_sizes_are_those_of_a_trial():
    sizes = base.find("helpdesk").for_trials()
    assert sizes.feedback.updates < base.find("helpdesk").feedback.updates
    assert sizes.synthesis.written < base.find("helpdesk").synthesis.written
    assert base.find("toy_desk").for_trials().feedback == base.Feedback()
