"""Each grader is right where it should be and wrong where it should be, and refuses what it cannot grade."""

import json

import pytest

from course_utils.scoreboard import graders
from course_utils.storage.records import BadRecords


def records(*completions, **more):
    return [
        {"prompt": f"p{i}", "completion": f" {text}", "row": i + 2, **more}
        for i, text in enumerate(completions)
    ]


def test_exact():
    (record,) = records("Yes.")
    grade = graders.find("exact", [record])
    assert grade(record, " Yes.\n") and not grade(record, "yes.") and not grade(record, "Yes. Really")


def test_contains_wants_whole_words_and_no_other_label():
    test = records("good", "bad", "good", "not good", "bad", "good", "bad", "not good")
    grade = graders.find("contains", test)
    good, bad, not_good = test[0], test[1], test[3]
    assert grade(good, "It is GOOD.") and not grade(good, "goods") and not grade(good, "nothing")
    assert not grade(good, "good or bad"), "a list of all labels is no answer"
    assert grade(not_good, "That is not  good") and not grade(good, "not good")
    assert grade(bad, "bad, bad!")
    texts = records("Paris", "the capital of France is Paris")
    grade = graders.find("contains", texts)
    assert grade(texts[0], "the capital of France is Paris"), "texts are no labels: nothing is ruled out"


def test_number():
    (record,) = records("It costs $1,200.50")
    grade = graders.find("number", [record])
    assert grade(record, "first 3, then 1200.5") and not grade(record, "1200") and not grade(record, "none")
    with pytest.raises(BadRecords, match="row 3: the completion has no number: write the number in digits"):
        graders.find("number", records("4", "four"))


def test_regex():
    test = records("Answer: B", "so Answer: C")
    grade = graders.find("regex", test, pattern=r"Answer: (\w)")
    assert grade(test[0], "I think. Answer: B!") and not grade(test[0], "Answer: C")
    assert not grade(test[0], "B")
    with pytest.raises(BadRecords, match="row 2: the pattern finds nothing in the completion"):
        graders.find("regex", records("B"), pattern=r"Answer: (\w)")
    with pytest.raises(ValueError, match="is no regular expression"):
        graders.find("regex", test, pattern="(")
    own = records("x", pattern="^a+$")
    assert graders.find("regex", own)(own[0], "aaa") and not graders.find("regex", own)(own[0], "ab")
    with pytest.raises(BadRecords, match='row 2: it has no pattern: fill in the column "pattern"'):
        graders.find("regex", records("x"))
    with pytest.raises(BadRecords, match="row 2: its pattern is no regular expression"):
        graders.find("regex", records("x", pattern="["))


def test_json_fields():
    test = records(json.dumps({"team": "a", "priority": 1, "text": "hello"}))
    everything, some = graders.find("json", test), graders.find("json", test, fields=["team", "priority"])
    reply = '{"priority": 1, "team": "a", "text": "other"}'
    assert some(test[0], reply) and not everything(test[0], reply)
    assert everything(test[0], test[0]["completion"]) and not some(test[0], '{"team": "a"}')
    assert not some(test[0], "team a") and not some(test[0], '["team"]')
    assert not everything(test[0], '{"team": "a", "priority": 1, "text": "hello", "more": 1}')
    with pytest.raises(BadRecords, match="row 2: the completion is no JSON object: correct it"):
        graders.find("json", records("x"))
    with pytest.raises(BadRecords, match="row 2: its completion lacks size"):
        graders.find("json", test, fields=["size"])


def test_what_does_not_fit_is_refused():
    for arguments, match in (
        ({"name": "nearly"}, "no grader 'nearly'"),
        ({"name": "exact", "fields": ["a"]}, "Fields belong to the grader json"),
        ({"name": "exact", "pattern": "a"}, "A pattern belongs to the grader regex"),
        ({"name": "judge"}, "A judge needs a model"),
    ):
        with pytest.raises(ValueError, match=match):
            graders.find(test=records("x"), **arguments)


def fair(records, replies):
    """Log-odds of a judge that reads well and always leans to yes."""
    return [9.0 if record["completion"].strip() == reply else 5.0 for record, reply in zip(records, replies)]


def test_a_judge_is_believed_only_after_a_trial():
    test = records(*(f"text {i}" for i in range(40)))
    threshold = graders.trial_of_judge(test, fair)
    assert threshold == 7.0, "its leaning to yes is taken out"
    with pytest.raises(ValueError, match="This judge is right on 20 of 40 replies whose grade is known"):
        graders.trial_of_judge(test, lambda records, replies: [4.0] * len(records))
    with pytest.raises(ValueError, match="All completions of test are the same"):
        graders.trial_of_judge(records("x", "x"), fair)
    with pytest.raises(ValueError, match="too few to believe it"):
        graders.trial_of_judge(test[:4], fair), "a perfect judge on eight replies may be lucky"


def test_a_judge_says_yes_above_its_threshold(monkeypatch):
    def yes(model, tokenizer, prompts, replies, question):
        assert question == graders.QUESTION and all("Right answer:" in prompt for prompt in prompts)
        answers = [prompt.rpartition("Right answer: ")[2] for prompt in prompts]
        return [3.0 if reply in answer else 1.0 for reply, answer in zip(replies, answers)]

    monkeypatch.setattr(graders.llm_judge, "yes", yes)
    test = records(*(f"text {i:02}" for i in range(40)))
    grade = graders.find("judge", test, judge=(None, None))
    assert grade(test[0], "text 00") and not grade(test[0], "text 01") and not grade(test[0], " ")
