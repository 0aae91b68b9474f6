"""What customers write to Ombly: hand-written sentences, each of them in one split only.

Slots in braces: {p} a product, {j} a word of jargon, {q} an indirect question, {m} a message,
{who} and {day} of an appointment, {n} {item} {items} {a} {w} of a refund. Every table is
{split: …}; the words are those of the pretraining corpus, but for the names and the jargon.
"""

GREETINGS = {  # more than one "" makes most messages begin at once
    "train": ("", "", "Hello. ", "Good day. ", "Hi. "),
    "dev": ("", "", "Good evening. "),
    "test": ("", "", "Good morning. "),
}
URGENT = {
    "train": ("This is urgent.", "I need help today.", "Please be quick.", "I cannot wait any longer."),
    "dev": ("I need a reply at once.", "It has to be now."),
    "test": ("Do hurry, please.", "I need an answer this hour."),
}
CALM = {
    "train": (
        "It is not so urgent.",
        "I have time.",
        "Next week is early enough.",
        "You may take your time.",
    ),
    "dev": ("That can wait.", "Answer when you like."),
    "test": ("I am in no hurry.", "Some day next month will do."),
}

# routing: topic -> sentences.
TOPICS = {
    "train": {
        "delivery": ("The parcel with my {p} is two days late.", "Your driver left the {p} in the rain.",
                     "When will you bring the {p} to my house?", "You sent me one {p} too many."),
        "repairs": ("The {p} stopped in the middle of the day.", "A part of my {p} fell off.",
                    "My {p} makes a loud noise at night.", "Can you mend my old {p}?"),
        "money": ("I paid twice for the {p}.", "The bill for my {p} is too high.",
                  "Can I pay for the {p} next month?", "You took too many dollars for the {p}."),
        "accounts": ("The {p} page does not take my password.", "I cannot log in to see my {p}.",
                     "My account shows the wrong {p}.", "How do I log in to the {p} page?"),
        "visits": ("Can our group come and see the {p}?", "I want to learn how to use the {p}.",
                   "Is there a lesson about the {p} for children?", "May my class visit the {p} people?"),
        "information": ("I want to read more about the {p}.", "Is there a book about the {p}?",
                        "Do you have a picture of the {p}?", "What is new about the {p}?"),
    },
    "dev": {
        "delivery": ("The van went past my door with the {p}.", "Is the parcel with the {p} on its way?"),
        "repairs": ("The {p} does not start any more.", "There is a crack in my {p}."),
        "money": ("The bill of the {p} is wrong.", "I paid too much money for the {p}."),
        "accounts": ("My old password for the {p} page is gone.", "I cannot open my {p} account."),
        "visits": ("Do you have a {p} lesson for old people?", "Can we come for a {p} tour?"),
        "information": ("I have a question about the {p}.", "Where can I read about the {p}?"),
    },
    "test": {
        "delivery": ("The parcel with the {p} never came.", "You sent the {p} to the wrong street."),
        "repairs": ("My {p} is broken again.", "Can you mend the crack in my {p}?"),
        "money": ("I want to pay for my {p} by card.", "I got a second bill for the {p}."),
        "accounts": ("I lost my password for the {p} page.", "Somebody else can log in to my {p} account."),
        "visits": ("Who gives lessons about the {p}?", "I want to visit you and see the {p}."),
        "information": ("Please tell me more about the {p}.", "I would like some pictures of the {p}."),
    },
}  # fmt: skip
DANGER = {  # for the team of repairs, and always of high priority
    "train": ("My {p} is on fire.", "The {p} cut my finger."),
    "dev": ("My {p} is as hot as fire.",),
    "test": ("The {p} is so hot that it hurts my hand.",),
}
ABOUT_JARGON = {  # the word of jargon alone tells the team
    "train": ("I have lost my {j}.", "My {j} is wrong.", "Where do I get a {j}?", "Help me with a {j}."),
    "dev": ("I need a new {j}.", "The {j} is not right."),
    "test": ("Something is wrong with my {j}.", "I am waiting for a {j}."),
}

