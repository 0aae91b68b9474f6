"""Lesson 00: next-token distributions, attention and loss, written by the learner."""

import math

import torch

from course_utils.lessons.exercise import Exercise, Prediction, expect

p1 = Prediction(
    "00.p1",
    "An untrained model and a vocabulary of 49,152 tokens: about what loss will it have, in nats?",
)
p2 = Prediction(
    "00.p2",
    "The same questions about countries, in an exam's style and in a forum's: where is accuracy higher?",
    ["exam", "forum", "no difference"],
)


def close(result, expected, within=1e-5):
    """True if result is a tensor (or list) of the same shape and values."""
    result = torch.as_tensor(result, dtype=torch.float32)
    expected = torch.as_tensor(expected, dtype=torch.float32)
    return result.shape == expected.shape and torch.allclose(result, expected, atol=within)


def probabilities_of(logits, temperature):
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.max())
    return weights / weights.sum()


def _test_probabilities(answer):
    logits = torch.tensor([2.0, 1.0, -1.0])
    result = torch.as_tensor(answer(logits.clone(), 1.0), dtype=torch.float32)
    expect(result.shape == (3,), "return one probability for each logit, no more and no fewer")
    expect(abs(result.sum().item() - 1) < 1e-5, "your values do not add up to 1: divide by their sum")
    expect(
        close(result, torch.softmax(logits, 0)),
        "at temperature 1 this is the exponential of each logit, divided by their sum",
    )
    hot = answer(logits.clone(), 2.0)
    expect(
        not close(hot, torch.softmax(logits * 2, 0)),
        "a high temperature must flatten the distribution, yours sharpens it: divide by it, do not multiply",
    )
    expect(
        close(hot, torch.softmax(logits / 2, 0)),
        "temperature 2 gives wrong values: it acts on the logits, before the exponential",
    )
    large = answer(torch.tensor([1000.0, 999.0]), 1.0)
    wide = answer(torch.tensor([0.0, 1000.0, -1000.0]), 1.0)
    expect(
        close(large, [1 / (1 + math.exp(-1)), 1 / (1 + math.e)]) and close(wide, [0, 1, 0]),
        "logits near 1,000 overflow in your version: subtract the largest logit first, nothing else changes",
    )


q1 = Exercise(
    "00.1",
    """
    Write `probabilities_of(logits, temperature)`: from a tensor of V logits to V probabilities.
    Divide the logits by the temperature, take the exponential, and normalize to a sum of 1.
    It must also survive logits of 1,000. (torch.softmax would do all this; here, write it out.)
    """,
    probabilities_of,
    _test_probabilities,
    wrong=[
        (lambda logits, t: torch.exp(logits / t), "add up to 1"),
        (lambda logits, t: logits / logits.sum(), "exponential"),
        (lambda logits, t: torch.softmax(logits * t, 0), "sharpens"),
        (lambda logits, t: torch.softmax(logits, 0) ** 1, "before the exponential"),
        (lambda logits, t: torch.exp(logits / t) / torch.exp(logits / t).sum(), "overflow"),
        (lambda logits, t: torch.softmax(logits / t, 0).sum(), "one probability for each"),
    ],
    hints=[
        "torch.exp works on every element; the sum of a tensor is x.sum().",
        "exp(a - c) / sum(exp(b - c)) is the same for every c: choose c so that nothing overflows.",
    ],
    minutes=6,
    difficulty=1,
)


def continue_greedily(next_logits, ids, steps):
    ids = list(ids)
    for _ in range(steps):
        ids.append(int(next_logits(ids).argmax()))
    return ids


def _test_greedy(answer):
    def next_logits(ids):  # a toy model whose favorite depends on all tokens so far
        favorite = (sum(ids) + len(ids)) % 7
        return torch.nn.functional.one_hot(torch.tensor(favorite), 7).float() - 9.0

    start, right = [2], [2, 3, 0, 1, 3, 0, 1]
    result = answer(next_logits, start, 6)
    expect(start == [2], "you changed the caller's list: copy it first")
    result = [int(token) for token in result]
    expect(result != right[1:], "you return only the new tokens: the prompt belongs to the sequence")
    expect(len(result) == 7, "six steps must add exactly six tokens to the prompt")
    expect(result != _only_prompt(next_logits, [2], 6), "every step must see the tokens chosen so far")
    expect(result != _last_only(next_logits, [2], 6), "pass all tokens so far, not the last one alone")
    expect(result == right, "take the token with the largest logit at each step")


def _only_prompt(next_logits, ids, steps):
    return list(ids) + [int(next_logits(ids).argmax()) for _ in range(steps)]


def _last_only(next_logits, ids, steps):
    ids = list(ids)
    for _ in range(steps):
        ids.append(int(next_logits(ids[-1:]).argmax()))
    return ids


