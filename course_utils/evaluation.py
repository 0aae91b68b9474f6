"""Grades and their uncertainty: exact match, a Wilson interval, paired and bootstrapped differences.

Every interval here is a 95 % interval. Left out: partial credit and significance stars.
"""

import math
import re

import numpy as np

from course_utils.generation import generate

Z = 1.959964  # the 97.5 % point of the normal distribution
# No sign is what follows something to subtract from (3-4), no thousand what has not three digits (1,2,3).
NUMBER = re.compile(
    r"""(?P<sign> (?<![\w)\]]) [-−] )?  [$€£]?
        (?P<whole> [0-9]{1,3} (?:,[0-9]{3})+ (?![0-9]) | [0-9]+ | (?<![\w.]) (?=\.[0-9]) )
        (?: \. (?P<part> [0-9]+) )?""",
    re.VERBOSE,
)


def exact_match(outputs, answers):
    """[bool] per pair of texts: equal once outer white space is removed. ValueError if the lengths differ."""
    return [output.strip() == answer.strip() for output, answer in zip(outputs, answers, strict=True)]


def last_number(text):
    """The last number in a text, written plainly: "-$1,200.50." -> "-1200.5"; None if there is none.

    Read are signs, decimal points, commas between thousands, and a currency's sign; not read are decimal
    commas, exponents and words. Equal numbers give equal texts: "2.50" and "2.5" both give "2.5".
    """
    *_, last = [None, *NUMBER.finditer(text)]
    if last is None:
        return None
    whole = last["whole"].replace(",", "").lstrip("0") or "0"
    part = (last["part"] or "").rstrip("0")
    number = f"{whole}.{part}" if part else whole
    return f"-{number}" if last["sign"] and number != "0" else number


def interval(hits, n):
    """(low, high) for the true rate behind `hits` successes in `n` independent trials.

    Wilson's score interval (Wilson 1927; Newcombe 1998a, method 3): it stays within [0, 1] and
    keeps a width at 0 and n hits. Raises ValueError unless 0 <= hits <= n and n > 0.
    """
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"{hits} hits in {n} trials: needs n > 0 and 0 <= hits <= n")
    rate, shrink = hits / n, 1 + Z**2 / n
    center = (rate + Z**2 / (2 * n)) / shrink
    reach = Z * math.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2)) / shrink
    return (0.0 if hits == 0 else center - reach), (1.0 if hits == n else center + reach)


def paired_difference(a, b):
    """(rate of a − rate of b, low, high) for two lists of 0/1 on the same items, in the same order.

    Square-and-add of two Wilson intervals, corrected for the correlation of the pairs (Newcombe
    1998b, "Improved confidence intervals for the difference between binomial proportions based on
    paired data", method 10). No seed, and sound for few items. Raises ValueError for lists that are
    empty, of different lengths, or not of 0/1.
    """
    if len(a) != len(b) or not len(a) or not set(a) | set(b) <= {0, 1}:
        raise ValueError("needs two lists of 0/1, of one length, about the same items")
    n = len(a)
    both = sum(1 for x, y in zip(a, b, strict=True) if x and y)
    only_a, only_b = int(sum(a)) - both, int(sum(b)) - both
    neither = n - both - only_a - only_b
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    cross = both * neither - only_a * only_b
    if cross > 0:
        cross = max(cross - n / 2, 0)  # continuity correction
    phi = cross / math.sqrt(margins) if margins else 0.0

    rate_a, rate_b = (both + only_a) / n, (both + only_b) / n
    (low_a, high_a), (low_b, high_b) = interval(both + only_a, n), interval(both + only_b, n)

    def reach(p, q):
        return math.sqrt(max(p**2 - 2 * phi * p * q + q**2, 0.0))

    difference = (only_a - only_b) / n
    low = difference - reach(rate_a - low_a, high_b - rate_b)
    return difference, low, difference + reach(rate_b - low_b, high_a - rate_a)


