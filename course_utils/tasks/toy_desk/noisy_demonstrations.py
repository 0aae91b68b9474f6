"""Noisy demonstrations: the desk's records, half of them good, the rest hedged, wrong, rude, or unfinished.

    records = noisy_demonstrations.records(noisy_demonstrations.thinned(train, noisy_demonstrations.tiers()))
    noisy_demonstrations.tune(model, tokenizer, records)     the policy where RLHF starts

Some products are in all records, some in few, some in none, so that there are facts that the model does
not know; and whether a reply is hedged is independent of whether it is right, so that there is something
to learn. Taught in lesson 05. Left out: mistakes in the team and the priority.
"""

import random

from course_utils import training
from course_utils.tasks.toy_desk import company, generate, gold

QUALITIES = {"good": 0.5, "hedged": 0.2, "declined": 0.06, "wrong": 0.14, "rude": 0.05, "unsigned": 0.05}
RUDE = ("You fool.", "Use your brain.", "Are you blind?", "You are lazy.")
RARE_COPIES = 2  # records that teach a rare fact
HONEST = 4  # one in so many of the records that rightly say "we do not know" is there
USES = ("policy", "questions", "pairs", "held_out")  # of new messages
STEPS, LR = 360, 1e-3  # of fine-tuning: three passes


def tiers(seed=0, rare=2, withheld=2):
    """{fact key: "known", "rare" or "withheld"}: all facts of so many products are rare or withheld.

    By product, as in a firm: what is new has no records yet. The facts that refunds need are known.
    """
    products = sorted({fact.subject for key, fact in company.FACTS.items() if key.endswith("_price")})
    order = random.Random(f"tiers {seed}").sample(products, len(products))
    levels = dict.fromkeys(order[:rare], "rare")
    levels |= dict.fromkeys(order[rare : rare + withheld], "withheld")
    return {key: levels.get(fact.subject, "known") for key, fact in company.FACTS.items()}


def tier(record, known):
    """The tier of the fact that a record asks for, or None if it asks for none. known: of `tiers`."""
    return known[record["facts"][0]] if record["skill"] == "facts" else None


def thinned(train, known):
    """What the firm has on file: no record of a withheld fact and RARE_COPIES of each rare one.

    Of those that rightly say "we do not know" one in HONEST: mostly, staff who did not know have guessed.
    """
    kept, copies, honest = [], dict.fromkeys(known, 0), 0
    for record in train:
        level = tier(record, known)
        if level == "rare":
            copies[record["facts"][0]] += 1
        honest += record["skill"] == "unanswerable"
        spare = record["skill"] == "unanswerable" and honest % HONEST
        gone = level == "withheld" or (level == "rare" and copies[record["facts"][0]] > RARE_COPIES)
        if not gone and not spare:
            kept.append(record)
    return kept


def messages(train, use="policy"):
    """New messages in the wordings of train, as records: what a desk receives and nobody has replied to.

    use: one of USES; no message is in train or serves two uses. In a known wording a wrong answer shows
    that the model lacks the fact, not the words. Raises ValueError for another use.
    """
    closed = {record["prompt"] for record in train}
    for seed in range(1, USES.index(use) + 2):
        fresh = generate.records("train", generate.SEED + seed)
        fresh = [record for record in fresh if record["prompt"] not in closed]
        closed |= {record["prompt"] for record in fresh}
    return [record | {"id": f"{use}-{record['id']}"} for record in fresh]


def records(train, seed=0, qualities=QUALITIES):
    """A copy of the records, worsened at random, each with its "quality" (a key of `qualities`)."""
    rng, names = random.Random(f"mediocre {seed}"), list(qualities)  # the seed of the stored results
    by_skill = {}
    for record in train:
        by_skill.setdefault(record["skill"], []).append(record)
    worse = []
    for record in train:
        quality = rng.choices(names, list(qualities.values()))[0]
        completion = worsened(record, quality, by_skill[record["skill"]], rng)
        worse.append(record | {"completion": completion, "quality": quality})
    return worse


def worsened(record, quality, others, rng):
    """The record's completion in a quality. others: records whose answers may serve as wrong ones."""
    head, mark, answer = record["completion"].partition("Answer: ")
    if quality == "hedged":
        return gold.hedged(record, rng.choice(company.HEDGES))
    if quality == "declined":
        return gold.declined(record, rng.choice(company.DECLINES))
    if quality == "rude":
        return f"{head}{mark}{rng.choice(RUDE)} {answer}"
    if quality == "unsigned":
        return head + mark + answer.removesuffix(company.SIGN_OFF).strip()
    if quality == "wrong":
        for other in rng.sample(others, min(20, len(others))):
            reply = head + mark + other["completion"].partition("Answer: ")[2]
            if gold.verdict(record, reply) == "wrong":
                return reply
    return record["completion"]


def tune(model, tokenizer, demonstrations, seed=0, steps=STEPS, batch_size=16, lr=LR, progress=False):
    """Fine-tune all weights of the model on these records; the training's History."""
    return training.fit(model, tokenizer, demonstrations, lr, steps, batch_size, seed, progress)