def _in_place(next_logits, ids, steps):
    for _ in range(steps):
        ids.append(int(next_logits(ids).argmax()))
    return ids


def _smallest(next_logits, ids, steps):
    return continue_greedily(lambda seen: -next_logits(seen), ids, steps)


q2 = Exercise(
    "00.2",
    """
    Write `continue_greedily(next_logits, ids, steps)`. `next_logits(ids)` gives the logits (V,) of the
    token after the list `ids`. Add the most likely token `steps` times; return prompt and new tokens
    as one list, and leave the caller's list alone.
    """,
    continue_greedily,
    _test_greedy,
    wrong=[
        (_only_prompt, "see the tokens chosen so far"),
        (_last_only, "not the last one alone"),
        (_in_place, "copy it first"),
        (lambda f, ids, n: continue_greedily(f, ids, n)[len(ids) :], "only the new tokens"),
        (lambda f, ids, n: continue_greedily(f, ids, n + 1), "exactly six"),
        (_smallest, "largest logit"),
    ],
    hints=["list(ids) makes a copy.", "Inside the loop: ask for logits, take argmax, append."],
    minutes=6,
    difficulty=1,
)


def attention_of(q, k, v):
    scores = q @ k.T / math.sqrt(q.shape[-1])
    future = torch.ones_like(scores).triu(1).bool()
    return scores.masked_fill(future, float("-inf")).softmax(-1) @ v


def _attend(q, k, v, scale=True, causal=True, axis=-1, diagonal=1):
    scores = q @ k.T / (math.sqrt(q.shape[-1]) if scale else 1.0)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores).triu(diagonal).bool(), -1e9)
    return scores.softmax(axis) @ v


def _test_attention(answer):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 4, 8).unbind(0)
    result = torch.as_tensor(answer(q.clone(), k.clone(), v.clone()), dtype=torch.float32)
    expect(tuple(result.shape) == (4, 8), "the result has one row of values for each query: shape (T, D)")
    expect(not close(result, _attend(q, k, v, causal=False)), "a token sees tokens after it: mask the future")
    expect(
        not close(result, _attend(q, k, v, diagonal=0)),
        "a token may look at itself: mask only what comes after it",
    )
    expect(not close(result, _attend(q, k, v, scale=False)), "divide the scores by the square root of D")
    expect(
        not close(result, _attend(q, k, v, axis=0)),
        "each query's weights must add up to 1: softmax over the keys",
    )
    expect(
        not close(result, _cut_after_softmax(q, k, v)),
        "you cut the future after the softmax, so a row's weights no longer add up to 1: mask before it",
    )
    expect(close(result, attention_of(q, k, v)), "not yet: softmax(Q K^T / sqrt(D), future masked) V")


def _cut_after_softmax(q, k, v):
    return (q @ k.T / math.sqrt(q.shape[-1])).softmax(-1).tril() @ v


q3 = Exercise(
    "00.3",
    """
    Write `attention_of(q, k, v)` for one head: q, k and v are (T, D). Each token's query is compared with
    the keys of the tokens up to itself: softmax(Q K^T / sqrt(D)), where the future counts for nothing.
    The result (T, D) mixes the values by these weights. Try it without looking back.
    """,
    attention_of,
    _test_attention,
    wrong=[
        (lambda q, k, v: _attend(q, k, v, causal=False), "mask the future"),
        (lambda q, k, v: _attend(q, k, v, scale=False), "square root"),
        (lambda q, k, v: _attend(q, k, v, axis=0), "softmax over the keys"),
        (lambda q, k, v: _attend(q, k, v, diagonal=0), "look at itself"),
        (lambda q, k, v: _attend(q, k, v)[-1], "one row of values"),
        (_cut_after_softmax, "mask before it"),
        (lambda q, k, v: v, "not yet"),
    ],
    hints=[
        "q @ k.T holds the score of every query with every key: (T, T).",
        "Set the scores of the future to minus infinity before the softmax: torch.triu(…, 1) marks them.",
    ],
    minutes=10,
    difficulty=2,
)


def next_token_loss(logits, ids):
    logps = torch.log_softmax(logits[:-1], -1)
    return -logps[torch.arange(len(ids) - 1), ids[1:]].mean()


def _loss(logits, ids, shift=1, sign=-1.0, mean=True):
    picked = torch.log_softmax(logits[: len(ids) - shift], -1)[torch.arange(len(ids) - shift), ids[shift:]]
    return sign * (picked.mean() if mean else picked.sum())


