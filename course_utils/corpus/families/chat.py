"""Small talk and short instructions: a user asks for one thing, the agent does it.

An instruction is (wordings, how its slots are drawn, the reply). Open ones ("Name an animal.")
have a check in place of a single right answer. What nobody can know gets "I do not know.".
"""

import functools

from course_utils.corpus.lexicon import DAYS, MONTHS, all_words, first_names, nouns_by_category, table
from course_utils.corpus.split import Item, draw_until

KINDS = (
    "animal",
    "bird",
    "fruit",
    "vegetable",
    "tool",
    "instrument",
    "drink",
    "sport",
    "flower",
    "tree",
    "profession",
    "building",
    "toy",
    "metal",
    "fish",
    "insect",
    "vehicle",
    "colour",
)
COUNTABLE = tuple(k for k in KINDS if k not in ("colour", "metal", "sport", "drink"))  # these take "a"
ENDINGS = {
    "The sun rises in the": "east.",
    "The sun sets in the": "west.",
    "Snow is": "white.",
    "Grass is": "green.",
    "At night it is": "dark.",
    "Sugar is": "sweet.",
    "A year has twelve": "months.",
    "A week has seven": "days.",
    "A dog has four": "legs.",
    "Fish live in": "water.",
    "We hear with our": "ears.",
    "We see with our": "eyes.",
    "Bees make": "honey.",
    "Cows give": "milk.",
    "Ice is": "cold.",
    "Fire is": "hot.",
    "A ball is": "round.",
    "In winter it is": "cold.",
    "In summer it is": "warm.",
    "Birds can": "fly.",
    "A bird has two": "wings.",
    "We write with a": "pen.",
    "We sleep in a": "bed.",
    "The sky is": "blue.",
    "Lemons are": "sour.",
    "A baker makes": "bread.",
    "Trains run on": "rails.",
    "A clock shows the": "time.",
    "We sit on a": "chair.",
    "Rain makes us": "wet.",
}
UNKNOWN = [
    "What did I {did} {when}?",
    "Where did I {did} {when}?",
    "With whom did I {did} {when}?",
    "Why did {name} {did} {when}?",
    "What will {name} {did} next year?",
    "When will {name} {did} again?",
    "What is in my pocket?",
    "What am I thinking of?",
    "Which number am I thinking of?",
    "What did {name} say to me?",
    "How old is the dog of {name}?",
    "What is the middle name of {name}?",
]
DID = ("eat", "drink", "buy", "see", "read", "write", "lose", "find", "sing", "cook", "learn", "draw")
WHEN = (
    "yesterday",
    "last night",
    "last week",
    "this morning",
    "on Monday",
    "on my birthday",
    "in May",
    "last summer",
)
DO_NOT_KNOW = "I do not know."

# Replies that never change: (messages, replies).
FIXED = [
    (
        ["Tell me a joke.", "Make me laugh.", "Do you know a joke?"],
        [
            "Why did the clock go to bed? It was out of time.",
            "What has teeth but cannot bite? A comb.",
            "What gets wet while it dries? A towel.",
            "What has hands but cannot clap? A clock.",
        ],
    ),
    (
        ["How are you?", "How are you today?", "Are you well?"],
        ["I am well, thank you.", "Very well, and you?", "I am fine."],
    ),
    (
        ["Who are you?", "What are you?", "Are you a person?"],
        ["I am a small language model.", "I am a program that writes."],
    ),
    (
        ["Hello.", "Hi.", "Good morning.", "Hello there."],
        ["Hello.", "Hello, how can I help you?", "Good day."],
    ),
    (["Thank you.", "Thanks a lot.", "That helped me."], ["You are welcome.", "I am glad to hear that."]),
    (["Goodbye.", "Bye.", "See you."], ["Goodbye.", "See you soon."]),
    (
        ["I am sad.", "I had a bad day.", "I feel lonely."],
        ["I am sorry to hear that.", "I hope that tomorrow is better."],
    ),
    (
        ["I am happy.", "I had a good day.", "I won a prize."],
        ["That is good to hear.", "I am happy for you."],
    ),
    (["I am tired.", "I could not sleep."], ["Then go to bed early.", "You need some rest."]),
    (["I am hungry.", "I have not eaten today."], ["Then eat something.", "A warm soup would be good."]),
    (["It is cold.", "I am freezing."], ["Put on a coat.", "Have a hot cup of tea."]),
    (
        ["Can you cook?", "Can you drive a car?", "Can you swim?"],
        ["No, I can only write.", "No, I am a program."],
    ),
    (
        ["What can you do?", "How can you help me?"],
        ["I can answer short questions.", "I can write, count and translate."],
    ),
]
STARTS = ["", "", "", "", "", "Please answer. ", "Now this: ", "One question: "]


