"""Lesson 02: soft prompts, written by the learner."""

import torch

from course_utils.lessons.exercise import Exercise, Prediction, cases, expect
from course_utils.lessons.l00 import close

p1 = Prediction(
    "02.p1",
    "Equal steps from three starts, each at its best rate: which soft prompt is right most often?",
    ["random values", "random words", "solved pairs"],
)
p2 = Prediction(
    "02.p2",
    "What share of the learned vectors still has the token it began as for its nearest token?",
)
p3 = Prediction(
    "02.p3",
    "How many times as many values does a prefix hold as a soft prompt of as many vectors? Each position "
    "keeps a key and a value in every layer, and several query heads of SmolLM2 share one key-value head.",
)


def with_vectors(embed, vectors, input_ids):
    words = embed(input_ids)
    return torch.cat([vectors.expand(len(input_ids), -1, -1), words], dim=1)


def _test_with_vectors(answer):
    torch.manual_seed(0)
    embed = torch.nn.Embedding(11, 4)
    vectors = torch.nn.Parameter(torch.randn(3, 4))
    ids = torch.tensor([[1, 5], [7, 2]])
    result = answer(embed, vectors, ids)
    expect(torch.is_tensor(result), "return a tensor of the shape (B, v + T, D)")
    right = with_vectors(embed, vectors, ids)
    expect(not close(result, right.transpose(0, 1)), "the rows come first: (B, v + T, D)")
    expect(
        tuple(result.shape) == (2, 5, 4),
        "two rows, three vectors and two words make the shape (2, 5, 4): is the soft prompt in every row?",
    )
    behind = torch.cat([right[:, 3:], right[:, :3]], 1)
    expect(not close(result, behind), "your vectors stand behind the words: put them in front")
    expect(close(result, right), "first the vectors, then the embeddings of the row's own words")
    result.sum().backward()
    expect(
        vectors.grad is not None and vectors.grad.abs().sum() > 0,
        "no gradient arrives at the vectors, so they could not learn: use them as they are, not a copy",
    )


def _no_gradient(embed, vectors, ids):
    return with_vectors(embed, vectors.detach(), ids) + 0 * embed(ids).sum()


q1 = Exercise(
    "02.1",
    """
    Write `with_vectors(embed, vectors, input_ids)`: embed turns ids (B, T) into embeddings (B, T, D);
    vectors is a soft prompt (v, D). Return (B, v + T, D): the soft prompt in front of every row's embeddings.
    The vectors must be able to learn from what is computed with the result.
    """,
    with_vectors,
    _test_with_vectors,
    wrong=[
        (lambda e, v, i: torch.cat([e(i), v.expand(len(i), -1, -1)], 1), "stand behind"),
        (_no_gradient, "no gradient"),
        (lambda e, v, i: e(i), "(2, 5, 4)"),
        (lambda e, v, i: with_vectors(e, v, i)[:1], "in every row"),
        (lambda e, v, i: with_vectors(e, v, i).transpose(0, 1), "rows come first"),
        (lambda e, v, i: torch.cat([v.flip(0).expand(len(i), -1, -1), e(i)], 1), "first the vectors"),
        (lambda e, v, i: with_vectors(e, v, i).tolist(), "return a tensor"),
    ],
    hints=[
        "vectors.expand(B, -1, -1) shows the same (v, D) in each of B rows.",
        "torch.cat joins along dim=1, the positions.",
    ],
    minutes=6,
    difficulty=1,
)


def mask_and_positions(mask, v):
    mask = torch.as_tensor(mask)
    positions = (mask.cumsum(1) - 1).clamp(min=0) + v
    return torch.cat([torch.ones(len(mask), v, dtype=mask.dtype), mask], dim=1), positions


def _test_mask(answer):
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    result = answer(mask.clone(), 2)
    expect(
        isinstance(result, (tuple, list)) and len(result) == 2,
        "return two things: the mask (B, v + T) and the positions (B, T)",
    )
    seen, positions = (torch.as_tensor(x) for x in result)
    expect(tuple(seen.shape) == (2, 6), "the mask covers v + T places: the soft prompt's and the text's")
    expect(seen[0].tolist() != [1, 1, 1, 1, 1, 1], "your mask lets the text look at the padding")
    expect(
        seen[0].tolist() != [0, 0, 1, 1, 1, 1],
        "in your padded row the 1s of the soft prompt stand behind the pads: the soft prompt comes first",
    )
    expect(
        seen.tolist() == [[1, 1, 0, 0, 1, 1], [1] * 6], "the mask is v times 1, then the row's mask as it was"
    )
    expect(tuple(positions.shape) == (2, 4), "positions are those of the text: (B, T)")
    expect(
        positions[1].tolist() != [0, 1, 2, 3],
        "the soft prompt takes positions 0 to v - 1: the text's first word stands at v",
    )
    expect(
        positions[0, 2:].tolist() != [4, 5],
        "your pads take up positions: a row's first real word stands at v, wherever its padding is",
    )
    expect(
        positions[1].tolist() == [2, 3, 4, 5] and positions[0, 2:].tolist() == [2, 3],
        "the real words of each row stand at v, v + 1, v + 2, …",
    )


