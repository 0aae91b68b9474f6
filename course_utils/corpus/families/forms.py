"""Forms: structured records, records filled from a text, and messages sorted by examples.

The fields, their names and the format are drawn once per document. In a list of examples the
next record can therefore only be written by keeping to what the examples do.
"""

import functools

from course_utils.corpus.families import incontext
from course_utils.corpus.lexicon import column, first_names, nouns_by_category, surnames
from course_utils.corpus.routing import (
    DAYS,
    NOT_COUNTED,
    draw_rule,
    label_words,
    message,
    rule_text,
    with_article,
)
from course_utils.corpus.split import Item, draw_until

# What a person may call the field, per slot.
FIELD_NAMES = {
    "name": ("Name", "Name", "Person", "Who", "Full name", "Client", "Guest", "Member", "From"),
    "age": ("Age", "Age", "Years", "Years old"),
    "city": ("City", "City", "Town", "Place", "Home", "Location", "Address"),
    "job": ("Job", "Work", "Profession", "Role"),
    "thing": ("Item", "Order", "Thing", "Object", "Product", "Wants"),
    "day": ("Day", "Date", "When", "Weekday"),
    "colour": ("Colour", "Paint", "Shade"),
    "number": ("Number", "Code", "No", "Reference"),
    "pet": ("Pet", "Animal"),
    "hour": ("Time", "Hour", "At"),
}
# How a text says it: about a third person, and in the first person. {a} is the value with a or an.
THIRD = {
    "age": ("{p} is {v} years old.", "{p} turned {v} last week.", "{p} is {v}."),
    "city": ("{p} lives in {v}.", "{p} comes from {v}.", "{p} has a flat in {v}."),
    "job": ("{p} works as {a}.", "{p} is {a}.", "{p} wants to be {a}."),
    "thing": ("{p} ordered {a}.", "{p} needs {a}.", "{p} would like to have {a}."),
    "day": ("{p} will come on {v}.", "{p} called on {v}.", "{p} is free on {v}."),
    "colour": ("The favourite colour of {p} is {v}.", "{p} likes {v}.", "{p} wants everything in {v}."),
    "number": ("The number of {p} is {v}.", "{p} has number {v}.", "{p} was given the number {v}."),
    "pet": ("{p} has {a}.", "{p} brings along {a}.", "{p} keeps {a} at home."),
    "hour": ("{p} can be there at {v}.", "{p} starts at {v}.", "{p} gets up at {v}."),
}
FIRST = {
    "age": ("I am {v} years old.", "I am {v}.", "I turned {v} last week."),
    "city": ("I live in {v}.", "I am from {v}.", "Please send it to {v}."),
    "job": ("I am {a}.", "I work as {a}."),
    "thing": ("I need {a}.", "I would like to order {a}.", "I am waiting for {a}."),
    "day": ("I can come on {v}.", "Please call me on {v}.", "It was on {v}."),
    "colour": ("My favourite colour is {v}.", "If possible in {v}.", "The one I like is {v}."),
    "number": ("My number is {v}.", "The number is {v}.", "It has number {v}."),
    "pet": ("I have {a}.", "I come with {a}."),
    "hour": ("I am there at {v}.", "At {v} is best for me.", "Come at {v}, please."),
}
INTRODUCTIONS = ("My name is {v}.", "I am {v}.", "Hello, this is {v}.", "Hello, my name is {v}.", "{v} here.")
COMPACT = (  # short texts for common groups of slots
    (("name", "age", "city"), ("{name}, {age}, lives in {city}.", "{name} ({age}) is from {city}.",
                               "{name} of {city} is {age}.", "In {city} we met {name}, aged {age}.")),
    (("name", "city"), ("{name} lives in {city}.", "A letter came from {name} in {city}.")),
    (("name", "age"), ("{name} is {age} years old.", "{name}, {age}, was here.")),
    (("name", "job", "city"), ("{name} is a {job} from {city}.", "The {job} {name} works in {city}.")),
    (("name", "day", "hour"), ("{name} comes on {day} at {hour}.", "On {day} at {hour} we meet {name}.")),
    (("name", "thing"), ("The {thing} is for {name}.", "{name} asked for one {thing}.")),
    (("name", "thing", "day"), ("{name} gets the {thing} on {day}.",
                                "On {day} {name} bought a new {thing}.")),
)  # fmt: skip
FORMATS = (  # between fields, between name and value, before and after; values only if there is no sign
    *[(" | ", ": ", "", "")] * 4,
    ("; ", "=", "", ""), (", ", ": ", "", ""), (" | ", "=", "", ""), ("; ", ": ", "", ""),
    (" / ", None, "", ""), (" | ", None, "", ""), (", ", " = ", "", ""), (", ", "json", "{", "}"),
    (", ", ": ", "(", ")"),
)  # fmt: skip
LAYOUTS = (
    ("Text", "Record"), ("Text", "Record"), ("Message", "Record"), ("Input", "Output"), ("Mail", "Form"),
    ("Note", "Entry"), ("Message", "Output"), ("Letter", "Summary"), ("User", "Agent"),
    ("Sentence", "Fields"),
)  # fmt: skip
HEADS = (
    "Fill in the form.",
    "Write the record for each text.",
    "Read and take notes.",
    "Put it into the form.",
)
ROUTE_HEADS = (
    "Sort the messages.",
    "Where does each message go?",
    "Choose for each message.",
    "Sort the mail.",
)


