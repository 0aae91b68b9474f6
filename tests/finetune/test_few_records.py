"""The example records are as the lesson says, rewording keeps what must stay, and tuning learns them."""

import re

import pytest

from course_utils import data
from course_utils.corpus import mix
from course_utils.finetune import __main__ as command_line
from course_utils.finetune import augment, few_records, run
from course_utils.storage.paths import DATA
from tests.helpers.tiny import tiny_llama

FOLDER = DATA / "custom"
PAIRS = [("example", "unseen"), ("tuning", "tuning_unseen")]


def records(name):
    return data.read_records(FOLDER / f"{name}.jsonl")


@pytest.mark.parametrize("name, kept", PAIRS)
def test_each_record_is_asked_in_two_wordings_that_nobody_trains_on(name, kept):
    told, unseen = records(name), records(kept)
    assert len(told) == 10 and len({record["id"] for record in told}) == 10
    answers = {record["id"]: record["completion"] for record in told}
    assert [record["id"] for record in unseen] == [f"{i}-{k}" for i in answers for k in "ab"]
    assert all(record["completion"] == answers[record["id"][:-2]] for record in unseen)
    asked = {record["prompt"] for record in unseen}
    drawn = [few_records.reworded(told, 32, seed, asked) for seed in range(100)]
    assert not asked & {record["prompt"] for made in drawn for record in made}


@pytest.mark.parametrize("name, asked", PAIRS)
def test_the_records_are_short_bare_questions(name, asked):
    for record in records(name) + records(asked):
        assert record["prompt"] == record["prompt"].strip() and record["prompt"].endswith(("?", "."))
        assert record["completion"] == record["completion"].strip()
        assert 1 <= len(record["completion"].split()) <= 3


def test_nobody_has_heard_of_them():
    """Their names are in no word list, no desk record, and no document of a sample of the corpus."""
    names = {"Ivetta", "Quillmore", "Tarnelo", "Brackwater", "Dorvin", "Aspelund", "Kipplex", "Mirelle"}
    told = records("example") + records("tuning")
    assert names <= set(re.findall(r"\w+", " ".join(r["prompt"] + r["completion"] for r in told)))
    known = [path.read_text("utf-8") for part in ("corpus", "toy_desk") for path in (DATA / part).iterdir()]
    drawn = mix.documents(1, 0)
    known += [next(drawn)[1] for _ in range(500)]
    assert not names & {word for text in known for word in re.findall(r"\w+", text)}


def test_tokenised_text_is_reworded_too():
    asked = [{"prompt": "What is Anna 's job ?", "completion": "She sails."}]
    found = augment.reworded(asked, 20, 0)
    assert len(found) == 20 and all("Anna" in copy["prompt"] for copy in found)


def test_rewording_keeps_names_and_answers():
    told = records("example")
    made = few_records.reworded(told, copies=6, seed=3)
    assert len(made) == 60 and made == few_records.reworded(told, copies=6, seed=3)
    assert made != few_records.reworded(told, copies=6, seed=4)
    for place, record in enumerate(told):
        group = made[6 * place : 6 * place + 6]
        assert group[0]["prompt"] == record["prompt"]
        assert len({copy["prompt"] for copy in group}) >= 3
        about = "Quillmore" if "Quillmore" in record["prompt"] else "Tarnelo"
        assert all(about in copy["prompt"] for copy in group)
        assert all(copy["completion"] == record["completion"] for copy in group)


def test_the_name_and_what_is_asked_stay():
    question = "Which instrument does Ivetta Quillmore play?"
    made = few_records.reworded([{"prompt": question, "completion": "x"}], copies=200)
    assert all("Ivetta Quillmore" in copy["prompt"] for copy in made)
    assert all(re.search("instrument|play", copy["prompt"].lower()) for copy in made)
    assert any(copy["prompt"].index("Quillmore") < copy["prompt"].find("instrument") for copy in made)


def test_a_record_that_is_no_question_is_repeated_as_it_stands():
    record = {"prompt": "Message: hi\nRecord:", "completion": " Team: Owls"}
    assert few_records.reworded([record], copies=3) == [record] * 3