def _positions(mask, v, pads_count=False, shift=True):
    seen, right = mask_and_positions(mask, v)
    if pads_count:
        right = torch.arange(mask.shape[1]).expand(mask.shape) + v
    return seen, right - (0 if shift else v)


q2 = Exercise(
    "02.2",
    """
    Write `mask_and_positions(mask, v)`: mask (B, T) is the attention mask of a padded batch, 1 for a token of
    the text and 0 for a pad; v vectors stand in front of it. Return the mask with the vectors (B, v + T), and
    the position of each token (B, T), where the vectors have the positions 0 to v - 1. Positions of pads are
    not checked. This is the place of the silent error of section 6.
    """,
    mask_and_positions,
    _test_mask,
    wrong=[
        (lambda m, v: _positions(m, v, pads_count=True), "pads take up positions"),
        (lambda m, v: _positions(m, v, shift=False), "takes positions 0"),
        (lambda m, v: (m, _positions(m, v)[1]), "covers v + T"),
        (lambda m, v: (torch.ones(len(m), m.shape[1] + v), _positions(m, v)[1]), "look at the padding"),
        (lambda m, v: (torch.cat([m, torch.ones(len(m), v)], 1), _positions(m, v)[1]), "comes first"),
        (lambda m, v: _positions(m, v)[0], "two things"),
        (lambda m, v: (_positions(m, v)[0], _positions(m, v)[1] + 1), "stand at v, v + 1"),
        (lambda m, v: (_positions(m, v)[0], _positions(m, v)[1][:, 1:]), "those of the text"),
        (lambda m, v: (torch.cat([torch.zeros(len(m), v), m], 1), _positions(m, v)[1]), "v times 1"),
    ],
    hints=[
        "mask.cumsum(1) counts the words up to each place; the first one counts 1.",
        "torch.cat([ones of shape (B, v), mask], dim=1) for the mask; add v to the positions.",
    ],
    minutes=10,
    difficulty=2,
)


def parameters_stored(kind, length, width, layers, kv_width):
    return length * (2 * layers * kv_width if kind == "prefix" else width)


q3 = Exercise(
    "02.3",
    """
    Write `parameters_stored(kind, length, width, layers, kv_width)`: how many parameters one task keeps on
    disk, for "prompt", "p-tuning" and "prefix". A vector has `width` values; in each layer a position's key
    has `kv_width` values, and so has its value. SmolLM2 has width 576, 30 layers and kv_width 192, because
    its nine query heads share three key-value heads. A prompt encoder is dropped after training.
    """,
    parameters_stored,
    cases(
        (
            ("prompt", 5, 4096, 24, 4096),
            20_480,
            "a prompt of 5 vectors of 4,096 values keeps 5 · 4,096, in all",
        ),
        (("p-tuning", 5, 4096, 24, 4096), 20_480, "p-tuning keeps the vectors of its encoder, and no more"),
        (
            ("prefix", 10, 1024, 24, 1024),
            491_520,
            "a prefix keeps a key and a value, for each position, in each layer",
        ),
        (("prefix", 18, 576, 30, 192), 207_360, "SmolLM2's keys are narrower than its vectors: use kv_width"),
    ),
    wrong=[
        (lambda kind, v, d, n, k: v * d * n, "in all"),
        (lambda kind, v, d, n, k: v * d, "a key and a value"),
        (lambda kind, v, d, n, k: v * d * (n if kind == "prefix" else 1), "a key and a value"),
        (lambda kind, v, d, n, k: v * d + (d * d if kind == "p-tuning" else 0), "no more"),
        (lambda kind, v, d, n, k: v * d * (2 * n if kind == "prefix" else 1), "use kv_width"),
    ],
    hints=["What does each layer attend to, for each position before the text? A key and a value."],
    minutes=5,
    difficulty=1,
)


def nearest_token(table, vector):
    table = table / table.norm(dim=1, keepdim=True)
    return int((table @ vector).argmax())