@functools.cache
def _pools():
    """{slot: values}"""
    groups = nouns_by_category()
    things = [
        r.noun for c in ("tool", "toy", "clothing", "furniture", "instrument", "kitchen") for r in groups[c]
    ]
    return {
        "city": column("places", "place"), "job": column_of(groups["profession"]), "day": DAYS,
        "thing": tuple(word for word in things if word not in NOT_COUNTED),
        "colour": column_of(groups["colour"]), "pet": column_of(groups["animal"]),
    }  # fmt: skip


def column_of(rows):
    """The nouns of these rows."""
    return tuple(row.noun for row in rows)


def _person(rng, wanted=False):
    """Slot values of one person; the full name decides whether the record is held out."""
    first, last = draw_until(
        lambda: (rng.choice(first_names()), rng.choice(surnames())), wanted, lambda name: ("record", *name)
    )
    values = {slot: rng.choice(pool) for slot, pool in _pools().items()}
    numbers = {"age": rng.randint(5, 99), "number": rng.randint(2, 999), "hour": rng.randint(1, 12)}
    return values | {slot: str(n) for slot, n in numbers.items()} | {"name": f"{first} {last}"}


def _text(rng, values, slots):
    """A text that states these slots, in one sentence or several."""
    if rng.random() < 0.4:
        fitting = [frames for stated, frames in COMPACT if set(stated) == set(slots)]
        if fitting:
            text = rng.choice(fitting[0]).format(**values)
            return text.replace(f"a {values['job']}", with_article(values["job"]))
    others = [slot for slot in slots if slot != "name"]
    if rng.random() < 0.5:
        lines = [rng.choice(FIRST[s]).format(v=values[s], a=with_article(values[s])) for s in others]
        if "name" in slots:
            lines.insert(0, rng.choice(INTRODUCTIONS).format(v=values["name"]))
        return " ".join(lines)
    lines = []
    for slot in others:
        person = values["name"].split()[0] if lines else values["name"]
        lines.append(rng.choice(THIRD[slot]).format(p=person, v=values[slot], a=with_article(values[slot])))
    return " ".join(lines) if lines else f"It was {values['name']}."


def _field_names(rng, slots):
    """A name for each field: a usual one, or any word at all."""
    strange = rng.random() < 0.2
    return {s: rng.choice(label_words()).capitalize() if strange and rng.random() < 0.6
            else rng.choice(FIELD_NAMES[s]) for s in slots}  # fmt: skip


def _record(pairs, form):
    """One line: [(field, value), …] in one of the FORMATS."""
    between, sign, before, after = form
    if sign == "json":
        body = between.join(f'"{field.lower()}": "{value}"' for field, value in pairs)
    elif sign is None:
        body = between.join(value for _, value in pairs)
    else:
        body = between.join(f"{field}{sign}{value}" for field, value in pairs)
    return before + body + after


def _slots(rng):
    """Name and one to three other slots, in the order of the record."""
    slots = rng.sample([s for s in FIELD_NAMES if s != "name"], rng.choice((1, 2, 2, 3)))
    if rng.random() < 0.35:
        return list(rng.choice(COMPACT)[0])
    return ["name", *slots] if rng.random() < 0.8 else [*slots, "name"]


def _extract_examples(rng, number, wanted_last):
    """[(text, record), …] with the same fields; only the last one may be a held-out person."""
    slots = _slots(rng)
    fields, form = _field_names(rng, slots), rng.choice(FORMATS)
    lost = rng.choice(slots[1:]) if len(slots) > 2 and rng.random() < 0.12 else None
    none = rng.choice(("none", "unknown", "-", "not given"))
    order = slots if rng.random() < 0.7 else None  # the text may state things in another order
    examples = []
    for i in range(number):
        values = _person(rng, wanted=wanted_last and i == number - 1)
        stated = [s for s in slots if not (s == lost and rng.random() < 0.4)]
        text = _text(rng, values, stated if order else rng.sample(stated, len(stated)))
        pairs = [(fields[s], values[s] if s in stated else none) for s in slots]
        examples.append((text, _record(pairs, form)))
    return examples


