"""The course's own DPO: equal to TRL's step for step, and an adapter suffices."""

import copy

import pytest
import torch

from course_utils.peft import adapter_layer, lora
from course_utils.rlhf import adapter_policy, dpo, trl_trainers
from tests.helpers.tiny import tiny_llama

PAIRS = [
    {"prompt": f"Ask {i}:", "chosen": f" yes {i}", "rejected": " no no" + " no" * (i % 3)} for i in range(8)
]


def test_one_step_is_that_of_trl(monkeypatch, tmp_path, one_thread):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    (own, tokenizer), (trls, _) = tiny_llama(context=512), tiny_llama(context=512)
    ref = copy.deepcopy(own)
    history = dpo.train(own, ref, tokenizer, PAIRS, lr=1e-3, batch_size=8, parameters=list(own.parameters()))
    theirs = trl_trainers.dpo(trls, tokenizer, PAIRS, lr=1e-3, batch_size=8)
    assert history.losses[0] == pytest.approx(theirs.losses[0], abs=1e-5)
    start, _ = tiny_llama(context=512)
    for mine, other, before in zip(own.parameters(), trls.parameters(), start.parameters()):
        assert torch.allclose(mine, other, atol=3e-5) and not torch.equal(mine, before)


def test_the_first_margin_is_0_and_the_last_is_not():
    model, tokenizer = tiny_llama(context=512)
    lora.add(model, adapter_policy.START, rank=4, targets="all")
    parameters = adapter_policy.policy(model)
    history = dpo.train(
        model,
        adapter_policy.Reference(model),
        tokenizer,
        PAIRS,
        lr=1e-2,
        epochs=6,
        batch_size=4,
        parameters=parameters,
    )
    assert history.column("margin")[0] == pytest.approx(0, abs=1e-6) and len(history.log) == 12
    assert history.losses[0] == pytest.approx(0.6931, abs=1e-4) and history.losses[-1] < 0.5
    assert history.column("accuracy")[-1] == 1 and history.seconds > 0
    plain, _ = tiny_llama(context=512)
    ids = torch.arange(6)[None]
    with adapter_layer.active(model, adapter_policy.START), torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, plain(input_ids=ids).logits), "the start stays"


def test_no_pairs_are_refused():
    model, tokenizer = tiny_llama()
    with pytest.raises(ValueError, match="at least one pair"):
        dpo.train(model, model, tokenizer, [], lr=1e-3, parameters=list(model.parameters()))