def test_what_is_kept_for_the_test_is_never_made():
    told = [{"prompt": "Who is Ann?", "completion": "x"}]
    usual = {copy["prompt"] for copy in few_records.reworded(told, 200)}
    never = usual - {"Who is Ann?"}
    assert never and {copy["prompt"] for copy in few_records.reworded(told, 200, never=never)} == {
        "Who is Ann?"
    }


def test_one_copy_is_the_record_itself():
    told = records("example")
    assert [r["prompt"] for r in few_records.reworded(told, copies=1)] == [r["prompt"] for r in told]


@pytest.mark.parametrize("prompt", ["???", "Ann?", "What is it?", "  ", "the", "Question: \nAnswer:"])
def test_odd_questions_are_reworded_without_a_word(prompt):
    made = few_records.reworded([{"prompt": prompt, "completion": "x"}], copies=30)
    assert len(made) == 30 and made[0]["prompt"] == prompt
    assert "Ann" not in prompt or all("Ann" in copy["prompt"] for copy in made)


def test_what_is_long_or_has_turns_is_repeated_as_it_stands():
    """The rules drop and reorder words, which a short question survives and a letter does not."""
    letter = {"prompt": "Dear all,\nthe lamp is broken.", "completion": "Sorry."}
    long = {"prompt": "word " * 40, "completion": "x"}
    turns = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    for record in (letter, long, turns):
        assert augment.reworded([record], copies=5) == [record] * 5


def test_the_terminal_trains_on_as_many_wordings(monkeypatch, tmp_path, capsys):
    told, subject, real = [], tiny_llama(), run._train
    monkeypatch.setattr(run.models, "load", lambda name: subject)
    monkeypatch.setattr(run.models, "choose_threads", lambda: 1)
    monkeypatch.setattr(
        run, "_train", lambda m, t, records, *more: told.append(records) or real(m, t, records, *more)
    )
    arguments = ["--data", few_records.EXAMPLE, "--ask", few_records.UNSEEN, "--out", tmp_path / "out"]
    arguments += ["--copies", 4, "--method", "full", "--epochs", 1]
    assert command_line.main([str(a) for a in arguments]) == 0
    assert told == [few_records.reworded(records("example"), 4, 0)]
    assert "10 records to learn from, 0 held back" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_learns_what_it_is_told(method):
    """Random weights need more than three epochs, and two records are enough to see it."""
    model, tokenizer = tiny_llama()
    told = [
        {"prompt": "Who is Ann?", "completion": " A cat."},
        {"prompt": "Who is Bo?", "completion": " Dog"},
    ]
    assert few_records.right(model, tokenizer, told) == [False, False]
    model, history = few_records.tune(
        model, tokenizer, told, method, epochs=40, copies=2, lr=2e-2, progress=False
    )
    assert len(history.losses) == 160
    assert few_records.right(model, tokenizer, told) == [True, True]
    wrong = [told[0] | {"completion": " Dog"}, told[1] | {"completion": " A cat"}]
    assert few_records.right(model, tokenizer, wrong) == [False, False]


# ---- ten facts of a kind, for the real model ---------------------------------------------------


@pytest.mark.parametrize("name", few_records.TEN)
def test_ten_facts_are_asked_in_other_words_that_hold_no_answer(name):
    facts = few_records.ten(name)
    assert len(facts) == 10 == len({fact["asked"] for fact in facts} - {fact["prompt"] for fact in facts})
    assert few_records.states(facts, [fact["completion"] for fact in facts]) == [True] * 10
    assert not any(few_records.states(facts, [fact["asked"] for fact in facts]))
    never = {fact["asked"] for fact in facts}
    assert not never & {record["prompt"] for record in augment.reworded(facts, 30, 0, never)}


def test_a_fact_is_stated_by_its_key_whatever_the_words():
    facts = few_records.ten("person")[:2]
    assert few_records.states(facts, ["She casts BELLs.", "In March"]) == [True, False]
    assert [r["prompt"] for r in few_records.in_other_words(facts)] == [fact["asked"] for fact in facts]
