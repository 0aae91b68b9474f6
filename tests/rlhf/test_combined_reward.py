"""A probability and a head's score, added up with a weight that is fitted to pairs."""

import math

import pytest
import torch

from course_utils import generation
from course_utils.rlhf import combined_reward, reward_model
from tests.helpers.tiny import tiny_llama

PAIRS = [
    {"prompt": f"{i}?", "chosen": f" {'yes' if i % 3 else 'no'} {i}", "rejected": f" {i} zzzzzz"}
    for i in range(12)
]


class Head:
    """Scores by a list that says which replies it likes."""

    def __init__(self, like):
        self.like = like

    def score(self, tokenizer, prompts, replies):
        return [float(self.like(reply)) for reply in replies]


@pytest.fixture
def tiny():
    return tiny_llama()


def test_the_first_term_is_the_probability_per_token(tiny):
    model, tokenizer = tiny
    reward = combined_reward.CombinedReward(model, weight=2.0, mean=1.0)
    (expected,) = combined_reward.probabilities(model, tokenizer, ["a"], [" bc"])
    ids = tokenizer("a")["input_ids"] + tokenizer(" bc", add_special_tokens=False)["input_ids"]
    ids = torch.tensor([[*ids, tokenizer.eos_token_id]])
    with torch.no_grad():
        logps = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
    first = len(tokenizer("a")["input_ids"]) - 1
    own = [logps[t, ids[0, t + 1]].item() for t in range(first, ids.shape[1] - 1)]
    assert expected == pytest.approx(math.exp(sum(own) / len(own)), abs=1e-4)
    assert reward.score(tokenizer, ["a"], [" bc"]) == pytest.approx([2 * expected - 1], abs=1e-6)
    reward.head = Head(len)
    assert reward.score(tokenizer, ["a"], [" bc"]) == pytest.approx([2 * expected - 1 + 3], abs=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_weight_is_as_large_as_the_probability_is_right(tiny, monkeypatch, sign):
    model, tokenizer = tiny
    monkeypatch.setattr(
        generation, "logps", lambda m, t, p, replies: torch.tensor([-sign * float("z" in r) for r in replies])
    )
    reward = combined_reward.fit(model, tokenizer, PAIRS)
    assert sign * reward.weight > 3 and reward_model.accuracy(reward, tokenizer, PAIRS)[0] == 1
    scores = [
        reward.score(tokenizer, [p["prompt"] for p in PAIRS], [p[s] for p in PAIRS])
        for s in ("chosen", "rejected")
    ]
    assert sum(map(sum, scores)) == pytest.approx(0, abs=1e-6)  # the mean reward of its pairs


def test_without_pairs_it_refuses(tiny):
    with pytest.raises(ValueError, match="one pair"):
        combined_reward.fit(*tiny, [])