def _test_nearest(answer):
    table = torch.tensor([[3.0, 4.0], [1.0, 0.2], [-2.0, -0.5], [0.0, 0.0001]])
    vector = torch.tensor([2.0, 0.5])
    result = answer(table.clone(), vector.clone())
    expect(isinstance(result, int) or getattr(result, "numel", lambda: 0)() == 1, "return one token's number")
    result = int(result)
    expect(result != 0, "a long vector wins in your version: compare directions, so divide by the lengths")
    expect(
        result != 2, "that one points the other way: take the largest cosine, not the smallest or |cosine|"
    )
    expect(result == 1, "the token whose vector points most nearly the same way")


q4 = Exercise(
    "02.4",
    """
    Write `nearest_token(table, vector)`: table (V, D) holds the embedding of every token, vector (D,) is
    one vector of a soft prompt. Return the number of the token whose embedding has the largest cosine with
    it: the inner product divided by both lengths.
    """,
    nearest_token,
    _test_nearest,
    wrong=[
        (lambda table, vector: int((table @ vector).argmax()), "divide by the lengths"),
        (lambda table, vector: int((table @ vector).argmin()), "the other way"),
        (lambda table, vector: int((table / table.norm(dim=0) @ vector).argmax()), "divide by the lengths"),
        (lambda table, vector: table @ vector, "one token's number"),
        (lambda table, vector: 3, "the same way"),
    ],
    hints=[
        "The length of every row: table.norm(dim=1, keepdim=True). The vector's own length changes no order."
    ],
    minutes=6,
    difficulty=2,
)


def choose_rate(dev):
    best = max(dev, key=dev.get)
    return None if best in (min(dev), max(dev)) else best


q5 = Exercise(
    "02.5",
    """
    Write `choose_rate(dev)`: dev is {learning rate: accuracy on dev}. Return the rate with the highest
    accuracy, or None if it is the lowest or the highest rate of the grid: then a better one may lie outside,
    and the grid has to be extended. Try it on SmolLM2's stored runs:
    `choose_rate({run["lr"]: run["dev"] for run in runs.select("rates", method="LoRA")})`.
    """,
    choose_rate,
    cases(
        (({0.01: 0.2, 0.1: 0.5, 1.0: 0.4},), 0.1, "the best rate is inside this grid: return it"),
        (({0.01: 0.2, 0.1: 0.5, 1.0: 0.6},), None, "the best rate is the highest of the grid: return None"),
        (({1.0: 0.1, 0.1: 0.5, 0.01: 0.6},), None, "the best rate is the lowest of the grid: return None"),
        (({1.0: 0.1, 0.01: 0.2, 0.1: 0.6},), 0.1, "the order of the entries says nothing: compare the rates"),
    ),
    wrong=[
        (lambda dev: max(dev, key=dev.get), "highest of the grid"),
        (lambda dev: max(dev.values()), "return it"),
        (
            lambda dev: None if max(dev, key=dev.get) == max(dev) else max(dev, key=dev.get),
            "lowest of the grid",
        ),
        (
            lambda dev: (
                None if max(dev, key=dev.get) in (list(dev)[0], list(dev)[-1]) else max(dev, key=dev.get)
            ),
            "order of the entries",
        ),
    ],
    hints=["max(dev, key=dev.get) is the best rate; min(dev) and max(dev) are the ends of the grid."],
    minutes=6,
    difficulty=1,
)


def blend(start, learned, share):
    return (1 - share) * start + share * learned


q6 = Exercise(
    "02.6",
    """
    Write `blend(start, learned, share)`: vectors on the straight line from the start (share 0) to the learned
    ones (share 1), both (v, D). Then ask SmolLM2 with them, for several shares:
    `ask(soft_prompts.SoftPrompted(model, encoders.Direct(blend(vectors, good, 0.5))), behind)`.
    How far must the vectors go before the replies are single words?
    """,
    blend,
    cases(
        (
            (torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, 4.0]]), 0.0),
            torch.tensor([[0.0, 2.0]]),
            "share 0 is the start",
        ),
        (
            (torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, 4.0]]), 1.0),
            torch.tensor([[4.0, 4.0]]),
            "share 1 is what was learned",
        ),
        (
            (torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, 4.0]]), 0.25),
            torch.tensor([[1.0, 2.5]]),
            "a quarter of the way: the start and a quarter of the difference",
        ),
    ),
    wrong=[
        (lambda start, learned, share: share * start + (1 - share) * learned, "is the start"),
        (lambda start, learned, share: start + share * learned, "what was learned"),
        (lambda start, learned, share: learned if share > 0.5 else start, "a quarter of the way"),
    ],
    hints=["start + share · (learned − start)"],
    minutes=8,
    difficulty=2,
)
