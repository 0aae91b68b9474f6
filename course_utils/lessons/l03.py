"""Lesson 03: small trained parts: merging, counting, mixing tasks, adapters and a score for spans."""

from collections import Counter

import torch

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect

p1 = Prediction(
    "03.p1",
    "LoRA was just put into the model, and nothing is trained yet. Which share of the logits changed?",
)
p2 = Prediction(
    "03.p2",
    "Rank 1 keeps one direction of change per layer, rank 16 sixteen. How much of rank 16's gain has rank 1?",
    ["almost none", "about half", "most of it"],
)
p3 = Prediction(
    "03.p3",
    "Three methods, the same passages and steps. Which answers most questions exactly right?",
    ["IA3", "bottleneck", "LoRA"],
)
p4 = Prediction(
    "03.p4",
    "LoRA on all layers against training every number of the model: how does it do on the desk?",
    ["clearly worse", "no clear difference", "clearly better"],
)


def close(result, expected, within=1e-5):
    """True if result is a tensor of the same shape and values."""
    result = torch.as_tensor(result, dtype=torch.float32)
    expected = torch.as_tensor(expected, dtype=torch.float32)
    return result.shape == expected.shape and torch.allclose(result, expected, atol=within)


def merged(weight, A, B, alpha):
    rank = A.shape[0]
    return weight + alpha / rank * (B @ A)


def _in_place(weight, A, B, alpha):
    weight += alpha / A.shape[0] * (B @ A)
    return weight


def _test_merged(answer):
    torch.manual_seed(0)
    weight, A, B = torch.randn(3, 5), torch.randn(2, 5), torch.randn(3, 2)
    before = weight.clone()
    result = answer(weight, A.clone(), B.clone(), 6.0)
    expect(
        torch.equal(weight, before),
        "you changed the frozen weight itself: return a new one, so that it can be put back",
    )
    expect(not close(result, 6.0 / 2 * (B @ A)), "that is the update alone: add it to the weight")
    expect(not close(result, weight + B @ A), "the scale alpha / rank is missing")
    expect(not close(result, weight + 6.0 * (B @ A)), "divide alpha by the rank")
    expect(not close(result, weight - 3.0 * (B @ A)), "merging adds; taking away is the way back")
    expect(
        close(result, merged(weight, A, B, 6.0)), "not yet: weight + alpha / rank · B A, of shape (out, in)"
    )
    x = torch.randn(4, 5)
    apart = x @ weight.T + 3.0 * (x @ A.T @ B.T)
    expect(close(x @ answer(weight, A, B, 6.0).T, apart), "merged and apart must give the same outputs")


q1 = Exercise(
    "03.1",
    """
    Write `merged(weight, A, B, alpha)`: a frozen weight (out, in) and LoRA's A (rank, in) and B (out, rank)
    become one weight that does the work of both. Leave `weight` itself as it is.
    """,
    merged,
    _test_merged,
    wrong=[
        (_in_place, "changed the frozen weight"),
        (lambda w, A, B, alpha: alpha / len(A) * (B @ A), "update alone"),
        (lambda w, A, B, alpha: w + B @ A, "scale alpha / rank"),
        (lambda w, A, B, alpha: w + alpha * (B @ A), "divide alpha"),
        (lambda w, A, B, alpha: w - alpha / len(A) * (B @ A), "merging adds"),
        (lambda w, A, B, alpha: w + 1.5 * alpha / len(A) * (B @ A), "not yet"),
        (lambda w, A, B, alpha: w + alpha / len(A) * (A @ B), "cannot be multiplied"),
    ],
    hints=[
        "B @ A has the shape of the weight: (out, rank) times (rank, in).",
        "The rank is the number of rows of A.",
    ],
    minutes=5,
    difficulty=1,
)


def lora_numbers(layers, rank):
    return sum(rank * (out + into) for out, into in layers)


