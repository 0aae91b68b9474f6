"""Dialogues at a counter, often with a style that the system line asks for.

The messages and their plain answers stand in dialogue_frames.py, the styles in styles.py. The
reply is always made from the same content, so that only the system line decides its style.
Held out is the combination of a style, a message frame and the words in it.
"""

import functools
import string

from course_utils.corpus import facts
from course_utils.corpus.frames.dialogue_frames import COLORS, DAYS, FACT_FRAMES, FRAMES, ROOMS, SPOTS
from course_utils.corpus.lexicon import all_words, column, first_names, nouns_by_category
from course_utils.corpus.split import Item, held_out
from course_utils.corpus.styles import PAIRS, STYLES, UNSEEN_STYLES, check_style, put_on

THINGS = (
    "tool",
    "clothing",
    "furniture",
    "instrument",
    "toy",
    "fruit",
    "vegetable",
    "kitchen",
    "flower",
    "office",
)
WORD_STYLES = ("mention", "name", "sign")
SHOPS = ["shop", "hotel", "station", "library", "café", "museum", "market"]
# Roles in front of the style or instead of it.
ROLES = ["You work in a {}.", "You help guests of a {}.", "This is a {}.", "You are an agent in a {}."]
UNSEEN_FRAMES = UNSEEN_STYLES


@functools.cache
def _things():
    """Rows of things that one can buy: plain plurals only, and no materials."""
    rows = [row for kind in THINGS for row in nouns_by_category()[kind]]
    return tuple(row for row in rows if row.noun != row.plural and row.noun[-1] != "s")


def _fields(*texts):
    return tuple(sorted({f for text in texts for _, f, _, _ in string.Formatter().parse(text) if f}))


# The slots of a frame, by the frame's name.
SLOTS = {f[0]: _fields(f[1], *f[2], *f[3], f[4], f[5]) for f in FRAMES}


def _fill(rng, fields):
    """A value for every slot."""
    values = {}
    first, second = rng.sample(_things(), 2)
    values["item"], values["items"], values["item2"] = first.noun, first.plural, second.noun
    values["p"], values["q"] = rng.randint(2, 99), rng.randint(2, 99)
    values["a"], values["b"] = rng.randint(2, 25), rng.randint(2, 20)
    values["total"], values["more"] = values["a"] + values["b"], values["p"] + rng.randint(1, 40)
    values["n"] = rng.randint(2, 60)
    values["floor"], values["hour"], values["late"] = (
        rng.randint(1, 9),
        rng.randint(5, 11),
        rng.randint(12, 23),
    )
    values["day"], values["room"], values["spot"] = rng.choice(DAYS), rng.choice(ROOMS), rng.choice(SPOTS)
    if "colour" in fields:
        values["colour"] = rng.choice(COLORS)
    if "name" in fields:
        values["name"] = rng.choice(first_names())
    if "town" in fields:
        values["town"], values["town2"] = rng.sample(column("places", "place"), 2)
    if "dish" in fields:
        values["dish"] = rng.choice(nouns_by_category()["dish"]).noun
    if "drink" in fields:
        values["drink"] = rng.choice(nouns_by_category()["drink"]).noun
    values["pay"], values["rule"] = (
        rng.choice(("cash", "card", "cheque")),
        rng.choice(("welcome", "forbidden", "allowed")),
    )
    return values


def draw_fact_message(rng):
    """A message that asks for a fact about a country, as a dict like draw_message."""
    relation = rng.choice(list(FACT_FRAMES))
    row = facts.draw_country(rng, relation)
    messages, replies = FACT_FRAMES[relation]
    value = getattr(row, relation)
    return {
        "frame": relation,
        "slots": (row.country,),
        "context": "",
        "message": rng.choice(messages).format(x=row.country),
        "reply": rng.choice(replies).format(x=row.country, y=value),
        "short": value,
        "german": f"Die Antwort ist {value}.",
        "price": None,
        "country": row,
        "relation": relation,
    }


def draw_message(rng, frames=None):
    """A message and what its answer needs: frame, slots, context, message, reply, short, german, price."""
    if frames is None and rng.random() < 0.07:
        return draw_fact_message(rng)
    name, context, messages, replies, short, german = rng.choice(frames or FRAMES)
    fields = SLOTS[name]
    values = _fill(rng, fields)
    message = rng.choice(messages)
    return {
        "frame": name,
        "slots": tuple(values[f] for f in fields) or (message,),
        "context": context.format_map(values),
        "message": message.format_map(values),
        "reply": rng.choice(replies).format_map(values),
        "short": short.format_map(values),
        "german": german.format_map(values),
        "price": values["p"],
    }


