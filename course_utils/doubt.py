"""Is a difference real? The interval of a difference, by drawing seeds and items again and again.

`scoreboard.compare` does the same for stored rows, faster; this is the form that lesson 07 teaches, for
hits from anywhere. Left out: corrections for many comparisons.
"""

import numpy as np


def difference(x, y, resamples=2000, seed=0):
    """(mean of x − mean of y, low, high) for hits (S, N) of two techniques on the same N items, 95 %.

    Items are drawn once for both, seeds for each on its own. Source: Efron 1979; Owen 2007.
    """
    draw, gaps = np.random.default_rng(seed), []
    items = x.shape[1]
    for _ in range(resamples):
        drawn = draw.integers(items, size=items)
        a = x[draw.integers(len(x), size=len(x))][:, drawn]
        b = y[draw.integers(len(y), size=len(y))][:, drawn]
        gaps.append(a.mean() - b.mean())
    low, high = np.percentile(gaps, [2.5, 97.5])
    return float(x.mean() - y.mean()), float(low), float(high)


def share(x, resamples=2000, seed=0):
    """(mean, low, high) of hits (S, N) of one technique, drawn in the same way."""
    return difference(x, np.zeros((1, x.shape[1])), resamples, seed)


def verdict(interval, more="more", fewer="fewer", unclear="cannot tell"):
    """What an interval (value, low, high) of a difference allows to say."""
    _, low, high = interval
    return more if low > 0 else fewer if high < 0 else unclear
