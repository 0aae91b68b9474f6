"""How a message looks: email, chat or web form, who signs it, where the order number is, what is mistyped.

    message = surface.dress(rng, body, name, order, inline)

The words of the frames stay; names, numbers and products are never mistyped.
"""

import re

CHANNELS = {"email": 35, "chat": 30, "form": 20, "plain": 15}  # per cent
OPENINGS = {
    "email": ("Hello,", "Hello,", "Good morning,", "Good afternoon,", "Dear Wickerby team,",
              "Dear Sir or Madam,", "To the customer service:", "Hi,", "Hello everyone,"),
    "chat": ("hi", "hey", "hello", "hi there", "hey guys", "hello?", "", "", ""),
    "plain": ("", "", "", "Hello.", "Good day."),
}  # fmt: skip
SUBJECTS = ("Question", "Please read", "my purchase", "Request", "Help", "Re: Wickerby", "Customer inquiry")
SIGNATURES = {
    "email": ("Best regards, {name}", "Kind regards, {name}", "Sincerely, {name}", "Thank you, {name}",
              "Many thanks in advance. {name}", "Yours, {name}", "Best, {name}"),
    "chat": ("thanks, {name}", "{name}", "cheers {name}", "- {name}", "thx {name}"),
    "plain": ("{name}", "Thanks, {name}", "Regards, {name}"),
}  # fmt: skip
INTRODUCTIONS = {
    "email": ("my name is {name}.", "this is {name}."),
    "chat": ("this is {name}.", "{name} here.", "im {name}."),
    "plain": ("This is {name}.", "{name} here.", "My name is {name}."),
}
GOODBYES = {
    "email": ("Best regards", "Thank you very much.", "Kind regards", "", "Thanks in advance."),
    "chat": ("thanks", "thx", "ty", "", "", "cheers"),
    "plain": ("", "", "Thanks.", "Thank you."),
}
NUMBERS = {
    "email": ("My order number is {o}.", "Order number: {o}.", "It is about order {o}.", "(Order {o})"),
    "chat": ("order {o}", "its order {o}", "my order number is {o}", "number is {o}"),
    "plain": ("Order {o}.", "Order number {o}.", "My order: {o}."),
}
FORMS = (
    ("Name: {name}.", "Order number: {o}.", "Message: {body}"),
    ("Contact form. Name: {name}.", "Order: {o}.", "Your message: {body}"),
    ("From: {name}.", "Order no.: {o}.", "Text: {body}"),
)
EMPTY = ("-", "n/a", "none")
SHORT = {"you": "u", "your": "ur", "please": "pls", "are": "r", "thanks": "thx", "because": "cuz"}
MISSPELLED = {
    "receive": "recieve", "received": "recieved", "address": "adress", "definitely": "definately",
    "because": "becuase", "which": "wich", "their": "thier", "tomorrow": "tommorow", "would": "woudl",
    "password": "pasword", "package": "pacakge", "discount": "discunt", "account": "acount",
    "until": "untill", "there": "ther", "could": "coud", "really": "realy", "please": "plese",
    "business": "buisness", "different": "diffrent", "possible": "posible", "before": "befor",
    "email": "emial", "return": "retrun", "invoice": "invioce", "delivery": "delivrey",
    "warranty": "waranty", "broken": "brocken",
}  # fmt: skip
TYPO_CHANCE = {"email": 0.06, "chat": 0.2, "form": 0.1, "plain": 0.12}