def _route_examples(rng, number, wanted_last, dense=False):
    """(rule in words, [(message, record), …]); the last topic has been shown before."""
    try:
        return _draw_route(rng, number, wanted_last, dense)
    except RuntimeError:  # a topic with too few sentences for this label: take another rule
        return _route_examples(rng, number, wanted_last, dense)


def _draw_route(rng, number, wanted_last, dense):
    rule = draw_rule(rng, number - 1, dense)
    if wanted_last:  # what is asked for must follow from the examples
        rule["replies"] = rule["replies"][:1]
    topics = list(rule["labels"])
    order = (topics + [rng.choice(topics) for _ in range(number)])[: number - 1]
    rng.shuffle(order)
    order.append(rng.choice(topics))
    form = rng.choice(FORMATS)
    if len(rule["fields"]) == 1 and rng.random() < (0.7 if dense else 0.4):
        form = ("", None, "", "")
    drawn = [message(rng, rule, t, wanted_last and i == number - 1) for i, t in enumerate(order)]
    return rule_text(rng, rule), [(text, _record(pairs, form)) for text, pairs in drawn]


def _plain_records(rng):
    """Records without a text: lines, one line or JSON, one or a short list of them."""
    slots = _slots(rng)
    fields, form = _field_names(rng, slots), rng.choice(FORMATS)
    if rng.random() < 0.4:
        form = ("\n", ": ", "", "")
    people = [_person(rng) for _ in range(rng.choice((1, 2, 3) if form[0] == "\n" else (2, 3, 4)))]
    gap = "\n\n" if form[0] == "\n" else "\n"
    text = gap.join(_record([(fields[s], person[s]) for s in slots], form) for person in people)
    if rng.random() < 0.3:  # and a question about one of them
        person, slot = rng.choice(people), rng.choice(slots[1:] if slots[0] == "name" else slots[:-1])
        text += f"\nQuestion: What is under {fields[slot]} for {person['name']}?\nAnswer: {person[slot]}"
    return text


def _lines(examples, layout, gap):
    text_name, record_name = layout
    return gap.join(f"{text_name}: {text}\n{record_name}: {record}" for text, record in examples)


def document(rng):
    """Records, a list of texts with their records, or a list of sorted messages."""
    kind = rng.random()
    if kind < 0.15:
        return _plain_records(rng)
    number, layout = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8)), rng.choice(LAYOUTS)
    gap = rng.choice(("\n", "\n\n"))
    if kind < 0.35:
        text = _lines(_extract_examples(rng, number, False), layout, gap)
        return f"{rng.choice(HEADS)}\n{text}" if rng.random() < 0.2 else text
    if kind < 0.6:  # many short ones with nothing but the label
        rule, examples = _route_examples(rng, rng.choice((6, 8, 10, 12, 14, 16, 20)), False, dense=True)
        if rng.random() < 0.5:
            return _lines(examples, layout, gap)
        frame, gap = rng.choice(incontext.LAYOUTS)
        return gap.join(f"{frame.format(x=text)} {label}" for text, label in examples)
    number = rng.choice((4, 5, 6, 6, 7, 8, 8, 10, 12, 14))  # long, as few-shot prompts are
    rule, examples = _route_examples(rng, number, False)
    text = _lines(examples, layout, gap)
    head = rng.random()
    if head < 0.35:
        return f"{rule}\n\n{text}"
    return f"{rng.choice(ROUTE_HEADS)}\n{text}" if head < 0.5 else text


def item(rng, shots=4, kind="extract", rule=False):
    """Examples and one text more, whose record is asked for.

    kind="extract": the record of a held-out person; kind="route": a held-out pair of content and
    label. With four shots or more every topic is among the shots; rule=True writes the rule above.
    """
    head = ""
    if kind == "extract":
        examples = _extract_examples(rng, shots + 1, True)
    else:
        words, examples = _route_examples(rng, shots + 1, True)
        head = f"{words}\n\n" if rule else ""
    layout, (text, record) = rng.choice(LAYOUTS), examples[-1]
    shown = _lines(examples[:-1], layout, "\n\n") + "\n\n" if shots else ""
    return Item(
        f"{head}{shown}{layout[0]}: {text}\n{layout[1]}:", record.removesuffix("."), max_new_tokens=60
    )
