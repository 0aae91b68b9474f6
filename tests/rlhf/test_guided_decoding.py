"""The value model: it predicts rewards, and steers a policy whose weights do not move."""

import copy

import pytest
import torch

from course_utils import generation
from course_utils.rlhf import guided_decoding, reward_model, rollout
from tests.helpers.tiny import tiny_llama

PROMPTS = ["a", "Which team is it?", "Hi there"]


@pytest.fixture
def tiny():
    model, tokenizer = tiny_llama()
    return model, tokenizer, reward_model.start(model, seed=1)


def vowels(prompts, replies):
    """The share of vowels in replies of three letters."""
    return [sum(letter in "ae" for letter in reply) / 3 for reply in replies]


def test_k_one_and_weight_zero_are_greedy_decoding(tiny):
    policy, tokenizer, value_model = tiny
    plain = generation.generate(policy, tokenizer, PROMPTS, max_new_tokens=12)
    for options in (dict(k=1, weight=5.0), dict(k=4, weight=0.0)):
        assert (
            guided_decoding.generate(policy, value_model, tokenizer, PROMPTS, max_new_tokens=12, **options)
            == plain
        )


def test_each_step_takes_the_candidate_with_the_best_sum(tiny):
    """The same as a slow search that computes every candidate from the start, without a cache."""
    policy, tokenizer, value_model = tiny
    fast = guided_decoding.generate(
        policy, value_model, tokenizer, PROMPTS, k=3, weight=2.0, max_new_tokens=6
    )
    for prompt, reply in zip(PROMPTS, fast):
        ids = tokenizer(prompt)["input_ids"]
        start = len(ids)
        with torch.no_grad():
            for _ in range(6):
                top = policy(torch.tensor([ids])).logits[0, -1].log_softmax(-1).topk(3)
                scores = []
                for logp, token in zip(*top):
                    text = torch.tensor([[*ids, int(token)]])
                    ones = torch.ones_like(text)
                    batch = {"input_ids": text, "attention_mask": ones, "position_ids": ones.cumsum(1) - 1}
                    scores.append(logp + 2.0 * value_model.each(batch)[0][0, -1])
                ids.append(int(top.indices[int(torch.stack(scores).argmax())]))
                if ids[-1] == tokenizer.eos_token_id:
                    break
        assert reply == tokenizer.decode(ids[start:], skip_special_tokens=True)


def test_rows_that_end_leave_the_value_model_too(tiny):
    policy, tokenizer, value_model = tiny
    prompts = [*PROMPTS, "b", "Two words", "x" * 9]
    settings = dict(k=3, weight=2.0, max_new_tokens=8)
    whole = guided_decoding.generate(policy, value_model, tokenizer, prompts, **settings)
    ends = {tokenizer(reply)["input_ids"][i] for i, reply in enumerate(whole)}
    policy.generation_config.eos_token_id = sorted(ends)
    apart = guided_decoding.generate(policy, value_model, tokenizer, prompts, batch_size=1, **settings)
    assert guided_decoding.generate(policy, value_model, tokenizer, prompts, **settings) == apart
    assert len({len(reply) for reply in apart}) > 2


def test_it_learns_to_predict_and_then_steers(tiny):
    policy, tokenizer, value_model = tiny
    letters = torch.zeros(len(tokenizer))
    letters[tokenizer("abcdefgh")["input_ids"]] = 30.0  # the policy babbles with eight letters
    policy.lm_head.register_forward_hook(lambda module, inputs, output: output + letters)
    before = copy.deepcopy(policy.state_dict())
    settings = dict(rounds=80, batch_size=64, lr=3e-3, temperature=3.0, max_new_tokens=3, progress=False)
    history = guided_decoding.train(value_model, policy, tokenizer, PROMPTS, vowels, **settings)
    assert len(history) == 160 and sum(history[-20:]) < sum(history[:20]) / 2
    assert all(torch.equal(before[name], value) for name, value in policy.state_dict().items())

    rollouts = rollout.sample_rollouts(
        policy, tokenizer, PROMPTS * 40, max_new_tokens=3, temperature=3.0, seed=99
    )
    rewards = torch.tensor(vowels(None, rollouts.replies))
    with torch.no_grad():
        values = guided_decoding.reply_values(value_model, rollouts)
    assert values.shape == (120, 4)
    error = (values - rewards[:, None]).square().mean(0)
    assert error[3] < 0.75 * error[0]  # at the end it has seen the whole reply, at first only the prompt

    options = dict(k=8, max_new_tokens=3)
    plain = guided_decoding.generate(policy, value_model, tokenizer, PROMPTS, weight=0.0, **options)
    steered = guided_decoding.generate(policy, value_model, tokenizer, PROMPTS, weight=300.0, **options)
    assert sum(vowels(None, steered)) > sum(vowels(None, plain)) + 0.5
