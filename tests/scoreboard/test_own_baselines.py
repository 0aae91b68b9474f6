"""The cheap baselines find what words tell, copy what they cannot choose, and refuse texts."""

import json

import pytest

from course_utils.scoreboard.own_baselines import BASELINES, majority, tfidf_classifier

WORDS = {"cat": "animal", "dog": "animal", "cow": "animal", "saw": "tool", "axe": "tool"}
TRAIN = [
    {"prompt": f"a {word} number {i + 10}", "completion": f" {kind}"}
    for i in range(8)
    for word, kind in WORDS.items()
]


def replies(learn, train, requests):
    return learn(None, None, train, 0, None).reply(requests)


def test_the_majority_is_one_reply():
    assert replies(majority, TRAIN, ["a saw", "a cat"]) == ["animal", "animal"]
    assert list(BASELINES) == ["majority", "nearest_copy", "tfidf_classifier"]


def test_words_are_learned():
    assert replies(tfidf_classifier, TRAIN, ["one axe", "my cow", "any saw"]) == ["tool", "animal", "tool"]


def test_its_size_is_that_of_its_weights():
    result = tfidf_classifier(None, None, TRAIN, 0, None)
    words = len({word for r in TRAIN for word in r["prompt"].split()})
    assert result.trainable_parameters > words and result.stored_bytes > 8 * result.trainable_parameters


def test_scripts_without_spaces_are_learned():
    train = [
        {"prompt": f"{word}{i}番", "completion": kind}
        for i in range(6)
        for word, kind in (("返品したい", "返品"), ("配達はいつ", "配送"))
    ]
    assert replies(tfidf_classifier, train, ["配達はまだ", "返品の方法"]) == ["配送", "返品"]


def test_fields_of_json_are_chosen_and_texts_in_them_copied():
    train = [
        r
        | {"completion": json.dumps({"kind": r["completion"].strip(), "n": i % 2, "text": f"{r['prompt']}!"})}
        for i, r in enumerate(TRAIN)
    ]
    (reply,) = replies(tfidf_classifier, train, ["a saw number 13"])
    fields = json.loads(reply)
    assert list(fields) == ["kind", "n", "text"] and fields["kind"] == "tool"
    assert isinstance(fields["n"], int) and fields["text"] == "a saw number 13!"


def test_one_label_needs_no_classifier_and_texts_have_none():
    same = [r | {"completion": "yes"} for r in TRAIN]
    assert replies(tfidf_classifier, same, ["a"]) == ["yes"]
    with pytest.raises(ValueError, match="the completions are texts, not labels"):
        replies(tfidf_classifier, [r | {"completion": f"{i}"} for i, r in enumerate(TRAIN)], ["a"])
