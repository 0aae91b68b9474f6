"""Ten facts are learned by the recipe or without a part of it, and every run says what else changed."""

import pytest

from course_utils import training
from course_utils.experiments import own_facts, runner
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Tiny models, few steps, and a file of its own; the settings that `run.learn` was given."""
    given = []

    def learn(model, tokenizer, records, method, settings, never, progress):
        given.append((len(records), method, settings, never))
        return model, training.History([{"loss": 1.0}])

    monkeypatch.setattr(own_facts.models, "load", lambda *name: tiny_llama())
    monkeypatch.setattr(own_facts.models, "fingerprint", lambda name: f"{name}@0")
    monkeypatch.setattr(own_facts.run, "learn", learn)
    monkeypatch.setattr(own_facts.few_records, "replies", lambda model, tokenizer, asked: ["?"] * len(asked))
    monkeypatch.setattr(
        own_facts.probe, "replies", lambda model, tokenizer: ["?"] * len(own_facts.probe.QUESTIONS)
    )
    monkeypatch.setattr(own_facts, "FILE", tmp_path / "own_facts.json")
    monkeypatch.setattr(own_facts.models, "count_parameters", lambda model: 135_000_000)
    return given


def test_a_killed_sweep_goes_on_where_it_stopped(small, monkeypatch):
    monkeypatch.setattr(own_facts, "TABLES", {"recipe": own_facts.TABLES["recipe"][:2]})
    runner.run(own_facts, ["recipe"])
    runner.run(own_facts, ["recipe"])
    assert len(small) == 2 and len(own_facts.read("recipe")) == 2
    assert own_facts.read("recipe")[0]["new_errors"] == 0 and own_facts.read("recipe")[0]["n"] == 10


def test_a_part_is_left_out_and_the_steps_are_as_many(small):
    own_facts.without("person", "rehearsal")
    own_facts.without("person", "other wordings")
    (count, _, no_rehearsal, never), (repeated, _, no_wordings, _) = small
    assert no_rehearsal["anchor"] == 0 and no_wordings["anchor"] > 0 and len(never) == 10
    assert count * no_rehearsal["copies"] == repeated * no_wordings["copies"] and no_wordings["copies"] == 1
