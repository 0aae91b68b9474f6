"""Messages sorted under labels by a rule that holds within one document only (used by forms.py).

Which topic goes to which label is sampled anew for every document, so it can only be inferred from
the examples (or the rule) above. Urgency and a reply may be part of the record.
"""

import functools

from course_utils.corpus.lexicon import DAYS, all_words, column, first_names, nouns_by_category
from course_utils.corpus.split import draw_until

# A message is about a thing of some category …
THINGS = {
    "food": ("fruit", "vegetable", "dish"), "drinks": ("drink",), "animals": ("animal", "bird", "insect"),
    "clothes": ("clothing",), "music": ("instrument",), "tools": ("tool",), "toys": ("toy",),
    "plants": ("flower", "tree"), "travel": ("vehicle",), "furniture": ("furniture",),
    "cooking": ("kitchen",), "people": ("profession",), "houses": ("building",), "fish": ("fish",),
}  # fmt: skip
ABOUT_THINGS = (
    "I have a question about my {n}.", "My {n} is gone.", "Can you tell me more about the {ns}?",
    "Where can I find {an}?", "I am looking for {ns}.", "The {n} was not what I wanted.", "Is the {n} here?",
    "I saw {an} at my door.", "What do you know about {ns}?", "I am writing because of the {n}.",
    "Please send me news about {ns}.", "We saw {an} in {place}.", "There is something wrong with the {n}.",
    "Do you have any {ns}?", "My {family} needs {an}.", "I think about {ns} all day.",
    "Can somebody help me with {an}?", "Thank you for the {n}.", "Why is the {n} so {adj}?",
    "Two {ns} are in my garden.", "I like the {adj} {n} best.",
)  # fmt: skip
# … or it has a purpose.
PURPOSES = {
    "thanks": ("Thank you so much for your help.", "You did a great job.", "I am very happy, thanks.",
               "Many thanks for the kind words.", "Everything was perfect, thank you.",
               "The {n} is just what I wanted, thanks.", "My {family} and I want to say thank you.",
               "You made my {family} smile.",
               "What a lovely {n}, thank you.",
               "I just want to say that I am pleased.",
               "Five stars for your team.",
               "You were so kind on {day}.",
               "Thanks for the quick help with the {n}.",
               "I am grateful to you all."),
    "prices": ("How much does it cost?", "What is the price for two?", "I think I paid too much.",
               "Is it cheaper for children?", "Can I pay with a card?", "The bill is wrong.",
               "What do you want for the {n}?", "How many dollars is the {n}?", "The {n} is too expensive.",
               "I paid for the {n} but I got no bill.", "Please send my money back.",
               "Why did you take my money?", "May I pay the {n} later?", "There is a mistake in the bill.",
               "You charged me twice.",
               "My card was charged for two {ns}.",
               "Can I pay for the {n} in cash?",
               "The sum on my bill does not look right.",
               "I would like a cheaper {n}.",
               "Is the tax in the price of the {n}?",
               "I sent you too much money.",
               "Where can I see what I paid?",
               "The bank says that my payment failed.",
               "I still wait for my money.",
               "Please explain the bill from {day}.",
               "Is there a discount on {ns}?",
               "I never got a receipt.",
               "The {n} was cheaper on {day}.",
               "My {family} paid for the same {n} again.",
               "The shop in {place} asks less for the {n}."),
    "lost things": ("I left my {n} on the bus.", "My {n} is lost.", "Did anyone find a black {n}?",
                    "I cannot find my {n} any more.", "Somebody took my {n}.",
                    "Where did I leave my {n}?", "My {family} lost {an} at your place.",
               "I think my {n} fell out of my bag.",
               "Has somebody handed in {an}?",
               "My {n} was gone when I came home.",
               "I had my {n} in {place}, and now it is gone.",
               "I forgot {an} in your waiting room.",
               "My {family} cannot find the {n} since {day}.",
               "I dropped my {n} somewhere."),
    "opening hours": ("When do you open?", "Are you open on {day}?", "Until when can I come on {day}?",
                      "Is the shop closed on {day}?", "What are your hours in summer?",
                      "Do you close early on {day}?", "At what hour may I come?",
               "Will somebody be there on {day} evening?",
               "Is anybody in the shop on {day}?",
               "How late can I still come in?",
               "Are you there in the holidays?",
               "Do you have a break at noon?",
               "How long are you open on {day}?",
               "Is {day} a free day for you?"),
    "repairs": ("The {n} is broken.", "My {n} does not work.", "The {n} makes a strange noise.",
                "Can you mend my {n}?", "The {n} fell down and has a crack.", "It stopped working on {day}.",
                "The {n} broke in two.", "I hear a noise in the {n}.", "There is a hole in my {n}.",
                "Who can repair {an}?", "The new {n} stopped after a day.", "My {n} gets too hot.",
                "A piece of the {n} is loose.",
               "The {n} does not turn on any more.",
               "Smoke comes out of the {n}.",
               "The handle of my {n} came off.",
               "After two weeks the {n} stopped.",
               "My {n} is bent and does not close.",
               "The {n} leaks.",
               "The switch of the {n} is stuck.",
               "My {family} says that the {n} is dead.",
               "Nothing happens when I start the {n}.",
               "The {n} shakes and smells.",
               "The glass in the {n} is broken.",
               "A wheel of the {n} is off.",
               "The {n} fails again and again.",
               "The {n} has a fault.",
               "Since {day} the {n} does nothing.",
               "Please fix my {n}."),
    "jobs": ("I want to work for you.", "Do you need {an} in your team?", "I am looking for a job.",
             "Can I start work on {day}?", "Please look at my letter about the job.",
             "I worked as {an} for years.", "Is there work for {an}?",
               "I can begin on {day}.",
               "Do you take students as helpers?",
               "I have ten years of work behind me.",
               "My {family} is looking for work too.",
               "How do I apply?",
               "Are there free places for {an}?",
               "I am a trained helper and free from {day}."),
    "delivery": ("My parcel has not come yet.", "When will the {n} arrive?",
                 "The box came to the wrong house.", "Can you send it to {place}?",
                 "The driver did not ring the bell on {day}.", "Where is my parcel?",
                 "The van with the {n} is late.", "I wait for the {n} since {day}.",
                 "Please bring the {n} to {place}.", "You sent me the wrong {n}.",
                 "The driver went to {place}.", "My {family} got the parcel, not me.",
                 "One {n} is missing in the box.",
               "The tracking page has not moved since {day}.",
               "The parcel with the {n} went to {place}.",
               "Nobody brought the {n}.",
               "I was at home on {day}, but no driver came.",
               "The courier left the {n} in the rain.",
               "My neighbour has my box now.",
               "I ordered two {ns} and one came.",
               "How long does it take to send {an} to {place}?",
               "My order is somewhere in {place}.",
               "Can the van come on {day} instead?",
               "Please leave the parcel with my {family}.",
               "The box was empty.",
               "The post lost my {n}.",
               "I have moved to {place}, please send the {n} there.",
               "I got {an}, but I ordered something else.",
               "It should have been here on {day}."),
    "lessons": ("I want to learn the {n}.", "Is there a course on {day}?", "Can my {family} join the class?",
                "The lesson was too hard for me.", "Who teaches the beginners?",
                "Do you teach the {n}?", "Is there a class for children?",
               "I would love to play the {n}.",
               "Which level is right for my {family}?",
               "Is the teacher patient?",
               "I missed the class on {day}.",
               "How many people are in the course?",
               "Do I need my own {n} for the course?",
               "Can I begin with the {n} at sixty?",
               "When does the next course start?"),
    "visits": ("Can we come and see you on {day}?", "We would like to book a tour.",
               "Is there room for a group?", "I want to visit you with my {family}.",
               "May we bring our dog to {place}?", "Can a school class come on {day}?",
               "Our group wants to see the {ns}.", "Is there a tour on {day}?",
               "We want to look at your {ns}.", "Can I bring my {family} to see the {n}?",
               "Twelve of us would like to look around.",
               "May I walk through your rooms on {day}?",
               "Is there a guide on {day}?",
               "My class of thirty wants to come.",
               "We are in {place} on {day} and want to drop by.",
               "Do you show people how {ns} are made?",
               "Can I come and see how you work?",
               "Is your house open for guests?",
               "My {family} and I plan to stop at your place.",
               "Can a wheelchair get in when we come?",
               "How many people may join the tour?",
               "We want to see behind the scenes."),
    "passwords": ("I forgot my password.", "I cannot log in.", "The page says my name is wrong.",
                  "How do I change my password?", "My account is closed.", "I need a new password.",
                  "The page does not open.", "Somebody knows my password.", "My account has a wrong name.",
                  "I cannot see my {n} on the page.", "How do I open an account?",
                  "The page for the {n} wants a password.",
               "My code does not work on the page.",
               "I want to close my account.",
               "The page says that I do not exist.",
               "Please change the mail address of my account.",
               "I am locked out.",
               "My login is blocked since {day}.",
               "The link for a new password is dead.",
               "I have two accounts and want one.",
               "My {family} uses my account without asking.",
               "Which name do I type in to get in?",
               "The page throws me out.",
               "How do I delete my data?",
               "Please unlock my profile.",
               "The sign in does not take my name."),
    "news": ("Please tell me all about the {n}.", "I want to know more about {ns}.",
             "Do you have a picture of {an}?", "Is there a book about {ns}?", "What is new?",
             "Send me something to read about the {n}.", "I have a question about {ns}.",
             "Where do I find news about the {n}?",
               "What kind of thing is {an}?",
               "I am curious about {ns}.",
               "How big is the {n}?",
               "What can the {n} do?",
               "Tell me something about your {ns}.",
               "Which {ns} do you have?",
               "What is the {n} made of?",
               "Who made the first {n}?",
               "Is there a leaflet about the {n}?",
               "Could you explain the {n} to me?",
               "I read about {ns} and wonder how they work.",
               "What colour is the {n}?"),
    "complaints": ("The staff were rude to me.", "I waited for an hour.", "I am not happy at all.",
                   "It was cold and dirty.", "Nobody answered my letter.",
                   "This is the worst {n} ever.", "I will never come back.",
               "Your people laughed at me.",
               "This is no way to treat people.",
               "I am angry about the {n}.",
               "You promised and did nothing.",
               "What a bad place.",
               "The {n} is a disgrace.",
               "Shame on you.",
               "I was sent away without a word.",
               "Never again with you."),
}  # fmt: skip
URGENT = ("Please hurry.", "It is urgent.", "I need it today.", "Please answer at once.", "I cannot wait.")
CALM = ("There is no hurry.", "Take your time.", "It can wait.", "Next month is fine.", "It is not urgent.")
SCALES = (
    ("high", "normal", "low"),
    ("urgent", "normal", "calm"),
    ("now", "soon", "later"),
    ("3", "2", "1"),
    ("red", "yellow", "green"),
    ("yes", "-", "no"),
    ("high", "medium", "low"),
)
GREETINGS = ("Hello. ", "Good morning. ", "Hi. ", "Dear all: ", "", "", "", "")
FIELDS = (
    "Team",
    "Group",
    "Department",
    "Label",
    "Box",
    "Folder",
    "Room",
    "Queue",
    "Section",
    "Topic",
    "Office",
    "Goes to",
    "Send to",
    "For",
    "Class",
    "Unit",
)
SCALE_FIELDS = ("Urgency", "Priority", "Urgent", "Speed", "Level", "Hurry")
REPLY_FIELDS = ("Answer", "Reply", "Response", "Say")
REPLIES = (
    "Thank you, {label} will write to you.",
    "We will ask {label}.",
    "{label} can help you.",
    "Please wait for {label}.",
    "Your message is now with {label}.",
    "{label} will call you soon.",
    "{label} looks into that.",
)
OTHER_REPLIES = (  # in some documents the replies differ from message to message
    "who: {name}, when: {day}",
    "{name} / {topic}",
    "I have no idea about that.",
    "Sorry for the trouble. {label} is on it.",
    "Sorry. {label} writes back at once.",
    "It takes {number} days.",
    "{number} + {other} = {sum}, so you get {sum}.",
    "{number} coins, {name}.",
    "Number {number}.",
    "Who could know that?",
    "Many thanks, {name}.",
)
SIGNS = (" Best, {firm}.", " {firm}", " Bye from {firm}.", " {firm} says hello.", " - {firm}")
RULES = (
    "Messages about {topic} go to {label}.",
    "{label} gets messages about {topic}.",
    "{topic} -> {label}",
    "If it is about {topic}, choose {label}.",
)
FAMILY = ("sister", "brother", "mother", "father", "aunt", "uncle", "friend", "neighbour")
MOODS = ("big", "small", "old", "new", "good", "strange", "expensive", "pretty", "slow", "loud")
ONSETS = (*"bdfgklmnprstvz" * 3, "br", "dr", "gr", "pl", "pr", "st", "th", "tr")  # of invented names
NOT_USED = frozenset(("desk", "ticket", "refund", "desks", "tickets", "refunds"))  # kept for a lesson
NOT_COUNTED = frozenset(("pliers", "scissors", "dice", "desk", "pasta", "muesli", "porridge", "risotto"))


