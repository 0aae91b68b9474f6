"""PPO: advantages by hand, limiting cases, masks, and bandits whose optimum is known."""

import copy
import math

import pytest
import torch

from course_utils.rlhf import ppo, rollout
from tests.helpers.tiny import tiny_llama

ONES = torch.ones(1, 3)
REWARDS, VALUES = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.5, 0.2, 0.4]])


@pytest.fixture
def tiny():
    return tiny_llama()


def ascii_arm(prompts, replies):
    """1 for a reply of plain letters, else 0."""
    return [float(reply.isascii() and reply != "") for reply in replies]


def mass(model, tokenizer, prompt="x"):
    """The probability that the model's next token is one that ascii_arm rewards."""
    with torch.no_grad():
        probabilities = model(torch.tensor([tokenizer(prompt)["input_ids"]])).logits[0, -1].softmax(-1)
    texts = [tokenizer.decode([i], skip_special_tokens=True) for i in range(len(probabilities))]
    return sum(p for p, paid in zip(probabilities.tolist(), ascii_arm(texts, texts)) if paid)


# ---- advantages ------------------------------------------------------------------------------


def test_gae_by_hand():
    """Deltas: 0 + .2 - .5 = -.3, 0 + .4 - .2 = .2, 1 - .4 = .6.

    With lam .5, from the end: .6, .2 + .5 * .6 = .5, -.3 + .5 * .5 = -.05. Returns add the values.
    """
    advantages, returns = ppo.gae(REWARDS, VALUES, ONES, gamma=1.0, lam=0.5)
    torch.testing.assert_close(advantages, torch.tensor([[-0.05, 0.5, 0.6]]))
    torch.testing.assert_close(returns, torch.tensor([[0.45, 0.7, 1.0]]))


def test_gae_by_hand_with_a_discount():
    """gamma .9: deltas .9 * .2 - .5 = -.32, .9 * .4 - .2 = .16, .6; each takes .45 of the next.

    .6, .16 + .45 * .6 = .43, -.32 + .45 * .43 = -.1265.
    """
    advantages, _ = ppo.gae(REWARDS, VALUES, ONES, gamma=0.9, lam=0.5)
    torch.testing.assert_close(advantages, torch.tensor([[-0.1265, 0.43, 0.6]]))


def test_lambda_zero_looks_one_step_ahead():
    advantages, _ = ppo.gae(REWARDS, VALUES, ONES, lam=0.0)
    torch.testing.assert_close(advantages, torch.tensor([[-0.3, 0.2, 0.6]]))


def test_lambda_one_compares_all_that_came_with_what_was_expected():
    advantages, returns = ppo.gae(REWARDS, VALUES, ONES, lam=1.0)
    torch.testing.assert_close(advantages, 1 - VALUES)
    torch.testing.assert_close(returns, ONES)


def test_columns_behind_the_end_have_no_influence():
    mask = torch.tensor([[1, 1, 1, 0, 0]])
    rewards, values = torch.full((1, 5), 7.0), torch.full((1, 5), -9.0)
    rewards[:, :3], values[:, :3] = REWARDS, VALUES
    advantages, returns = ppo.gae(rewards, values, mask, lam=0.5)
    expected = [torch.cat([t, torch.zeros(1, 2)], 1) for t in ppo.gae(REWARDS, VALUES, ONES, lam=0.5)]
    torch.testing.assert_close([advantages, returns], expected)
    assert ppo.whiten(rewards, mask)[:, 3:].tolist() == [[0, 0]]
    torch.testing.assert_close(ppo.whiten(rewards, mask)[:, :3], ppo.whiten(REWARDS, ONES))


def test_whitened_by_hand():
    """1, 2 and 3 have the mean 2 and the standard deviation sqrt(2/3) = .8165; 1 / .8165 = 1.2247."""
    white = ppo.whiten(torch.tensor([[1.0, 2.0, 3.0, 99.0]]), torch.tensor([[1, 1, 1, 0]]))
    torch.testing.assert_close(white, torch.tensor([[-1.2247, 0.0, 1.2247, 0.0]]), atol=1e-4, rtol=0)
    assert ppo.whiten(torch.ones(1, 3), ONES).tolist() == [[0, 0, 0]]


def test_token_rewards_by_hand():
    """The penalty is -.1 * (-1 + 1.5) = -.05 at the first token; the reward 2 comes at the last."""
    logps, ref = torch.tensor([[-1.0, -1.0, 8.0]]), torch.tensor([[-1.5, -1.0, 0.0]])
    per_token = ppo.token_rewards([2.0], logps, ref, torch.tensor([[1, 1, 0]]), kl=0.1)
    torch.testing.assert_close(per_token, torch.tensor([[-0.05, 2.0, 0.0]]))


def test_the_adaptive_kl_coefficient_by_hand():
    """Past the target by 10 %: 1 * (1 + .5 * .1); far past it the error counts as 20 % at most."""
    assert ppo.adaptive_kl(1.0, measured=2.2, target=2.0) == pytest.approx(1.05)
    assert ppo.adaptive_kl(1.0, measured=9.0, target=2.0) == pytest.approx(1.1)
    assert ppo.adaptive_kl(1.0, measured=0.0, target=2.0) == pytest.approx(0.9)
    assert ppo.adaptive_kl(1.0, measured=2.0, target=2.0) == 1.0


# ---- replies ---------------------------------------------------------------------------------


