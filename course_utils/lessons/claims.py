"""What a lesson asserts about its own results, in sentences that do not change from run to run.

`claim` is for what this course's model does; on another model it only informs. `check_equal` is
for what holds on every model, such as merged weights giving the same logits. A miss raises
ClaimFailed, which Jupyter shows as three plain lines, and which makes the cell fail.
"""

import math
import os

import numpy as np
import torch


class ClaimFailed(AssertionError):
    """Three lines: what the lesson says, what was expected, what this run gave."""

    def __init__(self, says, expected, gave):
        self.lines = [f"✗ the lesson says: {says}", f"  it expected: {expected}", f"  this run gave: {gave}"]
        super().__init__("\n" + "\n".join(self.lines))

    def _render_traceback_(self):  # IPython shows this in place of a traceback
        return self.lines


def claim(text, value, above=None, below=None, between=None):
    """Assert value > above, value < below, or low <= value <= high for between=(low, high).

    value is a number or a one-element tensor. Prints the sentence with its bound, never the
    measured digits. Raises ClaimFailed on a miss and on NaN or infinity, ValueError unless exactly
    one bound is given. With COURSE_MODEL set to another model, prints what it measured and never
    raises ClaimFailed.
    """
    if sum(bound is not None for bound in (above, below, between)) != 1:
        raise ValueError("a claim needs exactly one of above, below, between")
    value = float(value)
    if above is not None:
        bound, holds = f"more than {above:g}", value > above
    elif below is not None:
        bound, holds = f"less than {below:g}", value < below
    else:
        bound, holds = f"between {between[0]:g} and {between[1]:g}", between[0] <= value <= between[1]
    if os.environ.get("COURSE_MODEL", "smollm2") not in ("", "smollm2"):
        print(f"· not asserted on this model: {text} (course model: {bound}; here: {value:.4g})")
    elif holds and math.isfinite(value):
        print(f"✓ {text} ({bound})")
    else:
        raise ClaimFailed(text, bound, f"{value:.6g}") from None


def check_equal(a, b, within=0.0, text="the two are equal"):
    """Assert that no number in a differs from its partner in b by more than `within` (absolute).

    a and b are numbers, texts, arrays, tensors, or lists and dictionaries of these, such as state
    dicts; they must have the same shapes and keys. Equal infinities are equal; NaN equals nothing.
    Raises ClaimFailed with the largest difference and its place; also when there was nothing to
    compare, and when two tensors are one memory (a reference kept where a copy was meant).
    """
    parts = list(differences(a, b))
    failed = [(gap, place) for gap, place in parts if not gap <= within]  # also true of NaN
    expected = f"a difference of at most {within:g}" if within else "no difference"
    if not parts:
        raise ClaimFailed(text, expected, "nothing to compare: both are empty")
    if failed:
        gap, place = max(failed, key=lambda part: math.inf if math.isnan(part[0]) else part[0])
        gave = "a mismatch" if gap == math.inf else f"a difference of {gap:.3g}"
        raise ClaimFailed(text, expected, gave + (f" at {place}" if place else ""))
    print(f"= {text}")


def differences(a, b, place=""):
    """Yield (largest absolute difference, place) per leaf; infinity where the two cannot be compared."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            here = f"{place}[{key!r}]"
            if key in a and key in b:
                yield from differences(a[key], b[key], here)
            else:
                yield math.inf, f"{here}, which only one side has"
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            yield math.inf, f"{place} lengths {len(a)} and {len(b)}".strip()
        else:
            for index, (x, y) in enumerate(zip(a, b, strict=True)):
                yield from differences(x, y, f"{place}[{index}]")
    elif _numeric(a) and _numeric(b):
        yield from _numeric_difference(a, b, place)
    elif hasattr(a, "tolist") and hasattr(b, "tolist"):
        yield from differences(a.tolist(), b.tolist(), place)  # arrays of texts
    elif type(a) is not type(b):
        yield math.inf, f"{place} types {type(a).__name__} and {type(b).__name__}".strip()
    elif a != b:
        yield math.inf, f"{place} {str(a)[:40]!r} and {str(b)[:40]!r}".strip()
    elif a != "":
        yield 0.0, place


def _numeric(value):
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    return isinstance(value, (int, float)) or (hasattr(value, "shape") and kind in "fiub")


def _numeric_difference(a, b, place):
    tensors = isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
    shared = a is b if hasattr(a, "shape") and a.shape else False
    shared = shared or (tensors and a.dim() > 0 and a.numel() > 0 and a.data_ptr() == b.data_ptr())
    a, b = _doubles(a), _doubles(b)
    if a.shape != b.shape:
        yield math.inf, f"{place} shapes {tuple(a.shape)} and {tuple(b.shape)}".strip()
    elif shared and a.numel():
        yield math.inf, f"{place} one memory compared with itself (copy the first)".strip()
    elif a.numel():
        gaps = torch.where(a == b, 0.0, (a - b).abs())  # equal infinities would subtract to NaN
        worst = int(torch.where(gaps.isnan(), math.inf, gaps).argmax())
        yield float(gaps.flatten()[worst]), place


def _doubles(value):
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double()
    return torch.from_numpy(np.array(value, dtype=np.float64))