@functools.cache
def label_words():
    """Any word of the lists may be a label."""
    return tuple(word for word in all_words() if word not in NOT_USED)


@functools.cache
def _nouns(topic):
    rows = [row for category in THINGS[topic] for row in nouns_by_category()[category]]
    return tuple(row for row in rows if row.noun not in NOT_COUNTED)


@functools.cache
def _people_and_tools():
    return _nouns("tools"), _nouns("people"), _nouns("music"), _nouns("cooking")


def with_article(word):
    """a kite, an apple."""
    return ("an " if word[0] in "aeiou" else "a ") + word


def _labels(rng, number):
    """Label words in one style for the whole document."""
    style = rng.random()
    if style < 0.08:
        return rng.sample("ABCDEFGHKLMPRSTXYZ", number)
    if style < 0.12:
        return [f"Room {n}" for n in rng.sample(range(1, 30), number)]
    if style < 0.37:
        return [new_name(rng) for _ in range(number)]
    words = rng.sample(label_words(), number)
    return words if style < 0.55 else [word.capitalize() for word in words]


def new_name(rng):
    """A name that no list holds, such as a company gives to a team: Prasko, Tivef, Dagebu."""
    syllables = rng.choice((2, 2, 3))
    return "".join(
        rng.choice(ONSETS) + rng.choice("aeiou") + (rng.choice("bfgksx") if rng.random() < 0.25 else "")
        for _ in range(syllables)
    ).capitalize()


