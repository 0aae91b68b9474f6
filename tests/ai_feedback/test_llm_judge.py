"""Verdicts are differences of two log-probabilities; the two orders are compared, biases counted."""

import pytest
import torch

from course_utils import generation
from course_utils.ai_feedback import llm_judge
from tests.helpers.tiny import tiny_llama

PROMPTS = [f"Message: Is it {i}?\nRecord:" for i in range(5)]
A, B = [f" yes, {i}" for i in range(5)], [f" no, it is {i} or more" for i in range(5)]


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama(context=512)


def test_odds_are_the_difference_of_two_log_probabilities(tiny):
    texts = [llm_judge.single(p, r, "Good?") for p, r in zip(PROMPTS, A)]
    values = llm_judge.odds(*tiny, texts, "y", "n", batch_size=2)
    yes, no = (generation.logps(*tiny, texts, [word] * 5) for word in ("y", "n"))
    assert values == pytest.approx((yes - no).tolist(), abs=1e-4) and len(set(values)) == 5


def test_the_tokens_that_two_options_share_are_not_compared(tiny):
    assert llm_judge.odds(*tiny, ["a", "bcd"], "xy", "xn") == llm_judge.odds(*tiny, ["ax", "bcdx"], "y", "n")
    with pytest.raises(ValueError, match="begins with the other"):
        llm_judge.odds(*tiny, ["a"], " yes", " yes, and no")


def test_expected_is_the_log_probability_of_the_reply_and_its_end(tiny):
    model, tokenizer = tiny
    values = llm_judge.expected(model, tokenizer, PROMPTS, A)
    ids = tokenizer(PROMPTS[0])["input_ids"], tokenizer(A[0])["input_ids"] + [tokenizer.eos_token_id]
    with torch.no_grad():
        logps = model(torch.tensor([ids[0] + ids[1]])).logits[0].log_softmax(-1)
    by_hand = sum(logps[len(ids[0]) - 1 + i, token].item() for i, token in enumerate(ids[1]))
    assert values[0] == pytest.approx(by_hand, abs=1e-3)
    assert llm_judge.expected(model, tokenizer, PROMPTS, [a.strip() for a in A]) == values


def test_a_question_shows_the_message_without_the_words_around_it():
    text = llm_judge.single(PROMPTS[0], A[0], "Is the reply good?")
    assert text == "Message: Is it 0?\nReply: yes, 0\nQuestion: Is the reply good?\nAnswer:"
    assert llm_judge.pair(PROMPTS[0], "x", "y").split("\n")[1:3] == ["Reply A: x", "Reply B: y"]


@pytest.fixture
def partial(monkeypatch):
    """A judge that counts letters of the replies, and has a position bias of 3."""

    def odds(model, tokenizer, texts, first, second, batch_size=64):
        def count(text, name):
            return len(next(line for line in text.split("\n") if line.startswith(name)))

        return [3.0 + count(text, "Reply A") - count(text, "Reply B") for text in texts]

    monkeypatch.setattr(llm_judge, "odds", odds)


def test_both_orders_cancel_a_position_bias(partial):
    one, two = llm_judge.orders(None, None, PROMPTS, A, B)
    gaps = [len(a.strip()) - len(b.strip()) for a, b in zip(A, B)]
    assert one == [3 + gap for gap in gaps] and two == [gap - 3 for gap in gaps]
    assert llm_judge.better(None, None, PROMPTS, A, B) == gaps
    assert llm_judge.position_bias(one, two)["nats"] == 3


def test_position_bias_of_known_judges():
    fair, first, second = llm_judge.position_bias([2, -1], [1, -3]), ([5, 5], [-5, -5]), ([-5, -5], [5, 5])
    assert fair == {"first": 0.5, "same": 1.0, "nats": 0.75}
    assert llm_judge.position_bias(*first) == {"first": 1.0, "same": 0.0, "nats": 5.0}
    assert llm_judge.position_bias(*second)["first"] == 0.0


def test_likelihood_is_expected_without_a_space_and_its_mean_for_each_token(tiny):
    model, tokenizer = tiny
    total, mean = llm_judge.likelihood(model, tokenizer, PROMPTS, B)
    assert total == llm_judge.expected(model, tokenizer, PROMPTS, B, said=str.strip)
    assert total != llm_judge.expected(model, tokenizer, PROMPTS, B)
    counts = [len(tokenizer(reply.strip())["input_ids"]) + 1 for reply in B]
    assert [m * n for m, n in zip(mean, counts)] == pytest.approx(total)


def test_orders_asks_in_the_form_it_is_given(tiny):
    as_it_is = llm_judge.orders(*tiny, PROMPTS, A, B)
    wrapped = llm_judge.orders(*tiny, PROMPTS, A, B, asked=lambda text: f"<{text}>", said=lambda word: word)
    assert wrapped != as_it_is
    texts = [f"<{llm_judge.pair(*row)}>" for row in zip(PROMPTS, A, B)]
    assert wrapped[0] == llm_judge.odds(*tiny, texts, " A", " B")