def test_scores_of_a_batch_equal_those_of_each_reply_alone(tiny):
    model, tokenizer = tiny
    prompts = ["a", "Which team is it?", "Hi there"]
    rollouts = rollout.sample_rollouts(model, tokenizer, prompts, max_new_tokens=9, seed=3)
    with torch.no_grad():
        logps, logits, hidden = rollout.score_tokens(model, rollouts, temperature=0.7)
        for i, prompt in enumerate(prompts):
            start, count = len(tokenizer(prompt)["input_ids"]), int(rollouts.mask[i].sum())
            ids = rollouts.ids[i][rollouts.attention[i] == 1]
            assert len(ids) == start + count
            out = model(ids[None], output_hidden_states=True)
            alone = (out.logits[0, start - 1 : -1] / 0.7).log_softmax(-1)
            alone = alone.gather(1, ids[start:, None])[:, 0]
            torch.testing.assert_close(logps[i, :count], alone, atol=1e-4, rtol=0)
            last = out.hidden_states[-1][0, start - 1 : -1]
            torch.testing.assert_close(hidden[i, :count], last, atol=1e-4, rtol=0)
            torch.testing.assert_close(model.lm_head(last) / 0.7, logits[i, :count], atol=1e-3, rtol=0)


def test_an_ended_reply_holds_its_end_token_and_a_cut_one_does_not(tiny):
    model, tokenizer = tiny
    end = tokenizer.eos_token_id
    bias = torch.zeros(len(tokenizer))
    bias[end] = 6.0  # so that some replies end early
    model.lm_head.register_forward_hook(lambda module, inputs, output: output + bias)
    rollouts = rollout.sample_rollouts(model, tokenizer, ["Hi"] * 32, max_new_tokens=6)
    kept = [
        ids[mask == 1].tolist()
        for ids, mask in zip(rollouts.ids[:, -rollouts.mask.shape[1] :], rollouts.mask)
    ]
    lengths = {len(row) for row in kept}
    assert len(lengths) > 1 and max(lengths) == 6
    for row, reply in zip(kept, rollouts.replies):
        assert end not in row[:-1]
        assert row[-1] == end or len(row) == 6
        assert reply == tokenizer.decode(row, skip_special_tokens=True)
    with pytest.raises(ValueError, match="context"):
        rollout.sample_rollouts(model, tokenizer, ["Hi"], max_new_tokens=255)


# ---- training --------------------------------------------------------------------------------


def learn(tiny, **settings):
    policy, tokenizer = tiny
    settings = (
        dict(updates=4, batch_size=8, minibatch_size=8, max_new_tokens=4, lr=1e-3, progress=False) | settings
    )
    ref = copy.deepcopy(policy)
    return ref, ppo.train(policy, ref, tokenizer, ["x", "why"], ascii_arm, **settings)


def test_a_bandit_is_solved(tiny):
    policy, tokenizer = tiny
    assert mass(policy, tokenizer) < 0.8
    learn_one = dict(updates=40, batch_size=64, minibatch_size=64, max_new_tokens=1, lr=3e-3, kl=0.0)
    _, history = learn(tiny, **learn_one)
    assert mass(policy, tokenizer) > 0.97
    assert history.column("reward")[-1] > 0.97 and history.column("kl")[-1] > 0.1


def test_with_a_penalty_the_bandit_ends_where_theory_says(tiny):
    """The best policy is ref * exp(reward / kl), normalised: of the mass q that is paid for it makes
    q e / (q e + 1 - q) when kl is 1. Source: Ziegler et al. 2019, section 2.2; Rafailov 2023, eq. 4."""
    policy, tokenizer = tiny
    ref, _ = learn(tiny, updates=60, batch_size=256, minibatch_size=256, max_new_tokens=1, lr=3e-3, kl=1.0)
    q = mass(ref, tokenizer)
    best = q * math.e / (q * math.e + 1 - q)
    assert abs(best - q) > 0.1
    assert mass(policy, tokenizer) == pytest.approx(best, abs=0.05)


def test_nothing_moves_but_the_parameters(tiny):
    policy, tokenizer = tiny
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    chosen = list(policy.model.layers[1].parameters())
    state = torch.random.get_rng_state()
    ref, history = learn(tiny, parameters=chosen, entropy_weight=0.01)
    moved = {name for name, value in policy.state_dict().items() if not torch.equal(before[name], value)}
    assert moved and all("layers.1." in name for name in moved)
    assert all(torch.equal(before[name], value) for name, value in ref.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state()) and not policy.training
    assert all(p.requires_grad and p.grad is None for p in policy.parameters())


def test_the_history_has_a_number_for_each_update(tiny):
    seen = []
    _, history = learn(tiny, ppo_epochs=1, kl_target=1.0, kl=0.1, on_update=lambda h: seen.append(len(h.log)))
    assert seen == [1, 2, 3, 4]
    for name in ("reward", "kl", "entropy", "clip_fraction", "value_loss", "kl_weight", "tokens"):
        assert len(history.column(name)) == 4, name
    assert history.column("kl")[0] == pytest.approx(0, abs=1e-6) and history.column("kl")[-1] > 0
    assert history.column("clip_fraction")[0] == 0  # one minibatch, one pass: the ratio is 1
    assert history.column("kl_weight")[:2] == pytest.approx([0.1, 0.09])
    assert len(history.samples) == 8 and 1 <= history.column("tokens")[0] <= 4
    assert 0 < history.column("entropy")[0] < math.log(300) and history.seconds > 0


def test_the_same_seed_gives_the_same_run():
    runs = [learn(tiny_llama(), seed=seed)[1] for seed in (0, 0, 1)]
    assert runs[0].column("reward") == runs[1].column("reward") and runs[0].column("kl") == runs[1].column(
        "kl"
    )
    assert runs[0].column("kl") != runs[2].column("kl")