def draw_rule(rng, examples, dense=False):
    """What one document keeps fixed: {topic: label}, the fields, the scale of urgency, the reply.

    dense: the label alone, so that the document teaches little else than to sort.
    """
    topics = rng.sample(
        list(rng.choice((THINGS, PURPOSES, PURPOSES))),
        min(rng.choice((2, 2, 2, 2, 3, 4, 6) if dense else (2, 2, 3, 3, 4, 5, 6)), max(2, examples)),
    )
    fields = ["label"]
    if rng.random() < 0.3 and not dense:
        fields = ["label", "urgency", "reply"]
    for field, probability in (("urgency", 0.4), ("name", 0.25), ("reply", 0.2)):
        if not dense and len(fields) < 3 and field not in fields and rng.random() < probability:
            fields.insert(rng.randint(0, len(fields)) if field != "reply" else len(fields), field)
    names = {
        "label": rng.choice(FIELDS),
        "urgency": rng.choice(SCALE_FIELDS),
        "name": "Name",
        "reply": rng.choice(REPLY_FIELDS),
    }
    if rng.random() < 0.15:
        names["label"] = rng.choice(label_words()).capitalize()
    return {
        "labels": dict(zip(topics, _labels(rng, len(topics)), strict=True)),
        "fields": fields,
        "names": names,
        "scale": rng.choice(SCALES),
        "replies": (rng.choice(REPLIES), *(rng.sample(OTHER_REPLIES, 4) if rng.random() < 0.6 else ())),
        "sign": rng.choice(SIGNS).format(firm=new_name(rng)) if rng.random() < 0.4 else "",
        "dense": dense,
    }


