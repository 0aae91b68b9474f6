"""Lesson 08: sharing rows, weighing means, bytes on each device, bubbles, and number formats."""

import math

from course_utils.lessons.exercise import Exercise, Prediction, cases

p1 = Prediction(
    "08.p1",
    "The same steps in one process and in two: how far apart are the weights at the end?",
    ["only by rounding", "by about a hundredth", "entirely"],
)
p2 = Prediction("08.p2", "How many processes does `accelerate launch --cpu --num_processes 2` start?", [1, 2])
p3 = Prediction(
    "08.p3", "Sharded over two processes: which share (0 to 1) of the memory of one does each keep?"
)
p4 = Prediction(
    "08.p4", "With checkpoints, which share (0 to 1) of the plain peak is left (gradients included)?"
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
    reads: its own, and every world-th after it. Every row must be read by exactly one process, also where
    the batch cannot be divided evenly.
    """,
    my_rows,
    cases(
        (([1, 2, 3, 4], 0, 2), [1, 3], "process 0 of 2 reads rows 1 and 3 of [1, 2, 3, 4]"),
        (([1, 2, 3, 4], 1, 2), [2, 4], "process 1 reads the others: start at the rank"),
        (([1, 2, 3, 4, 5], 0, 2), [1, 3, 5], "five rows over two: the fifth row must not be lost"),
        (([1, 2, 3], 2, 3), [3], "three processes, three rows: one each"),
        (([1, 2, 3], 0, 1), [1, 2, 3], "a process alone reads everything"),
    ),
    wrong=[
        (lambda rows, rank, world: rows, "reads rows 1 and 3"),
        (_blocks, "reads rows 1 and 3"),
        (lambda rows, rank, world: rows[::world], "start at the rank"),
        (lambda rows, rank, world: rows[: len(rows) // world * world][rank::world], "must not be lost"),
        (lambda rows, rank, world: rows[rank::2], "reads everything"),
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
    Return the mean loss over all tokens, as one process would have found it. A process may have no token
    at all.
    """,
    whole_mean,
    cases(
        (([(4.0, 1), (1.0, 1)],), 2.5, "two processes with one token each: the plain mean"),
        (([(4.0, 1), (0.0, 3)],), 1.0, "that is the mean of means: three tokens weigh more than one"),
        (([(2.0, 5)],), 2.0, "one process: its own mean"),
        (([(2.0, 4), (0.0, 0)],), 2.0, "a process without tokens has no say"),
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


def bytes_each(numbers, devices, stage):
    kinds = [12, 2, 2]  # moments and copy, gradients, weights: divided in this order
    return sum(size * numbers / (devices if place < stage else 1) for place, size in enumerate(kinds))


q3 = Exercise(
    "08.3",
    """
    Write `bytes_each(numbers, devices, stage)`: what each device keeps for so many trained numbers.
    Weights take 2 bytes a number, gradients 2, Adam's states with the fp32 copy 12. Stage 0 divides
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


def parts_needed(devices, most):
    return max(1, math.ceil((devices - 1) * (1 - most) / most - 1e-9))


def _floor(devices, most):
    return max(1, math.floor((devices - 1) * (1 - most) / most + 1e-9))


def _other_formula(devices, most):
    return max(1, math.ceil((devices - 1) / most - 1e-9))


q4 = Exercise(
    "08.4",
    """
    Write `parts_needed(devices, most)`: into how many parts, at least, must a batch be cut, so that a
    pipeline of so many devices waits for a share of at most `most` of the time? The bubble is
    (devices - 1) / (parts + devices - 1). At least one part.
    """,
    parts_needed,
    cases(
        ((2, 0.5), 1, "two devices, one part: 1 / (1 + 1) = one half waiting"),
        ((4, 0.5), 3, "four devices: 3 / (3 + 3) is one half, so three parts do"),
        ((4, 0.2), 12, "3 / (12 + 3) is one fifth: twelve parts"),
        ((3, 0.3), 5, "2 / (4 + 2) is a third, too much; 2 / (5 + 2) is less than .3: round up"),
        ((1, 0.1), 1, "one device never waits, and a batch has at least one part"),
    ),
    wrong=[
        (lambda devices, most: devices, "one half waiting"),
        (_other_formula, "one half waiting"),
        (lambda devices, most: devices - 1, "one fifth"),
        (_floor, "round up"),
        (lambda devices, most: math.ceil((devices - 1) * (1 - most) / most - 1e-9), "at least one part"),
    ],
    hints=[
        "Try 1, 2, 3 … parts until the bubble is small enough; that is a fine solution.",
        "Or solve for the parts: (devices - 1)(1 - most) / most, rounded up.",
    ],
    minutes=8,
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