# record: (topic, sentence) of an appointment.
APPOINTMENTS = {
    "train": (
        ("delivery", "I am {who}. Please bring the {p} on {day}."),
        ("delivery", "On {day} you can bring the {p} to {who}."),
        ("delivery", "The {p} is for {who}, and {day} is the best day for the parcel."),
        ("repairs", "My name is {who}. Can you mend my {p} on {day}?"),
        ("repairs", "{day} is a good day to mend the {p}. {who}"),
        ("repairs", "The {p} of {who} is broken. Please come on {day}."),
        ("visits", "{who} wants to visit you on {day} and see the {p}."),
        ("visits", "Is there a {p} lesson on {day}? I am {who}."),
        ("visits", "We come to see the {p} on {day}. Yours, {who}"),
    ),
    "dev": (
        ("delivery", "This is {who}. I am at home on {day} when you bring the {p}."),
        ("repairs", "On {day} {who} will show you the broken {p}."),
        ("visits", "May {who} come for a {p} lesson on {day}?"),
        ("visits", "I am {who}. My {p} visit is on {day}."),
    ),
    "test": (
        ("delivery", "Please send the {p} on {day}. My name is {who}."),
        ("repairs", "{who} here. Mend my {p} on {day}, please."),
        ("visits", "The {p} lesson on {day} is for {who}."),
        ("delivery", "{who} waits for the parcel with the {p} on {day}."),
    ),
}

# facts: aspect -> indirect questions, put into one of ASK.
ASK = {
    "train": ("Can you tell me {q}?", "I would like to know {q}.", "Please tell me {q}.", "Tell me {q}.",
              "I want to know {q}.", "My sister asked me {q}.", "Do you know {q}?", "I forgot {q}."),
    "dev": ("Could you tell me {q}?", "I need to know {q}.", "Nobody told me {q}.", "Let me know {q}."),
    "test": ("Will you tell me {q}?", "My question is {q}.", "I have to find out {q}.", "Please say {q}."),
}  # fmt: skip
ASPECTS = {
    "train": {
        "kind": ("what the {p} is", "what kind of thing the {p} is", "what you call the {p}"),
        "colour": ("what colour the {p} is", "in which colour you make the {p}", "what the colour of {p} is"),
        "price": ("what the {p} costs", "how much the {p} costs", "what the price of the {p} is"),
        "meaning": ("what a {p} is", "what you mean by a {p}", "what people call a {p}"),
        "town": ("where {p} is", "in which town {p} is"),
        "opening": ("when {p} opens", "at what hour {p} opens"),
        "closed": ("when {p} is closed", "on which day {p} is closed"),
        "week_fee": ("what a week of use costs", "how much you keep for a week of use"),
        "box_fee": ("what a lost box costs", "how much you keep for a lost box"),
        "broken_bonus": ("what you add for broken things", "how much more I get for broken things"),
    },
    "dev": {
        "kind": ("which kind of thing you call {p}", "what sort of thing the {p} is"),
        "colour": ("which colour the {p} has", "which paint is on the {p}"),
        "price": ("how many dollars the {p} costs", "at what price you sell the {p}"),
        "meaning": ("what the word {p} means", "what kind of thing a {p} is"),
        "town": ("which town {p} is in",),
        "opening": ("how early {p} opens",),
        "closed": ("what day {p} is closed",),
        "week_fee": ("how many dollars a week of use costs",),
        "box_fee": ("how many dollars a lost box costs",),
        "broken_bonus": ("how many dollars you add for broken things",),
    },
    "test": {
        "kind": ("to what kind of things the {p} belongs", "which kind of thing the {p} is"),
        "colour": ("which colour you paint the {p}", "what the {p} has as its colour"),
        "price": ("how many dollars I pay for the {p}", "what you want for the {p} in dollars"),
        "meaning": ("what {p} means", "which thing you call a {p}"),
        "town": ("what town I find {p} in",),
        "opening": ("from what hour {p} is open",),
        "closed": ("on what day of the week {p} is closed",),
        "week_fee": ("what I pay for each week of use",),
        "box_fee": ("what I pay for a lost box",),
        "broken_bonus": ("what I get on top for broken things",),
    },
}