def rule_text(rng, rule):
    """The rule in words, one line per topic."""
    frame = rng.choice(RULES)
    return "\n".join(frame.format(topic=t, label=label) for t, label in rule["labels"].items())


def _sentence(rng, topic):
    """(sentence, its content for the key): about a thing, or with a purpose."""
    if topic in THINGS:
        row, frame = rng.choice(_nouns(topic)), rng.choice(ABOUT_THINGS)
        content = row.noun
    else:
        tools, people, music, cooking = _people_and_tools()
        pool = {"jobs": people, "lessons": music, "repairs": cooking}.get(topic, tools)
        row, frame = rng.choice(pool), rng.choice(PURPOSES[topic])
        content = f"{frame} {row.noun}" if "{n}" in frame or "{an}" in frame else frame
    text = frame.format(
        n=row.noun,
        ns=row.plural,
        an=with_article(row.noun),
        day=rng.choice(DAYS),
        family=rng.choice(FAMILY),
        adj=rng.choice(MOODS),
        place=rng.choice(column("places", "place")),
    )
    return text, content


def message(rng, rule, topic, wanted=False):
    """(message text, [(field name, value), …]) for one topic of the rule.

    RuntimeError if no sentence of the topic is on the wanted side of the split for its label.
    """
    label = rule["labels"][topic]
    text, _ = draw_until(
        lambda: _sentence(rng, topic), wanted, lambda s: ("route", s[1], label.lower()), tries=300
    )
    high, normal, low = rule["scale"]
    urgency = normal
    if "urgency" in rule["fields"] or rng.random() < (0.05 if rule["dense"] else 0.2):
        urgency, more = rng.choice(((high, rng.choice(URGENT)), (low, rng.choice(CALM)), (normal, "")))
        text = f"{text} {more}".strip()
    text = (rng.choice(GREETINGS) if not rule["dense"] or rng.random() < 0.2 else "") + text
    name = rng.choice(first_names())
    if "name" in rule["fields"]:
        text = rng.choice(
            (f"{text} {name}", f"{text} My name is {name}.", f"{text} Yours, {name}", f"I am {name}. {text}")
        )
    number, other = rng.randint(2, 60), rng.randint(2, 30)
    said = rng.choice(rule["replies"]).format(
        label=label,
        name=name,
        day=rng.choice(DAYS),
        topic=topic,
        number=number,
        other=other,
        sum=number + other,
    )
    values = {"label": label, "urgency": urgency, "name": name, "reply": said + rule["sign"]}
    return text, [(rule["names"][field], values[field]) for field in rule["fields"]]
