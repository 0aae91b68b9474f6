"""Keys and values that are kept between prompts change the work, never the result."""

import torch

from course_utils.display.kept_prompt import KeptPrompt, same_beginning
from course_utils.generation import generate
from tests.helpers.tiny import tiny_llama

TEXTS = (
    "red -> rot\nblue ->",
    "red -> rot\nblue -> blau\ngreen ->",
    "red -> rot\nblue ->",
    "a",
    "red -> rot",
)


def test_replies_are_those_of_generation():
    model, tokenizer = tiny_llama()
    kept = KeptPrompt(model, tokenizer)
    for text in TEXTS:
        assert kept.reply(text, 12) == generate(model, tokenizer, [text], 12)[0].strip()
        assert (
            kept.reply(text, 12, "e")
            == generate(model, tokenizer, [text], 12)[0].strip().split("e")[0].strip()
        )


def test_logits_are_those_of_a_fresh_pass_and_only_the_rest_is_computed():
    model, tokenizer = tiny_llama()
    kept = KeptPrompt(model, tokenizer)
    counts = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        assert torch.allclose(kept.logits(text), model(input_ids=ids).logits[0, -1], atol=1e-4)
        counts.append((kept.computed, ids.shape[1]))
    assert [some == all_ for some, all_ in counts] == [True, False, False, True, True]


def test_same_beginning():
    assert same_beginning([1, 2, 3], [1, 2, 4]) == 2
    assert same_beginning([1, 2], [1, 2, 3]) == 2 and same_beginning([1], [2]) == same_beginning([], [1]) == 0
