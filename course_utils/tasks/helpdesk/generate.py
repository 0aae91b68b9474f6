"""Makes the records of data/helpdesk from a seed alone: frames, filled, dressed, and the gold reply to them.

A record: {"id", "prompt", "completion", "kind", "intents", "products", "facts", "name", "order",
"needs_order", "angry",
"frames"}. Team, priority and reply follow from the intents and from what the generator
put in, so the gold labels are known by construction. The splits share no frame, no urgent, patient or angry
line, and no prompt. Left out: more than two requests, several messages of one customer.
"""

import json
import random
from itertools import count

from course_utils.tasks.helpdesk import frames, shop, surface
from course_utils.tasks.helpdesk.prompting import prompt

SEED = 2026
SIZES = {"train": 1200, "dev": 300, "test": 500}
SHARES = {"single": 46, "fact": 32, "angry": 14, "two_requests": 8}  # per cent
WRONGED = (
    "trace",
    "missing",
    "exchange",
    "damaged",
    "received",
    "charge",
    "refund",
    "code",
    "payment",
    "fault",
    "danger",
    "security",
    "newsletter",
)  # something went wrong: any angry line suits
MOST_WORDS = 72  # of a message
URGENT, URGENT_IF_ANGRY, PATIENT, CHATTY, SHOUTING = 0.18, 0.1, 0.16, 0.15, 0.25  # how often, where it suits
NAMED, NUMBERED, SELDOM_NUMBERED = 0.62, 0.6, 0.2  # how often a name and an order number are given


