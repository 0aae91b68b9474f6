"""Word problems by GRPO: what is trained on is never graded, and curves are graded where the plan says."""

import pytest

from course_utils import models
from course_utils.experiments import __main__ as command
from course_utils.experiments import rlhf_word_problems as sweep
from course_utils.tasks import word_problems
from tests.helpers.tiny import tiny_llama


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The sweep on a tiny random model, in two updates, with gradings that cost nothing."""
    monkeypatch.setattr(models, "load", lambda name: tiny_llama(context=1024))
    monkeypatch.setattr(models, "fingerprint", lambda name: f"{name}@0")
    monkeypatch.setattr(word_problems, "ROOM", 4)
    monkeypatch.setattr(word_problems, "accuracy", lambda model, tokenizer, **how: {3: (1, 2)})
    changed = {"FILE": tmp_path / "problems.json", "UPDATES": 4, "EVERY": 2, "TRIED": 1, "DEV": 2}
    for name, value in (changed | {"PROBLEMS": 2, "GROUP": 2, "FEW": 1}).items():
        monkeypatch.setattr(sweep, name, value)


def test_a_sweep_is_stored_and_graded_every_few_updates(small, monkeypatch):
    assert command.main(["rlhf_word_problems"]) == 0
    (row, *_), (few,) = sweep.read("curves"), sweep.read("few samples")
    assert len(sweep.read("trials")) == len(sweep.RATES) and len(sweep.read("curves")) == 3
    assert list(row["accuracy"]) == list(few["accuracy"]) == ["0", "2", "4"]
    assert len(row["reward"]) == len(row["alike"]) == 4 and row["lr"] in sweep.RATES
    stored = sweep.FILE.read_text("utf-8")
    monkeypatch.setattr(sweep, "RUNS", {})  # a second sweep has nothing to do
    command.main(["rlhf_word_problems"])
    assert sweep.FILE.read_text("utf-8") == stored


def test_no_problem_that_is_graded_is_trained_on():
    graded = {item.prompt for n in sweep.GRADED for item in word_problems.items(n, sweep.COUNT)}
    for seed in (0, sweep.DEV_SEED):
        prompts, _ = word_problems.task(sweep.STEPS, count=300, seed=seed, asked=sweep.COUNT)
        assert not graded & set(prompts)


def test_the_rate_is_in_the_middle_of_the_best_and_none_before_its_trials(small, monkeypatch):
    with pytest.raises(ValueError, match="run --table trials first"):
        sweep.chosen()
    for rights, place in (((3, 9, 5, 1), 1), ((8, 9, 9, 1), 1), ((1, 2, 3, 9), 3)):  # of 10
        trials = [{"lr": lr, "right": right, "n": 10} for lr, right in zip(sweep.RATES, rights, strict=True)]
        monkeypatch.setattr(sweep, "read", {"trials": trials}.__getitem__)
        assert sweep.chosen() == sweep.RATES[place]


def test_the_stored_rate_lies_inside_its_grid():
    assert sweep.chosen() in sorted(sweep.RATES)[1:-1]
