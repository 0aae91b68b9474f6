"""What customers write to the shop: hand-written frames, and the words that go into and around them.

The frames are data/helpdesk/frames.jsonl, each of them in one split only. Slots in braces are filled by
`fill`; what stands in [[double brackets]] is there only if the customer gives an order number. URGENT,
PATIENT, ANGRY, IGNORED and ASIDES are whole sentences beside a frame, and differ between the splits, too.
"""

import functools
import json
import re

from course_utils.storage.paths import DATA

FOLDER = DATA / "helpdesk"
URGENT = {  # an answer or the goods are needed today or tomorrow: the priority is high
    "train": (
        "I need an answer today.",
        "We leave tomorrow morning, so please hurry.",
        "This cannot wait until tomorrow.",
        "Please get back to me within the hour.",
        "It is urgent: I go into the hospital tomorrow.",
        "Could you let me know before tonight?",
        "Please answer right away, I am waiting at my desk.",
        "I need to sort this out by tomorrow at noon.",
        "I need this cleared up before tomorrow!",
        "Today, please, I fly out at midnight.",
    ),
    "dev": (
        "Please reply as soon as you read this, it has to be settled today.",
        "I am running out of time and need this settled by tomorrow.",
        "By tonight at the latest, please.",
    ),
    "test": (
        "I have to know by tomorrow.",
        "Please do not put this off, I need to hear from you this afternoon.",
        "Time is short, we are off on vacation in the morning.",
        "Can someone look at this immediately?",
        "All must be settled by tomorrow evening, so every hour counts.",
    ),
}
PATIENT = {  # the customer says that there is no hurry: the priority is low
    "train": (
        "There is no hurry at all.",
        "Take your time.",
        "It can wait until next week.",
        "Whenever you get around to it is fine.",
        "No rush, I know you are busy.",
        "An answer sometime this month is early enough.",
        "This is not urgent.",
    ),
    "dev": (
        "Please do not hurry on my account.",
        "It does not matter when you reply.",
        "I can wait a few weeks without any trouble.",
    ),
    "test": (
        "I am in no rush.",
        "Feel free to leave this until things are calmer at your end.",
        "Nothing pressing, so deal with the others first.",
        "It is fine if this takes a while.",
    ),
}
ANGRY = {  # anger in so many words: the priority is high, and the reply has one apology
    "train": (
        "What a miserable excuse for a shop.",
        "I am really angry by now.",
        "You should be ashamed of yourselves!",
        "I have had enough of you.",
        "Never again will I spend a cent with you, that is a promise.",
        "If nothing happens, I will see you in court.",
        "Your service is a disgrace.",
        "This makes my blood boil.",
        "I will leave a one-star review wherever I can.",
    ),
    "dev": (
        "I am furious about how you treat your customers.",
        "This is the worst service I have ever had.",
        "My lawyer will be happy to explain it to you.",
    ),
    "test": (
        "I cannot tell you how mad I am.",
        "You are an absolute joke of a company.",
        "I will make sure that all my friends avoid you.",
        "That is simply outrageous!",
    ),
}
IGNORED = {  # the same for customers who got no answer, which suits a mere question
    "train": (
        "This is the third time I am asking, and I am losing my temper.",
        "I am fed up with being ignored!",
        "Does anybody in your company have a brain and a keyboard?",
        "Your hotline hung up on me twice, which makes me furious.",
    ),
    "dev": (
        "I am sick and tired of waiting for your answers.",
        "You people are hopeless, nobody ever replies!",
    ),
    "test": (
        "How dare you ignore my messages like this?",
        "My patience is used up, do you hear me?",
        "Answer me for once, you lazy lot!",
    ),
}
ASIDES = {  # friendly talk that changes nothing
    "train": (
        "I like your shop a lot, by the way.",
        "My friend {friend} recommended you to me.",
        "We have been customers of yours for years.",
        "Sorry to bother you with this.",
        "I hope you are having a good week.",
        "It has been raining here in {town} for days.",
        "You helped me very kindly last time.",
        "I did not find this on your website, or I overlooked it.",
        "I tried to call, but my phone is acting up.",
        "You can reach me at 555-0{phone} in the evening.",
        "This is my first time buying from you.",
        "My friend {friend2} says hello to your team.",
        "I hope that I am writing to the right address.",
    ),
    "dev": (
        "Your packaging is really pretty, I must say.",
        "{friend} from the post office told me to write to you.",
        "I am not very good with computers, please bear with me.",
        "My phone number is 555-0{phone}.",
        "Greetings from sunny {town}.",
    ),
    "test": (
        "I have always been pleased with you so far.",
        "My neighbor {friend} swears by your shop.",
        "Excuse the short message, I am on the train.",
        "My daughter {friend} is helping me type this.",
        "During the day you can call 555-0{phone}.",
        "We moved to {town} last year and love it here.",
        "Please forgive my English, it is not my first language.",
    ),
}
LINKS = {  # between two requests of one message
    "train": ("Also, ", "And another thing: ", "By the way, ", "One more question: ", "Apart from that, "),
    "dev": ("Besides, ", "While I am at it: ", ""),
    "test": ("Something else: ", "On another note, ", "And while I have you: "),
}

