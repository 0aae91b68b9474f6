"""Requests over HTTP get the reply of their own task, in batches, and the server closes."""

import json
import threading
import urllib.error
import urllib.request

import pytest
import torch

from course_utils.peft import adapter_layer, lora, mixed_batch
from course_utils.scaling import serving
from tests.helpers.tiny import tiny_llama

PROMPTS = ["A first request", "And another one, longer", "A third"]
TASKS = ["loud", None, "quiet"]


@pytest.fixture(scope="module")
def served():
    """(model, tokenizer) with two tasks that answer differently."""
    model, tokenizer = tiny_llama()
    for seed, task in enumerate(("loud", "quiet")):
        for parameter in lora.add(model, task, rank=2, seed=seed):
            torch.nn.init.normal_(parameter, std=0.5)
    adapter_layer.set_adapter(model, None)
    return model, tokenizer


def test_replies_are_those_of_a_mixed_batch(served):
    alone = [mixed_batch.reply(*served, [p], [t], max_new_tokens=6)[0] for p, t in zip(PROMPTS, TASKS)]
    assert len({mixed_batch.reply(*served, PROMPTS[:1], [task], 6)[0] for task in TASKS}) == 3
    with serving.Server(*served, wait=0.5, max_new_tokens=6, stop=None) as server:
        assert serving.ask(server.address, PROMPTS, TASKS) == alone
        assert len(server.batches) == 1 and sorted(map(str, server.batches[0])) == sorted(map(str, TASKS))


def test_it_listens_on_this_machine_only_and_closes(served):
    before = threading.active_count()
    with serving.Server(*served) as server:
        assert server.address.startswith("http://127.0.0.1:")
        with serving.OPENER.open(server.address) as answer:
            assert json.load(answer) == {"tasks": ["loud", "quiet"]}
    assert threading.active_count() == before
    with pytest.raises(urllib.error.URLError):
        serving.OPENER.open(server.address, timeout=2)


def test_it_closes_after_an_error_in_the_block(served):
    with pytest.raises(KeyError), serving.Server(*served) as server:
        raise KeyError
    with pytest.raises(urllib.error.URLError):
        serving.OPENER.open(server.address, timeout=2)


def test_large_batches_are_cut(served):
    with serving.Server(*served, wait=0.5, max_batch_size=2, max_new_tokens=2) as server:
        serving.ask(server.address, PROMPTS, TASKS)
        assert sorted(map(len, server.batches)) == [1, 2]


def test_what_is_wrong_is_a_sentence_and_the_server_goes_on(served):
    with serving.Server(*served, wait=0.0, max_new_tokens=2) as server:
        with pytest.raises(ValueError, match="no such task: this server has loud, quiet"):
            serving.ask(server.address, ["Hello"], ["shouting"])
        with pytest.raises(ValueError, match="context"):
            serving.ask(server.address, ["x" * 3000], [None])
        assert not server.batches, "nothing was generated for it"
        for body, reason in (
            (b"{", "JSON"),
            (b"[]", '"prompt"'),
            (b'{"prompt": ""}', '"prompt"'),
            (b'{"prompt": "\\ud800"}', "UTF-8"),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                serving.OPENER.open(urllib.request.Request(server.address, body))
            assert refused.value.code == 400 and reason in json.load(refused.value)["error"]
        assert len(serving.ask(server.address, ["Hello"], ["loud"])) == 1


def test_an_error_of_the_model_is_told_and_the_server_goes_on(served, monkeypatch):
    real = mixed_batch.reply

    def without_memory(*given, **options):
        monkeypatch.setattr(mixed_batch, "reply", real)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(mixed_batch, "reply", without_memory)
    with serving.Server(*served, wait=0.0, max_new_tokens=2) as server:
        with pytest.raises(ValueError, match="out of memory"):
            serving.ask(server.address, ["Hello"], [None])
        assert len(serving.ask(server.address, ["Hello"], [None])) == 1


def test_a_long_prompt_beside_it_takes_no_room_from_a_short_one(served):
    alone = mixed_batch.reply(*served, ["Hello"], ["loud"], max_new_tokens=8)
    beside = mixed_batch.reply(*served, ["Hello", "x" * 253], ["loud", None], max_new_tokens=8)
    assert beside[0] == alone[0] and len(beside[1]) <= 3 < len(alone[0])