def _fits(content, styles):
    """A message that goes with the styles: one word for an answer, a price that is not made up."""
    if "one word" in styles and " " in content["short"]:
        return False
    return "price" not in styles or content["price"] is not None


def draw_for(rng, styles, wanted=False):
    """A message for one or two styles whose key is (wanted) or is not held out."""
    for _ in range(10_000):
        content = draw_message(rng)
        key = content["frame"], *content["slots"]
        if (
            _fits(content, styles)
            and any(held_out("dialogue", s, *key) for s in styles or ("none",)) == wanted
        ):
            return content
    raise RuntimeError("no such message in 10,000 draws")


def context_line(rng, content, styles):
    """The facts that the reply needs; a price is added where the style asks for it."""
    context = content["context"]
    if "price" in styles and "dollars" not in content["reply"]:
        price = rng.choice(["The price is {} dollars.", "Price: {} dollars.", "It costs {} dollars."])
        context = (context + " " + price.format(content["price"])).strip()
    return context


def styled(rng, content, styles, word=""):
    """The reply of a message in all the styles, one after the other."""
    reply = content["reply"]
    for style in styles:
        reply = put_on(style, reply, content, rng, word)
    return reply


def draw_word(rng, styles):
    """The word or name that a style asks for, or nothing."""
    if "mention" in styles:
        return rng.choice(all_words())
    return rng.choice(first_names()) if any(s in WORD_STYLES for s in styles) else ""


def instruction(rng, styles, word, unseen=False):
    """The system line for the styles."""
    wordings = UNSEEN_STYLES if unseen else STYLES
    parts = [rng.choice(wordings[s]).format(word=word, name=word) for s in styles]
    rng.shuffle(parts)
    if not unseen and rng.random() < 0.12:
        parts.insert(0, rng.choice(ROLES).format(rng.choice(SHOPS)))
    return " ".join(parts)


def _turn(content, context, layout):
    """The lines of one user turn."""
    if not context:
        return f"User: {content['message']}\n"
    if layout == "context":
        return f"Context: {context}\nUser: {content['message']}\n"
    if layout == "in message":
        return f"User: {context} {content['message']}\n"
    return f"User: {content['message']} {context}\n"


def _layout(rng):
    return rng.choices(("context", "in message", "after"), (6, 3, 1))[0]


def document(rng):
    """A dialogue of one to three turns, with no style, one style or two."""
    style_kind = rng.random()
    if style_kind < 0.15:
        styles = rng.choice(PAIRS)
    elif style_kind < 0.78:
        styles = (rng.choice(list(STYLES)),)
    else:
        styles = ()
    word, layout = draw_word(rng, styles), _layout(rng)
    head = f"System: {instruction(rng, styles, word)}\n" if styles else ""
    if not styles and rng.random() < 0.3:
        head = f"System: {rng.choice(ROLES).format(rng.choice(SHOPS))}\n"
    curt = not styles and rng.random() < 0.25
    lines = []
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        content = draw_for(rng, styles)
        reply = styled(rng, content, styles, word)
        if curt:
            reply = content["short"][0].upper() + content["short"][1:] + "."
        context = context_line(rng, content, styles)
        lines.append(f"{_turn(content, context, layout)}Agent: {reply}")
    return head + "\n".join(lines)


def item(rng, style, unseen=False, answered=False):
    """A held-out message whose reply must have a style (and, if `answered`, contain the short answer).

    style is a name of STYLES; the grade is a function of the continuation, first line only.
    """
    styles = (style,)
    word = draw_word(rng, styles)
    content = draw_for(rng, styles, wanted=True)
    context = context_line(rng, content, styles)
    prompt = (
        f"System: {instruction(rng, styles, word, unseen)}\n{_turn(content, context, _layout(rng))}Agent:"
    )
    reference = styled(rng, content, styles, word)
    needed = content["short"].lower() if content["short"].lower() in reference.lower() else ""

    def grade(text):
        line = text.strip().split("\n")[0]
        return check_style(style, line, word) and (not answered or needed in line.lower())

    return Item(prompt, reference, grade, max_new_tokens=48)
