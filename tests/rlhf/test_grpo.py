"""GRPO and RLOO: advantages by hand, what teaches nothing, and a reward that rises."""

import copy

import pytest
import torch

from course_utils.rlhf import grpo, trl_trainers
from tests.helpers.tiny import tiny_llama

PROMPTS = [f"Say {letter}:" for letter in "abcdefgh"]


def run(reward_fn, method="grpo", seed=0, ref=..., **settings):
    model, tokenizer = tiny_llama(context=256)
    ref = copy.deepcopy(model) if ref is ... else ref
    options = dict(updates=1, batch_size=8, group=4, max_new_tokens=6, lr=1e-2, seed=seed, method=method)
    parameters = list(model.parameters())
    history = grpo.train(
        model, ref, tokenizer, PROMPTS, reward_fn, parameters=parameters, **(options | settings)
    )
    return model, ref, history


def moved(model, ref):
    return max(float((a - b).abs().max()) for a, b in zip(model.parameters(), ref.parameters()))


def vowels(prompts, replies):
    return [sum(letter in "aeiou" for letter in reply) / 6 for reply in replies]


def test_advantages_by_hand():
    rewards = torch.tensor([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]])
    assert grpo.rloo_advantages(rewards).tolist() == [[-3.0, -1.5, 4.5], [0.0, 0.0, 0.0]]
    ours = grpo.grpo_advantages(rewards)
    assert ours[0].tolist() == pytest.approx([-2 / 7**0.5, -1 / 7**0.5, 3 / 7**0.5], abs=1e-3)
    assert ours[1].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_groups_that_are_alike_teach_nothing(method):
    model, ref, history = run(lambda prompts, replies: [1.0] * len(replies), method, kl=0.0)
    assert moved(model, ref) < 1e-6 and history.log[0]["alike"] == 1.0
    assert history.log[0]["kl"] == pytest.approx(0, abs=1e-5)
    model, ref, history = run(vowels, method)
    assert moved(model, ref) > 1e-3 and history.log[0]["alike"] < 1.0


def test_a_group_shares_a_prompt():
    seen = []

    def reward(prompts, replies):
        seen.append(prompts)
        return [float(i % 2) for i in range(len(replies))]

    run(reward, batch_size=8, group=4)
    assert [len(set(seen[0][start : start + 4])) for start in (0, 4)] == [1, 1] and len(set(seen[0])) == 2


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_the_reward_rises_and_the_penalty_holds_it(method):
    def letters(prompts, replies):
        return [sum(letter.isalpha() for letter in reply) / 6 for reply in replies]

    _, _, free = run(letters, method, updates=25, batch_size=32, group=8, kl=0.0)
    _, _, held = run(letters, method, updates=25, batch_size=32, group=8, kl=5.0)
    rewards = free.column("reward")
    assert sum(rewards[-3:]) > sum(rewards[:3]) + 0.3
    assert held.column("kl")[-1] < 0.5 * free.column("kl")[-1]
    assert len(free.samples) == 32 and free.seconds > 0


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_one_step_is_that_of_trl(method, monkeypatch, tmp_path, one_thread):
    """On the same replies to one prompt, which TRL is handed instead of sampling its own."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    rollouts, rewards, real = [], [0.0, 1.0, 0.5, 0.0, 2.0, 0.0, 1.0, 0.25], grpo.sample_rollouts
    monkeypatch.setattr(grpo, "sample_rollouts", lambda *a: rollouts.append(real(*a)) or rollouts[0])
    own, tokenizer = tiny_llama(context=256)
    settings = dict(lr=1e-3, batch_size=8, group=8, max_new_tokens=6)
    grpo.train(
        own,
        copy.deepcopy(own),
        tokenizer,
        PROMPTS[:1],
        lambda prompts, replies: rewards,
        parameters=list(own.parameters()),
        method=method,
        updates=1,
        **settings,
    )
    trls, start = tiny_llama(context=256)[0], tiny_llama(context=256)[0]
    trls.generate = lambda **options: rollouts[0].ids
    theirs = getattr(trl_trainers, method)
    theirs(trls, tokenizer, PROMPTS[:1], lambda prompts, replies: rewards, steps=1, **settings)
    for mine, theirs, before in zip(own.parameters(), trls.parameters(), start.parameters()):
        assert torch.allclose(mine, theirs, atol=3e-5) and not torch.equal(mine, before)


def test_minibatches_add_up_to_the_whole_gradient(one_thread):
    (one, _, _), (parts, _, _) = (run(vowels, minibatch_size=size, kl=0.05) for size in (8, 3))
    for a, b in zip(one.parameters(), parts.parameters()):
        assert torch.allclose(a, b, atol=1e-4)


def test_without_a_penalty_no_reference_is_needed(one_thread):
    """And replies of groups that are alike, which have no gradient, cost no time."""
    seen, real = [], grpo.score_tokens

    def rewards(prompts, replies):
        return [1.0] * 4 + [0.0, 1.0, 0.0, 2.0]

    def counted(model, rollouts, temperature, rows):
        seen.extend(rows)
        return real(model, rollouts, temperature, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grpo, "score_tokens", counted)
        own, _, history = run(rewards, kl=0.0, ref=None)
    same, _, _ = run(rewards, kl=1e-12)
    assert sorted(seen) == [4, 5, 6, 7] and "kl" not in history.log[0]
    for a, b in zip(own.parameters(), same.parameters()):
        assert torch.allclose(a, b, atol=1e-4)


def test_a_reply_ends_with_the_token_that_holds_the_stop():
    model, tokenizer = tiny_llama(context=256)
    free = grpo.sample_rollouts(model, tokenizer, PROMPTS, 12)
    stop = max(free.replies, key=len)[3]
    held = grpo.sample_rollouts(model, tokenizer, PROMPTS, 12, stop=stop)
    width, stopped = held.mask.shape[1], 0
    for reply, cut, ids, length in zip(
        free.replies, held.replies, held.ids[:, -width:], held.mask.sum(1).tolist()
    ):
        last = tokenizer.decode(ids[length - 1])
        assert reply.startswith(cut) and stop not in cut.removesuffix(last)
        assert (stop in last) == (stop in cut)  # no end token behind it
        stopped += stop in cut
    assert 0 < stopped < len(PROMPTS)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="needs a reference"):
        run(vowels, kl=0.1, ref=None)
    with pytest.raises(ValueError, match="no method"):
        run(vowels, "ppo")
    with pytest.raises(ValueError, match="groups of 3"):
        run(vowels, batch_size=8, group=3)
