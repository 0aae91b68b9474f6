"""Pretraining: the optimizer, the schedule, exact resumption, and a loss that falls."""

import shutil

import pytest
import torch

from course_utils.pretrain import muon, train
from course_utils.storage import paths
from course_utils.storage.checkpoint import read_notes


@pytest.fixture
def folder(tmp_path):
    """A work folder that already has the shipped tokenizer, so that none is trained."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "tokenizer").mkdir(exist_ok=True)
        shutil.copy(paths.DATA / "models" / "glass_box" / name, tmp_path / "tokenizer" / name)
    return tmp_path


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 24), (2, 24, 8)])
def test_orthogonalize_brings_singular_values_near_one(shape):
    torch.manual_seed(0)
    result = muon.orthogonalize(torch.randn(shape))
    values = torch.linalg.svdvals(result)
    assert result.shape == shape and values.min() > 0.5 and values.max() < 1.4


def test_muon_descends():
    torch.manual_seed(0)
    target, weight = torch.randn(6, 6), torch.nn.Parameter(torch.zeros(6, 6))
    optimizer = muon.Muon([weight], lr=0.05)
    losses = []
    for _ in range(60):
        loss = ((weight - target) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_schedule_sees_the_tokens_and_ends_at_zero():
    plan = train.schedule(10)
    assert plan[-1][3] == pytest.approx(10e6, rel=0.01)
    assert [stage for stage, *_ in plan] == sorted(stage for stage, *_ in plan)
    factors = [factor for _, _, factor, _ in plan]
    assert max(factors) == 1 and factors[0] < 0.02 and factors[-1] < 0.03


def test_the_second_phase_rises_once_more_and_falls():
    stages = [train.STAGES[stage]["phase"] for stage, *_ in train.schedule(10)]
    factors = [factor for _, _, factor, _ in train.schedule(10)]
    second = stages.index(1)
    assert factors[second - 1] < 0.05 and factors[second] < 0.05
    peak = max(factors[second:])
    assert peak == pytest.approx(train.PHASES[1]["peak"], rel=0.2) and factors[second + 99] > 0.8 * peak


def test_a_killed_run_continues_with_the_same_weights(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "fastest_precision", lambda *_: False)  # two runs may differ here
    other = tmp_path / "other"
    shutil.copytree(folder / "tokenizer", other / "tokenizer")
    whole, _, _ = train.train("tiny", 0.5, folder, until=12)
    train.train("tiny", 0.5, other, until=6, seconds_between_checkpoints=0)
    resumed, _, _ = train.train("tiny", 0.5, other, until=12)
    for (name, a), (_, b) in zip(whole.named_parameters(), resumed.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_the_checkpoint_holds_the_step_and_the_log(folder):
    train.train("tiny", 1, folder, until=55, seconds_between_checkpoints=0)
    notes = read_notes(folder)
    assert notes["step"] == 55 and notes["log"][0]["tokens"] == train.schedule(1)[49][3]


def test_a_folder_with_the_checkpoint_of_another_run_is_refused(folder):
    train.train("tiny", 0.5, folder, until=1, seconds_between_checkpoints=0)
    with pytest.raises(ValueError, match="belongs to another run"):
        train.train("tiny", 0.6, folder, until=2)


@pytest.mark.slow
def test_the_loss_falls_within_a_minute(folder):
    _, _, log = train.train("tiny", 4, folder, until=400)
    assert log[-1]["loss"] < log[0]["loss"] - 2