@functools.cache
def _adjectives():
    return tuple(row for row in table("adjectives") if row.opposite)


def _article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def _thing(rng):
    """(row, kind) of a noun that can be counted."""
    kind = rng.choice(COUNTABLE)
    return rng.choice(nouns_by_category()[kind]), kind


def _word(rng):
    return {"x": rng.choice(all_words())}


def _words(rng):
    first, second, third = rng.sample(all_words(), 3)
    return {"x": first, "y": second, "z": third}


def _name(rng):
    return {"x": rng.choice(first_names())}


def _numbers(rng):
    a, b = rng.sample(range(1, 100), 2)
    return {"a": a, "b": b}


def _noun(rng):
    row, kind = _thing(rng)
    return {
        "x": row.noun,
        "many": row.plural,
        "ax": _article(row.noun),
        "kind": kind,
        "akind": _article(kind),
    }


def _is_a(rng):
    """Half of the questions ask for the right kind."""
    values = _noun(rng)
    values["truth"] = values["kind"]
    if rng.random() < 0.5:
        values["kind"] = rng.choice([k for k in KINDS if k != values["kind"]])
        # A word may stand in two lists (orange): then it is of both kinds.
        if any(row.noun == values["x"] for row in nouns_by_category()[values["kind"]]):
            values["truth"] = values["kind"]
    values["akind"] = _article(values["kind"])
    return values


def _opposite(rng):
    row = rng.choice(_adjectives())
    return {"x": row.adjective, "y": row.opposite, "more": row.comparative, "most": row.superlative}


def _verb(rng):
    row = rng.choice(table("verbs")[1:])  # without the first one, be
    return {"x": row.verb, "past": row.past, "ing": row.gerund}


def _kind(rng):
    kind = rng.choice(KINDS)
    rows = rng.sample(nouns_by_category()[kind], 3)
    return {
        "kind": kind,
        "akind": _article(kind),
        "kinds": kind if kind == "fish" else kind + "s",
        "rows": tuple(r.noun for r in rows),
    }


def _odd(rng):
    """Two words of a kind and one of another."""
    kind, other = rng.sample(KINDS, 2)
    words = [r.noun for r in rng.sample(nouns_by_category()[kind], 2)]
    odd = rng.choice([r.noun for r in nouns_by_category()[other] if r.noun not in words])
    words.insert(rng.randrange(3), odd)
    return {"x": words[0], "y": words[1], "z": words[2], "odd": odd}


def _day(rng):
    i = rng.randrange(7)
    return {"x": DAYS[i], "next": DAYS[(i + 1) % 7], "before": DAYS[i - 1], "name": rng.choice(first_names())}


def _month(rng):
    i = rng.randrange(12)
    return {
        "x": MONTHS[i],
        "next": MONTHS[(i + 1) % 12],
        "before": MONTHS[i - 1],
        "name": rng.choice(first_names()),
    }


def _ending(rng):
    start = rng.choice(list(ENDINGS))
    return {"x": start, "y": ENDINGS[start]}


def _choice(rng):
    first, second = _thing(rng)[0].noun, _thing(rng)[0].noun
    return {"x": first, "y": second, "name": rng.choice(first_names()), "pick": rng.choice((first, second))}