def records(split, seed=SEED):
    """The records of "train", "dev" or "test", shuffled; no prompt occurs twice."""
    rng, taken, made = random.Random(f"helpdesk {split} {seed}"), set(), []
    choose = Chooser(rng, split)
    for kind, share in SHARES.items():
        for _ in range(SIZES[split] * share // 100):
            record = _one(rng, split, kind, choose)
            while record["prompt"] in taken:
                record = _one(rng, split, kind, choose)
            taken.add(record["prompt"])
            made.append(record)
    rng.shuffle(made)
    return [{"id": f"{split}-{number:04}", **record} for number, record in enumerate(made, 1)]


def low_data(records, size, seed=0):
    """`size` of the records, the teams in the proportions of all; a smaller draw is part of a larger one.

    Stratified: each team's records are shuffled once, and the draws take them from the front, always from the
    team that is furthest behind its share. ValueError if there are not so many.
    """
    if not 0 < size <= len(records):
        raise ValueError(f"size must be between 1 and {len(records)}, not {size}")
    rng, queues = random.Random(f"helpdesk low data {seed}"), {team: [] for team in shop.TEAMS}
    for record in records:
        queues[shop.team_of(record["intents"][0])].append(record)
    shares = {team: len(queue) for team, queue in queues.items() if queue}
    for queue in queues.values():
        rng.shuffle(queue)
    taken, drawn = dict.fromkeys(shares, 0), []
    while len(drawn) < size:
        team = min(shares, key=lambda team: (taken[team] + 1) / shares[team])
        drawn.append(queues[team][taken[team]])
        taken[team] += 1
    return drawn


class Chooser:
    """Hands out a split's frames in turn: every intent, and every frame of it, is used equally often."""

    def __init__(self, rng, split):
        self.rng, self.pool = rng, frames.of_split(split)
        self.turns, self.uses = {}, {}

    def frame(self, name, intents, allowed=lambda frame: True):
        """The next allowed frame of the next intent; name tells the queues apart."""
        intents = [i for i in intents if any(map(allowed, self.pool[i]))]
        turns = self.turns.setdefault(name, [])
        while True:
            if not turns:
                turns += self.rng.sample(intents, len(intents))
            intent = turns.pop()
            if intent in intents:
                break
        return self._least_used([frame for frame in self.pool[intent] if allowed(frame)])

    def _least_used(self, options):
        fewest = min(self.uses.get(frame["id"], 0) for frame in options)
        frame = self.rng.choice([frame for frame in options if self.uses.get(frame["id"], 0) == fewest])
        self.uses[frame["id"]] = fewest + 1
        return frame


def _one(rng, split, kind, choose):
    """A record of a kind, without its id; drawn again until message and reply are short enough."""
    for attempt in count(1):
        record = _record(rng, split, kind, _pick(rng, kind, choose))
        text = json.loads(record["completion"])["reply"]
        if len(record["prompt"].split()) <= MOST_WORDS and len(text.split()) <= shop.MOST_WORDS:
            return record
        if attempt > 100:
            raise RuntimeError(f"no message of the kind {kind!r} is short enough: shorten its frames")


def _pick(rng, kind, choose):
    """(frames, in no order; is an angry line to be added?)."""

    def calm(frame):
        return not frame["angry"]

    def neutral(frame):  # neither angry nor too gentle for an angry line
        return calm(frame) and not frame.get("gentle")

    def short(frame):
        return calm(frame) and len(frame["text"].split()) <= 26

    if kind == "single":
        return [choose.frame(kind, list(shop.STEPS), calm)], False
    if kind == "fact":
        return [choose.frame(kind, list(shop.FACTS), calm)], False
    if kind == "angry":
        written = rng.random() < 0.5  # the frame itself is angry, or gets a line
        if written:
            return [choose.frame("angry written", list(shop.STEPS), lambda frame: frame["angry"])], False
        # In three of four such messages something has gone wrong; the others wait for an answer.
        others = [intent for intent in (*shop.STEPS, *shop.FACTS) if intent not in WRONGED]
        intents = others if rng.random() < 0.25 else list(WRONGED)
        return [choose.frame(f"angry line {len(intents)}", intents, neutral)], True
    other = choose.frame("second", list(shop.LIGHT), short)
    team = shop.team_of(other["intent"])
    intents = [i for i in (*shop.STEPS, *shop.FACTS) if shop.team_of(i) != team]
    first = choose.frame(f"first {team}", intents, short)
    return [first, other], rng.random() < 0.25 and neutral(first) and neutral(other)


def _record(rng, split, kind, picked):
    """A record from its frames: draws who writes and what fills the slots, and works out the gold reply."""
    chosen, add_anger = picked
    by_intent = {frame["intent"]: frame for frame in chosen}
    intents = shop.by_precedence(list(by_intent))
    angry = add_anger or any(frame["angry"] for frame in chosen)
    name, order = _customer(rng, split), _order(rng, intents)
    texts, products, fixed, inline = [], {}, [], False
    for frame in chosen:
        product = rng.choice([p for p in frames.goods_of(frame, split) if p not in fixed])
        words = frames.slots(rng, split, product, name and name.split()[0])
        if "{color" not in frame["text"] and rng.random() < 0.25:
            words["p"] = f"{words['color']} {product}"
        carries = order if not inline and shop.order_use(frame["intent"]) != "never" else None
        text, has_number = frames.fill(frame["text"], words, carries)
        texts.append(text)
        inline = inline or has_number
        fixed += [product, frames.plural(product)]
        products[frame["intent"]] = frames.plural(product) if frame["intent"] == "quote" else product
    steady = any(frame.get("steady") for frame in chosen)
    lines = _lines(rng, split, intents, angry, add_anger, steady, name and name.split()[0])
    body = _with_lines(rng, _linked(rng, split, texts), lines, angry)
    message = surface.dress(rng, body, name, order, inline, fixed)
    goods = [products[intent] for intent in intents]
    level = shop.priority(intents, angry, "urgent" in lines, "patient" in lines)
    reply = shop.reply(intents, goods, called(name), order, angry)
    return {
        "prompt": prompt(message),
        "completion": shop.completion(shop.team_of(intents[0]), level, reply),
        "kind": kind,
        "intents": intents,
        "products": goods,
        "facts": [intent for intent in intents if intent in shop.FACTS],
        "name": name,
        "order": order,
        "needs_order": any(shop.order_use(intent) == "needed" for intent in intents),
        "angry": angry,
        "frames": [by_intent[intent]["id"] for intent in intents],
    }


def called(name):
    """What the shop calls a customer: the first name, or title and last name if that is all there is."""
    return name if name is None or name.startswith(("Mr. ", "Mrs. ", "Dr. ")) else name.split()[0]


def _customer(rng, split):
    """A name as the customer gives it ("Anna", "Anna Lewis", "Mrs. Lewis"), or None."""
    first, last = rng.choice(frames.first_names(split)), rng.choice(frames.LAST_NAMES)
    title = rng.choice(("Mr.", "Mrs.", "Dr."))
    if rng.random() >= NAMED:
        return None
    return rng.choices((first, f"{first} {last}", f"{title} {last}"), (50, 40, 10))[0]


def _order(rng, intents):
    """A five-digit order number, or None: often given if needed, seldom if it only may be, else never.

    Beside another request, a mere question of policy brings up no order.
    """
    uses = {shop.order_use(intent) for intent in intents if len(intents) == 1 or intent in shop.STEPS}
    numbered = rng.random() < (NUMBERED if "needed" in uses else SELDOM_NUMBERED)
    number = str(rng.randint(20_000, 89_999))
    return number if numbered and uses & {"needed", "optional"} else None


def _linked(rng, split, texts):
    """The texts as one, the second after a link."""
    if len(texts) == 1:
        return texts[0]
    link = rng.choice(frames.LINKS[split])
    second = texts[1]
    if link and not second.startswith(("I ", "I'", "E4")):
        second = second[0].lower() + second[1:]
    first = texts[0] if texts[0][-1] in ".!?" else texts[0] + "."
    return f"{first} {link}{second}"


def _lines(rng, split, intents, angry, add_anger, steady, customer):
    """{"angry", "urgent", "patient" or "aside": a line that goes with the body}, by chance.

    steady: the body says itself how much time there is. customer: a first name that no friend may have.
    """
    lines = {}
    if add_anger:
        wronged = any(intent in WRONGED for intent in intents)
        lines["angry"] = rng.choice(frames.IGNORED[split] + (frames.ANGRY[split] if wronged else ()))
    alarming = any(intent in shop.ALARMS for intent in intents)
    if not steady and rng.random() < (URGENT_IF_ANGRY if angry else URGENT):
        lines["urgent"] = rng.choice(frames.URGENT[split])
    elif not steady and not angry and not alarming and rng.random() < PATIENT:
        lines["patient"] = rng.choice(frames.PATIENT[split])
    if not angry and len(intents) == 1 and rng.random() < CHATTY:
        lines["aside"] = rng.choice(frames.ASIDES[split]).format(
            **frames.slots(rng, split, "kettle", customer)
        )
    return lines


def _with_lines(rng, body, lines, angry):
    """The body with the lines before it (one in four) or after it; angry ones may shout a sentence."""
    for line in rng.sample(list(lines.values()), len(lines)):
        ended = body if body[-1] in ".!?" else body + "."
        body = f"{line} {ended}" if rng.random() < 0.25 else f"{ended} {line}"
    return surface.shouted(rng, body) if angry and rng.random() < SHOUTING else body
