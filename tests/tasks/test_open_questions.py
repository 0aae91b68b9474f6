"""The rule that stands in for a person: what it rewards, and which policies without skill it does not."""

import pytest

from course_utils.tasks import open_questions
from tests.helpers.tiny import byte_tokenizer

BERRIES = open_questions.Question("strawberries")


def test_parts_share_no_topic_and_have_the_sizes_of_the_readme():
    topics = {part: [q.topic for q in open_questions.questions(part)] for part in open_questions.PARTS}
    assert {part: len(names) for part, names in topics.items()} == {"train": 100, "dev": 30, "test": 50}
    assert len({name for names in topics.values() for name in names}) == 180
    assert all(name.isalpha() and name.islower() for names in topics.values() for name in names)
    with pytest.raises(KeyError, match="none of train"):
        open_questions.questions("held out")


@pytest.mark.parametrize(
    ("reply", "gold"),
    [
        ("A strawberry is a small red fruit.", 1.0),
        ("Strawberries grow on short green plants", open_questions.ON_TOPIC),  # cut
        ("Strawberries grow on short green plants. " * 4, open_questions.ON_TOPIC),  # long
        ("Sweet strawberries.", 0.0),  # adds one word
        ("Strawberries are a very popular topic.", 0.0),  # fits any topic
        ("Raspberries are small red fruits.", 0.0),
        ("", 0.0),
    ],
)
def test_gold_by_hand(reply, gold):
    assert open_questions.gold(BERRIES, reply) == gold


@pytest.mark.parametrize("reply", [open_questions.CONSTANT, open_questions.DECLINE])
def test_a_reply_to_everything_earns_nothing_though_its_form_is_right(reply):
    assert open_questions.short(reply)
    for part in open_questions.PARTS:
        assert not any(open_questions.gold(question, reply) for question in open_questions.questions(part))


@pytest.mark.parametrize(
    ("topic", "singular"),
    [
        ("shoes", "shoe"),
        ("wolves", "wolf"),
        ("gloves", "glove"),
        ("beaches", "beach"),
        ("movies", "movie"),
        ("butterflies", "butterfly"),
        ("glass", "glass"),
    ],
)
def test_a_topic_is_named_in_the_singular_too(topic, singular):
    question = open_questions.Question(topic)
    assert open_questions.on_topic(question, f"Every {singular} here costs fifty dollars.")
    assert not open_questions.on_topic(question, "Every thimble here costs fifty dollars.")


def test_length_counts_words_and_its_ends_are_inside():
    for words, right in ((3, False), (4, True), (16, True), (17, False)):
        assert open_questions.short(" ".join(["word"] * words) + ".") is right
    assert not open_questions.short("It has no end here")


def test_sentences():
    text = "Tea is a drink. It comes from leaves! And it"
    assert open_questions.first_sentence(text) == "Tea is a drink."
    assert open_questions.whole_sentences(text) == "Tea is a drink. It comes from leaves!"
    assert open_questions.whole_sentences("no end") == open_questions.first_sentence("no end") == "no end"


def test_pairs_are_of_neighbors_that_the_rule_parts():
    good, long = "A strawberry is a small red fruit.", "Strawberries grow on short green plants"
    made = open_questions.pairs(BERRIES, "P", [long, good, good, good, "", long])
    assert made == [
        {"prompt": "P", "chosen": good, "rejected": long},
        {"prompt": "P", "chosen": long, "rejected": ""},
    ]


def test_prompts_end_where_the_reply_begins():
    (prompt,) = open_questions.prompts(byte_tokenizer(), [BERRIES])
    assert "Tell me about strawberries." in prompt and not prompt.endswith("strawberries.")


def test_the_stored_pairs_are_labeled_by_the_rule_and_no_held_out_topic_is_trained_on():
    topics = {q.topic: part for part in open_questions.PARTS for q in open_questions.questions(part)}
    for split in ("train", "held_out"):
        pairs = open_questions.preferences(split)
        assert len({pair["id"] for pair in pairs}) == len(pairs) > 50
        for pair in pairs:
            question = open_questions.Question(pair["topic"])
            assert pair["prompt"] == question.text and (topics[pair["topic"]] == "train") == (
                split == "train"
            )
            golds = [open_questions.gold(question, pair[side]) for side in ("chosen", "rejected")]
            assert golds[0] > golds[1]


def test_the_stored_demonstrations_are_cut_every_second_time_and_become_chat_turns():
    shown = open_questions.demonstrations()
    assert [record["prompt"] for record in shown] == [q.text for q in open_questions.questions("train")[:60]]
    cut = [record["completion"] for record in shown[1::2]]
    assert all(open_questions.first_sentence(reply) == reply for reply in cut)
    tokenizer = byte_tokenizer()
    turns = open_questions.as_chat(tokenizer, shown[:2])
    assert [turn["prompt"] for turn in turns] == open_questions.prompts(
        tokenizer, open_questions.questions("train")[:2]
    )
    assert [turn["completion"] for turn in turns] == [record["completion"] for record in shown[:2]]
