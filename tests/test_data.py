"""Splits share nothing, labels cover the completion only, and padding changes no loss."""

import pytest
import torch

from course_utils.data import BadRecords, collate, encode, encode_examples, split
from tests.helpers.tiny import byte_tokenizer, tiny_llama

START = "<bos>"

RECORDS = [{"prompt": f"p{i}", "completion": "c"} for i in range(100)]


def test_split_covers_everything_once():
    parts = split(RECORDS, (0.8, 0.1, 0.1), seed=0)
    assert [len(part) for part in parts] == [80, 10, 10]
    assert sorted(r["prompt"] for part in parts for r in part) == sorted(r["prompt"] for r in RECORDS)


def test_split_depends_on_the_seed_and_not_on_the_order():
    def prompts(records, seed):
        return [{r["prompt"] for r in part} for part in split(records, (0.5, 0.5), seed)]

    assert prompts(RECORDS, 0) == prompts(RECORDS[::-1], 0) != prompts(RECORDS, 1)
    assert split(RECORDS, (1.0,), seed=3) == [RECORDS]


def test_split_keeps_a_repeated_prompt_together():
    parts = split([r for r in RECORDS for _ in range(3)], (0.7, 0.3), seed=0)
    assert not {r["prompt"] for r in parts[0]} & {r["prompt"] for r in parts[1]}
    assert [len(part) for part in parts] == [210, 90]


@pytest.mark.parametrize("fractions", [(), (0.5, 0.4), (1.2, -0.2), (1.0, 0.0), (0.999, 0.001)])
def test_split_refuses(fractions):
    with pytest.raises(ValueError):
        split(RECORDS, fractions, seed=0)


def test_labels_cover_the_completion_and_the_end():
    tokenizer = byte_tokenizer()
    (example,) = encode_examples(tokenizer, [{"prompt": "abc", "completion": " d"}])
    assert tokenizer.decode(example["input_ids"]) == "abc d<|end|>"
    assert example["labels"][:3] == [-100] * 3
    assert tokenizer.decode(example["labels"][3:]) == " d<|end|>"
    assert example["labels"][-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("prompt", ["ab", START + "ab"])
def test_the_start_token_comes_once_and_not_before_the_completion(prompt):
    tokenizer = byte_tokenizer(bos=START)
    (example,) = encode_examples(tokenizer, [{"prompt": prompt, "completion": "c"}])
    assert example["input_ids"].count(tokenizer.bos_token_id) == 1
    assert example["labels"] == [-100] * 3 + example["input_ids"][3:] and len(example["labels"]) == 5


def test_an_end_token_added_to_the_prompt_is_dropped():
    class Closing:
        eos_token_id, eos_token, bos_token = 9, "</s>", None

        def __call__(self, text, add_special_tokens=True):
            return {"input_ids": [len(text)] + [9] * add_special_tokens}

    (example,) = encode_examples(Closing(), [{"prompt": "abc", "completion": "d"}])
    assert example == {"input_ids": [3, 1, 9], "labels": [-100, 1, 9]}


def test_too_long_examples_are_named_not_cut():
    records = [{"prompt": "a" * n, "completion": "b"} for n in (3, 8, 4)]
    with pytest.raises(BadRecords, match="row 2: 10 tokens, more than 6"):
        encode_examples(byte_tokenizer(), records, max_length=6)
    assert len(encode_examples(byte_tokenizer(), records, max_length=10)) == 3
    assert encode_examples(byte_tokenizer(), [], 5) == []


def test_a_tokenizer_without_an_end_is_refused():
    with pytest.raises(ValueError, match="learn to stop"):
        encode_examples(byte_tokenizer(eos=None), [{"prompt": "a", "completion": "b"}])


def test_collate_by_hand():
    examples = [{"input_ids": [5, 6, 0], "labels": [-100, 6, 0]}, {"input_ids": [7], "labels": [7]}]
    right = collate(examples, pad_id=0)
    assert right["input_ids"].tolist() == [[5, 6, 0], [7, 0, 0]]
    assert right["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]  # the real 0 counts
    assert right["labels"].tolist() == [[-100, 6, 0], [7, -100, -100]]
    left = collate(examples, pad_id=0, side="left")
    assert left["input_ids"].tolist()[1] == [0, 0, 7]
    assert left["attention_mask"].tolist()[1] == [0, 0, 1]
    assert left["labels"].tolist()[1] == [-100, -100, 7]
    assert {tensor.dtype for tensor in left.values()} == {torch.int64}
    assert examples[1]["input_ids"] == [7]


@pytest.mark.parametrize("examples, side", [([], "right"), ([{"input_ids": [1], "labels": [1]}], "top")])
def test_collate_refuses(examples, side):
    with pytest.raises(ValueError):
        collate(examples, 0, side)


def test_padding_changes_no_loss():
    model, tokenizer = tiny_llama()
    texts = {"Which team?": " Routes", "Hi": " Hello there"}
    records = [{"prompt": prompt, "completion": completion} for prompt, completion in texts.items()]
    examples = encode_examples(tokenizer, records)
    with torch.no_grad():
        alone = [model(**collate([e], 0)).loss * sum(x != -100 for x in e["labels"]) for e in examples]
        batch = collate(examples, tokenizer.pad_token_id)
        together = model(**batch).loss * (batch["labels"] != -100).sum()
    torch.testing.assert_close(together, sum(alone), atol=1e-4, rtol=1e-5)


def test_the_mask_covers_the_completion_and_the_end():
    tokenizer = byte_tokenizer()
    (example,) = encode(tokenizer, [{"prompt": "abc", "completion": " d"}])
    assert tokenizer.decode(example["input_ids"]) == "abc d<|end|>"
    assert example["mask"] == [0, 0, 0, 1, 1, 1]


def test_masks_and_labels_say_the_same():
    tokenizer = byte_tokenizer(bos=START)
    for example, labeled in zip(encode(tokenizer, RECORDS), encode_examples(tokenizer, RECORDS)):
        assert example["input_ids"] == labeled["input_ids"]
        assert example["mask"] == [int(label != -100) for label in labeled["labels"]]


def test_collate_gives_masks_and_positions_on_either_side():
    examples = [{"input_ids": [5, 6, 0], "mask": [0, 1, 1]}, {"input_ids": [7, 8], "mask": [0, 1]}]
    right, left = collate(examples, pad_id=9), collate(examples, pad_id=9, side="left")
    assert right["mask"].tolist() == [[0, 1, 1], [0, 1, 0]] and "labels" not in right
    assert left["mask"].tolist() == [[0, 1, 1], [0, 0, 1]]
    assert left["position_ids"].tolist() == [[0, 1, 2], [0, 0, 1]]
    assert right["position_ids"][0].tolist() == [0, 1, 2] and right["position_ids"][1, :2].tolist() == [0, 1]
    assert left["input_ids"].tolist() == [[5, 6, 0], [9, 7, 8]]
