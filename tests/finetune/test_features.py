"""Features are means over a text's own tokens, and a head learns from them."""

import torch

from course_utils.finetune import features
from tests.helpers.tiny import tiny_llama

TEXTS = ["red red red", "blue", "red", "blue blue blue blue"]


def test_a_text_has_the_same_features_alone_and_in_a_batch():
    model, tokenizer = tiny_llama()
    together = features.of(model, tokenizer, TEXTS, layer=1)
    alone = torch.cat([features.of(model, tokenizer, [text], layer=1) for text in TEXTS])
    assert together.shape == (4, model.config.hidden_size)
    assert torch.allclose(together, alone, atol=1e-5)


def test_the_model_stays_as_it_was():
    model, tokenizer = tiny_llama()
    before = {name: p.clone() for name, p in model.named_parameters()}
    head = features.head(features.of(model, tokenizer, TEXTS), ["r", "b", "r", "b"])
    assert all(torch.equal(before[name], p) for name, p in model.named_parameters())
    assert set(head.predict(features.of(model, tokenizer, ["red red", "blue blue"]))) <= {"r", "b"}


def test_a_head_tells_what_can_be_told():
    x = torch.tensor([[1.0, 0], [0.9, 0.1], [0, 1], [0.1, 1]])
    assert list(features.head(x, ["a", "a", "b", "b"]).predict(x)) == ["a", "a", "b", "b"]


def test_a_head_on_words_learns_words():
    texts = ["my parcel is late", "the parcel was lost", "a refund please", "where is my refund"]
    head = features.head_on_words(texts, ["delivery", "delivery", "money", "money"])
    assert list(head.predict(["which parcel", "refund now"])) == ["delivery", "money"]
