"""Training records of mixed quality, as a shop's archive holds them: half good, the rest with one flaw each.

    noisy = mixed_quality.records(train)     each with "flaw": "none" or a key of FLAWS

Taught in the lessons on fine-tuning and on learning from feedback: a model that imitates all of them imitates
the flaws. Left out: wrong teams and priorities.
"""

import random

from course_utils.tasks.helpdesk import generate, gold, shop

SIZE, GOOD = 600, 0.5
CURT = (
    "Noted.",
    "Will do.",
    "All right.",
    "We are on it.",
    "You will hear from us.",
    "Fine.",
    "Received.",
    "Seen.",
)
RAMBLING = (
    "As you surely know, we at Wickerby have always cared deeply about every single one of our customers.",
    "We would like you to know that messages like yours are what gets us up in the morning, rain or shine.",
    "Let us begin by saying how delighted the whole team was to find your kind lines in our inbox.",
    "Things have been rather busy here lately, what with the season, new shelves and two colleagues away.",
    "Before we come to that, please allow us to mention that our founder answered such letters by hand.",
    "It goes without saying that we will do everything in our power, as we always have and always will.",
)
PROMISES = (
    "You will get a full refund.",
    "We will refund you right away.",
    "Your money back is guaranteed.",
    "We have refunded the whole amount.",
    "We will pay you back today.",
)
FLAWS = {  # name: the rule of gold.PENALTIES that it breaks
    "curt": "next step missing or fact missing or wrong",
    "rambling": f"over {shop.MOST_WORDS} words",
    "name left out": "name missing",
    "number invented": "number invented",
    "refund promised": "refund promised",
}


def records(train, size=SIZE, seed=0):
    """`size` of the records with a column "flaw"; the completions of about half of them are worsened.

    The flaws are equally frequent, but only a customer who gave a name can miss it. ValueError if there are
    fewer records.
    """
    rng = random.Random(f"helpdesk mixed quality {seed}")
    made, uses = [], dict.fromkeys(FLAWS, 0)
    for record in generate.low_data(train, size, seed):
        flaw = "none" if rng.random() < GOOD else _rarest(rng, record, uses)
        made.append(record | {"completion": worsened(record, flaw, rng), "flaw": flaw})
    rng.shuffle(made)
    return made


def worsened(record, flaw, rng):
    """The record's completion with a flaw of FLAWS; "none" leaves it as it is. rng: a random.Random."""
    fields = gold.parse(record["completion"])
    greeting, body = _greeting(fields["reply"], record["name"])
    if flaw == "curt":
        body = f" {shop.uncapitalized(rng.choice(CURT))} "
    elif flaw == "rambling":
        words = shop.uncapitalized(" ".join(rng.sample(RAMBLING, 2)))
        body = f" {words}{body[0]}{body[1].upper()}{body[2:]}"
    elif flaw == "name left out":
        greeting = "Hello,"
    elif flaw == "number invented":
        body = _invented(body, record["order"], rng)
    elif flaw == "refund promised":
        body = f"{body}{rng.choice(PROMISES)} "
    text = f"{greeting}{body}{shop.SIGN_OFF}"
    return shop.completion(fields["team"], fields["priority"], text)


def worsener(records):
    """worsen(record, rng) -> a completion with one flaw, or with another record's team and priority.

    All ways are equally likely; one that does not fit leaves the completion as it is.
    """

    def worsen(record, rng):
        flaw = rng.choice([*FLAWS, "labels"])
        if flaw != "labels":
            unnamed = flaw == "name left out" and not record["name"]
            return record["completion"] if unnamed else worsened(record, flaw, rng)
        own, other = (gold.parse(each["completion"]) for each in (record, rng.choice(records)))
        return shop.completion(other["team"], other["priority"], own["reply"])

    return worsen


def _rarest(rng, record, uses):
    """The flaw used least so far that this record can have; counted in uses."""
    possible = [flaw for flaw in uses if flaw != "name left out" or record["name"]]
    fewest = min(uses[flaw] for flaw in possible)
    flaw = rng.choice([flaw for flaw in possible if uses[flaw] == fewest])
    uses[flaw] += 1
    return flaw


def _greeting(text, name):
    """(greeting with its comma, the rest up to the sign-off, spaces at both ends)."""
    greeting = f"Hi {generate.called(name)}," if name else "Hello,"
    return greeting, text.removeprefix(greeting).removesuffix(shop.SIGN_OFF)


def _invented(body, order, rng):
    """The body with another order number, or with one that nobody gave."""
    number = str(rng.randint(20_000, 89_999))
    return body.replace(order, number) if order else f"{body}This is about order {number}. "
