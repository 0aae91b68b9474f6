"""A claim prints no measured digit, a miss is three lines, and an equality cannot hold by accident."""

import math

import numpy as np
import pytest
import torch

from course_utils.lessons.claims import ClaimFailed, check_equal, claim


@pytest.fixture(autouse=True)
def embedded(monkeypatch):
    monkeypatch.delenv("COURSE_MODEL", raising=False)


def test_a_kept_claim_prints_the_same_for_every_measurement(capsys):
    for value in (0.1501, torch.tensor(0.9), np.float32(0.3)):
        claim("few-shot beats zero-shot", value, above=0.15)
        assert capsys.readouterr().out == "✓ few-shot beats zero-shot (more than 0.15)\n"
    claim("loss falls", 1, below=2)
    claim("half of them", 0.5, between=(0.5, 0.6))
    assert capsys.readouterr().out == "✓ loss falls (less than 2)\n✓ half of them (between 0.5 and 0.6)\n"


@pytest.mark.parametrize(
    "value, bound",
    [
        (0.15, {"above": 0.15}),
        (2, {"below": 2}),
        (0.61, {"between": (0.5, 0.6)}),
        (0.49, {"between": (0.5, 0.6)}),
        (math.nan, {"above": 0}),
        (math.nan, {"below": 0}),
        (math.nan, {"between": (0, 1)}),
        (math.inf, {"above": 0}),
        (-math.inf, {"below": 0}),
    ],
)
def test_a_miss_is_three_lines(value, bound):
    with pytest.raises(ClaimFailed) as caught:
        claim("it works", value, **bound)
    lines = caught.value._render_traceback_()
    assert lines == caught.value.lines and len(lines) == 3
    assert "it works" in lines[0] and f"{next(iter(np.ravel(list(bound.values()))))}" in lines[1]
    assert f"{value:.6g}" in lines[2]
    assert all(line in str(caught.value) for line in lines)


@pytest.mark.parametrize("bounds", [{}, {"above": 0, "below": 1}])
def test_a_claim_needs_one_bound(bounds):
    with pytest.raises(ValueError):
        claim("x", 0.5, **bounds)


@pytest.mark.parametrize("value", [0.9, 0.0, math.nan])
def test_other_models_are_informed_not_judged(monkeypatch, capsys, value):
    monkeypatch.setenv("COURSE_MODEL", "some/other")
    claim("it works", value, above=0.5)
    out = capsys.readouterr().out
    assert out == f"· not asserted on this model: it works (course model: more than 0.5; here: {value:.4g})\n"
    monkeypatch.setenv("COURSE_MODEL", "smollm2")
    with pytest.raises(ClaimFailed):
        claim("it works", 0.0, above=0.5)


def test_ipython_shows_the_lines_and_no_traceback():
    interactive = pytest.importorskip("IPython.core.interactiveshell")
    from IPython.utils.capture import capture_output

    shell = interactive.InteractiveShell.instance()
    try:
        with capture_output() as captured:
            shell.run_cell("from course_utils.lessons.claims import claim")
            result = shell.run_cell("claim('it works', 0.1, above=0.5)")
    finally:
        interactive.InteractiveShell.clear_instance()
    assert isinstance(result.error_in_exec, ClaimFailed)
    assert "✗ the lesson says: it works" in captured.stdout
    assert "Traceback" not in captured.stdout + captured.stderr and "claims.py" not in captured.stdout


T = torch.arange(6.0).reshape(2, 3)
EQUAL = {
    "numbers": (1, 1.0),
    "texts": ("a", "a"),
    "tensor": (T, T.clone()),
    "tensor and array": (T, T.numpy().copy()),
    "infinities": (torch.tensor([math.inf, -math.inf, 0]), torch.tensor([math.inf, -math.inf, 0])),
    "lists": ([1, "a", [T]], (1, "a", [T.clone()])),
    "dictionaries": ({"a": T, "b": 1}, {"b": 1, "a": T.clone()}),
    "types": (torch.tensor([1, 2]), torch.tensor([1.0, 2.0])),
    "bfloat16": (T.bfloat16(), T.clone()),
    "views": (T.numpy()[:, ::-1], T.flip(1)),
    "arrays of texts": (np.array(["a", "b"]), np.array(["a", "b"])),
    "some empty": ([torch.zeros(0), 1], [torch.zeros(0), 1]),
    "none": (None, None),
    "gradients": (T.clone().requires_grad_(), T),
}
UNEQUAL = {
    "numbers": (1, 2, "a difference of 1"),
    "texts": ("a", "b", "'a' and 'b'"),
    "tensors": (T, T + torch.tensor([0, 0, 0.5]), "a difference of 0.5"),
    "largest": ([T, T], [T + 1, T + 3], "a difference of 3 at [1]"),
    "shapes": (T, T.T.clone(), "shapes (2, 3) and (3, 2)"),
    "broadcast": (torch.zeros(3), torch.zeros(1), "shapes"),
    "NaN": (math.nan, math.nan, "nan"),
    "NaN in a tensor": (T, T / T, "nan"),
    "infinity": (math.inf, 1.0, "mismatch"),
    "opposite infinities": (math.inf, -math.inf, "mismatch"),
    "keys": ({"a": 1}, {"a": 1, "b": 2}, "'b'"),
    "lengths": ([1, 1], [1], "lengths 2 and 1"),
    "kinds": ("1", 1, "types str and int"),
    "place": ({"a": {"b": 1}}, {"a": {"b": 3}}, "a difference of 2 at ['a']['b']"),
    "nothing": ([], [], "nothing to compare"),
    "no text": ("", "", "nothing to compare"),
    "no numbers": ({"a": torch.zeros(0)}, {"a": torch.zeros(0)}, "nothing to compare"),
    "itself": (T, T, "one memory"),
    "its view": ({"w": T}, {"w": T.detach()}, "one memory"),
    "array itself": (A := np.ones(3), A, "one memory"),
    "arrays of texts": (np.array(["a", "b"]), np.array(["a", "c"]), "'b' and 'c'"),
}


@pytest.mark.parametrize("a, b", EQUAL.values(), ids=EQUAL)
def test_equal(a, b, capsys):
    check_equal(a, b, text="same")
    assert capsys.readouterr().out == "= same\n"


@pytest.mark.parametrize("a, b, said", UNEQUAL.values(), ids=UNEQUAL)
def test_unequal(a, b, said, capsys):
    with pytest.raises(ClaimFailed) as caught:
        check_equal(a, b, text="same")
    assert said in caught.value.lines[2] and not capsys.readouterr().out


def test_within_is_absolute_and_inclusive():
    check_equal([1.0, 1000.0], [1.5, 1000.5], within=0.5)
    with pytest.raises(ClaimFailed, match="at most 0.49"):
        check_equal([1.0], [1.5], within=0.49)
    with pytest.raises(ClaimFailed):
        check_equal(math.nan, 1.0, within=math.inf)


def test_a_state_dict_kept_by_reference_is_noticed():
    """The trap: state_dict() holds the live tensors, so 'nothing changed' would always pass."""
    layer = torch.nn.Linear(2, 2)
    before, copied = layer.state_dict(), {k: v.clone() for k, v in layer.state_dict().items()}
    check_equal(copied, layer.state_dict())
    with torch.no_grad():
        layer.weight += 1
    with pytest.raises(ClaimFailed, match="one memory"):
        check_equal(before, layer.state_dict())
    with pytest.raises(ClaimFailed, match="difference of 1 at"):
        check_equal(copied, layer.state_dict(), within=1e-3)
