"""Feedback and synthetic data on the help desk: adapters alone train, all on one set of weights."""

from dataclasses import replace

import pytest
import torch

from course_utils.peft import adapter_layer
from course_utils.rlhf import adapter_policy
from course_utils.scoreboard import runner
from course_utils.tasks import base
from course_utils.techniques import ai_feedback, policies, registry
from tests.helpers.adapters import logits
from tests.helpers.tiny import tiny_llama

DESK = base.find("helpdesk")
SIZES = DESK.feedback._replace(
    records=12, sft_steps=2, sft_batch=4, updates=1, batch=4, group=2, room=6,
    verdicts=4, judging=2, refining=2, pairs=6, pair_batch=3,
)  # fmt: skip
TASK = replace(DESK, room=6, feedback=SIZES, budget=base.Budget(12, 2, 4))
TRAIN, TEST = DESK.read("train")[:40], [record["prompt"] for record in DESK.read("test")[:2]]
TRAINED = ("sft_mediocre", "dpo", "ppo", "grpo", "rloo", "rlaif", "ai_reward")
EQUAL = (*TRAINED, "reward_best_of_n", "self_reflection", "synthetic_filtered", "synthetic_unfiltered",
         "synthetic_real_control")  # fmt: skip


PAIRS = [
    {"prompt": r["prompt"], "chosen": r["completion"], "rejected": ' {"team": "orders"}'} for r in TRAIN[:8]
]


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(base.Task, "pairs", lambda task, split: PAIRS)


def learned(name, **setting):
    model, tokenizer = tiny_llama(context=4096)
    return registry.find(name).learn(model, tokenizer, TRAIN, 0, TASK, **setting)


def test_four_settings_each():
    for name in EQUAL:
        settings = registry.find(name).settings_for("helpdesk")
        assert len(settings) == 4 and all(settings.count(setting) == 1 for setting in settings), name


def test_what_learns_from_feedback_begins_where_its_control_ends():
    tuning = runner.read_tuning(base.results_file(DESK, "tuning.json"))
    assert tuning["sft_mediocre"]["chosen"] == {"lr": DESK.feedback.sft_lr}


@pytest.mark.parametrize("name", TRAINED)
def test_the_adapter_trains_and_nothing_else(name):
    result = learned(name, lr=1e-2)
    model, plain = result.model, tiny_llama(context=4096)[0]
    with adapter_layer.active(model, None):
        assert torch.equal(logits(model), logits(plain)), "without its adapters it is the model as loaded"
    assert not torch.equal(logits(model), logits(plain))
    moved = not torch.equal(logits(model), start_of(model))
    assert moved == (name != "sft_mediocre"), "the policy leaves its start"
    own = sum(p.numel() for p in adapter_layer.parameters(model, adapter_policy.POLICY))
    assert result.trainable_parameters == result.stored_parameters == own
    assert result.examples == 12 and result.labels == (6 if name in ("dpo", "ppo", "grpo", "rloo") else 0)
    assert len(result.reply(TEST)) == 2


def start_of(model):
    with adapter_layer.active(model, adapter_policy.START):
        return logits(model)


def test_all_have_the_same_start():
    starts = [start_of(learned(name, lr=1e-2).model) for name in ("dpo", "grpo", "rlaif")]
    assert torch.equal(starts[0], starts[1]) and torch.equal(starts[0], starts[2])


def test_best_of_n_keeps_the_reward_model_besides():
    result = learned("reward_best_of_n", n=2, temperature=1.0)
    assert result.stored_parameters > 2 * result.trainable_parameters
    assert torch.equal(logits(result.model), start_of(result.model)), "nothing but the choice differs"


def test_the_reference_is_the_start_whatever_the_policy_became():
    model = learned("grpo", lr=1e-2).model
    ids = torch.arange(5)[None]
    ref = policies.reference(model, SIZES)
    with torch.no_grad():
        expected = start_of(model), model(input_ids=ids).logits
        assert not torch.equal(ref(input_ids=ids).logits, expected[1])
        assert torch.equal(model(input_ids=ids).logits, expected[1]), "the policy is active again"
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) < 0.5 * sum(
        p.numel() for p in model.parameters()
    )


@pytest.mark.parametrize("critic", ["itself", "principles", "taught", "expected"])
def test_every_judge_is_an_adapter_of_the_same_weights(critic):
    model, tokenizer = tiny_llama(context=4096)
    policies.start(model, tokenizer, TRAIN, 0, TASK)
    grade, seconds = ai_feedback.judge_of(critic, model, model, tokenizer, TRAIN, 0, TASK)
    before = grade(TEST, ["a", "b"])
    for parameter in adapter_layer.parameters(model, adapter_policy.POLICY):
        parameter.data += 0.1
    assert grade(TEST, ["a", "b"]) == before, "the policy's training does not move its judge"
    assert (seconds > 0) == (critic in ("taught", "expected"))


def test_self_reflection_learns_three_acts_with_one_adapter():
    result = learned("self_reflection", lr=1e-2)
    assert result.labels == 0 and result.examples == 12 and result.prompt_tokens > 50
    assert adapter_layer.tasks(result.model) == [adapter_policy.POLICY]


@pytest.mark.parametrize("name", ["synthetic_filtered", "synthetic_unfiltered", "synthetic_real_control"])
def test_the_student_sees_real_records_and_what_was_added(name, monkeypatch):
    made = [r | {"generation": 1, "prompt": r["prompt"].replace("a", "e")} for r in DESK.read("dev")[:6]]
    monkeypatch.setattr(
        "course_utils.ai_feedback.synthetic_data.generate_records", lambda *a, **options: list(made)
    )
    task = replace(TASK, synthesis=DESK.synthesis._replace(seeds=6, added=4, written=6, teaching=2, steps=2))
    model, tokenizer = tiny_llama(context=4096)
    result = registry.find(name).learn(model, tokenizer, TRAIN, 0, task, lr=1e-2)
    assert len(result.choice["seeds"]) == 6 and len(result.choice["added"]) <= 4
    assert result.examples == (10 if name == "synthetic_real_control" else 6)
    assert adapter_layer.tasks(result.model) == ["lora"], "the teacher's adapter is gone"
