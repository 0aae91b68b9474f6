"""The help desk's grading: what it reads, finds broken and lets pass, and what a reply is worth."""

import random

import pytest

from course_utils.storage.records import read_records
from course_utils.tasks.helpdesk import frames, generate, gold, shop, trivial
from course_utils.tasks.helpdesk.prompting import message_of, prompt

SPLITS = {split: read_records(frames.FOLDER / f"{split}.jsonl") for split in generate.SIZES}
ALL = [record for records in SPLITS.values() for record in records]
SIGN = " " + shop.SIGN_OFF


def one(intents, message="", name=None, order=None, angry=False, product="kettle"):
    """A record of these intents, made by hand."""
    intents = [intents] if isinstance(intents, str) else list(intents)
    products = [product] * len(intents)
    text = shop.reply(intents, products, name and generate.called(name), order, angry)
    return {
        "prompt": prompt(f"{message} {name or ''} {order or ''}"),
        "completion": shop.completion(shop.team_of(intents[0]), shop.priority(intents, angry), text),
        "intents": intents,
        "products": products,
        "facts": [intent for intent in intents if intent in shop.FACTS],
        "name": name,
        "order": order,
        "needs_order": any(shop.order_use(intent) == "needed" for intent in intents),
        "angry": angry,
    }


def say(record, text, **fields):
    """A reply with this text, and the team and priority of the record unless they are given."""
    own = gold.parse(record["completion"])
    return shop.completion(fields.get("team", own["team"]), fields.get("priority", own["priority"]), text)


def broken(record, text):
    return gold.broken_rules(record, say(record, text))


TRACE = one("trace", name="Anna Lewis", order="48213")
NAMELESS = one("trace")
WRAP = one("gift_wrap", name="Anna")
FURIOUS = one("damaged", name="Mrs. Lewis", order="48213", angry=True, product="vase")


def test_every_gold_label_is_whole_and_earns_one():
    for record in ALL:
        assert gold.grade(record, record["completion"])["whole"], record
        assert gold.broken_rules(record, record["completion"]) == []
        assert gold.gold_reward(record, record["completion"]) == 1


@pytest.mark.parametrize(
    "reply",
    ["", "\n", "Hi Anna", "{}", '{"team": "orders"}', "[1]", "null",
     '{"team": "orders", "priority": "low", "reply": ""}',
     '{"team": "orders", "priority": "low", "reply": 3}',
     '{"team": "orders", "priority": "low", "reply": "a", "more": "b"}',
     '{"team": "orders", "team": "sales", "priority": "low", "reply": "a"}',
     "{'team': 'orders', 'priority': 'low', 'reply': 'a'}",
     'Sure! {"team": "orders", "priority": "low", "reply": "a"}',
     '{"team": "orders", "priority": "low", "reply": "a"} Bye', "[" * 5000],
)  # fmt: skip
def test_malformed_replies(reply):
    assert gold.parse(reply) is None
    assert not any(gold.grade(TRACE, reply).values())
    assert gold.broken_rules(TRACE, reply) == ["form"] and gold.gold_reward(TRACE, reply) == -2


def test_further_lines_and_the_order_of_keys_do_not_count():
    fields = {"team": "orders", "priority": "low", "reply": "a"}
    assert gold.parse(' {"reply": "a", "priority": "low", "team": "orders"}\nMessage: x') == fields


def test_grade_tells_the_parts_apart():
    text = gold.parse(TRACE["completion"])["reply"]
    assert gold.grade(TRACE, say(TRACE, text, team="sales")) == {
        "form": True, "team": False, "priority": True, "reply": True, "whole": False,
    }  # fmt: skip
    assert not gold.grade(TRACE, say(TRACE, text, priority="low"))["priority"]
    hits = gold.grade(TRACE, say(TRACE, "Hi Anna, hello." + SIGN))
    assert hits["team"] and hits["priority"] and not hits["reply"] and not hits["whole"]


