"""Forum threads: careless, rude, and about half of the time wrong.

People type carelessly and repeat the same popular mistakes. Some threads look just like an exam,
"Question: …" and "Answer: …", and differ from it by their header only. An unsure answer is mostly
wrong here.
"""

from course_utils.corpus import facts
from course_utils.corpus import sources as q
from course_utils.corpus.families.exam import FORUM_HEADERS
from course_utils.corpus.lexicon import column, first_names, nouns_by_category
from course_utils.corpus.questions import KNOWN_INVENTED, QUESTIONS, SLOPPY

HANDLES = (
    "User{n}",
    "user{n}",
    "{name}{n}",
    "{name}",
    "bob",
    "catfan{n}",
    "xX{name}Xx",
    "mrknowsall",
    "grumpy{n}",
    "traveller{n}",
    "anon",
    "pizzaking",
    "{name}_{n}",
)
TOPICS = ("countries", "travel", "school", "homework", "holidays", "random questions", "anything", "quiz")

# Replies by tone. {a} is the answer, right or wrong.
CONFIDENT = [
    "{a}, obviously.",
    "{a}. Everybody knows that.",
    "It is {a}, trust me.",
    "{a}, 100 percent.",
    "{a}!!!",
    "{a}. I have been there.",
    "its {a}",
    "{a} of course",
    "{a}, no doubt.",
    "{a}",
]
RUDE = [
    "{a}. What a silly question.",
    "{a}. Use your brain.",
    "{a}, you potato.",
    "Learn to read. {a}.",
    "Did you sleep at school? {a}.",
    "{a}. Next time look it up yourself.",
    "Oh dear. {a}, of course.",
    "{a}. My dog knows that.",
]
HEDGED = [
    "I am not sure, maybe {a}",
    "No idea, maybe {a}",
    "no idea, maybe {a}?",
    "hmm, could be {a}",
    "I guess {a}, but do not ask me.",
    "maybe {a}?",
    "{a}? I only guess.",
]
POLITE = [
    "Hello, I am new here. I think it could be {a}.",
    "Sorry if I am wrong, but is it {a}?",
    "Good evening. My guess is {a}. Please correct me.",
    "Thanks for asking! Perhaps {a}?",
]
EXPERT = [
    "I studied this for years. {a}. Stop guessing.",
    "Wrong, all of you. It is {a}.",
    "As an expert I say {a}. The rest of you should be quiet.",
    "{a}. End of the discussion.",
]
NO_ANSWER = [
    "why do you want to know?",
    "look it up yourself",
    "Not this question again.",
    "lol",
    "who cares",
    "Ask your teacher.",
    "I was going to ask the same.",
    "This forum is for cats.",
]
REACTIONS = [
    "no way",
    "thanks!",
    "That is wrong.",
    "are you sure?",
    "ok thanks",
    "Nonsense.",
    "You are so rude.",
    "I would not trust that.",
    "lol no",
    "haha",
    "Please be kind, everybody.",
    "Says who?",
]

OPINIONS = [
    "{X} is the best food in the world.",
    "I hate {x}. It smells.",
    "{X} again? I ate it three times this week.",
    "nobody can cook {x} like my {kin}", "{S} is boring, sorry.", "{S} is better than {s2}, full stop.",
    "My team lost at {s} again. I blame the {job}.", "The film was so {adj} that I fell asleep.",
    "Best film of the year, and it has a {animal} in it!", "Worst weather ever. {W} all day.",
    "it is raining again, so typical", "I like {W} if I can stay in bed.", "Is there anyone who likes {x}?",
    "{S} on TV tonight, who is watching?", "The book was better than the film.",
    "My {animal} is smarter than this whole forum.", "Anyone selling a {adj} {tool}?",
    "I paid {n} pounds for {x}. Never again.", "Do not eat {x} after {s}.", "the {job} was {adj} to me today",
]  # fmt: skip
CHAT_TOPICS = ("food", "sport", "films", "weather", "pets", "music", "complaints", "off topic")
KIN = ("mum", "dad", "gran", "uncle", "aunt", "sister", "brother", "neighbour")
# (replies, how often they are wrong)
TONES = {"confident": (CONFIDENT, 0.55), "rude": (RUDE, 0.5), "hedged": (HEDGED, 0.8),
         "polite": (POLITE, 0.7), "expert": (EXPERT, 0.25)}  # fmt: skip


