"""Form, voice and facts are graded apart: a reply can have one without the others."""

import json

from course_utils.finetune import house_style
from course_utils.tasks.helpdesk import shop


def text_of(record):
    return json.loads(record["completion"])["reply"]


def test_half_of_the_messages_ask_for_a_fact():
    records = house_style.messages("dev", 10)
    assert [bool(record["facts"]) for record in records] == [True] * 5 + [False] * 5


def test_the_records_own_replies_have_everything():
    records = house_style.messages("dev", 12)
    marks = house_style.marks(records, [record["completion"] for record in records])
    assert all(map(all, marks.values())) and len(marks["facts"]) == 6


def test_the_voice_needs_no_form():
    records = house_style.messages("dev", 6)
    marks = house_style.marks(records, [text_of(record) for record in records])
    assert not any(marks["form"]) and all(marks["brand voice"]) and all(marks["facts"])


def test_each_mark_can_be_missed():
    records = house_style.messages("dev", 6)
    marks = house_style.marks(records, ["We will refund you in full."] * 6)
    assert not any(map(any, marks.values()))
    vague = shop.completion("sales", "low", f"Hello, our team will look into it. {shop.SIGN_OFF}")
    marks = house_style.marks(records, [vague] * 6)
    assert all(marks["form"]) and not any(marks["facts"])