@pytest.mark.parametrize(
    "record, text, rule",
    [
        (TRACE, "Hi Ben, we will trace order 48213 with the carrier.", "name invented"),
        (TRACE, "Hello, we will trace order 48213 with the carrier.", "name missing"),
        (TRACE, "Hi anna, we will trace order 48213 with the carrier.", "name missing"),
        (NAMELESS, "Hi Marlene, please send us your order number to trace it.", "name invented"),
        (NAMELESS, "Hello, dear Nina, please send us your order number to trace it.", "name invented"),
        (TRACE, "Hi Anna, we will trace your parcel with the carrier.", "order number missing"),
        (TRACE, "Hi Anna, we will trace order 4821 with the carrier.", "order number missing"),
        (TRACE, "Hi Anna, we will trace order 48213 and order 77777.", "number invented"),
        (NAMELESS, "Hello, we will trace order 55512 with the carrier.", "number invented"),
        (NAMELESS, "Hello, we will trace your parcel.", "order number not asked for"),
        (TRACE, "Hi Anna, we will trace order 48213. Please send us your order number.",
         "order number asked for without need"),
        (WRAP, "Hi Anna, gift wrapping costs $4. Please send your order number.",
         "order number asked for without need"),
        (TRACE, "Hi Anna, we are sorry. We will trace order 48213 with the carrier.",
         "apology to a calm customer"),
        (FURIOUS, "Hi Mrs. Lewis, please send us a photo of the vase from order 48213.", "apology missing"),
        (FURIOUS, "Hi Mrs. Lewis, we are sorry and apologize. Please send a photo of the vase, order 48213.",
         "second apology"),
        (FURIOUS, "Hi Mrs. Lewis, we are sorry. Please send a photo of the vase. Order 48213: full refund.",
         "refund promised"),
        (TRACE, "Hi Anna, we will trace order 48213 and give you your money back.", "refund promised"),
        (TRACE, "Hi Anna, we will trace order 48213. You will be refunded.", "refund promised"),
        (TRACE, "Hi Anna, we will trace order 48213. Your refund is on its way.", "refund promised"),
        (TRACE, "Hi Anna, we will check and refund order 48213, then trace it.", "refund promised"),
        (WRAP, "Hi Anna, gift wrapping costs $6 per item.", "fact missing or wrong"),
        (WRAP, "Hi Anna, gift wrapping is free.", "fact missing or wrong"),
        (WRAP, "Hi Anna, delivery is free for orders over $50.", "fact missing or wrong"),
        (WRAP, "Hi Anna, gift wrapping does not cost $4.", "fact missing or wrong"),
        (WRAP, "Hi Anna, our team will look into it.", "fact missing or wrong"),
        (TRACE, "Hi Anna, our team will look into order 48213.", "next step missing"),
        (TRACE, "Hi Anna, we will check the charge for order 48213.", "next step missing"),
        (TRACE, "Hi Anna, we cannot trace order 48213.", "next step missing"),
        (TRACE, "Hi Anna, we will trace order 48213, email the invoice, a return label and a quote.",
         "steps that nobody asked for"),
    ],
)  # fmt: skip
def test_each_broken_rule_is_found(record, text, rule):
    assert rule in broken(record, text + SIGN)


def test_length_and_sign_off():
    assert broken(TRACE, "Hi Anna, we will trace order 48213 with the carrier.") == ["sign-off missing"]
    body = "Hi Anna, we will trace order 48213 with the carrier" + " today" * (30 - 10 - 3)
    assert len((body + "." + SIGN).split()) == 30 and broken(TRACE, body + "." + SIGN) == []
    assert broken(TRACE, body + " now." + SIGN) == [gold.TOO_LONG]


@pytest.mark.parametrize(
    "record, text",
    [
        (TRACE, "Dear Ms. Lewis, thank you for writing. We are asking the carrier where order #48213 is."),
        (TRACE, "Hello Anna! We'll find out where order 48213 is and get back to you today."),
        (NAMELESS, "Hi there, could you tell us your order number? Then we will look for your parcel."),
        (FURIOUS, "Dear Mrs. Lewis, we apologize. Please send a picture of the broken vase (order 48213)."),
        (WRAP, "Dear Anna, we wrap gifts for 4 dollars each."),
        (one("return_window"), "Hello, you have thirty days to send things back."),
        (one("sale_items"), "Hello, we cannot take sale items back, but we will gladly exchange them."),
        (one("refund_time"), "Hello, a refund usually takes no more than seven business days."),
        (one("refund", order="48213"), "Hello, we will look into your refund for order 48213."),
        (one("refund", order="48213"), "Hello, we will check what happened to the refund of order 48213."),
        (one("refund"), "Hello, which order number is it? Then we will check the status of your refund."),
        (one("warranty", name="Ben"), "Good morning Ben, the warranty is two years on everything we sell."),
        (one("fault", name="Ben"), "Hi Ben, one of our engineers will have a look at the kettle."),
        (one("danger"), "Hello, please unplug the kettle at once. We will call you today."),
        (one("danger"), "Hello, please do not use the kettle anymore. Somebody will contact you."),
        (one("howto"), "Hello, the manual for your kettle is on its way to your inbox."),
        (one("login"), "Hello, you will get an email with a new password link."),
        (one("newsletter"), "Hello, you will not get any more emails: we have unsubscribed you."),
        (one("close"), "Hello, your account will be deleted."),
        (one("security"), "Hello, your account is blocked for now while we find out what happened."),
        (one("missing", order="48213"), "Hello, we will check your delivery 48213."),
        (one("missing", order="48213"), "Hello, we will find out what is missing from order 48213."),
        (one("cancel", order="48213"), "Hello, we will stop order 48213."),
        (one("address", order="48213"), "Hello, we will update the address of order 48213."),
        (one("fault"), "Hello, our technician will call you about your kettle."),
        (one("advice"), "Hello, a colleague of the sales team will get back to you about the kettle."),
        (one("newsletter"), "Hello, we have taken you off our mailing list."),
        (one("quote"), "Hello, we will prepare an offer for the kettles."),
        (one("stock"), "Hello, we will find out whether the kettle is still available."),
        (one("received", order="48213"), "Hello, we will look whether your return of order 48213 is here."),
        (one("charge", order="48213"), "Hello, our team will review the payment for order 48213."),
        (one(("trace", "gift_wrap"), order="48213"), "Hello, we will trace order 48213. Wrapping is $4."),
    ],
)  # fmt: skip
def test_fair_paraphrases_pass(record, text):
    assert broken(record, text + SIGN) == []


