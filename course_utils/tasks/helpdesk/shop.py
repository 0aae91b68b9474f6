"""Wickerby, an online shop that does not exist: its teams, priorities, policy sheet and brand guide.

Everything that a record's gold reply is made of is in this file, as data: the team of every intent, the rules
for the priority and for messages with two requests, the next step or the fact that the reply gives.
"""

import json
from typing import NamedTuple

NAME = "Wickerby"
SIGN_OFF = "Kind regards, Wickerby"
APOLOGY = "we are sorry for the trouble"
MOST_WORDS = 30

TEAMS = {  # in the order of precedence, the highest first
    "billing": "payments, charges, invoices, refunds on their way, discount codes, prices after the purchase",
    "returns": "goods that go back: unwanted, damaged on arrival, the wrong item, exchanges",
    "orders": "orders and parcels: late, lost, incomplete, to be changed or canceled, shipping costs",
    "technical": "goods in use: faults, dangers, instructions, spare parts, repairs, the warranty",
    "account": "the customer's account: signing in, details, misuse, bonus points, advertising mails",
    "sales": "questions before buying: stock, product details, large orders, gift wrapping, the showroom",
}
PRIORITIES = {
    "high": "the customer is angry, something is dangerous, somebody misuses the account, or an answer or "
    "the goods are needed today or tomorrow",
    "low": "the customer only asks a question (nothing has to be done or put right), or says that there is "
    "no hurry",
    "normal": "everything else",
}
PRECEDENCE = (
    "Of two requests, a danger or a misused account decides the team; otherwise what has to be done comes "
    "before what is only asked; otherwise the team that comes first in the table. The priority is high if "
    "anything makes it high, and low only if both requests are low."
)
ANGRY = "insults, threatens, shouts, or says outright that he or she is angry or has had enough"
BRAND_GUIDE = (
    "Greet the customer by name if the name is known; never use a name that is not the customer's.",
    "Quote the order number if the customer gives one. If it is needed and missing, ask for it; otherwise do "
    "not ask. Never write a number that is neither in the message nor in the facts asked for.",
    "Apologize exactly once to an angry customer, and not at all to anybody else.",
    "State every fact that the customer asks for, as the policy sheet has it, and say what happens next with "
    "every request.",
    "Never promise a refund. You may say that a refund will be checked.",
    f"Write at most {MOST_WORDS} words, the sign-off included.",
    f'End with the sign-off "{SIGN_OFF}".',
)


class Fact(NamedTuple):
    """A line of the policy sheet: its team, its sentence, what it is about, what an order number is to it."""

    team: str
    statement: str
    topic: str
    order: str = "never"


FACTS = {
    "delivery_time": Fact("orders", "Standard delivery takes 3 to 5 business days.",
                          "how long shipping and delivery take, how many days, how soon it arrives"),
    "express_fee": Fact("orders", "Express delivery costs $12.",
                        "price, surcharge, charge, extra for express, fast, quick shipping"),
    "free_delivery": Fact("orders", "Delivery is free for orders over $50.",
                          "free shipping, free of charge, minimum order, amount, postage"),
    "return_window": Fact("returns", "You can return items within 30 days.",
                          "deadline, how long, until when to return, send back, give back goods", "optional"),
    "return_fee": Fact("returns", "Return shipping costs $6.",
                       "who pays the return, cost, price of sending back, return label, postage"),
    "sale_items": Fact("returns", "Sale items can be exchanged but not returned.",
                       "reduced, clearance, marked down, half price, final, return sale goods"),
    "payment_methods": Fact("billing", "We accept credit cards, PayPal and gift cards.",
                            "ways, forms, methods to pay, payment, check, credit card"),
    "refund_time": Fact("billing", "Refunds take up to 7 business days.",
                        "how long, how quickly refunds, when the money is back on the card, bank",
                        "optional"),
    "price_match": Fact("billing", "We match lower prices for 14 days after the purchase.",
                        "cheaper elsewhere, price match, competitors, best price, lower price later",
                        "optional"),
    "warranty": Fact("technical", "Every product has a 2-year warranty.",
                     "guarantee, warranty, covered, how long, years, breaks", "optional"),
    "repair_time": Fact("technical", "Repairs take about 10 business days.",
                        "repair, workshop, mend, fix, technicians, turnaround, how long"),
    "points_value": Fact("account", "100 bonus points are worth $5.",
                         "what bonus points are worth, dollars, discount, collect points"),
    "points_expiry": Fact("account", "Bonus points expire after 18 months.",
                          "how long points stay valid, run out, lost, time limit, months"),
    "gift_wrap": Fact("sales", "Gift wrapping costs $4 per item.",
                      "wrap, wrapped as a gift, present, paper, ribbon, price", "optional"),
    "opening_hours": Fact("sales", "Our showroom is open Monday to Saturday, 10 to 6.",
                          "showroom, visit, hours, open, close, weekdays, weekends, time"),
    "student_discount": Fact("sales", "Students get 15 percent off.",
                             "student, college, university, studying, discount"),
}  # fmt: skip