def dress(rng, body, name=None, order=None, inline=False, fixed=()):
    """The message as it comes in: one paragraph.

    name: as the customer gives it, or None. order: the order number, or None. inline: the body has the
    number. fixed: words that must not be mistyped.
    """
    shares = CHANNELS | ({"email": 5} if body[0].islower() else {})  # few write so carelessly in an email
    channel = rng.choices(list(shares), list(shares.values()))[0]
    fixed = {word.lower() for text in (*fixed, name or "") for word in re.findall(r"\w+", text)}
    if rng.random() < TYPO_CHANCE[channel]:
        body = mistyped(rng, body, fixed)
    if channel == "form":
        return _form(rng, body, name, None if inline else order)
    number = _written(rng, order, rng.choice(NUMBERS[channel])) if order and not inline else ""
    parts = [rng.choice(OPENINGS[channel])]
    signs = name and rng.random() < 0.7
    if name and not signs:
        parts.append(rng.choice(INTRODUCTIONS[channel]).format(name=name))
    parts += [number, body] if rng.random() < 0.3 else [body, number]
    end = rng.choice(SIGNATURES[channel]).format(name=name) if signs else rng.choice(GOODBYES[channel])
    text = _joined([*parts, end], plain_ends=channel == "chat")
    if channel == "email" and rng.random() < 0.25:
        text = f"Subject: {rng.choice(SUBJECTS)}. {text}"
    return casual(rng, text) if channel == "chat" else text


def mistyped(rng, text, fixed=()):
    """The text with one or two typing errors, in lower-case words of five letters or more."""
    pieces = re.split(r"(\w+)", text)
    places = [
        i for i, word in enumerate(pieces)
        if len(word) >= 5 and word.isalpha() and word.islower() and word not in fixed
    ]  # fmt: skip
    for i in rng.sample(places, min(len(places), rng.randint(1, 2))):
        word = pieces[i]
        pieces[i] = MISSPELLED.get(word) or _slip(rng, word)
    return "".join(pieces)


def casual(rng, text):
    """The text as people chat: perhaps in lower case, abbreviated, or without the last punctuation mark."""
    if rng.random() < 0.6 and not re.search(r"[A-Z]{4}", text):
        text = text.lower()
    if rng.random() < 0.4:
        text = re.sub(r"\w+", lambda word: SHORT.get(word.group(), word.group()), text)
    if rng.random() < 0.5:
        text = text.replace("I am ", "Im ").replace(" i am ", " im ").replace("do not ", "dont ")
    return text.rstrip(".") if rng.random() < 0.6 else text


def shouted(rng, text):
    """The text with one of its short sentences in capitals."""
    sentences = re.split(r"(?<=[.!?]) ", text)
    places = [i for i, s in enumerate(sentences) if 2 <= len(s.split()) <= 9 and not re.search(r"\d|\[", s)]
    if places:
        i = rng.choice(places)
        sentences[i] = sentences[i].upper()
    return " ".join(sentences)


def _slip(rng, word):
    """The word with two letters swapped, or one left out or doubled; the first letter stays."""
    i = rng.randrange(1, len(word) - 1)
    return rng.choice((
        word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        word[:i] + word[i + 1 :],
        word[: i + 1] + word[i:],
    ))  # fmt: skip


def _written(rng, order, template):
    """The sentence with the order number as people write it: 48213, #48213, no. 48213."""
    forms = [order, order, order, f"#{order}"] + ([] if "umber" in template else [f"no. {order}"])
    return template.format(o=rng.choice(forms))


def _form(rng, body, name, order):
    """A web form: its fields in one paragraph; empty ones may be left out."""
    who, number, text = rng.choice(FORMS)
    parts = [who.format(name=name or rng.choice(EMPTY))] if name or rng.random() < 0.4 else []
    if order or rng.random() < 0.3:
        parts.append(number.format(o=order or rng.choice(EMPTY)))
    return _joined([*parts, text.format(body=body)])


def _joined(parts, plain_ends=False):
    """The parts with spaces between; a part without punctuation gets a comma (chat) or a full stop."""
    parts = [part for part in parts if part]
    for i, part in enumerate(parts[:-1]):
        if part[-1] not in ".,!?:)":
            parts[i] = part + ("," if plain_ends else ".")
    return " ".join(_sentence_start(parts))


def _sentence_start(parts):
    """After a comma an email goes on as it likes; after a full stop an introduction begins with a capital."""
    for i in range(1, len(parts)):
        if parts[i - 1].endswith((".", "!", "?")) and parts[i][:3] in ("my ", "thi"):
            parts[i] = parts[i][0].upper() + parts[i][1:]
    return parts
