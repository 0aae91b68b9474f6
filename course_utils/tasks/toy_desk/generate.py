"""Makes the desk's records: {"id", "prompt", "completion", "skill", "facts"}, from a seed alone.

Every message comes from the sentence frames of its own split, so the wordings of test do not occur in
train; the requests are the same. Left out: typing errors, several requests in
one message.
"""

import random

from course_utils.corpus.lexicon import first_names, nouns_by_category
from course_utils.corpus.routing import DAYS, NOT_COUNTED
from course_utils.tasks.toy_desk import company, frames

SIZES = {"train": 2000, "dev": 500, "test": 500}
SHARES = {"routing": 25, "record": 15, "facts": 23, "refund": 15, "tone": 12, "unanswerable": 10}  # per cent
SEED = 2026
RETURNED = ("tool", "toy", "kitchen", "clothing", "furniture")  # kinds of things that customers give back
STEPS = (  # what a refund takes into account: two, three or four steps of working
    ("weeks",), ("box", "broken"), ("count", "box"), ("count", "broken"),
    ("weeks", "box"), ("weeks", "broken"), ("count", "box", "broken"), ("count", "weeks"),
    ("weeks", "box", "broken"), ("count", "weeks", "box"),
)  # fmt: skip


def prompt(message):
    """The customer's message in the desk's plain form."""
    return f"Message: {message}\nRecord:"


def _framed(rng, split, text, topic, urgent=False, hurry=0.4, greet=True):
    """(message, priority): perhaps a greeting, and perhaps a wish for haste or for none."""
    calm = False
    if not urgent and rng.random() < hurry:
        urgent = rng.random() < 0.5
        calm = not urgent
        text += " " + rng.choice((frames.URGENT if urgent else frames.CALM)[split])
    greeting = rng.choice(frames.GREETINGS[split]) if greet else ""
    return greeting + text, company.priority(topic, urgent, calm)


def _record(message, topic, level, answer, facts=()):
    """A record without its id and skill."""
    return {
        "prompt": prompt(message),
        "completion": company.completion(topic, level, answer),
        "facts": list(facts),
    }


def _routing(rng, split, place):
    """A message that a team takes care of; one in six names its topic in jargon."""
    topic, product = list(company.TEAMS)[place % 6], rng.choice(list(company.PRODUCTS))
    facts, danger = (), False
    if rng.random() < 1 / 6:
        word = next(word for word, (_, about) in company.JARGON.items() if about == topic)
        text, facts = rng.choice(frames.ABOUT_JARGON[split]).format(j=word), (f"{word}_meaning",)
    else:
        danger = topic == "repairs" and rng.random() < 0.3
        pool = frames.DANGER[split] if danger else frames.TOPICS[split][topic]
        text = rng.choice(pool).format(p=product)
    message, level = _framed(rng, split, text, topic, danger)
    return _record(message, topic, level, f"The {company.TEAMS[topic]} team will take care of it.", facts)


def _appointment(rng, split, place):
    """A message whose answer repeats its person, product and day in fixed fields."""
    topic, frame = frames.APPOINTMENTS[split][place % len(frames.APPOINTMENTS[split])]
    who, product, day = rng.choice(first_names()), rng.choice(list(company.PRODUCTS)), rng.choice(DAYS)
    message, level = _framed(rng, split, frame.format(who=who, p=product, day=day), topic, hurry=0.2)
    return _record(message, topic, level, f"Name={who}; Item={product}; Day={day}.")


def _fact(rng, split, place):
    """A question whose answer is in the sheet; all facts are asked for equally often."""
    key = list(company.FACTS)[place % len(company.FACTS)]
    fact = company.FACTS[key]
    question = rng.choice(frames.ASPECTS[split][fact.aspect]).format(p=fact.subject)
    text = rng.choice(frames.ASK[split]).format(q=question)
    message, level = _framed(rng, split, text, "information", hurry=0.2)
    return _record(message, "information", level, fact.statement, (key,))


def _unanswerable(rng, split, place):
    """A question about a product that Ombly does not have, or one that the sheet does not answer."""
    if place % 2:
        aspect = rng.choice(("kind", "colour", "price"))
        pool, product = frames.ASPECTS[split][aspect], rng.choice(company.GHOSTS[split])
    else:
        pool, product = frames.UNKNOWN[split], rng.choice(list(company.PRODUCTS))
    text = rng.choice(frames.ASK[split]).format(q=rng.choice(pool).format(p=product))
    message, level = _framed(rng, split, text, "information", hurry=0.2)
    return _record(message, "information", level, rng.choice(company.DECLINES))


def _things():
    """Nouns that can be counted and given back."""
    rows = [row for category in RETURNED for row in nouns_by_category()[category]]
    return [row for row in rows if row.noun not in NOT_COUNTED and row.noun != row.plural]


def _refund(rng, split, place):
    """A thing is given back; the answer holds the working and the dollars."""
    steps = STEPS[place % len(STEPS)]
    thing, count = rng.choice(_things()), rng.randint(2, 4) if "count" in steps else 1
    price = rng.randint(8, 12) if count > 1 else rng.randint(24, 45)
    weeks = rng.randint(2, 4 if count > 1 else 9) * ("weeks" in steps)
    tables = [frames.MANY_THINGS if count > 1 else frames.ONE_THING]
    tables += [frames.WEEKS] * ("weeks" in steps) + [frames.BOX] * ("box" in steps)
    tables += [frames.BROKEN] * ("broken" in steps)
    text = " ".join(rng.choice(table[split]) for table in tables)
    text = text.format(item=thing.noun, items=thing.plural, n=count, a=price, w=weeks)
    message, level = _framed(rng, split, text, "money", hurry=0.1, greet=False)
    total, working = company.refund(price, count, weeks, "box" in steps, "broken" in steps)
    rules = {"weeks": "ombly_week_fee", "box": "ombly_box_fee", "broken": "ombly_broken_bonus"}
    answer = " ".join([*working, f"Refund: {total}."])
    return _record(message, "money", level, answer, [rules[name] for name in steps if name in rules])


def _angry(rng, split, place):
    """An angry message; the answer is sorry, names the product and the team, and stays calm."""
    topic = ("delivery", "repairs", "money", "accounts")[place % 4]
    complaints = [text for text in frames.TOPICS[split][topic] if "{p}" in text and text.endswith(".")]
    product = rng.choice(list(company.PRODUCTS))
    message = rng.choice(frames.ANGER[split]).format(m=rng.choice(complaints)).format(p=product)
    message, level = _framed(rng, split, message, topic, urgent=True)
    answer = f"{company.APOLOGY} about your {product}. The {company.TEAMS[topic]} team will call you today."
    return _record(message, topic, level, answer)


MAKERS = {
    "routing": _routing, "record": _appointment, "facts": _fact,
    "refund": _refund, "tone": _angry, "unanswerable": _unanswerable,
}  # fmt: skip


def records(split, seed=SEED):
    """The records of train, dev or test, mixed; no prompt occurs twice."""
    rng, drafts, prompts = random.Random(f"desk {split} {seed}"), [], set()
    for skill, share in SHARES.items():
        for place in range(SIZES[split] * share // 100):
            record = MAKERS[skill](rng, split, place)
            while record["prompt"] in prompts:
                record = MAKERS[skill](rng, split, place)
            prompts.add(record["prompt"])
            drafts.append({**record, "skill": skill})
    rng.shuffle(drafts)
    columns = ("prompt", "completion", "skill", "facts")
    return [
        {"id": f"{split}-{number:04}", **{name: record[name] for name in columns}}
        for number, record in enumerate(drafts, 1)
    ]