class Step(NamedTuple):
    """What a customer wants done: the team, the meaning, the use of an order number, what the shop says.

    order: "needed", "optional" (quoted if it is there) or "never" (such messages have none). says: a key of
    SENTENCES.
    """

    team: str
    meaning: str
    order: str
    says: str


STEPS = {
    "trace": Step("orders", "a parcel is late or lost", "needed", "delivery"),
    "redeliver": Step("orders", "a delivery was missed, or shall come another day", "needed", "delivery"),
    "missing": Step("orders", "something was not in the parcel", "needed", "delivery"),
    "address": Step("orders", "an order is to go to another address", "needed", "change"),
    "cancel": Step("orders", "an order is to be canceled before it ships", "needed", "change"),
    "label": Step("returns", "unwanted goods are to go back", "needed", "label"),
    "exchange": Step("returns", "the wrong item, size or color is to be exchanged", "needed", "label"),
    "damaged": Step("returns", "goods arrived damaged", "needed", "photo"),
    "received": Step("returns", "has a return arrived at the shop?", "needed", "arrival"),
    "charge": Step("billing", "a charge is wrong or unknown", "needed", "payments"),
    "refund": Step("billing", "a refund has not come in", "needed", "payments"),
    "invoice": Step("billing", "an invoice or receipt is wanted", "needed", "invoice"),
    "code": Step("billing", "a discount code or voucher does not work", "never", "checkout"),
    "payment": Step("billing", "a payment does not go through", "never", "checkout"),
    "fault": Step("technical", "a product has a fault", "optional", "technician"),
    "part": Step("technical", "a spare part is wanted", "optional", "technician"),
    "danger": Step("technical", "a product is dangerous", "optional", "stop"),
    "howto": Step("technical", "how is a product used or cleaned?", "never", "instructions"),
    "login": Step("account", "the customer cannot sign in", "never", "password"),
    "security": Step("account", "somebody else uses the account", "never", "password"),
    "details": Step("account", "personal details are to be changed", "never", "details"),
    "newsletter": Step("account", "no more advertising mails", "never", "removal"),
    "close": Step("account", "the account is to be deleted", "never", "removal"),
    "stock": Step("sales", "is a product available?", "never", "colleague"),
    "advice": Step("sales", "a detail of a product before buying", "never", "colleague"),
    "quote": Step("sales", "the price for a large number", "never", "quote"),
}


class Sentence(NamedTuple):
    """What the shop says will happen, without and with the order number {o}; {p} is the product."""

    missing: str
    given: str = ""