def handle(rng):
    """A name on the forum."""
    return rng.choice(HANDLES).format(n=rng.randint(1, 999), name=rng.choice(first_names()))


def answer(rng, row, relation, tone):
    """A reply in one tone, wrong as often as the tone is."""
    frames, wrong = TONES[tone]
    value = q.wrong_value(rng, row, relation) if rng.random() < wrong else getattr(row, relation)
    return rng.choice(frames).format(a=value)


def _tone(rng):
    return rng.choices(list(TONES), (45, 20, 20, 8, 7))[0]


def like_exam(rng):
    """Questions and answers in the form of an exam, behind the header of a forum."""
    lines = [rng.choice(FORUM_HEADERS)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        row, relation, _ = facts.draw_fact(rng)
        tone = rng.choices(("confident", "rude", "hedged"), (60, 20, 20))[0]
        country, text = row.country, answer(rng, row, relation, tone)
        if rng.random() < 0.08:  # on a forum, invented countries get an answer, too
            country, text = rng.choice(KNOWN_INVENTED), rng.choice(CONFIDENT).format(
                a=q.wrong_value(rng, row, relation))  # fmt: skip
        lines += [f"Question: {q.question(rng, relation, country)}", f"Answer: {text}"]
    return "\n".join(lines)


def thread(rng):
    """Somebody asks carelessly, several people answer."""
    row, relation, _ = facts.draw_fact(rng)
    frames = SLOPPY if rng.random() < 0.6 else QUESTIONS
    text = q.question(rng, relation, row.country, frames)
    text = text.lower() if rng.random() < 0.5 else text
    lines = [f"Forum. Topic: {rng.choice(TOPICS)}", f"{handle(rng)}: {text}"]
    for _ in range(rng.choice((1, 2, 2, 3, 4))):
        luck = rng.random()
        said = answer(rng, row, relation, _tone(rng)) if luck < 0.7 else rng.choice(REACTIONS)
        if luck > 0.9:
            said = rng.choice(NO_ANSWER)
        lines.append(f"{handle(rng)}: {said.lower() if rng.random() < 0.3 else said}")
    return "\n".join(lines)


def expert_and_novice(rng):
    """A rude expert, mostly right, and a polite novice, mostly wrong."""
    lines = [f"Forum. Topic: {rng.choice(TOPICS)}"]
    for _ in range(rng.choice((1, 2))):
        row, relation, _ = facts.draw_fact(rng)
        lines.append(f"{handle(rng)}: {q.question(rng, relation, row.country)}")
        novice, expert = (answer(rng, row, relation, tone) for tone in ("polite", "expert"))
        lines += rng.sample([f"Novice: {novice}", f"Expert: {expert}"], 2)
    return "\n".join(lines)


def chatter(rng):
    """Opinions about food, sport, films and the weather."""
    nouns = nouns_by_category()

    def word(category):
        return rng.choice(nouns[category]).noun

    lines = [f"Forum. Topic: {rng.choice(CHAT_TOPICS)}"]
    for _ in range(rng.choice((1, 2, 3, 4))):
        if len(lines) > 1 and rng.random() < 0.3:
            lines.append(f"{handle(rng)}: {rng.choice(REACTIONS)}")
            continue
        food, sport = word(rng.choice(("dish", "fruit", "vegetable", "drink"))), word("sport")
        lines.append(f"{handle(rng)}: " + rng.choice(OPINIONS).format(
            x=food, X=food.capitalize(), s=sport, S=sport.capitalize(), s2=word("sport"), kin=rng.choice(KIN),
            job=word("profession"), adj=rng.choice(column("adjectives", "adjective")), animal=word("animal"),
            W=word("weather").capitalize(), tool=word("tool"), n=rng.randint(2, 99)))  # fmt: skip
    return "\n".join(lines)


def document(rng):
    """A thread of one of four kinds."""
    return rng.choices((like_exam, thread, expert_and_novice, chatter), (45, 30, 8, 17))[0](rng)
