"""The benchmark: rivals do the same work, and what it prints is measured."""

import copy
import functools

import pytest
import torch

from course_utils import training
from course_utils.data import encode
from course_utils.tools import benchmark, training_benchmark
from tests.helpers.tiny import PARITY, tiny_llama

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def subject():
    """(model, tokenizer)"""
    return tiny_llama(context=512)


@pytest.mark.parametrize("library", ["by_trainer", "by_trl"])
def test_the_first_ten_losses_are_those_of_the_libraries(subject, library):
    model, tokenizer = subject
    records = training_benchmark.in_order(tokenizer, PARITY[:10] * 4, 4)
    own, _ = training_benchmark.ours(copy.deepcopy(model), tokenizer, records, 4)
    theirs, _ = getattr(training_benchmark, library)(copy.deepcopy(model), tokenizer, records, 4)
    assert len(own) == len(theirs) == 10 and own[0] != pytest.approx(own[-1], abs=1e-2)
    assert own == pytest.approx(theirs, abs=1e-4)


def test_the_benchmark_steps_as_train_does(subject):
    model, tokenizer = subject
    records = PARITY[:8]
    ordered = training_benchmark.in_order(tokenizer, records, 4)
    own, _ = training_benchmark.ours(copy.deepcopy(model), tokenizer, ordered, 4)
    told = dict(lr=training_benchmark.LR, steps=2, warmup=0, batch_size=4, progress=False, bf16=False)
    assert own == training.train(model, encode(tokenizer, records), **told).losses


def test_operations_by_hand(subject):
    model, tokenizer = subject
    layer = 32 * 32 * 2 + 32 * 16 * 2 + 3 * 32 * 64  # queries and output, keys and values, feed-forward
    weights = 2 * layer + len(tokenizer) * 32
    assert training_benchmark.flops(model, [10]) == 3 * (2 * weights * 10 + 2 * 4 * 32 * 100)


def test_the_peak_the_share_of_it_and_where_the_rest_goes(subject):
    model, tokenizer = subject
    examples, before = encode(tokenizer, PARITY), copy.deepcopy(model.state_dict())
    share, peak, speed = training_benchmark.share_of_peak(copy.deepcopy(model), examples, 4)
    assert 0 < share < 1 and peak > 0.1 and speed > 1
    parts = training_benchmark.profile(model, examples[:4], shown=1000)
    assert [part for _, part in parts] == sorted((part for _, part in parts), reverse=True)
    assert sum(part for _, part in parts) == pytest.approx(1)
    assert any("mm" in operation for operation, _ in parts)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_kinds_of_training_differ_in_what_trains(subject):
    trained = {
        name: sum(p.numel() for p in make().parameters() if p.requires_grad)
        for name, make in training_benchmark.kinds(subject[0]).items()
    }
    full, whole, last = trained.values()
    assert full > whole == last > 0  # two blocks are fewer than eight


def test_the_command_prints_all_three_parts(subject, monkeypatch, capsys):
    monkeypatch.setattr(benchmark.models, "load", lambda name: subject)
    for name, sizes in {
        "generation": dict(sizes=((2, 4),), max_new_tokens=6),
        "scoring": dict(count=3),
        "training": dict(steps=1, batch_size=2),
    }.items():
        monkeypatch.setitem(benchmark.PARTS, name, functools.partial(benchmark.PARTS[name], **sizes))
    monkeypatch.setattr(subject[0].config, "max_position_embeddings", 2048)
    benchmark.main(["--threads", "1", "--rounds", "1"])
    said = capsys.readouterr().out
    for part in ("model.generate", "SFTTrainer", "matrix-multiply peak", "shots read once"):
        assert part in said
    assert "the same in 4 of 4 rows" in said
    assert said.count("losses within") == 3 and said.count(" ratio ") == 5


def test_the_fastest_of_several_turns_counts(monkeypatch):
    times = iter([0.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 9.0])
    monkeypatch.setattr(benchmark, "clock", lambda: next(times))
    results, seconds = benchmark.fastest({"a": lambda: 1, "b": lambda: 2}, 2)
    assert results == {"a": 1, "b": 2} and seconds == {"a": 1.0, "b": 1.0}
