"""The loss by hand: the shift by one, the mask, and what padding must not do."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils import losses
from course_utils.data import collate, encode
from tests.helpers.tiny import tiny_llama


def test_by_hand():
    ids, mask = torch.tensor([[0, 1, 0]]), torch.tensor([[0, 1, 1]])
    logits = torch.zeros(1, 3, 2)
    assert losses.sft(logits, ids, mask).item() == pytest.approx(math.log(2))
    logits[0, 0, 1] = math.log(3)  # token 1 gets 3/4 at its own place, token 0 keeps 1/2
    assert losses.sft(logits, ids, mask).item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    logits[0, 2] = torch.tensor([9.0, -9.0])  # nothing comes after the last token
    assert losses.sft(logits, ids, mask).item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_a_full_mask_is_the_plain_language_model_loss():
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    plain = cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(losses.sft(logits, ids, torch.ones_like(ids)), plain)


def test_it_is_the_loss_of_transformers_with_the_same_labels():
    model, tokenizer = tiny_llama()
    examples = encode(
        tokenizer, [{"prompt": "Which team?", "completion": " Owls"}, {"prompt": "Hi", "completion": " a"}]
    )
    batch = collate(examples, 0)
    labels = batch["input_ids"].masked_fill(batch["mask"] == 0, -100)
    with torch.no_grad():
        out = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels)
    torch.testing.assert_close(losses.sft(out.logits, batch["input_ids"], batch["mask"]), out.loss)


def test_what_does_not_count_gets_no_gradient():
    torch.manual_seed(0)
    logits, ids = torch.randn(1, 5, 7, requires_grad=True), torch.randint(0, 7, (1, 5))
    losses.sft(logits, ids, torch.tensor([[0, 0, 1, 1, 0]])).backward()
    assert logits.grad.abs().sum(-1)[0].gt(0).tolist() == [False, True, True, False, False]


def test_half_precision_logits_are_summed_in_fp32():
    torch.manual_seed(0)
    logits, ids = torch.randn(1, 50, 7), torch.randint(0, 7, (1, 50))
    assert losses.sft(logits.bfloat16(), ids, torch.ones_like(ids)).dtype == torch.float32


def test_nothing_that_counts_is_refused():
    with pytest.raises(ValueError, match="no token counts"):
        losses.sft(torch.zeros(1, 3, 2), torch.zeros(1, 3, dtype=torch.long), torch.tensor([[1, 0, 0]]))


# ---- lesson 05: rewards, preferences and PPO, by hand -----------------------------------------

ALL = torch.ones(1, 4)


def test_bradley_terry_by_hand():
    """sigmoid(2 - 1) = .7311 and -log of it is .3133; a tie costs log 2; a common shift costs nothing."""
    two, one = torch.tensor([2.0]), torch.tensor([1.0])
    assert losses.reward(two, one).item() == pytest.approx(0.3133, abs=1e-4)
    assert losses.reward(one, one).item() == pytest.approx(math.log(2))
    assert losses.reward(two + 7, one + 7).item() == pytest.approx(losses.reward(two, one).item())


def test_dpo_by_hand():
    """Chosen rose by 1 nat, rejected fell by 1: -log sigmoid(0.1 * (1 + 1)) = log(1 + e^-0.2) = .5981."""
    chosen, rejected, ref = torch.tensor([-1.0]), torch.tensor([-3.0]), torch.tensor([-2.0])
    assert losses.dpo(chosen, rejected, ref, ref, beta=0.1).item() == pytest.approx(0.5981, abs=1e-4)
    assert losses.dpo(ref, ref, ref, ref).item() == pytest.approx(math.log(2))  # nothing learned yet


def test_reply_logps_are_the_sft_loss_unshared():
    torch.manual_seed(0)
    logits, ids, mask = torch.randn(1, 5, 7), torch.randint(0, 7, (1, 5)), torch.tensor([[1, 0, 1, 1, 0]])
    assert losses.reply_logps(logits, ids, mask).item() == pytest.approx(
        -2 * losses.sft(logits, ids, mask).item()
    )


def test_ppo_policy_by_hand():
    """Of clip .2: min(1.5, 1.2) = 1.2, min(.5, .8) = .5, and of bad tokens min(-.5, -.8) = -.8, -1.5.

    Their mean is (1.2 + .5 - .8 - 1.5) / 4 = -.15. A bad token that became likelier is not let off.
    """
    ratio, advantages = torch.tensor([[1.5, 0.5, 0.5, 1.5]]), torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    loss = losses.ppo_policy(ratio.log(), torch.zeros(1, 4), advantages, ALL, clip=0.2)
    assert loss.item() == pytest.approx(0.15)
    assert losses.clip_fraction(ratio.log(), torch.zeros(1, 4), ALL, clip=0.2).item() == 1
    free = losses.ppo_policy(ratio.log(), torch.zeros(1, 4), advantages, ALL, clip=math.inf)
    assert free.item() == pytest.approx(-(1.5 + 0.5 - 0.5 - 1.5) / 4)


def test_clipped_tokens_get_no_gradient():
    logps = torch.tensor([[1.5, 0.5, 0.5, 1.5]]).log().requires_grad_()
    advantages = torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    losses.ppo_policy(logps, torch.zeros(1, 4), advantages, ALL, clip=0.2).backward()
    assert logps.grad.ne(0).tolist() == [[False, True, False, True]]


@pytest.mark.parametrize("clip", [0.2, math.inf])
def test_at_ratio_one_ppo_is_the_policy_gradient(clip):
    torch.manual_seed(0)
    old, advantages, mask = torch.randn(2, 5), torch.randn(2, 5), torch.tensor([[1, 1, 1, 0, 0], [1] * 5])
    a, b = old.clone().requires_grad_(), old.clone().requires_grad_()
    losses.ppo_policy(a, old, advantages, mask, clip).backward()
    losses.policy_gradient(b, advantages, mask).backward()
    torch.testing.assert_close(a.grad, b.grad)


def test_ppo_value_by_hand():
    """1.0 came from .5 and should be 2: clipped to .7 it misses by 1.3, and half of 1.69 is .845."""
    value, old, target = torch.tensor([[1.0]]), torch.tensor([[0.5]]), torch.tensor([[2.0]])
    one = torch.ones(1, 1)
    assert losses.ppo_value(value, old, target, one, clip=0.2).item() == pytest.approx(0.845)
    assert losses.ppo_value(value, old, target, one, clip=math.inf).item() == pytest.approx(0.5)


def test_entropy_by_hand():
    """Of 1/4 and 3/4: .25 log 4 + .75 log(4/3) = .5623. Certainty has 0, guessing log V."""
    logits = torch.tensor([[[0.0, math.log(3)]]])
    assert losses.entropy(logits, torch.ones(1, 1)).item() == pytest.approx(0.5623, abs=1e-4)
    assert losses.entropy(torch.zeros(1, 1, 8), torch.ones(1, 1)).item() == pytest.approx(math.log(8))
    assert losses.entropy(torch.tensor([[[90.0, 0.0]]]), torch.ones(1, 1)).item() == pytest.approx(0)


def test_kl_estimators_by_hand_and_on_average():
    """At policy 1/2, ref 1/4: k1 = log 2 = .6931 and k3 = 1/2 - 1 + log 2 = .1931."""
    logp, ref = torch.tensor(0.5).log(), torch.tensor(0.25).log()
    assert losses.kl_k1(logp, ref).item() == pytest.approx(0.6931, abs=1e-4)
    assert losses.kl_k3(logp, ref).item() == pytest.approx(0.1931, abs=1e-4)
    torch.manual_seed(0)
    p, q = torch.randn(9).softmax(-1), torch.randn(9).softmax(-1)
    exact = (p * (p / q).log()).sum()
    for estimate in (losses.kl_k1, losses.kl_k3):
        torch.testing.assert_close((p * estimate(p.log(), q.log())).sum(), exact)
    assert (losses.kl_k3(p.log(), q.log()) >= 0).all() and (losses.kl_k1(p.log(), q.log()) < 0).any()


def test_masked_positions_have_no_influence():
    torch.manual_seed(0)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0]])

    def everything(a, b, c, logits):
        return [
            losses.policy_gradient(a, b, mask),
            losses.ppo_policy(a, b, c, mask),
            losses.ppo_value(a, b, c, mask),
            losses.clip_fraction(a, b, mask),
            losses.entropy(logits, mask),
        ]

    a, b, c, logits = *torch.randn(3, 2, 4), torch.randn(2, 4, 6)
    other = [t.masked_fill(mask == 0, 1e9) for t in (a, b, c)]
    before, after = everything(a, b, c, logits), everything(*other, logits * mask[..., None])
    assert [x.item() for x in before] == [x.item() for x in after]
    with pytest.raises(ValueError, match="no token counts"):
        losses.policy_gradient(a, b, torch.zeros(2, 4))
