"""Seeds in a prompt, label first; texts are looked at by a program and, the other way round, by the model."""

import pytest

from course_utils import generation
from course_utils.ai_feedback import self_instruct
from course_utils.prompts.templates import arrow
from tests.helpers.tiny import tiny_llama

SEEDS = [
    {"prompt": f"It was {word}.", "completion": label}
    for word, label in zip(("good", "bad", "fine", "poor"), ("positive", "negative") * 2)
]


@pytest.fixture(scope="module")
def tiny():
    return tiny_llama(context=1024)


def test_a_prompt_shows_label_and_text_and_leaves_the_text_open():
    text = self_instruct.prompt(SEEDS[:2], "negative")
    assert text.index("Opinion: positive\nReview: It was good.") < text.index("Review: It was bad.")
    assert text.endswith("\n\nOpinion: negative\nReview:")


def test_each_label_gets_as_many_texts_and_an_id_of_its_own(tiny):
    records = self_instruct.write(*tiny, SEEDS, each=4, seed=1, groups=2)
    assert [r["completion"] for r in records].count("positive") == 4 and len(records) == 8
    assert len({r["id"] for r in records}) == 8 and all(r["generation"] == 1 for r in records)
    assert all("\n" not in r["prompt"] for r in records)
    assert records == self_instruct.write(*tiny, SEEDS, each=4, seed=1, groups=2)
    assert records != self_instruct.write(*tiny, SEEDS, each=4, seed=2, groups=2)
    with pytest.raises(ValueError, match="3 equal groups"):
        self_instruct.write(*tiny, SEEDS, each=4, groups=3)


@pytest.mark.parametrize(
    "text, sound",
    [
        ("The soup was cold again.", True),
        ("Too short.", False),
        ("the soup was cold again.", False),
        ("The soup was cold and", False),
        ("Word " * 26 + "end.", False),
        ("", False),
    ],
)
def test_is_sound(text, sound):
    assert self_instruct.is_sound({"prompt": text}) == sound


def test_verified_keeps_the_records_whose_label_the_model_gives(tiny):
    records = [
        {"prompt": f"It is {i}.", "completion": label} for i in range(6) for label in ("negative", "positive")
    ]
    kept = self_instruct.verified(*tiny, records, SEEDS)
    shots = [(seed["prompt"], seed["completion"]) for seed in SEEDS]
    prompts = [arrow(shots, record["prompt"]) for record in records]
    chosen = generation.choose(*tiny, prompts, ["negative", "positive"])
    by_hand = [r for r, i in zip(records, chosen) if ("negative", "positive")[i] == r["completion"]]
    assert kept == by_hand and len(kept) == 6  # of each text one label is refused