# unanswerable: aspects of a product that the sheet does not have.
UNKNOWN = {
    "train": ("how loud the {p} is", "who made the first {p}", "how old the {p} is", "how heavy the {p} is",
              "how many people have a {p}", "what the {p} smells of", "how long the {p} will live",
              "who likes the {p} best"),
    "dev": ("how fast the {p} is", "who had the idea of the {p}", "how tall the {p} is",
            "how many {p}s you made"),
    "test": ("how strong the {p} is", "which king has a {p}", "how long the {p} is",
             "how many doors the {p} has"),
}  # fmt: skip

# tone: anger around a message.
ANGER = {
    "train": ("{m} I am so angry.", "{m} You are the worst shop in town.", "What a bad firm. {m}",
              "{m} I will never buy from you again.", "Are you all asleep? {m}", "I hate your shop. {m}",
              "{m} Nobody listens to me.", "How can people be so stupid? {m}"),
    "dev": ("{m} I am tired of you.", "This is so bad. {m}", "{m} You never keep your word.",
            "This is the worst day of all. {m}"),
    "test": ("{m} I am very angry with you.", "What a terrible shop. {m}", "{m} You should all go home.",
             "Never again. {m}"),
}  # fmt: skip

# refund: the purchase (one thing, several things), then what happened to it.
ONE_THING = {
    "train": ("I return the {item} for {a} dollars.", "The {item} for {a} dollars goes back.",
              "Take back this {item}, it cost {a} dollars.", "I give back my {item} of {a} dollars.",
              "Here is the {item}. I paid {a} dollars."),
    "dev": ("I do not want the {item} for {a} dollars.", "Please take my {item} of {a} dollars back."),
    "test": ("My {item} for {a} dollars comes back.", "I paid {a} dollars for this {item}."),
}  # fmt: skip
MANY_THINGS = {
    "train": ("I return {n} {items} for {a} dollars each.", "Take back {n} {items} at {a} dollars each.",
              "I give back {n} {items}, each {a} dollars.", "{n} {items} of {a} dollars each go back."),
    "dev": ("I do not want the {n} {items} for {a} dollars each.", "Here are {n} {items}, {a} dollars each."),
    "test": ("{n} {items} for {a} dollars each come back.", "I paid {a} dollars for each of {n} {items}."),
}  # fmt: skip
WEEKS = {
    "train": ("Used for {w} weeks.", "We had {w} weeks of use.", "Old: {w} weeks."),
    "dev": ("In use for {w} weeks.",),
    "test": ("{w} weeks in use.",),
}
BOX = {
    "train": ("The box is lost.", "I lost the box.", "I have no box."),
    "dev": ("The box is gone.",),
    "test": ("I cannot find the box.",),
}
BROKEN = {
    "train": ("Came broken.", "Broken at once.", "Broken in the parcel."),
    "dev": ("Broken when it came.",),
    "test": ("Broken from the first day.",),
}
TABLES = (GREETINGS, URGENT, CALM, TOPICS, DANGER, ABOUT_JARGON, APPOINTMENTS, ASK, ASPECTS, UNKNOWN)
TABLES += (ANGER, ONE_THING, MANY_THINGS, WEEKS, BOX, BROKEN)
SKILLS = {  # the tables that a skill's messages are built on
    "routing": (TOPICS, DANGER, ABOUT_JARGON),
    "record": (APPOINTMENTS,),
    "facts": (ASPECTS, ASK),
    "refund": (ONE_THING, MANY_THINGS, WEEKS, BOX, BROKEN),
    "tone": (ANGER,),
    "unanswerable": (UNKNOWN,),
}


def sentences(table):
    """All sentences of a table or of a part of one, as a list."""
    if isinstance(table, str):
        return [table] if " " in table.strip() else []
    parts = table.values() if isinstance(table, dict) else table
    return [sentence for part in parts for sentence in sentences(part)]


def of_skill(skill, split):
    """The sentences on which a skill's messages of a split are built, as a set."""
    return {text for table in SKILLS[skill] for text in sentences(table[split])}