def bootstrap_mean(values, seed, resamples=10_000):
    """(mean, low, high) of the mean of values, by the percentile bootstrap (Efron 1979).

    The same seed gives the same interval. Too narrow below about 20 values. Raises ValueError for
    no values or values that are not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError("needs a list of at least one finite number")
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(values.size, size=values.size)].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def difference(x, y, resamples=2000, seed=0):
    """(mean of x − mean of y, low, high) for hits (S, N) of two techniques on the same N items, 95 %.

    Items are drawn once for both, seeds for each on its own. Source: Efron 1979; Owen 2007.
    """
    rng, gaps = np.random.default_rng(seed), []
    items = x.shape[1]
    for _ in range(resamples):
        drawn = rng.integers(items, size=items)
        a = x[rng.integers(len(x), size=len(x))][:, drawn]
        b = y[rng.integers(len(y), size=len(y))][:, drawn]
        gaps.append(a.mean() - b.mean())
    low, high = np.percentile(gaps, [2.5, 97.5])
    return float(x.mean() - y.mean()), float(low), float(high)


def share(x, resamples=2000, seed=0):
    """(mean, low, high) of hits (S, N) of one technique, drawn in the same way."""
    return difference(x, np.zeros((1, x.shape[1])), resamples, seed)


def crossed_bootstrap(parts, resamples=10_000, seed=0, chunk=1000, groups=None):
    """(value, low, high) of a signed sum of means: [(sign, hits (S, N))] over the same N items, 95 %.

    What `difference` does in a loop, at once for `chunk` resamples: how often each item and each seed is
    drawn is multinomial, so that a resampled mean is a product of counts. Items are drawn once for all parts,
    seeds for each on its own, because seed 3 of one technique has nothing to do with seed 3 of another. With
    few seeds the interval is a little narrow. groups: N names; items of one group (messages from one sentence
    frame) resemble each other and are drawn together, since only their number of groups is independent.
    Sources: Efron 1979; items and seeds as crossed factors, Owen 2007, "The pigeonhole bootstrap"; groups,
    Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8.
    Raises ValueError unless there is a group for each item.
    """
    rng, count, sums = np.random.default_rng(seed), parts[0][1].shape[1], []
    names, of_group = np.unique(np.arange(count) if groups is None else list(groups), return_inverse=True)
    if len(of_group) != count:
        raise ValueError(f"{len(of_group)} groups for {count} items: give one for each.")
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size)  # (R, G)
        of_items = drawn[:, of_group]  # (R, N)
        of_items = of_items / of_items.sum(1, keepdims=True)
        total = np.zeros(size)
        for sign, values in parts:
            seeds = len(values)
            of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size) / seeds  # (R, S)
            total += sign * ((of_seeds @ values) * of_items).sum(1)
        sums.append(total)
    low, high = np.percentile(np.concatenate(sums), [2.5, 97.5])
    return float(sum(sign * values.mean() for sign, values in parts)), float(low), float(high)


def verdict(interval, more="more", fewer="fewer", unclear="cannot tell"):
    """What an interval (value, low, high) of a difference allows to say."""
    _, low, high = interval
    return more if low > 0 else fewer if high < 0 else unclear


def grade(item, continuation):
    """True if the continuation answers the item, by the item's own rule (course_utils.corpus.split.Item).

    Raises ValueError for a rule that does not exist.
    """
    if callable(item.grade):
        return bool(item.grade(continuation))
    if item.grade == "number":
        return last_number(continuation) == last_number(item.answer) is not None
    if item.grade == "line":
        answer = continuation
    elif item.grade == "final":
        _, mark, answer = continuation.rpartition("The answer is")
        if not mark:
            return False
    else:
        raise ValueError(f"unknown grade {item.grade!r}: use 'line', 'final', 'number' or a function")
    return _bare(answer.split("\n")[0]) == _bare(item.answer)


def evaluate(model, tokenizer, items, batch_size=64):
    """[bool] per item: continue each prompt greedily up to the end of the line, then grade.

    Items with the same max_new_tokens are generated together. No items give an empty list.
    """
    hits = [False] * len(items)
    for budget in sorted({item.max_new_tokens for item in items}):
        places = [place for place, item in enumerate(items) if item.max_new_tokens == budget]
        prompts = [items[place].prompt for place in places]
        texts = generate(model, tokenizer, prompts, max_new_tokens=budget, stop="\n", batch_size=batch_size)
        for place, text in zip(places, texts, strict=True):
            hits[place] = grade(items[place], text)
    return hits


def _bare(text):
    return text.strip().removesuffix(".").strip()