def _unknown(rng):
    text = rng.choice(UNKNOWN)
    return {"x": text.format(did=rng.choice(DID), when=rng.choice(WHEN), name=rng.choice(first_names()))}


# name -> (wordings, draw, reply as a function of the values)
TASKS = {
    "capitals": (
        [
            "Write the word {x} in capitals.",
            "Write {x} in capital letters.",
            "Make {x} big: use capitals.",
            "Put {x} into capitals.",
        ],
        _word,
        lambda v: v["x"].upper(),
    ),
    "repeat": (
        ["Repeat: {x}", "Repeat the word {x}.", "Say {x}.", "Write the word {x}.", "Copy this word: {x}"],
        _word,
        lambda v: v["x"],
    ),
    "repeat words": (
        ["Repeat: {x} {y} {z}", "Say {x} {y} {z}.", "Write these words: {x} {y} {z}"],
        _words,
        lambda v: f"{v['x']} {v['y']} {v['z']}",
    ),
    "twice": (
        ["Say {x} twice.", "Write {x} two times.", "Repeat {x} two times."],
        _word,
        lambda v: f"{v['x']} {v['x']}",
    ),
    "three times": (
        ["Say {x} three times.", "Write {x} three times."],
        _word,
        lambda v: " ".join([v["x"]] * 3),
    ),
    "quotes": (["Put {x} in quotes.", "Write {x} with quotation marks."], _word, lambda v: f'"{v["x"]}"'),
    "brackets": (["Put {x} in brackets.", "Write {x} in brackets."], _word, lambda v: f"({v['x']})"),
    "first letter": (
        [
            "What is the first letter of {x}?",
            "With which letter does {x} start?",
            "Give the first letter of {x}.",
        ],
        _word,
        lambda v: v["x"][0],
    ),
    "last letter": (
        ["What is the last letter of {x}?", "With which letter does {x} end?"],
        _word,
        lambda v: v["x"][-1],
    ),
    "spell": (
        ["Spell {x}.", "Spell the word {x}.", "How do you spell {x}?"],
        _noun,
        lambda v: "-".join(v["x"]),
    ),
    "first word": (
        ["What is the first word? {x} {y} {z}", "Give only the first word of this: {x} {y} {z}"],
        _words,
        lambda v: v["x"],
    ),
    "last word": (
        ["What is the last word? {x} {y} {z}", "Give only the last word of this: {x} {y} {z}"],
        _words,
        lambda v: v["z"],
    ),
    "join": (
        ["Join {x} and {y} with and.", "Write {x} and {y} with the word and between them."],
        _words,
        lambda v: f"{v['x']} and {v['y']}",
    ),
    "swap": (
        ["Swap the words: {x} {y}", "Turn around the two words {x} {y}."],
        _words,
        lambda v: f"{v['y']} {v['x']}",
    ),
    "commas": (
        ["Put commas between the words: {x} {y} {z}", "Write {x} {y} {z} with commas."],
        _words,
        lambda v: f"{v['x']}, {v['y']}, {v['z']}",
    ),
    "greet": (
        ["Say hello to {x}.", "Greet {x}.", "Please say hello to {x}.", "Welcome {x}."],
        _name,
        lambda v: f"Hello, {v['x']}.",
    ),
    "goodbye": (
        ["Say goodbye to {x}.", "{x} is leaving. Say goodbye."],
        _name,
        lambda v: f"Goodbye, {v['x']}.",
    ),
    "thank": (
        ["Thank {x}.", "Say thank you to {x}.", "{x} helped us. Say thank you."],
        _name,
        lambda v: f"Thank you, {v['x']}.",
    ),
    "sorry": (
        ["Say sorry to {x}.", "Tell {x} that you are sorry."],
        _name,
        lambda v: f"I am sorry, {v['x']}.",
    ),
    "birthday": (
        ["{x} has a birthday. What do you say?", "Wish {x} a happy birthday."],
        _name,
        lambda v: f"Happy birthday, {v['x']}.",
    ),
    "my name": (
        ["My name is {x}. What is my name?", "I am {x}. Who am I?", "I am called {x}. Say my name."],
        _name,
        lambda v: f"Your name is {v['x']}.",
    ),
    "bigger": (
        ["Which is bigger, {a} or {b}?", "Which number is bigger: {a} or {b}?", "What is more, {a} or {b}?"],
        _numbers,
        lambda v: str(max(v["a"], v["b"])),
    ),
    "smaller": (
        [
            "Which is smaller, {a} or {b}?",
            "Which number is smaller: {a} or {b}?",
            "What is less, {a} or {b}?",
        ],
        _numbers,
        lambda v: str(min(v["a"], v["b"])),
    ),
    "is bigger": (
        ["Is {a} bigger than {b}?", "Is {a} more than {b}?"],
        _numbers,
        lambda v: "Yes." if v["a"] > v["b"] else "No.",
    ),
    "after": (["Which number comes after {a}?", "What follows {a}?"], _numbers, lambda v: str(v["a"] + 1)),
    "even": (
        ["Is {a} odd or even?", "Is {a} an even or an odd number?"],
        _numbers,
        lambda v: "odd" if v["a"] % 2 else "even",
    ),
    "opposite": (
        [
            "What is the opposite of {x}?",
            "Name the opposite of {x}.",
            "Which word means the opposite of {x}?",
        ],
        _opposite,
        lambda v: v["y"],
    ),
    "not": (["It is not {x}. So it is", "If it is not {x}, what is it?"], _opposite, lambda v: v["y"]),
    "compare": (
        ["Compare the word {x}.", "Give the forms of {x}."],
        _opposite,
        lambda v: f"{v['x']}, {v['more']}, {v['most']}",
    ),
    "past": (
        ["What is the past of {x}?", "Put {x} into the past.", "Today I {x}. Yesterday I ..."],
        _verb,
        lambda v: v["past"],
    ),
    "ing": (["Write {x} with ing.", "What is the ing form of {x}?"], _verb, lambda v: v["ing"]),
    "plural": (
        ["What is the plural of {x}?", "One {x}, two ...", "Write {x} in the plural."],
        _noun,
        lambda v: v["many"],
    ),
    "article": (["Put a or an in front of {x}.", "Is it a or an? {x}"], _noun, lambda v: v["ax"]),
    "what kind": (
        ["What is {ax}?", "What kind of thing is {ax}?", "Explain the word {x}."],
        _noun,
        lambda v: f"{v['ax'][0].upper()}{v['ax'][1:]} is {v['akind']}.",
    ),
    "is a": (
        ["Is {ax} {akind}?", "Yes or no: is {ax} {akind}?", "Would you call {ax} {akind}?"],
        _is_a,
        lambda v: "Yes." if v["truth"] == v["kind"] else "No.",
    ),
    "odd one": (
        ["Which word does not fit: {x}, {y}, {z}?", "Find the odd one: {x}, {y}, {z}."],
        _odd,
        lambda v: v["odd"],
    ),
    "name one": (
        ["Name {akind}.", "Give me {akind}.", "Tell me {akind} that you know.", "Write down one {kind}."],
        _kind,
        lambda v: v["rows"][0],
    ),
    "list two": (
        ["List two {kinds}.", "Name two {kinds}.", "Give me two {kinds}."],
        _kind,
        lambda v: ", ".join(v["rows"][:2]),
    ),
    "list three": (
        ["List three {kinds}.", "Name three {kinds}.", "Write down three {kinds}."],
        _kind,
        lambda v: ", ".join(v["rows"]),
    ),
    "tomorrow": (
        [
            "Today is {x}. What is tomorrow?",
            "Which day comes after {x}?",
            "{name} comes the day after {x}. Which day is it?",
        ],
        _day,
        lambda v: v["next"],
    ),
    "yesterday": (
        ["Today is {x}. What was yesterday?", "Which day comes before {x}?"],
        _day,
        lambda v: v["before"],
    ),
    "month": (
        ["Which month comes after {x}?", "It is {x}. What is next month?"],
        _month,
        lambda v: v["next"],
    ),
    "month before": (
        ["Which month comes before {x}?", "It is {x}. What was last month?"],
        _month,
        lambda v: v["before"],
    ),
    "finish": (
        ["Finish the sentence: {x}", "Complete: {x}", "How does this go on? {x}"],
        _ending,
        lambda v: f"{v['x']} {v['y']}",
    ),
    "likes": (
        [
            "{name} has {x} and {y} and takes the {pick}. What does {name} take?",
            "{name} can choose {x} or {y}. {name} wants the {pick}. What does {name} want?",
        ],
        _choice,
        lambda v: f"The {v['pick']}.",
    ),
    "unknown": (["{x}", "{x}", "Tell me: {x}", "Do you know this? {x}"], _unknown, lambda v: DO_NOT_KNOW),
}
SMALL = ("tomorrow", "yesterday", "month", "month before", "finish")  # too few to hold any out
OPEN = {"name one": 1, "list two": 2, "list three": 3}  # several right replies: this many of the kind