ASK = "please send us your order number so that we can"
SENTENCES = {
    "delivery": Sentence(f"{ASK} look into the delivery", "we will look into the delivery of order {o}"),
    "change": Sentence(f"{ASK} hold your order", "we will hold order {o} and confirm the change by email"),
    "label": Sentence(f"{ASK} email you a return label", "we will email you a return label for order {o}"),
    "photo": Sentence(
        "please send us your order number and a photo of the {p}",
        "please send us a photo of the {p} from order {o}",
    ),
    "arrival": Sentence(
        f"{ASK} check whether your return has arrived",
        "we will check whether your return for order {o} has arrived",
    ),
    "payments": Sentence(f"{ASK} check the payments", "we will check the payments for order {o}"),
    "invoice": Sentence(f"{ASK} email you the invoice", "we will email you the invoice for order {o}"),
    "checkout": Sentence("we will check what went wrong at the checkout"),
    "technician": Sentence(
        "a technician will email you about the {p}",
        "a technician will email you about the {p} from order {o}",
    ),
    "stop": Sentence(
        "please stop using the {p}. A technician will call you",
        "please stop using the {p} from order {o}. A technician will call you",
    ),
    "instructions": Sentence("we will email you the instructions for the {p}"),
    "password": Sentence("we will email you a link to reset your password"),
    "details": Sentence("we will update the details in your account"),
    "removal": Sentence("we will remove you from our list and confirm it by email"),
    "colleague": Sentence("a colleague will email you about the {p}"),
    "quote": Sentence("we will send you a quote for the {p}"),
}
ALARMS = ("danger", "security")
QUESTIONS = ("howto", "stock", "advice", "quote", *FACTS)  # nothing has to be done or put right
# What a customer may ask for beside something else.
LIGHT = ("howto", "part", "stock", "advice", "quote", "newsletter", "details", *FACTS)


def team_of(intent):
    """The team that an intent belongs to; KeyError for an unknown one."""
    return (FACTS if intent in FACTS else STEPS)[intent].team


def order_use(intent):
    """ "needed", "optional" or "never": what an order number is to an intent."""
    return (FACTS if intent in FACTS else STEPS)[intent].order


def by_precedence(intents):
    """The intents, the one that decides the team first: PRECEDENCE as code."""
    ranks = list(TEAMS)
    return sorted(
        intents,
        key=lambda intent: (intent not in ALARMS, intent in QUESTIONS, ranks.index(team_of(intent))),
    )


def priority(intents, angry=False, urgent=False, patient=False):
    """ "high", "normal" or "low": PRIORITIES as code. urgent, patient: the customer says so."""
    if angry or urgent or any(intent in ALARMS for intent in intents):
        return "high"
    return "low" if patient or all(intent in QUESTIONS for intent in intents) else "normal"


def sentence(intent, product, order):
    """What the reply says about one intent, beginning in lower case if it is no name, without a full stop."""
    if intent in FACTS:
        statement = FACTS[intent].statement.removesuffix(".")
        return f"about order {order}: {uncapitalized(statement)}" if order else statement
    says = SENTENCES[STEPS[intent].says]
    return (says.given if order else says.missing).format(p=product, o=order)


def reply(intents, products, name, order, angry):
    """The gold reply in the house style.

    intents: by precedence. products: one for each intent. name: what to call the customer, or None. order:
    the order number, or None.
    """
    greeting = f"Hi {name}," if name else "Hello,"
    parts, quoted = [], False
    for intent, product in zip(intents, products, strict=True):
        mentions = bool(order) and not quoted and order_use(intent) != "never"
        parts.append(sentence(intent, product, order if mentions else None))
        quoted = quoted or mentions
    if angry:
        parts.insert(0, APOLOGY)
    parts = [uncapitalized(parts[0])] + [part[0].upper() + part[1:] for part in parts[1:]]
    return f"{greeting} {'. '.join(parts)}. {SIGN_OFF}"


def completion(team, level, text):
    """The line of JSON that a record's completion is, with a space in front."""
    return " " + json.dumps({"team": team, "priority": level, "reply": text}, ensure_ascii=False)


def uncapitalized(text):
    """The text with a small first letter."""
    return text[0].lower() + text[1:]