q2 = Exercise(
    "03.2",
    """
    Write `lora_numbers(layers, rank)`: how many numbers LoRA trains beside layers whose weights have the
    shapes `layers`, a list of (out, in). Then count GPT-3: 96 blocks, a query and a value of
    12,288 x 12,288 in each, rank 4.
    """,
    lora_numbers,
    cases(
        (([(3, 5)], 1), 8, "one layer of (3, 5) at rank 1: A holds 5 numbers and B holds 3"),
        (([(3, 5)], 2), 16, "twice the rank, twice the numbers"),
        (([(3, 5), (10, 10)], 2), 56, "add up over all layers"),
        (([(12288, 12288)] * 192, 4), 18_874_368, "GPT-3 must give 18,874,368"),
    ),
    wrong=[
        (lambda layers, rank: sum(out * into for out, into in layers), "A holds 5"),
        (lambda layers, rank: sum(rank * into for out, into in layers), "A holds 5"),
        (lambda layers, rank: sum(out + into for out, into in layers), "twice the rank"),
        (lambda layers, rank: sum(rank**2 * (out + into) for out, into in layers), "twice the rank"),
        (lambda layers, rank: rank * sum(layers[0]), "over all layers"),
        (lambda layers, rank: min(56, lora_numbers(layers, rank)), "18,874,368"),
    ],
    hints=["A is (rank, in) and B is (out, rank).", "sum(… for out, into in layers)"],
    minutes=5,
    difficulty=1,
)


def rescale_rows(x, vectors, tasks):
    rows = [row if task is None else row * vectors[task] for row, task in zip(x, tasks)]
    return torch.stack(rows)


def _first_for_all(x, vectors, tasks):
    return x * vectors[tasks[0]]


def _added(x, vectors, tasks):
    return torch.stack([row if t is None else row + vectors[t] for row, t in zip(x, tasks)])


def _everything(x, vectors, tasks):
    for vector in vectors.values():
        x = x * vector
    return x


def _no_base(x, vectors, tasks):
    return torch.stack([row * vectors.get(t, torch.zeros(())) for row, t in zip(x, tasks)])


def _test_rescale(answer):
    torch.manual_seed(0)
    x, vectors = torch.randn(3, 2, 4), {"desk": torch.rand(4) + 0.5, "reading": torch.rand(4) + 1.5}
    result = answer(x.clone(), dict(vectors), ["desk", "reading", "desk"])
    expect(tuple(result.shape) == (3, 2, 4), "the shape stays (B, T, D): three rows in, three rows out")
    expect(
        not close(result, x * vectors["desk"]),
        "every row got the first row's task: look the vector up for each row",
    )
    expect(
        not close(result, _everything(x, vectors, None)),
        "every row got the vectors of all tasks: each row has one task",
    )
    expect(
        not close(result, _added(x, vectors, ["desk", "reading", "desk"])),
        "IA3 rescales: multiply, do not add",
    )
    expect(
        close(result, rescale_rows(x, vectors, ["desk", "reading", "desk"])),
        "not yet: each row times its own task's vector, at every position",
    )
    mixed = answer(x.clone(), dict(vectors), [None, "desk", None])
    expect(close(mixed[0], x[0]), "a row whose task is None is for the base model: leave it as it is")
    expect(close(mixed, rescale_rows(x, vectors, [None, "desk", None])), "None must not move the other rows")


q3 = Exercise(
    "03.3",
    """
    Write `rescale_rows(x, vectors, tasks)`, IA3 for a mixed batch: x is (B, T, D), `vectors` holds one (D,)
    for each task's name, `tasks` one name for each of the B rows. Multiply each row by its own task's
    vector; where the task is None, the row stays as it is.
    """,
    rescale_rows,
    _test_rescale,
    wrong=[
        (_first_for_all, "first row's task"),
        (_everything, "vectors of all tasks"),
        (_added, "do not add"),
        (_no_base, "leave it as it is"),
        (lambda x, v, tasks: rescale_rows(x, v, tasks)[0], "three rows in"),
        (lambda x, v, tasks: rescale_rows(x, v, tasks) * 2, "not yet"),
    ],
    hints=[
        "zip(x, tasks) walks through rows and tasks together; a row is (T, D).",
        "torch.stack makes a batch of a list of rows again.",
    ],
    minutes=8,
    difficulty=2,
)


def adapted(x, down, up):
    return x + torch.relu(x @ down.T) @ up.T


