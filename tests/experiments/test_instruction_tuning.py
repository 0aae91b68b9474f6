"""The sweep of instruction tuning: what is graded, what each control changes, where its best rate lies."""

import pytest

from course_utils.experiments import instruction_tuning, runner
from course_utils.tasks import instructions
from tests.helpers.tiny import tiny_llama


def said(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@pytest.mark.parametrize(
    "reply, question, answer, strictly, leniently",
    [
        ("Euro.", "Name the currency.\n\nItaly", "euro", True, True),
        ("The currency of Italy is the euro.", "Name the currency.\n\nItaly", "euro", False, True),
        ("neuroscience", "Name the currency.\n\nItaly", "euro", False, False),
        ("The last word is tuba.", "Write the last word.\n\ngood tuba", "tuba", False, True),
        ("good tuba is the list", "Write the last word.\n\ngood tuba", "tuba", False, False),
    ],
)
def test_replies_are_graded_twice(reply, question, answer, strictly, leniently):
    turns = said(question, answer)
    assert instruction_tuning.strict(reply, turns) == strictly
    assert instruction_tuning.lenient(reply, turns) == leniently


def test_the_controls_keep_all_but_the_instruction():
    mixture = instructions.mixture(instructions.MIXTURES["even"], 40, seed=0)
    made = {
        name: [instructions.turns(record) for record in change(mixture, 0)]
        for name, change in instruction_tuning.VARIANTS.items()
    }
    for tuned, removed, shuffled in zip(*made.values(), strict=True):
        instruction, text = tuned[0]["content"].split("\n\n")
        assert removed == said(text, tuned[1]["content"])
        assert shuffled[0]["content"].endswith(f"\n\n{text}") and shuffled[1] == tuned[1]
    assert {t[0]["content"] for t in made["tuned"]} != {
        t[0]["content"] for t in made["instructions shuffled"]
    }


def test_solved_examples_become_turns():
    record = instructions.with_shots("past", 1, 2)[0]
    turns = instructions.turns(record)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 3
    assert turns[-1]["content"] == record["completion"].strip()


def test_every_run_is_kept_with_what_was_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(instruction_tuning.models, "load", lambda *name: tiny_llama(context=1024))
    monkeypatch.setattr(instruction_tuning.models, "fingerprint", lambda name: f"{name}@0")
    monkeypatch.setattr(instruction_tuning, "FILE", tmp_path / "instruction_tuning.json")
    for name, value in {"RECORDS": 8, "ON_DEV": 1, "ON_TEST": 1, "RATES": (1e-3,)}.items():
        monkeypatch.setattr(instruction_tuning, name, value)
    with pytest.raises(ValueError, match="0 of 1 trials of tuned"):
        instruction_tuning.best_rate("tuned")
    tables = {
        "untouched": [{"shots": 1}],
        "rates": [{"variant": "tuned", "lr": 1e-3}],
        "controls": [{"variant": "tuned", "seed": 0}],
    }
    monkeypatch.setattr(instruction_tuning, "TABLES", tables)
    runner.run(instruction_tuning, list(tables))
    held, dev = instruction_tuning.read("controls")[0], instruction_tuning.read("rates")[0]
    assert set(held["strict"]) == set(held["lenient"]) == set(instructions.HELD_OUT)
    assert set(dev["strict"]) == set(instructions.TRAINED) and held["lr"] == 1e-3


def test_conditions_are_gathered_over_their_seeds(monkeypatch):
    marks = {"strict": {"past": "10", "last": "01"}}
    tables = {
        "untouched": [{"shots": 0, **marks}],
        "controls": [{"variant": "tuned", "seed": seed, **marks} for seed in range(2)],
    }
    monkeypatch.setattr(instruction_tuning, "read", tables.get)
    hits = instruction_tuning.held_out("strict")
    assert {name: values.tolist() for name, values in hits.items()} == {
        "as it came": [[1, 0, 0, 1]],
        "tuned": [[1, 0, 0, 1]] * 2,
    }


def test_the_best_stored_rate_is_inside_its_grid():
    rates = {name: instruction_tuning.best_rate(name) for name in instruction_tuning.VARIANTS}
    assert min(instruction_tuning.RATES) < rates["tuned"] < max(instruction_tuning.RATES), rates