GOODS = {
    "electric": ("kettle", "toaster", "blender", "coffee maker", "desk lamp", "fan", "heater", "rice cooker",
                 "hair dryer", "vacuum cleaner", "waffle iron"),
    "wear": ("raincoat", "sweater", "jacket", "bathrobe"),
    "furniture": ("bookcase", "desk", "wardrobe", "coffee table", "nightstand", "stool", "garden chair"),
    "others": ("backpack", "suitcase", "travel bag", "tent", "sleeping bag", "hammock", "yoga mat", "vase",
               "umbrella", "rug", "mirror", "wall clock", "blanket", "pillow", "floor lamp", "teapot",
               "frying pan", "mixing bowl", "lunch box", "cutting board", "picnic basket"),
}  # fmt: skip
PRODUCTS = tuple(product for group in GOODS.values() for product in group)
NEW_PRODUCTS = ("hammock", "teapot", "waffle iron", "stool")  # sold in dev and test only
COLORS = ("red", "blue", "green", "gray", "black", "white", "yellow", "brown")
FIRST_NAMES = (
    "Anna", "Ben", "Carla", "Daniel", "Elena", "Frank", "Gina", "Henry", "Irene", "Jack", "Karen", "Leo",
    "Maria", "Nina", "Oscar", "Paula", "Rita", "Sam", "Tina", "Victor", "Wendy", "Yusuf", "Zoe", "Amir",
    "Beth", "Chloe", "David", "Emma", "Felix", "Hannah", "Ivan", "Julia", "Kevin", "Laura", "Martin", "Nora",
    "Omar", "Peter", "Ruth", "Simon", "Tara", "Priya", "Diego", "Aisha", "Lucas", "Olga",
)  # fmt: skip
NEW_FIRST_NAMES = ("Marcus", "Helen", "Greta", "Tom", "Sofia", "Andre", "Ingrid", "Bruno", "Clara", "Kwame")
LAST_NAMES = (
    "Lewis", "Okafor", "Nguyen", "Miller", "Garcia", "Schmidt", "Patel", "Brown", "Kowalski", "Evans", "Kim",
    "Rossi", "Larsen", "Haddad", "Murphy", "Silva", "Cohen", "Tanaka", "Dubois", "Walker",
)  # fmt: skip
TOWNS = ("Dayton", "Portland", "Albany", "Boise", "Tulsa", "Fresno", "Denver", "Salem", "Tampa", "Omaha",
         "Reno", "Toledo", "Buffalo", "Memphis")  # fmt: skip
WORDS = {  # slot: what it may hold
    "rel": ("sister", "brother", "mother", "father", "aunt", "uncle", "cousin", "roommate"),
    "herrel": ("sister", "mother", "aunt", "daughter", "grandmother"),
    "hisrel": ("brother", "father", "uncle", "son", "grandfather"),
    "kid": ("son", "daughter", "nephew", "niece"),
    "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    "month": ("January", "March", "April", "June", "August", "October", "November"),
    "size": ("small", "medium", "large", "10", "12"),
    "street": ("14 Mill Road", "8 Park Avenue", "27 Lake Street", "103 Church Lane", "61 Hill Drive"),
    "card": ("credit card", "debit card"),
    "code": ("SPRING15", "HELLO10", "SUNNY20", "THANKS5", "HOME25"),
}


@functools.cache
def frames():
    """All frames as a tuple of {"id", "split", "intent", "angry", "goods", "text"}.

    goods: a key of GOODS, "any",
    or a list of products. Some have "steady": true (no line of haste or patience
    suits them) or "gentle": true (no angry line does).
    """
    lines = (FOLDER / "frames.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def of_split(split):
    """{intent: [frame]} of one split."""
    by_intent = {}
    for frame in frames():
        if frame["split"] == split:
            by_intent.setdefault(frame["intent"], []).append(frame)
    return by_intent


def goods_of(frame, split):
    """The products that a frame may be about in a split."""
    goods = frame["goods"]
    products = goods if isinstance(goods, list) else PRODUCTS if goods == "any" else GOODS[goods]
    return [product for product in products if split != "train" or product not in NEW_PRODUCTS]


def first_names(split):
    """The first names that customers of a split may have."""
    return FIRST_NAMES if split == "train" else FIRST_NAMES + NEW_FIRST_NAMES


def plural(product):
    """The product in the plural: "lunch boxes"."""
    return product + ("es" if product.endswith("x") else "s")


def slots(rng, split, product, customer):
    """{slot: word} for a text about a product. customer: a first name that no friend may have, or None."""
    amount, color, color2 = rng.randint(18, 140), *rng.sample(COLORS, 2)
    town, town2 = rng.sample(TOWNS, 2)
    friend, friend2 = rng.sample([name for name in first_names(split) if name != customer], 2)
    others = [other for other in PRODUCTS if other != product and other not in NEW_PRODUCTS]
    return {
        **{slot: rng.choice(words) for slot, words in WORDS.items()},
        "p": product, "ps": plural(product), "p2": rng.choice(others), "color": color, "color2": color2,
        "town": town, "town2": town2, "friend": friend, "friend2": friend2,
        "n": rng.randint(3, 6), "big": rng.randint(15, 80), "days": rng.randint(6, 14),
        "weeks": rng.randint(3, 6), "months": rng.randint(2, 11), "phone": rng.randint(110, 199),
        "amount": f"${amount}", "amount2": f"${amount + rng.randint(6, 20)}",
        "less": f"${amount - rng.randint(6, 12)}",
    }  # fmt: skip


def fill(text, words, order=None):
    """(text with its slots filled, was the order number in it?)."""
    inline = bool(order) and "[[" in text
    text = re.sub(r"\[\[(.*?)\]\]", r"\1" if order else "", text)
    text = text.format(**words, o=order)
    return re.sub(r"\b([Aa])(?= umbrella)", r"\1n", text), inline