def _test_adapted(answer):
    torch.manual_seed(0)
    x, down, up = torch.randn(2, 3, 6), torch.randn(2, 6), torch.randn(6, 2)
    result = answer(x.clone(), down.clone(), up.clone())
    expect(tuple(result.shape) == (2, 3, 6), "down to 2 numbers and up again: the result has the shape of x")
    inner = x @ down.T
    expect(
        not close(result, torch.relu(inner) @ up.T),
        "the residual is missing: without + x, an adapter with zeros would erase everything",
    )
    expect(
        not close(result, x + inner @ up.T),
        "the nonlinearity is missing: without it this is one low-rank matrix, as in LoRA",
    )
    expect(
        not close(result, x + torch.relu(inner @ up.T)),
        "the nonlinearity belongs between down and up, in the narrow part",
    )
    expect(not close(result, torch.relu(x + inner @ up.T)), "keep x itself out of the nonlinearity")
    expect(close(result, adapted(x, down, up)), "not yet: x + W_up relu(W_down x)")
    expect(close(answer(x, down, torch.zeros(6, 2)), x), "with W_up = 0 nothing may change")


q4 = Exercise(
    "03.4",
    """
    Write `adapted(x, down, up)`: a bottleneck adapter without biases. x is (B, T, D), `down` (width, D),
    `up` (D, width): x + W_up relu(W_down x). Try it without looking back.
    """,
    adapted,
    _test_adapted,
    wrong=[
        (lambda x, down, up: torch.relu(x @ down.T) @ up.T, "residual is missing"),
        (lambda x, down, up: x + x @ down.T @ up.T, "as in LoRA"),
        (lambda x, down, up: x + torch.relu(x @ down.T @ up.T), "between down and up"),
        (lambda x, down, up: torch.relu(x + x @ down.T @ up.T), "out of the nonlinearity"),
        (lambda x, down, up: torch.relu(x @ down.T), "shape of x"),
        (lambda x, down, up: adapted(x, down, up) + 1, "not yet"),
    ],
    hints=["x @ down.T is (B, T, width).", "torch.relu is the nonlinearity; its place is in the middle."],
    minutes=6,
    difficulty=1,
)


def f1_of(given, answer):
    common = sum((Counter(given) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(given), common / len(answer)
    return 2 * precision * recall / (precision + recall)


def _recall(given, answer):
    return sum((Counter(given) & Counter(answer)).values()) / len(answer)


def _precision(given, answer):
    return sum((Counter(given) & Counter(answer)).values()) / len(given)


def _by_sets(given, answer):
    common = len(set(given) & set(answer))
    return 2 * common / (len(set(given)) + len(set(answer))) if common else 0.0


def _mean(given, answer):
    return (_precision(given, answer) + _recall(given, answer)) / 2


def _no_zero(given, answer):
    precision, recall = _precision(given, answer), _recall(given, answer)
    return 2 * precision * recall / (precision + recall)


q5 = Exercise(
    "03.5",
    """
    Write `f1_of(given, answer)` for two lists of words: precision is the share of the given words that are in
    the answer, recall the share of the answer's words that were given, F1 their harmonic mean
    2 p r / (p + r), and 0 where no word is shared. A word given twice counts twice only if the
    answer has it twice.
    """,
    f1_of,
    cases(
        ((["red", "cap"], ["red", "cap"]), 1.0, "the same words must give 1"),
        ((["red", "cap"], ["red"]), 2 / 3, "two words given, one asked for: p = 1/2, r = 1, F1 = 2/3"),
        ((["red"], ["red", "cap"]), 2 / 3, "one word given, two asked for: p = 1, r = 1/2, F1 = 2/3"),
        ((["red"], ["blue"]), 0.0, "no word in common must give 0, not an error"),
        ((["red", "red"], ["red", "cap"]), 0.5, "'red' given twice, asked for once: it counts once"),
        (([], ["red"]), 0.0, "an empty answer must give 0"),
    ),
    wrong=[
        (_recall, "p = 1/2"),
        (_precision, "p = 1/2"),
        (lambda given, answer: float(given == answer), "p = 1/2"),
        (_mean, "p = 1/2"),
        (_by_sets, "counts once"),
        (_no_zero, "ZeroDivisionError"),
        (lambda given, answer: 1 - f1_of(given, answer), "must give 1"),
    ],
    hints=[
        "Counter(given) & Counter(answer) keeps each word as often as both have it.",
        "Ask first whether anything is shared: then nothing divides by zero.",
    ],
    minutes=8,
    difficulty=2,
)
