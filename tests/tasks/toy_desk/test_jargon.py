"""Messages with jargon are asked in sentences that nobody trains on, and a reply is right by its team."""

from course_utils.tasks.toy_desk import company, jargon
from course_utils.tasks.toy_desk.task import TASK


def test_every_message_has_a_word_of_the_company_and_is_not_trained_on():
    records = jargon.messages(60)
    assert len(records) == 60 and all(any(w in r["prompt"] for w in company.JARGON) for r in records)
    assert not {r["prompt"] for r in records} & {r["prompt"] for r in TASK.read("train")}


def test_shots_stand_before_the_message():
    records, shots = jargon.messages(2), jargon.shots(3)
    (text, _) = jargon.prompts(records, shots)
    assert text.endswith(records[0]["prompt"]) and all(shot["completion"].strip() in text for shot in shots)
    assert jargon.prompts(records) == [record["prompt"] for record in records]


def test_right_is_the_team():
    records = jargon.messages(2)
    good = f"Team: {records[0]['team']} | Priority: low | Answer: Hello."
    assert jargon.routed(records, [good, "no record"]) == [True, False]
