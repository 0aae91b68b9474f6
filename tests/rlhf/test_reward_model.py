"""The reward model: one score at the last token, the loss of TRL, and what it learns from pairs."""

import copy
import math

import pytest
import torch

from course_utils import data, generation, losses
from course_utils.rlhf import reward_model, rewards
from course_utils.tools.training_benchmark import library_settings
from tests.helpers.tiny import tiny_llama

PAIRS = [
    {"prompt": "Which team?", "chosen": " Owls, of course", "rejected": " Who cares"},
    {"prompt": "Hi", "chosen": " Good day", "rejected": " Go away, you"},
    {"prompt": "What costs the kite?", "chosen": " 15", "rejected": " 51 dollars"},
]


@pytest.fixture
def tiny():
    model, tokenizer = tiny_llama()
    return model, tokenizer, reward_model.start(model, seed=1)


def polite_pairs(count):
    """Pairs whose chosen reply thanks; the rest is noise."""
    torch.manual_seed(0)
    words = ["red", "blue", "kite", "stove", "day", "seven"]
    draws = torch.randint(0, len(words), (count, 3)).tolist()
    texts = [" ".join(words[i] for i in row) for row in draws]
    return [{"prompt": f"{t}?", "chosen": f" {t} thanks", "rejected": f" {t} nope!!"} for t in texts]


def test_padding_on_either_side_and_batches_do_not_matter(tiny):
    _, tokenizer, scorer = tiny
    prompts, replies = ["a", "Which team is it?", "Hi there"], [" long enough a reply", " b", ""]
    one = scorer.score(tokenizer, prompts, replies, batch_size=1)
    for side in ("left", "right"):
        many = scorer.score(tokenizer, prompts, replies, batch_size=3, side=side)
        assert many == pytest.approx(one, abs=1e-4)
    assert len({round(score, 4) for score in one}) == 3


def test_the_score_is_the_head_on_the_last_hidden_state(tiny):
    model, tokenizer, scorer = tiny
    ids = data.encode(tokenizer, [{"prompt": "Hi", "completion": " you"}])[0]["input_ids"]
    assert ids[-1] == tokenizer.eos_token_id
    with torch.no_grad():
        hidden = model.model(torch.tensor([ids])).last_hidden_state[0, -1]
        expected = scorer.head(hidden).item()
    assert scorer.score(tokenizer, ["Hi"], [" you"]) == pytest.approx([expected], abs=1e-5)


def test_where_the_prior_margin_is_large_nothing_is_left_to_learn(tiny):
    _, tokenizer, scorer = tiny
    before = scorer.head.weight.clone()
    assert max(reward_model.train(scorer, tokenizer, PAIRS, prior_margins=[60.0] * 3)) < 1e-6
    assert torch.allclose(scorer.head.weight, before, atol=1e-4)
    history = reward_model.train(scorer, tokenizer, PAIRS, prior_margins=[-5.0] * 3)
    assert history[0] > 4 and not torch.allclose(scorer.head.weight, before, atol=1e-4)


def test_its_loss_is_that_of_trl(tiny, tmp_path):
    from datasets import Dataset, disable_progress_bars
    from transformers import LlamaForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    model, tokenizer, scorer = tiny
    disable_progress_bars()
    config = copy.deepcopy(model.config)
    config.num_labels, config.pad_token_id = 1, tokenizer.pad_token_id
    theirs = LlamaForSequenceClassification(config)
    theirs.model.load_state_dict(scorer.body.state_dict())
    theirs.score.weight.data.copy_(scorer.head.weight.data)
    settings = RewardConfig(**library_settings(str(tmp_path), len(PAIRS)), gradient_checkpointing=False)
    trainer = RewardTrainer(
        theirs, settings, train_dataset=Dataset.from_list(PAIRS), processing_class=tokenizer
    )
    trainer.train()
    chosen, rejected = (
        torch.tensor(scorer.score(tokenizer, [p["prompt"] for p in PAIRS], [p[side] for p in PAIRS]))
        for side in ("chosen", "rejected")
    )
    ours = losses.reward(chosen, rejected).item()
    assert trainer.state.log_history[0]["loss"] == pytest.approx(ours, abs=1e-4)
    assert abs(ours - math.log(2)) > 0.01  # not the loss of a model that says nothing
    first = reward_model.train(scorer, tokenizer, PAIRS, epochs=1, batch_size=len(PAIRS))[0]
    assert first == pytest.approx(ours, abs=1e-5)


