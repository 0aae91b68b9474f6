"""Constrained decoding cannot leave the form, and among what is allowed the model decides."""

import json
from dataclasses import replace

import pytest
import torch

from course_utils import batching
from course_utils.tasks import base
from course_utils.tasks.helpdesk import generate
from course_utils.techniques import constrained, registry
from tests.helpers.desk_records import TASK, records
from tests.helpers.tiny import tiny_llama

HELPDESK = base.find("helpdesk")
LETTERS = generate.records("train")[:40]


@pytest.fixture(scope="module")
def subject():
    return tiny_llama(context=2048)


@pytest.mark.parametrize("form", ["chat", "plain"])
@pytest.mark.parametrize("k", [0, 2])
def test_every_reply_is_in_the_form_even_of_a_random_model(subject, form, k):
    task = replace(HELPDESK, room=150)  # a byte is a token here
    learn = registry.find("constrained_decoding").learn
    result = learn(*subject, LETTERS, 0, task, k=k, instruction="form", form=form)
    requests = [record["prompt"] for record in LETTERS[:3]]
    replies = result.reply(requests)
    teams = task.common(LETTERS, "team")
    for reply in replies:
        values = json.loads(reply)
        assert list(values) == ["team", "priority", "reply"]
        assert values["team"] in teams and values["priority"] in ("high", "normal", "low")
    assert replies == [result.reply([request])[0] for request in requests], "batches change nothing"


def test_the_toy_desk_s_form_is_kept_as_well(subject):
    train = records(24)
    result = registry.find("constrained_decoding").learn(*subject, train, 0, TASK, k=1)
    for reply in result.reply([record["prompt"] for record in train[:3]]):
        assert reply.startswith(("Team: Hawks | ", "Team: Owls | ", "Team: Wrens | ")) and "\n" not in reply


def test_among_the_allowed_beginnings_the_likeliest_token_decides(subject):
    model, tokenizer = subject
    heads = ["<ab:", "<ba:", "<bb:"]
    (text,) = constrained.generate_within(model, tokenizer, ["Hello"], heads, ">", max_new_tokens=6)
    with torch.no_grad():
        ids = torch.tensor(batching.encode(model, tokenizer, ["Hello<"]))
        logits = model(input_ids=ids).logits[0, -1]
        first = max("ab", key=lambda letter: logits[tokenizer(letter)["input_ids"][0]])
    assert text[:4] in heads and text[1] == first and text.endswith(">")


def test_the_free_text_ends_at_the_first_quote_and_is_never_empty(subject, monkeypatch):
    model, tokenizer = subject
    heads, tail = ['{"a": "'], '"}'
    written = [tokenizer('{"a": "say hi" and more')["input_ids"]]
    monkeypatch.setattr(constrained.generation, "continue_ids", lambda *arguments: written)
    assert constrained.generate_within(model, tokenizer, ["x"], heads, tail) == ['{"a": "say hi"}']
    quote, line, slash, letter = (tokenizer(c)["input_ids"][0] for c in '"\n\\a')
    assert {line, slash} <= constrained.unwritable(tokenizer, tail) and not constrained.unwritable(
        tokenizer, ""
    )
    assert quote in constrained.closing_ids(tokenizer, '"')
    assert letter not in constrained.closing_ids(tokenizer, '"') | constrained.unwritable(tokenizer, tail)


def test_the_heads_are_all_pairs_of_values_that_the_records_show():
    heads, tail = HELPDESK.heads(LETTERS)
    teams, priorities = (HELPDESK.common(LETTERS, name) for name in ("team", "priority"))
    assert len(heads) == len(set(heads)) == len(teams) * len(priorities) and tail == '"}'
    whole = heads[0] + "Hello." + tail
    assert HELPDESK.parse(whole) == dict(zip(HELPDESK.names, (teams[0], priorities[0], "Hello.")))