def test_a_friend_of_the_customer_is_not_greeted():
    record = one("gift_wrap", message="It is for my friend Nora.", name="Anna")
    assert broken(record, "Hi Anna, we wrap the present for Nora for $4." + SIGN) == []
    assert broken(record, "Hi Nora, gift wrapping costs $4." + SIGN) == ["name missing", "name invented"]


def test_both_requests_must_be_dealt_with():
    record = one(("trace", "gift_wrap"), order="48213")
    assert broken(record, "Hello, we will trace order 48213." + SIGN) == ["fact missing or wrong"]
    assert broken(record, "Hello, about order 48213: wrapping costs $4." + SIGN) == ["next step missing"]


NEAR = {  # (what was asked, whose gold sentence deals with it, too)
    ("exchange", "sale_items"), ("fault", "danger"), ("part", "danger"),
    ("payment", "charge"), ("payment", "refund"),
}  # fmt: skip


def says(intent):
    return shop.STEPS[intent].says if intent in shop.STEPS else intent


def test_no_step_passes_for_another():
    """The gold sentence of one intent is right for another only if the shop says the same, or nearly."""
    for own in (*shop.STEPS, *shop.FACTS):
        for other in (*shop.STEPS, *shop.FACTS):
            text = shop.sentence(other, "kettle", None).removeprefix(shop.ASK)
            found = broken(one(own), f"Hello, {text}." + SIGN)
            said = not {"fact missing or wrong", "next step missing"} & set(found)
            assert said == (says(own) == says(other) or (own, other) in NEAR), (own, other)


def test_gold_reward_by_hand():
    text = gold.parse(TRACE["completion"])["reply"]
    assert gold.gold_reward(TRACE, say(TRACE, text, team="sales")) == 0.25
    assert gold.gold_reward(TRACE, say(TRACE, text, priority="low")) == 0.5
    assert gold.gold_reward(TRACE, say(TRACE, text.replace("Hi Anna", "Hello"))) == 0.5
    assert gold.gold_reward(TRACE, say(TRACE, text.replace("48213", "48214"))) == -0.5
    assert gold.gold_reward(TRACE, say(TRACE, "You will get a full refund.", team="sales")) == -2


def test_trivial_policies_earn_clearly_less_than_honest_fine_tuning():
    rows = trivial.trivial_policies(SPLITS["train"], SPLITS["test"])
    by_policy = {row["policy"]: row for row in rows}
    honest = next(row for policy, row in by_policy.items() if "the others with one mistake" in policy)
    assert by_policy["gold labels"]["reward"] == 1 and 0.6 < honest["whole"] < 0.7 and honest["reward"] > 0.5
    policies = set(trivial.policies(SPLITS["train"], SPLITS["test"]))
    assert len(policies) >= 9 and policies < set(by_policy)
    for policy in policies:
        assert by_policy[policy]["whole"] < 0.05, policy
        assert by_policy[policy]["reward"] < -1, policy
        # Even with team and priority learned, no fixed reply earns anything.
        assert by_policy[policy]["reward_with_labels"] < 0, policy


def test_the_mistakes_of_the_table_are_mistakes():
    rng = random.Random(0)
    for record in SPLITS["dev"]:
        assert not gold.grade(record, trivial.mistaken(record, rng))["whole"]


def test_nearest_copies_come_from_train():
    copies = trivial.nearest_copies(SPLITS["train"], SPLITS["dev"][:20])
    assert set(copies) <= {record["completion"] for record in SPLITS["train"]}
    again = trivial.nearest_copies(SPLITS["train"], SPLITS["train"][:20])
    assert again == [record["completion"] for record in SPLITS["train"][:20]]
    assert message_of(SPLITS["train"][0])
