"""Lesson 08: dividing rows, weighting means, bytes on each device, bubbles, number formats, quantization."""

import math

from course_utils.lessons.exercise import Exercise, Prediction, cases

p1 = Prediction("08.p1", "By how much does NF4 raise SmolLM2's perplexity?", ["at most 5 %", "more than 5 %"])
p2 = Prediction(
    "08.p2",
    "LoRA on SmolLM2 at batch 4 and length 512, against batch 1 and length 128: how many times the memory, "
    "weights included?",
)
p3 = Prediction(
    "08.p3",
    "The same steps in one process and in two: how far apart are the weights at the end?",
    ["only by rounding", "by about a hundredth", "entirely"],
)


def my_rows(rows, rank, world):
    return rows[rank::world]


def _blocks(rows, rank, world):
    size = len(rows) // world
    return rows[rank * size : (rank + 1) * size]


q1 = Exercise(
    "08.1",
    """
    Write `my_rows(rows, rank, world)`: the rows of a batch that process `rank` (counted from 0) of `world`
    computes: its own, and every world-th after it. Every row belongs to exactly one process, also where the
    batch cannot be divided evenly.
    """,
    my_rows,
    cases(
        (([1, 2, 3, 4], 0, 2), [1, 3], "process 0 of 2 computes rows 1 and 3 of [1, 2, 3, 4]"),
        (([1, 2, 3, 4], 1, 2), [2, 4], "process 1 computes the others: start at the rank"),
        (([1, 2, 3, 4, 5], 0, 2), [1, 3, 5], "five rows over two: the fifth row must not be lost"),
        (([1, 2, 3], 2, 3), [3], "three processes, three rows: one each"),
        (([1, 2, 3], 0, 1), [1, 2, 3], "a process alone computes everything"),
    ),
    wrong=[
        (lambda rows, rank, world: rows, "computes rows 1 and 3"),
        (_blocks, "computes rows 1 and 3"),
        (lambda rows, rank, world: rows[::world], "start at the rank"),
        (lambda rows, rank, world: rows[: len(rows) // world * world][rank::world], "must not be lost"),
        (lambda rows, rank, world: rows[rank::2], "computes everything"),
    ],
    hints=["A slice has a start, an end and a step.", "rows[start::step]"],
    minutes=4,
    difficulty=1,
)


def whole_mean(reports):
    tokens = sum(count for _, count in reports)
    return sum(mean * count for mean, count in reports) / tokens


q2 = Exercise(
    "08.2",
    """
    Write `whole_mean(reports)`: each process reports (its mean loss, its number of tokens that count).
    Return the mean loss over all tokens, as one process would have computed it. A process may have no token
    at all.
    """,
    whole_mean,
    cases(
        (([(4.0, 1), (1.0, 1)],), 2.5, "two processes with one token each: the plain mean"),
        (([(4.0, 1), (0.0, 3)],), 1.0, "that is the mean of means: three tokens weigh more than one"),
        (([(2.0, 5)],), 2.0, "one process: its own mean"),
        (([(2.0, 4), (0.0, 0)],), 2.0, "a process without tokens does not count"),
        (([(1.0, 2), (2.0, 3), (3.0, 5)],), 2.3, "add up loss times tokens, divide by all tokens"),
    ),
    wrong=[
        (lambda reports: sum(mean for mean, _ in reports) / len(reports), "mean of means"),
        (lambda reports: sum(mean * n for mean, n in reports), "the plain mean"),
        (lambda reports: sum(mean for mean, _ in reports), "the plain mean"),
        (lambda reports: max(mean for mean, _ in reports), "the plain mean"),
        (lambda reports: sum(m * n for m, n in reports[:2]) / sum(n for _, n in reports[:2]), "add up"),
        (lambda reports: 1 / 0 if any(n == 0 for _, n in reports) else whole_mean(reports), "division"),
    ],
    hints=["A mean times its number of tokens is a sum.", "Sums may be added; divide once, at the end."],
    minutes=5,
    difficulty=1,
)


def bytes_each(parameters, devices, stage):
    kinds = [12, 2, 2]  # moments and copy, gradients, weights: divided in this order
    return sum(size * parameters / (devices if place < stage else 1) for place, size in enumerate(kinds))


q3 = Exercise(
    "08.3",
    """
    Write `bytes_each(parameters, devices, stage)`: what each device keeps for so many trained parameters.
    Weights take 2 bytes a parameter, gradients 2, Adam's states with the fp32 copy 12. Stage 0 divides
    nothing, stage 1 the states, stage 2 the gradients as well, stage 3 the weights as well.
    """,
    bytes_each,
    cases(
        ((100, 4, 0), 1600, "stage 0: every device keeps all 16 bytes"),
        ((100, 4, 1), 700, "stage 1 divides the 12 bytes of the states: 3 + 2 + 2"),
        ((100, 4, 2), 550, "stage 2 divides the gradients as well: 3 + 0.5 + 2"),
        ((100, 4, 3), 400, "stage 3 divides everything: 16 / 4"),
        ((100, 1, 3), 1600, "one device keeps everything, whatever the stage"),
    ),
    wrong=[
        (lambda n, devices, stage: 16 * n / devices, "stage 0"),
        (lambda n, devices, stage: 16 * n, "stage 1"),
        (lambda n, d, stage: n * (12 / (d if stage else 1) + 4), "stage 2"),
        (lambda n, d, stage: n * (12 / (d if stage else 1) + 2 / (d if stage > 1 else 1) + 2), "stage 3"),
        (lambda n, d, stage: 4 * n if stage == 3 else bytes_each(n, d, stage), "one device"),
    ],
    hints=["Three kinds of bytes; the stage says how many of them are divided.", "12 first, then 2, then 2."],
    minutes=6,
    difficulty=2,
)


def fewest_micro_batches(devices, most):
    return max(1, math.ceil((devices - 1) * (1 - most) / most - 1e-9))


def _floor(devices, most):
    return max(1, math.floor((devices - 1) * (1 - most) / most + 1e-9))


def _other_formula(devices, most):
    return max(1, math.ceil((devices - 1) / most - 1e-9))


q4 = Exercise(
    "08.4",
    """
    Write `fewest_micro_batches(devices, most)`: into how many micro-batches, at least, must a batch be cut,
    so that a pipeline of so many devices is idle for a share of at most `most` of the time? The bubble is
    (devices - 1) / (micro_batches + devices - 1). There is at least one micro-batch.
    """,
    fewest_micro_batches,
    cases(
        ((2, 0.5), 1, "two devices, one micro-batch: 1 / (1 + 1) = one half idle"),
        ((4, 0.5), 3, "four devices: 3 / (3 + 3) is one half, so three are enough"),
        ((4, 0.2), 12, "3 / (12 + 3) is one fifth: twelve"),
        ((3, 0.3), 5, "2 / (4 + 2) is a third, too much; 2 / (5 + 2) is less than .3: round up"),
        ((1, 0.1), 1, "one device is never idle, and a batch has at least one micro-batch"),
    ),
    wrong=[
        (lambda devices, most: devices, "one half idle"),
        (_other_formula, "one half idle"),
        (lambda devices, most: devices - 1, "one fifth"),
        (_floor, "round up"),
        (
            lambda devices, most: math.ceil((devices - 1) * (1 - most) / most - 1e-9),
            "at least one micro-batch",
        ),
    ],
    hints=[
        "Try 1, 2, 3 … micro-batches until the bubble is small enough; that is a fine solution.",
        "Or solve the formula: (devices - 1)(1 - most) / most, rounded up.",
    ],
    minutes=6,
    difficulty=2,
)


def number_format(kind, capability):
    if kind != "cuda":
        return "fp32"
    return "bf16" if capability >= (8, 0) else "fp16"


q5 = Exercise(
    "08.5",
    """
    Write `number_format(kind, capability)`: "fp32" on "cpu" and "mps"; on "cuda" "bf16" where the hardware
    has it, from compute capability (8, 0), and otherwise "fp16". capability is a pair such as (7, 5), or
    None where there is none.
    """,
    number_format,
    cases(
        (("cpu", None), "fp32", "a CPU computes in fp32, and has no capability to ask for"),
        (("cuda", (8, 0)), "bf16", "from (8, 0) on, bf16 is in the hardware"),
        (("cuda", (7, 5)), "fp16", "a T4 (7, 5) only emulates bf16: fp16"),
        (("cuda", (9, 0)), "bf16", "newer ones have it too"),
        (("cuda", (7, 9)), "fp16", "compare the pairs, not their second numbers"),
        (("mps", None), "fp32", "Apple's mps: fp32 here"),
    ),
    wrong=[
        (lambda kind, capability: "bf16", "fp32"),
        (lambda kind, capability: "fp32" if kind == "cpu" else "bf16", "T4"),
        (lambda kind, capability: "fp32" if kind == "cpu" else "fp16", "in the hardware"),
        (lambda kind, c: "fp32" if kind != "cuda" else "bf16" if c == (8, 0) else "fp16", "newer ones"),
        (
            lambda kind, c: "fp32" if kind != "cuda" else "bf16" if sum(c) >= 8 and c != (7, 5) else "fp16",
            "compare",
        ),
        (lambda kind, c: "bf16" if c >= (8, 0) else "fp16", "TypeError"),
    ],
    hints=["Pairs compare like words: first by the first number.", "Ask for the kind first."],
    minutes=4,
    difficulty=1,
)


def rounded(weights, bits):
    most = 2 ** (bits - 1) - 1
    scale = max(map(abs, weights)) / most
    return [round(weight / scale) * scale if scale else 0.0 for weight in weights]


def _by_the_largest(weights, bits):
    most = 2 ** (bits - 1) - 1
    scale = max(weights) / most  # a large negative weight is cut off
    return [max(-most, min(most, round(w / scale))) * scale if scale > 0 else 0.0 for w in weights]


def _too_many_levels(weights, bits):
    scale = max(map(abs, weights)) / 2 ** (bits - 1)
    return [round(weight / scale) * scale if scale else 0.0 for weight in weights]


def _cut(weights, bits):
    most = 2 ** (bits - 1) - 1
    scale = max(map(abs, weights)) / most
    return [int(weight / scale) * scale if scale else 0.0 for weight in weights]


q6 = Exercise(
    "08.6",
    """
    Write `rounded(weights, bits)`: one block of weights (a list) is kept as whole numbers from
    -(2 ** (bits - 1) - 1) to 2 ** (bits - 1) - 1, with one scale, and read back. Return the list of values
    read back. The largest absolute value keeps its value; a block of zeros stays zero.
    """,
    rounded,
    cases(
        (([3.0, 1.2, -2.0], 3), [3.0, 1.0, -2.0], "3 bits, from -3 to 3: the scale is 1, and 1.2 becomes 1"),
        (([3.0, 1.8, -3.0], 3), [3.0, 2.0, -3.0], "to the nearest whole number: 1.8 becomes 2"),
        (([2.54, 0.0, 1.015], 8), [2.54, 0.0, 1.02], "8 bits, from -127 to 127: the scale is 0.02"),
        (([1.0, -6.0, 3.0], 3), [0.0, -6.0, 4.0], "the largest ABSOLUTE value decides the scale, here 2"),
        (([0.0, 0.0], 4), [0.0, 0.0], "a block of zeros has no scale to divide by"),
    ),
    wrong=[
        (lambda weights, bits: weights, "1.2 becomes 1"),
        (lambda weights, bits: [float(round(weight)) for weight in weights], "127"),
        (_cut, "1.8 becomes 2"),
        (_too_many_levels, "3 bits"),
        (_by_the_largest, "ABSOLUTE"),
        (lambda w, bits: 1 / 0 if not any(w) else rounded(w, bits), "division"),
    ],
    hints=[
        "The scale is the largest absolute value divided by the largest whole number.",
        "Divide, round, multiply.",
    ],
    minutes=6,
    difficulty=2,
)
