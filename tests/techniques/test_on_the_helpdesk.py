"""Every technique with settings for the help desk runs on it: chat turns, JSON, a budget, tiny weights."""

from dataclasses import replace

import pytest
import torch

from course_utils.tasks import base
from course_utils.techniques import registry
from tests.helpers.adapters import logits
from tests.helpers.tiny import tiny_llama

TASK = replace(base.find("helpdesk"), room=12, budget=base.Budget(6, 2, 3))  # a byte is a token here
TRAIN, TEST = TASK.read("train")[:60], TASK.read("test")[:2]
ELSEWHERE = ("05", "06")  # lessons whose techniques are tested in test_feedback_on_the_helpdesk
NAMES = [
    name
    for name, technique in registry.TECHNIQUES.items()
    if "helpdesk" in technique.settings and technique.lesson not in ELSEWHERE
]
SMALL = {"k": 1, "candidates": 2, "records": 2, "rank": 2, "width": 4, "length": 4, "blocks": 1, "samples": 2}
TRAINED = ("PEFT", "fine-tuning", "soft prompts")


def shortened(setting):
    return setting | {name: value for name, value in SMALL.items() if name in setting}


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_and_replies(name):
    technique = registry.find(name)
    setting = shortened(technique.settings_for("helpdesk")[0])
    model, tokenizer = tiny_llama(context=4096)
    result = technique.learn(model, tokenizer, TRAIN, 0, TASK, **setting)
    replies = result.reply([record["prompt"] for record in TEST])
    assert len(replies) == 2 and all(isinstance(reply, str) for reply in replies)
    if technique.family in TRAINED:
        assert result.examples == TASK.budget.records and result.trainable_parameters > 0
    if result.model is not None:
        assert not torch.equal(logits(result.model), logits(tiny_llama(context=4096)[0]))


@pytest.mark.parametrize("name", ["few_shot", "few_shot_nearest", "facts_in_prompt", "constrained_decoding"])
def test_both_forms_of_a_prompt_are_tried(name):
    technique = registry.find(name)
    settings = technique.settings_for("helpdesk")
    assert {setting["form"] for setting in settings} == {"chat", "plain"}
    subject, sent = tiny_llama(context=4096), {}
    for form in ("chat", "plain"):
        setting = next(s for s in settings if s["form"] == form)
        result = technique.learn(*subject, TRAIN, 0, TASK, **(setting | {"k": 2}))
        sent[form] = result.choice["prompt"](TEST[0]["prompt"])
    assert sent["chat"].count("User:") == 3 and sent["chat"].endswith("Agent:")
    assert sent["chat"].startswith(f"System: {TASK.system}")
    assert "User:" not in sent["plain"] and sent["plain"].endswith("Answer:")
    assert all("online shop" in text for text in sent.values()), "the instruction is there"
    with pytest.raises(ValueError, match="no form 'poem'"):
        registry.find("few_shot").learn(*subject, TRAIN, 0, TASK, k=1, form="poem")


def test_equal_trials_within_each_family_that_is_trained():
    for technique in registry.TECHNIQUES.values():
        if technique.family in TRAINED:
            rates = [setting["lr"] for setting in technique.settings["helpdesk"]]
            assert len(rates) == 4 and sorted(set(rates)) == rates, technique.name