def _test_loss(answer):
    torch.manual_seed(0)
    logits, ids = torch.randn(5, 7), torch.tensor([1, 4, 2, 0, 6])
    result = torch.as_tensor(answer(logits.clone(), ids.clone()), dtype=torch.float32)
    expect(result.dim() == 0, "one number for the whole text: take the mean")
    expect(not math.isnan(result.item()), "your loss is not a number: is a logarithm of 0 or less in it?")
    plain = torch.softmax(logits[:-1], -1)[torch.arange(4), ids[1:]].mean()
    expect(not close(result.abs(), plain), "these are probabilities: take their logarithm before the mean")
    expect(result.item() > 0, "a loss is never negative: it is minus the log-probability")
    expect(
        not close(result, _loss(logits, ids, shift=0)),
        "your row i predicts token i itself: row i holds the prediction of token i + 1",
    )
    expect(
        not close(result, _loss(logits, ids, mean=False)),
        "take the mean over the predicted tokens, not the sum",
    )
    bits = _loss(logits, ids) / math.log(2)
    expect(not close(result, bits), "that is in bits: use the natural logarithm")
    expect(close(result, _loss(logits, ids)), "not yet: minus the mean log-probability of each next token")


q4 = Exercise(
    "00.4",
    """
    Write `next_token_loss(logits, ids)`: logits (T, V) of a text and its T token ids. Row i predicts
    token i + 1. Return the loss: the mean, over the tokens from the second on, of minus the natural
    logarithm of the probability that was predicted for it. Try it without looking back.
    """,
    next_token_loss,
    _test_loss,
    wrong=[
        (lambda logits, ids: _loss(logits, ids, shift=0), "prediction of token i + 1"),
        (lambda logits, ids: _loss(logits, ids, sign=1.0), "never negative"),
        (lambda logits, ids: _loss(logits, ids, mean=False), "not the sum"),
        (lambda logits, ids: _loss(logits, ids) / math.log(2), "in bits"),
        (lambda logits, ids: -torch.log_softmax(logits, -1)[:, 0], "one number"),
        (
            lambda logits, ids: -torch.softmax(logits[:-1], -1)[torch.arange(4), ids[1:]].mean(),
            "take their logarithm",
        ),
        (lambda logits, ids: _loss(logits, ids) * torch.nan, "not a number"),
        (lambda logits, ids: torch.tensor(1.0), "not yet"),
    ],
    hints=[
        "The last row has nothing to predict, and the first token is predicted by no row.",
        "torch.log_softmax(logits, -1) gives log-probabilities; pick the right column of each row.",
    ],
    minutes=8,
    difficulty=2,
)


def _test_most_likely(answer):
    expect(isinstance(answer, str), "give the token as a text, such as 'warm'")
    word = answer.strip().lower()
    expect(word not in ("hot", "the opposite of hot is"), "that is in the prompt: ask for the token after it")
    expect(
        word not in ("cool", "warm", "lukewarm"),
        "that token has less probability: take the first of the list",
    )
    expect(
        word == "cold",
        "not yet: generation.next_token(model, tokenizer, prompt) lists tokens, the likeliest first",
    )


q5 = Exercise(
    "00.5",
    """
    On SmolLM2: which token has the highest probability after "The opposite of hot is"? Find it with
    `generation.next_token(model, tokenizer, prompt)` or with the explorer, and give it as a text.
    """,
    " cold",
    _test_most_likely,
    wrong=[
        (" cool", "less probability"),
        ("hot", "in the prompt"),
        (3, "as a text"),
        ("ice", "not yet"),
    ],
    hints=["The function returns pairs (token, probability), sorted.", "next_token(…)[0][0] is the token."],
    minutes=4,
    difficulty=1,
    solution_text='generation.next_token(model, tokenizer, "The opposite of hot is")[0][0]',
)


def _test_order(answer):
    expect(isinstance(answer, str), "give the order as a text of three letters, such as 'BCA'")
    letters = answer.strip().upper()
    expect(sorted(letters) == list("ABC"), "name each of the three texts once, as in 'BCA'")
    expect(letters != "BCA", "that is from the highest perplexity to the lowest: turn it around")
    expect(letters[0] == "A", "ordinary English is the least surprising: is your loss shifted by one token?")
    expect(letters == "ACB", "not yet: perplexity is the exponential of loss_of(model, text), for each text")


q6 = Exercise(
    "00.6",
    """
    On SmolLM2: order these texts from the lowest perplexity to the highest, as a text such as "BCA".
    A "The train was late, so we drank tea and waited."
    B "Late tea so the waited and was train drank we,."
    C "Le train avait du retard, alors nous avons bu du thé."
    Predict first, then measure.
    """,
    "ACB",
    _test_order,
    wrong=[
        ("BCA", "turn it around"),
        ("ABC", "not yet"),
        ("CAB", "ordinary English"),
        ("AB", "each of the three"),
        (1, "as a text"),
    ],
    hints=["loss_of(model, text) gives the loss in nats.", "A higher loss is a higher perplexity."],
    minutes=6,
    difficulty=1,
    solution_text='"".join(sorted("ABC", key=lambda letter: loss_of(model, texts[letter])))',
)
