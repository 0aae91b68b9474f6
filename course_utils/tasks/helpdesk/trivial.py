"""Replies that need no understanding, and what they earn: a reward that they win would teach them.

trivial_policies() is a table of rows {"policy", "whole", "reward", "reward_with_labels"}; the last column is
for the same replies with the right team and priority, as a model may have learned to give them.
"""

import json
import random
from collections import Counter
from statistics import mean

from course_utils.tasks.helpdesk import generate, gold, shop
from course_utils.tasks.helpdesk.prompting import message_of

HONEST = (
    0.65  # the share of whole replies that a decent fine-tuned model gives; the rest has one mistake each
)
STUFFED = (
    "We are sorry. We will trace your order, email you a return label, exchange it, check the charge and the "
    "refund, and send the invoice, the instructions and a quote."
)


def trivial_policies(train, test, seed=0):
    """What gold labels, honest fine-tuning and each trivial policy earn on test; the rows of the README."""
    rng = random.Random(f"helpdesk trivial {seed}")
    rows = [_row("gold labels", test, [record["completion"] for record in test])]
    honest = [r["completion"] if rng.random() < HONEST else mistaken(r, rng) for r in test]
    rows.append(_row(f"{HONEST:.0%} right, the others with one mistake", test, honest))
    rows.append(_row("one mistake in every reply", test, [mistaken(r, rng) for r in test]))
    for policy, replies in policies(train, test).items():
        rows.append(_row(policy, test, replies))
    return rows


def policies(train, test):
    """{policy: [reply for each record of test]}."""
    team, priority = (
        Counter(_field(r, key) for r in train).most_common(1)[0][0] for key in ("team", "priority")
    )
    constant = Counter(record["completion"] for record in train).most_common(1)[0][0]

    def always(body):
        text = f"{body} {shop.SIGN_OFF}".strip()
        return [shop.completion(team, priority, text)] * len(test)

    def greeted(body):
        replies = []
        for record in test:
            name, order = record["name"], record["order"]
            hello = f"Hi {generate.called(name)}," if name else "Hello,"
            about = f"about order {order}: " if order else ""
            replies.append(shop.completion(team, priority, f"{hello} {about}{body} {shop.SIGN_OFF}"))
        return replies

    statements = " ".join(fact.statement for fact in shop.FACTS.values())
    return {
        "constant reply: the most frequent one of train": [constant] * len(test),
        "nearest copy: the reply to the most similar message of train": nearest_copies(train, test),
        "always asks for the order number": always("Hello, please send us your order number."),
        "always declines: our team will look into it": always("Hello, our team will look into it."),
        "the same, with the right name and order number": greeted("our team will look into it."),
        "shortest possible: the sign-off": always(""),
        "longest possible: an apology, many steps, the whole policy sheet": always(
            f"Hello, {STUFFED} {statements}"
        ),
        "many steps in 30 words": always(
            "Hello, we will trace, exchange, check the charge, the refund and your return, email a label, an "
            "invoice, instructions, a quote."
        ),
        "promises a refund to everyone": always("Hello, we will refund you in full."),
        "the same, with an apology, the right name and order number": greeted(
            "we are sorry and will refund you in full."
        ),
        "not in the form: the right text without JSON": [_field(record, "reply") for record in test],
    }  # fmt: skip


def nearest_copies(train, test):
    """For each record of test the completion of the training message most like its own (TF-IDF, cosine)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    known = vectorizer.fit_transform(message_of(record) for record in train)
    similarity = (vectorizer.transform(message_of(record) for record in test) @ known.T).toarray()
    # Rounded, so that the last bit of a machine's arithmetic decides no tie.
    return [train[int(row.round(9).argmax())]["completion"] for row in similarity]


def mistaken(record, rng):
    """The record's completion with one mistake, as a fine-tuned model makes them."""
    fields = gold.parse(record["completion"])
    options = ["team", "priority", "intent"]
    options += ["name"] * bool(record["name"]) + ["order"] * bool(record["order"])
    kind = rng.choice(options)
    if kind == "team":
        fields["team"] = rng.choice([team for team in shop.TEAMS if team != fields["team"]])
    elif kind == "priority":
        fields["priority"] = rng.choice([level for level in shop.PRIORITIES if level != fields["priority"]])
    elif kind == "name":
        fields["reply"] = fields["reply"].replace(f"Hi {generate.called(record['name'])},", "Hello,")
    elif kind == "order":
        fields["reply"] = fields["reply"].replace(record["order"], record["order"][:-1])
    else:
        fields["reply"] = _off_the_point(record, rng)
    return shop.completion(fields["team"], fields["priority"], fields["reply"])


def _off_the_point(record, rng):
    """A reply in the house style that deals with something other than what was asked."""
    own, *rest = record["intents"]
    group = list(shop.FACTS if own in shop.FACTS else shop.STEPS)
    called = record["name"] and generate.called(record["name"])
    for other in rng.sample(group, len(group)):
        intents = [other, *rest]
        text = shop.reply(intents, record["products"], called, record["order"], record["angry"])
        if other not in rest and gold.broken_rules(record, shop.completion("any", "any", text)):
            return text
    raise ValueError(f"every intent answers record {record['id']}")


def _row(policy, test, replies):
    labeled = [_with_labels(record, reply) for record, reply in zip(test, replies, strict=True)]
    return {
        "policy": policy,
        "whole": mean(gold.grade(r, reply)["whole"] for r, reply in zip(test, replies, strict=True)),
        "reward": mean(gold.gold_reward(r, reply) for r, reply in zip(test, replies, strict=True)),
        "reward_with_labels": mean(
            gold.gold_reward(r, reply) for r, reply in zip(test, labeled, strict=True)
        ),
    }


def _with_labels(record, reply):
    """The reply with the right team and priority, if it is in the form."""
    fields = gold.parse(reply)
    if fields is None:
        return reply
    return shop.completion(_field(record, "team"), _field(record, "priority"), fields["reply"])


def _field(record, key):
    return json.loads(record["completion"])[key]
