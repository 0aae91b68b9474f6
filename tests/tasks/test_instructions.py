"""The families are what the lesson says: split by content, held out whole, graded by the whole line."""

import random
import re
from collections import Counter

import pytest

from course_utils.corpus import mix
from course_utils.tasks import instructions
from course_utils.tasks.instructions import FAMILIES, HELD_OUT, MIXTURES, TRAINED
from tests.helpers.tiny import tiny_llama

MAKERS = instructions.tasks()


def test_there_are_enough_families_and_some_are_held_out():
    assert set(MAKERS) == set(FAMILIES) and len(TRAINED) >= 8 and len(HELD_OUT) >= 2
    assert set(HELD_OUT) | set(TRAINED) == set(FAMILIES) and not set(HELD_OUT) & set(TRAINED)


@pytest.mark.parametrize("name", MAKERS)
def test_a_task_states_its_instruction_and_its_input(name):
    record = MAKERS[name](random.Random(0))
    assert set(record) == {"prompt", "completion"} and record == MAKERS[name](random.Random(0))
    assert any(wording in record["prompt"] for wording in FAMILIES[name].wordings)
    assert record["prompt"].endswith("### Response:")
    assert record["completion"].startswith(" ") and record["completion"].strip()
    assert "\n" not in record["completion"]


@pytest.mark.parametrize("name", MAKERS)
def test_training_and_test_share_no_content(name):
    def inputs(test):
        rng = random.Random(1)
        return {MAKERS[name](rng, test)["prompt"].split("### Input:\n")[1] for _ in range(300)}

    assert inputs(True) and inputs(False) and not inputs(True) & inputs(False)


@pytest.mark.parametrize(
    "name, text, answer",
    [
        ("capital", "France", "Paris"),
        ("plural", "mouse", "mice"),
        ("opposite", "big", "small"),
        ("past", "go", "went"),
        ("currency", "Germany", "euro"),
        ("german word", "dog", "Hund"),
    ],
)
def test_some_answers_are_right(name, text, answer):
    rng = random.Random(0)
    assert (text, answer) in {FAMILIES[name].draw(rng) for _ in range(5000)}


@pytest.mark.parametrize(
    "name, check",
    [
        ("first", lambda words, reply: reply == words[0]),
        ("last", lambda words, reply: reply == words[-1]),
        ("reverse", lambda words, reply: reply.split() == words[::-1]),
        ("sort", lambda words, reply: reply.split() == sorted(words)),
        ("count", lambda words, reply: int(reply) == len(words)),
    ],
)
def test_list_answers_are_right(name, check):
    rng = random.Random(2)
    for _ in range(50):
        text, answer = FAMILIES[name].draw(rng)
        assert check(text.split(), answer)


def test_no_mixture_holds_a_held_out_family():
    assert len(MIXTURES) == 3
    wordings = {wording for name in HELD_OUT for wording in FAMILIES[name].wordings}
    assert not wordings & {wording for name in TRAINED for wording in FAMILIES[name].wordings}
    for weights in MIXTURES.values():
        drawn = instructions.mixture(weights, 400, seed=0)
        assert len(drawn) == 400
        assert not any(wording in record["prompt"] for record in drawn for wording in wordings)
    with pytest.raises(ValueError, match=HELD_OUT[0]):
        instructions.mixture({HELD_OUT[0]: 1, "plural": 1}, 10, seed=0)


def test_a_mixture_keeps_its_proportions_and_its_seed_decides():
    def counts(weights, seed):
        drawn = instructions.mixture(weights, 600, seed)
        return Counter(
            name
            for record in drawn
            for name in weights
            if any(wording in record["prompt"] for wording in FAMILIES[name].wordings)
        )

    found = counts({"plural": 3, "sort": 1}, 0)
    assert 400 < found["plural"] < 500 and sum(found.values()) == 600
    one, two = (instructions.mixture(MIXTURES["even"], 50, seed) for seed in (0, 1))
    assert one == instructions.mixture(MIXTURES["even"], 50, 0) and one != two


def test_no_document_has_the_form_or_a_wording_of_a_held_out_family():
    drawn = mix.documents(1, 0)
    text = "\n".join(next(drawn)[1] for _ in range(3000))
    assert "### Instruction" not in text
    for name in HELD_OUT:
        assert not any(wording in text for wording in FAMILIES[name].wordings)


def test_items_are_different_fixed_and_enough():
    for name in FAMILIES:
        found = instructions.items(name, 40)
        assert len({record["prompt"] for record in found}) == 40 and found == instructions.items(name, 40)
    with pytest.raises(ValueError, match="currency has only"):
        instructions.items("currency", 3000)


def test_measuring_counts_whole_lines(monkeypatch):
    told = {}

    def generate(model, tokenizer, prompts, max_new_tokens, stop):
        return [told.get(prompt, "no such word") for prompt in prompts]

    monkeypatch.setattr(instructions, "generate", generate)
    assert instructions.measure(None, None, ["plural", "sort"], 10) == {"plural": 0, "sort": 0}
    for record in instructions.items("plural", 10)[:4]:
        told[record["prompt"]] = record["completion"] + "."
    for record in instructions.items("plural", 10)[4:6]:
        told[record["prompt"]] = record["completion"] + " and more"
    assert instructions.measure(None, None, ["plural", "sort"], 10) == {"plural": 4, "sort": 0}


def test_it_asks_a_real_model():
    model, tokenizer = tiny_llama()
    assert instructions.measure(model, tokenizer, ["capital"], 4) == {"capital": 0}


def test_controls_change_the_instructions_and_nothing_else():
    records = instructions.mixture(instructions.MIXTURES["even"], 40, seed=0)
    blank = instructions.without_instructions(records)
    shuffled = instructions.shuffled_instructions(records, seed=0)

    def parts(some):
        found = [re.fullmatch(r"(?s)### Instruction:\n(.*?)\n\n(### Input:\n.*)", r["prompt"]) for r in some]
        return [m[1] for m in found], [m[2] for m in found], [r["completion"] for r in some]

    given, *rest = parts(records)
    assert parts(blank) == ([""] * 40, *rest)
    moved, *same = parts(shuffled)
    assert same == rest and sorted(moved) == sorted(given) and moved != given


def test_shots_are_solved_records_of_the_family_in_the_same_form():
    plain, shown = instructions.items("past", 5), instructions.with_shots("past", 5, 4)
    for item, with_shots in zip(plain, shown):
        assert with_shots["prompt"].endswith(item["prompt"]) and with_shots["prompt"].count("### Input:") == 5
        assert with_shots["prompt"].count(item["prompt"]) == 1, "an item is not its own example"
