"""The program that checks synthetic records passes the real ones and names each planted mistake."""

import pytest

from course_utils.tasks import base
from course_utils.tasks.helpdesk import gold, prompting, shop, synthetic_checks

TRAIN = base.find("helpdesk").read("train")
CHECK = synthetic_checks.checker(TRAIN[:100])


def test_real_records_pass():
    wrong = [(record, CHECK(record)) for record in TRAIN if CHECK(record)]
    assert len(wrong) <= 0.02 * len(TRAIN), wrong[:3]


def made(message, reply, team="orders", priority="normal"):
    text = f"{reply} {shop.SIGN_OFF}" if reply else ""
    return {"prompt": prompting.prompt(message), "completion": shop.completion(team, priority, text)}


@pytest.mark.parametrize(
    "record, word",
    [
        (made("where is 12345?", "Hello, we will look into the delivery of order 54321."), "number"),
        (made("I am Ann", "Hi Bob, we will help."), "name"),
        (made("how long?", "Hello, you can return items within 12 days."), "fact"),
        (made("hi", "Hello, we will help.", team="kitchen"), "label"),
        (made("hi", "Hello, " + "very " * 40 + "well."), "length"),
        (made("hi", "Hello, you will get a full refund."), "refund"),
        ({"prompt": prompting.prompt("hi"), "completion": " Team: orders"}, "form"),
        ({"prompt": prompting.prompt("a\nb"), "completion": TRAIN[0]["completion"]}, "form"),
    ],
)
def test_each_mistake_is_named(record, word):
    assert word in CHECK(record)


def test_a_missing_sign_off_is_named():
    record = TRAIN[0]
    fields = gold.parse(record["completion"])
    cut = fields["reply"].replace(shop.SIGN_OFF, "").strip()
    assert CHECK(record | {"completion": shop.completion(fields["team"], fields["priority"], cut)}) == [
        "sign-off"
    ]
