"""Lesson 03: PEFT: merging, counting, mixing tasks in a batch, a grade for spans, and NF4."""

from collections import Counter

import torch

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect

p1 = Prediction(
    "03.p1",
    "LoRA has just been inserted into SmolLM2, and nothing is trained yet. What share of the logits changed?",
)
p2 = Prediction(
    "03.p2",
    "LoRA trains 2 % of SmolLM2's parameters. How long is its step, as a share of full fine-tuning's?",
    ["a fiftieth", "about a tenth", "more than a third"],
)
p3 = Prediction(
    "03.p3",
    "How much of the gain of rank 16 does rank 1 reach in the glass box?",
    ["almost none", "about half", "most of it"],
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


def lora_parameters(layers, rank):
    return sum(rank * (out + into) for out, into in layers)


q2 = Exercise(
    "03.2",
    """
    Write `lora_parameters(layers, rank)`: how many parameters LoRA trains beside layers whose weights have
    the shapes `layers`, a list of (out, in). Then count GPT-3: 96 blocks, a query and a value projection of
    12,288 x 12,288 in each, rank 4.
    """,
    lora_parameters,
    cases(
        (([(3, 5)], 1), 8, "one layer of (3, 5) at rank 1: A holds 5 parameters and B holds 3"),
        (([(3, 5)], 2), 16, "twice the rank, twice the parameters"),
        (([(3, 5), (10, 10)], 2), 56, "add up over all layers"),
        (([(12288, 12288)] * 192, 4), 18_874_368, "GPT-3 must give 18,874,368"),
    ),
    wrong=[
        (lambda layers, rank: sum(out * into for out, into in layers), "A holds 5"),
        (lambda layers, rank: sum(rank * into for out, into in layers), "A holds 5"),
        (lambda layers, rank: sum(out + into for out, into in layers), "twice the rank"),
        (lambda layers, rank: sum(rank**2 * (out + into) for out, into in layers), "twice the rank"),
        (lambda layers, rank: rank * sum(layers[0]), "over all layers"),
        (lambda layers, rank: min(56, lora_parameters(layers, rank)), "18,874,368"),
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


q4 = Exercise(
    "03.4",
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


def lora_share(model, names, rank):
    """Parameters that LoRA trains beside the layers of these names, as a share of the model's own."""
    trained = 0
    for path, layer in model.named_modules():
        if path.split(".")[-1] in names:
            trained += rank * (layer.in_features + layer.out_features)
    return trained / sum(parameter.numel() for parameter in model.parameters())


def _stand_in():
    """A model of two blocks with known layers: 2 · (4 · 6 + 6 · 4 + 4 · 4) + 10 · 4 = 168 parameters."""
    blocks = [
        torch.nn.ModuleDict(
            {
                "q_proj": torch.nn.Linear(4, 4, bias=False),
                "up_proj": torch.nn.Linear(4, 6, bias=False),
                "down_proj": torch.nn.Linear(6, 4, bias=False),
            }
        )
        for _ in range(2)
    ]
    return torch.nn.ModuleDict({"embed": torch.nn.Embedding(10, 4), "layers": torch.nn.ModuleList(blocks)})


def _test_share(answer):
    model = _stand_in()
    result = answer(model, ("q_proj",), 1)
    expect(result != 16, "that is the count: divide it by the number of the model's parameters")
    expect(
        abs(result - 32 / 168) > 1e-9, "that is the whole weight: LoRA trains A (rank, in) and B (out, rank)"
    )
    expect(abs(result - 8 / 168) > 1e-9, "every block has such a layer: add up over all of them")
    expect(abs(result - 16 / 168) < 1e-9, "rank 1 beside q_proj (4 x 4) in two blocks: 16 of 168 parameters")
    expect(abs(answer(model, ("q_proj",), 3) - 48 / 168) < 1e-9, "three times the rank, three times as many")
    both = answer(model, ("q_proj", "up_proj"), 1)
    expect(abs(both - 36 / 168) < 1e-9, "up_proj is not square: rank · (in + out) for each layer")


def _count_only(model, names, rank):
    return lora_share(model, names, rank) * sum(parameter.numel() for parameter in model.parameters())


def _whole_weights(model, names, rank):
    chosen = [m.weight.numel() for path, m in model.named_modules() if path.split(".")[-1] in names]
    return sum(chosen) / sum(parameter.numel() for parameter in model.parameters())


def _first_block(model, names, rank):
    return lora_share(model, names, rank) / 2


def _rank_forgotten(model, names, rank):
    return lora_share(model, names, 1)


def _all_square(model, names, rank):
    layers = [m for path, m in model.named_modules() if path.split(".")[-1] in names]
    return sum(2 * rank * m.in_features for m in layers) / sum(p.numel() for p in model.parameters())


q5 = Exercise(
    "03.5",
    """
    Write `lora_share(model, names, rank)`: walk through model.named_modules(), take the linear layers whose
    path ends in one of `names`, such as ("q_proj", "v_proj"), and return how many parameters LoRA of this
    rank trains beside them, divided by the number of the model's own parameters. Then call it on SmolLM2.
    """,
    lora_share,
    _test_share,
    wrong=[
        (_count_only, "divide it"),
        (_whole_weights, "that is the whole weight"),
        (_first_block, "every block"),
        (_rank_forgotten, "three times the rank"),
        (_all_square, "not square"),
        (lambda model, names, rank: 1.0, "16 of 168"),
    ],
    hints=[
        'path.split(".")[-1] is the last part of a path such as model.layers.0.self_attn.q_proj.',
        "A linear layer has in_features and out_features; a parameter tensor has numel().",
    ],
    minutes=8,
    difficulty=2,
)


def quantized(block, levels):
    scale = block.abs().max()
    nearest = (block[:, None] / scale - levels).abs().argmin(1)
    return scale * levels[nearest]


def _test_quantized(answer):
    levels = torch.tensor([-1.0, -0.5, 0.0, 0.25, 1.0])
    block = torch.tensor([2.0, -0.9, 0.2, 0.6, -2.0])
    before = block.clone()
    result = answer(block, levels)
    expect(torch.equal(block, before), "you changed the block itself: return new values")
    expect(
        tuple(torch.as_tensor(result).shape) == (5,), "one value for each in the block: the shape stays (5,)"
    )
    expect(not close(result, [4.0, 1.0, 2.0, 3.0, 0.0]), "those are the codes: look up their levels")
    expect(not close(result, [1.0, -0.5, 0.0, 0.25, -1.0]), "multiply by the scale again")
    expect(
        not close(result, [1.0, -1.0, 0.25, 0.5, -1.0]) and not close(result, [1.0, -1.0, 0.25, 0.25, -1.0]),
        "divide by the block's largest absolute value first, so that the levels cover it",
    )
    expect(close(result, [2.0, -1.0, 0.0, 0.5, -2.0]), "not yet: scale · the level nearest to value / scale")
    negative = answer(torch.tensor([-4.0, 1.0]), levels)
    expect(close(negative, [-4.0, 1.0]), "the largest *absolute* value is the scale, even if negative")


def _codes(block, levels):
    return (block[:, None] / block.abs().max() - levels).abs().argmin(1)


def _unscaled(block, levels):
    return levels[_codes(block, levels)]


def _never_scaled(block, levels):
    return levels[(block[:, None] - levels).abs().argmin(1)]


def _by_largest(block, levels):
    scale = block.max()
    return scale * levels[(block[:, None] / scale - levels).abs().argmin(1)]


def _in_place_block(block, levels):
    block.copy_(quantized(block, levels))
    return block


q6 = Exercise(
    "03.6",
    """
    Write `quantized(block, levels)`: what is left of a block of weights, (N,), when each is kept as the
    number of its nearest level. Divide by the block's largest absolute value, take the nearest of `levels`,
    (K,), and multiply back. Then try it on the first 64 weights of a layer of SmolLM2, with `nf4_levels()`.
    """,
    quantized,
    _test_quantized,
    wrong=[
        (_codes, "those are the codes"),
        (_unscaled, "by the scale again"),
        (_never_scaled, "divide by the block's largest"),
        (_by_largest, "absolute"),
        (_in_place_block, "changed the block itself"),
        (lambda block, levels: quantized(block, levels)[:1], "shape stays"),
        (lambda block, levels: quantized(block, levels) * 0.9, "not yet"),
    ],
    hints=[
        "block[:, None] - levels has the shape (N, K): every value beside every level.",
        ".abs().argmin(1) is the number of the nearest one; levels[numbers] looks them up.",
    ],
    minutes=8,
    difficulty=2,
)