def test_it_learns_and_holds_on_pairs_not_seen(tiny):
    model, tokenizer, scorer = tiny
    before, pairs = copy.deepcopy(model.state_dict()), polite_pairs(72)
    history = reward_model.train(scorer, tokenizer, pairs[:48], lr=3e-3, epochs=3)
    assert len(history) == 9 and history[-1] < 0.2 < history[0]
    share, low, high = reward_model.accuracy(scorer, tokenizer, pairs[48:])
    assert low <= share <= high and low > 0.75
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    both = [pair[side] for pair in pairs[:48] for side in ("chosen", "rejected")]
    asked = [pair["prompt"] for pair in pairs[:48] for _ in range(2)]
    assert abs(sum(rewards.learned(scorer, tokenizer)(asked, both)) / len(both)) < 1e-3  # centred


def test_the_same_seed_gives_the_same_reward_model(tiny):
    model, tokenizer, _ = tiny
    runs = []
    for seed in (0, 0, 1):
        scorer = reward_model.start(model, seed)
        runs.append(reward_model.train(scorer, tokenizer, PAIRS, batch_size=2, seed=seed))
    assert runs[0] == runs[1] != runs[2]
    with pytest.raises(ValueError, match="at least one pair"):
        reward_model.train(scorer, tokenizer, [])


def test_calibration_by_hand():
    """Margins of 0 are confident to 1/2, margins of log 9 to 9/10; the sign says who was right."""
    unsure, sure = [1e-9, -1e-9] * 5, [math.log(9)] * 9 + [-math.log(9)]
    low, high = reward_model.calibration([*sure, *unsure], bins=2)
    assert low[0] == pytest.approx(0.5) and low[1] == 0.5 and low[4] == 10
    assert high[0] == pytest.approx(0.9) and high[1] == 0.9 and high[2] < 0.9 < high[3]
    assert len(reward_model.calibration([1.0], bins=5)) == 1


def test_dpo_is_that_of_trl(tiny, tmp_path):
    from datasets import Dataset, disable_progress_bars
    from trl import DPOConfig, DPOTrainer

    model, tokenizer, _ = tiny
    ref, _ = tiny_llama(seed=0)
    torch.manual_seed(0)
    for parameter in ref.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    sums = []
    for each in (model, ref):
        for side in ("chosen", "rejected"):
            records = [{"prompt": p["prompt"], "completion": p[side]} for p in PAIRS]
            batch = data.collate(data.encode(tokenizer, records), 0)
            with torch.no_grad():
                inputs = {k: batch[k] for k in ("input_ids", "attention_mask", "position_ids")}
                sums.append(losses.reply_logps(each(**inputs).logits, batch["input_ids"], batch["mask"]))
    ours = losses.dpo(*sums, beta=0.1).item()
    disable_progress_bars()
    settings = library_settings(str(tmp_path), len(PAIRS))
    settings = DPOConfig(**settings, gradient_checkpointing=False, beta=0.1)
    trainer = DPOTrainer(
        model, ref, settings, train_dataset=Dataset.from_list(PAIRS), processing_class=tokenizer
    )
    trainer.train()
    assert trainer.state.log_history[0]["loss"] == pytest.approx(ours, abs=1e-4)
    assert abs(ours - math.log(2)) > 0.01


def test_reply_logps_are_those_of_generation_and_the_end_token(tiny):
    model, tokenizer, _ = tiny
    batch = data.collate(data.encode(tokenizer, [{"prompt": "Hi", "completion": " you"}]), 0)
    with torch.no_grad():
        whole = losses.reply_logps(model(batch["input_ids"]).logits, batch["input_ids"], batch["mask"])
        end = model(batch["input_ids"]).logits[0, -2].log_softmax(-1)[tokenizer.eos_token_id]
    without = generation.logps(model, tokenizer, ["Hi"], [" you"])
    torch.testing.assert_close(whole, without + end, atol=1e-4, rtol=0)