UNSEEN_FRAMES = {
    "capitals": ["I want the word {x} in capitals."],
    "repeat": ["Please write only this: {x}"],
    "greet": ["Would you say hello to {x}?"],
    "opposite": ["Tell me the opposite of {x}."],
    "plural": ["Tell me the plural of {x}."],
    "bigger": ["Tell me the bigger number: {a} or {b}"],
}


def draw_task(rng, wanted=False, names=None, unseen=False):
    """(name, message, reply, values) of an instruction that is or is not held out."""
    name = rng.choice(names or [n for n in TASKS if not (wanted and n in SMALL)])
    wordings, draw, reply = TASKS[name]
    values = (
        draw(rng)
        if name in SMALL
        else draw_until(lambda: draw(rng), wanted, lambda v: ("chat", name, *_key(v)))
    )
    wording = rng.choice(UNSEEN_FRAMES[name] if unseen else wordings)
    return name, wording.format_map(values), reply(values), values


def _key(values):
    """What makes an instruction the same one: its words, not the name of a bystander or the choice made."""
    return [values[k] for k in ("x", "y", "z", "a", "b", "kind", "rows") if k in values]


def document(rng):
    """A chat of one to four turns; sometimes short questions and answers."""
    user, agent = rng.choices(
        (
            ("User: ", "Agent: "),
            ("Question: ", "Answer: "),
            ("Instruction: ", "Output: "),
            ("Input: ", "Output: "),
        ),
        (12, 2, 2, 1),
    )[0]
    turns = []
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
        if user == "User: " and rng.random() < 0.15:
            messages, replies = rng.choice(FIXED)
            message, reply = rng.choice(messages), rng.choice(replies)
        else:
            _, message, reply, _ = draw_task(rng)
            message = rng.choice(STARTS) + message
        turns.append(f"{user}{message}\n{agent}{reply}")
    return "\n".join(turns)


def item(rng, name=None, unseen=False):
    """A held-out instruction (any one, or the one named); open ones are graded by a check."""
    names = [name] if name else list(UNSEEN_FRAMES) if unseen else None
    name, message, reply, values = draw_task(rng, wanted=True, names=names, unseen=unseen)
    if name not in OPEN:
        return Item(f"User: {message}\nAgent:", reply.rstrip("."), max_new_tokens=24)
    members = {row.noun for row in nouns_by_category()[values["kind"]]}

    def grade(text):
        words = [w.strip(" .") for w in text.strip().split("\n")[0].split(",")]
        return len(set(words)) == len(words) == OPEN[name] and all(w in members for w in words)

    return Item(f"User: {message}\nAgent:", reply, grade, max_new_tokens=24)
