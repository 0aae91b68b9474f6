"""The loss by hand: the shift by one, the mask, and what padding must not do."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils import losses
from course_utils.data import collate, encode
from tests.tiny import tiny_llama


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
