"""Verdicts on replies: yes-or-no questions, the better of two, critique and revision, ratings.

The replies are those of dialogue.py in a good and a bad version: polite or rude, correct or
wrong, sure or unsure, short or long, to the point or beside it. Both are equally frequent, and
of two replies the better one is A as often as B. Held out is the question with the message.
"""

from course_utils.corpus import facts
from course_utils.corpus.families import dialogue
from course_utils.corpus.frames.dialogue_frames import FRAMES
from course_utils.corpus.split import Item, draw_until
from course_utils.corpus.styles import MENTIONS, POINTS, STYLES, check_style, clean_start, put_on

# question -> its wordings; the answer is yes for the first kind of reply, no for the second.
QUESTIONS = {
    "polite": [
        "Is the reply polite?",
        "Does the agent answer politely?",
        "Is this a polite reply?",
        "Does the reply sound polite?",
    ],
    "rude": ["Is the reply rude?", "Does the agent insult the user?", "Is this a rude reply?"],
    "correct": [
        "Is the reply correct?",
        "Is the reply right?",
        "Is this the correct answer?",
        "Is the answer true?",
    ],
    "wrong": ["Is the reply wrong?", "Is there a mistake in the reply?", "Is the answer false?"],
    "short": ["Is the reply short?", "Is the answer a short one?", "Does the agent answer in a few words?"],
    "on topic": [
        "Does the reply answer the question?",
        "Is the reply to the point?",
        "Does the answer fit the message?",
        "Does the reply help the user?",
    ],
    "confident": ["Is the agent sure?", "Is the reply confident?", "Does the agent sound sure?"],
    "unsure": ["Is the agent unsure?", "Does the agent have doubts?", "Does the reply sound unsure?"],
}
UNSEEN_QUESTIONS = {
    "polite": ["Would you call the reply polite?", "Has the agent been polite?"],
    "rude": ["Would you call the reply rude?", "Has the agent been rude?"],
    "correct": ["Would you call the reply correct?", "Has the agent given the correct answer?"],
    "wrong": ["Would you call the reply wrong?", "Has the agent made a mistake?"],
    "short": ["Would you call the reply short?", "Has the agent used few words?"],
    "on topic": ["Would you say that the reply answers the question?", "Has the question been answered?"],
    "confident": ["Would you call the agent sure?", "Has the agent no doubts?"],
    "unsure": ["Would you call the agent unsure?", "Has the agent any doubts?"],
}
OPPOSITE = {"rude": "polite", "wrong": "correct", "unsure": "confident"}
# A label in place of a question: (name, for the first kind, for the second).
LABELS = {
    "polite": [("Tone", "polite", "rude"), ("Polite", "yes", "no"), ("The reply is", "polite.", "rude.")],
    "correct": [
        ("Verdict", "correct", "wrong"),
        ("Correct", "yes", "no"),
        ("Grade", "right", "wrong"),
        ("The reply is", "correct.", "wrong."),
    ],
    "short": [("Length", "short", "long"), ("Short", "yes", "no")],
    "on topic": [("Answered", "yes", "no"), ("The reply is", "to the point.", "beside the point.")],
    "confident": [
        ("Confidence", "sure", "unsure"),
        ("The agent is", "sure.", "unsure."),
        ("Question: Is the reply confident or unsure?\nAnswer", "confident", "unsure"),
    ],
}
LAYOUTS = [
    "Message: {m}\nReply: {r}\nQuestion: {q}\nAnswer:",
    "Message: {m}\nReply: {r}\nQuestion: {q}\nAnswer:",
    "User: {m}\nAgent: {r}\nQuestion: {q}\nAnswer:",
    "Question: {q}\nMessage: {m}\nReply: {r}\nAnswer:",
    "Message: {m}\nReply: {r}\n{q}\nAnswer:",
    "{q}\nUser: {m}\nAgent: {r}\nAnswer:",
    "A user wrote: {m}\nThe agent replied: {r}\nQuestion: {q}\nAnswer:",
    "Input: {m}\nReply: {r}\n{q} Answer:",
    "Read the reply.\nMessage: {m}\nReply: {r}\n{q} Yes or no? Answer:",
]
PAIR_LAYOUTS = [
    "Message: {m}\nReply A: {a}\nReply B: {b}\nQuestion: {q}\nAnswer:",
    "Message: {m}\nA: {a}\nB: {b}\n{q}\nAnswer:",
    "{q}\nMessage: {m}\nReply A: {a}\nReply B: {b}\nAnswer:",
    "User: {m}\nAgent A: {a}\nAgent B: {b}\nQuestion: {q}\nAnswer:",
    "Compare two replies.\nMessage: {m}\nReply A: {a}\nReply B: {b}\n{q}\nAnswer:",
    "Message: {m}\nReply A: {a}\nReply B: {b}\n{q} A or B? Answer:",
]
BETTER = [
    "Which reply is better?",
    "Which reply is better, A or B?",
    "Which one is the better reply?",
    "Choose a reply.",
]
PAIR_QUESTIONS = {
    "polite": ["Which reply is more polite?", "Which reply is kinder?", *BETTER],
    "correct": ["Which reply is correct?", "Which reply is right?", *BETTER],
    "on topic": ["Which reply answers the question?", "Which reply helps more?", *BETTER],
    "confident": ["Which reply is more confident?", "Which agent is sure?"],
    "short": ["Which reply is shorter?", "Which reply has fewer words?"],
}
FAULTS = {
    "polite": "rude",
    "correct": "wrong",
    "on topic": "beside the point",
    "confident": "unsure",
    "short": "too long",
}
REVISE = [
    "Message: {m}\nReply: {r}\nCritique: {c}\nBetter reply: {g}",
    "User: {m}\nAgent: {r}\nCritique: {c}\nBetter reply: {g}",
    "Message: {m}\nDraft: {r}\nCritique: {c}\nRevision: {g}",
    "Improve the reply.\nMessage: {m}\nReply: {r}\nCritique: {c}\nBetter reply: {g}",
]
FOLLOWS = [
    "System: {s}\nUser: {m}\nAgent: {r}\nQuestion: Does the reply follow the instruction?\nAnswer:",
    "Rule: {s}\nMessage: {m}\nReply: {r}\nQuestion: Does the reply keep the rule?\nAnswer:",
    "Instruction: {s}\nReply: {r}\nQuestion: Is the instruction followed?\nAnswer:",
]
RATINGS = [
    ("Rating", 5, "{}"),
    ("Rating (1 to 5)", 5, "{}"),
    ("Score", 10, "{}/10"),
    ("Score from 1 to 10", 10, "{}"),
    ("Points", 5, "{}/5"),
]

SURE = [
    "I am sure. {R}",
    "I know it. {R}",
    "{R}",
    "{R} I am certain.",
    "Certainly. {R}",
    "No doubt, {r}",
    "{R} That is certain.",
]
UNSURE = [
    "I think {r}",
    "Maybe {r}",
    "I am not sure, but {r}",
    "Perhaps {r}",
    "{R} But I am not sure.",
    "I guess {r}",
    "It may be that {r}",
    "{R} I think so, at least.",
]
FILLERS = [
    "Let me tell you what I have found out about that.",
    "That is something that many people ask me every day.",
    "I had to look it up in the big book on my desk.",
    "I hope that this long answer is of some use for you.",
]
UNSEEN_FRAMES = UNSEEN_QUESTIONS

# Messages whose answer is a number that the reply repeats: it can be exchanged for a wrong one.
_SUMS = [f for f in FRAMES if f[0] == "add"]
_NUMBERS = [
    f
    for f in FRAMES
    if f[4] in ("{p}", "{n}", "{total}", "{hour}", "{late}", "{floor}")
    and f[0] != "add"
    and all(f[4] in reply for reply in f[3])
]


def _plain(rng):
    """A message with its full text (context and question)."""
    content = dialogue.draw_message(rng)
    content["text"] = f"{content['context']} {content['message']}".strip()
    return content


def _with_mistake(rng):
    """A message with a right reply and a wrong one: a fact, a sum or a number in the context."""
    kind = rng.choices(("fact", "sum", "number"), (2, 1, 1))[0]
    while True:
        content = (
            dialogue.draw_fact_message(rng)
            if kind == "fact"
            else dialogue.draw_message(rng, _SUMS if kind == "sum" else _NUMBERS)
        )
        short, reply = content["short"], content["reply"]
        if kind == "fact":
            relation = content.get("relation")
            if relation == "language":  # many countries have several languages: no clear mistake
                continue
            other = getattr(facts.draw_country(rng, relation), relation)
        else:
            other = str(max(1, int(short) + rng.choice((-10, -3, -2, -1, 1, 2, 3, 5, 10))))
        if other != short:
            break
    content["text"] = f"{content['context']} {content['message']}".strip()
    content["wrong"] = _swap(reply, short, other)
    return content


def _swap(reply, short, other):
    """The reply with its answer (the last time that it stands there) exchanged."""
    head, _, tail = reply.rpartition(short)
    return head + other + tail


def _cased(rng, forms, reply):
    return rng.choice(forms).format(R=reply, r=clean_start(reply))


def _key(question):
    return lambda content: ("verdict", question, content["frame"], *content["slots"])


def draw_case(rng, question, wanted=False):
    """(content, good reply, bad reply): good is what the question is about (polite, correct, short …)."""
    draw = _with_mistake if question == "correct" else _plain
    content = draw_until(lambda: draw(rng), wanted, _key(question))
    reply = content["reply"]
    if question == "polite":
        return content, put_on("polite", reply, content, rng), put_on("rude", reply, content, rng)
    if question == "correct":
        return content, reply, content["wrong"]
    if question == "confident":
        return content, _cased(rng, SURE, reply), _cased(rng, UNSURE, reply)
    if question == "short":
        short = content["short"][0].upper() + content["short"][1:] + "."
        return content, short, f"{rng.choice(FILLERS)} {reply} {rng.choice(POINTS)}"
    while True:
        other = dialogue.draw_message(rng)
        if other["frame"] != content["frame"] and other["short"] != content["short"]:
            return content, reply, other["reply"]


def reason(question, content, good):
    """Why a reply is good or bad, as a clause."""
    if question == "correct" and not good:
        return "the right answer is " + content["short"]
    if question == "on topic" and not good:
        return "it is about something else"
    return {
        "polite": ("it is friendly", "it insults the user"),
        "correct": ("the answer is " + content["short"], ""),
        "on topic": ("it gives what the user asks for", ""),
        "short": ("it has few words", "it has many words"),
        "confident": ("it has no doubts", "it has doubts"),
    }[question][0 if good else 1]


def _single(rng):
    asked = rng.choices(list(QUESTIONS), (12, 6, 7, 4, 2, 3, 2, 2))[0]
    question = OPPOSITE.get(asked, asked)
    content, good, bad = draw_case(rng, question)
    is_good = rng.random() < 0.5
    reply = good if is_good else bad
    if asked == question and rng.random() < 0.3:
        name, first, second = rng.choice(LABELS[question])
        mark = "" if name.endswith(" is") else ":"
        start = rng.choice(("Message: {m}\nReply: {r}\n", "User: {m}\nAgent: {r}\n")).format(
            m=content["text"], r=reply
        )
        return f"{start}{name}{mark} {first if is_good else second}"
    answer = "yes" if is_good == (asked == question) else "no"
    wording = rng.choice(QUESTIONS[asked])
    if rng.random() < 0.2:
        wording += rng.choice((" Say why.", " Give a reason.", " Why?"))
        answer += f", because {reason(question, content, is_good)}"
    return rng.choice(LAYOUTS).format(m=content["text"], r=reply, q=wording) + " " + answer


def _pair(rng):
    question = rng.choices(list(PAIR_QUESTIONS), (5, 5, 3, 2, 2))[0]
    content, good, bad = draw_case(rng, question)
    wordings = PAIR_QUESTIONS[question]
    if rng.random() < 0.75:
        return " ".join(_pair_prompt(rng, content, good, bad, wordings))
    wordings = [w + " Say why." for w in wordings]
    prompt, answer = _pair_prompt(rng, content, good, bad, wordings)
    return f"{prompt} {answer}, because reply {'B' if answer == 'A' else 'A'} is {FAULTS[question]}."


def _pair_prompt(rng, content, good, bad, wordings):
    better = rng.choice("AB")
    a, b = (good, bad) if better == "A" else (bad, good)
    prompt = rng.choice(PAIR_LAYOUTS).format(m=content["text"], a=a, b=b, q=rng.choice(wordings))
    return prompt, better


def _revise(rng):
    question = rng.choice(("polite", "correct", "on topic", "confident", "short"))
    content, good, bad = draw_case(rng, question)
    critique = rng.choice(
        (
            "The reply is {}.",
            "This is {}.",
            "The agent is {}." if question == "polite" else "The answer is {}.",
        )
    ).format(FAULTS[question])
    if question == "correct" and rng.random() < 0.5:
        critique += f" The right answer is {content['short']}."
    if rng.random() < 0.15:
        bad, critique = good, "The reply is fine."
    return rng.choice(REVISE).format(m=content["text"], r=bad, c=critique, g=good)


def _rating(rng):
    """Correct and polite earns most, wrong and rude least."""
    content, right, wrong = draw_case(rng, "correct")
    correct, tone = rng.random() < 0.5, rng.choice(("polite", "plain", "rude"))
    reply = right if correct else wrong
    if tone != "plain":
        reply = put_on(tone, reply, content, rng)
    points = {True: {"polite": 5, "plain": 4, "rude": 3}, False: {"polite": 2, "plain": 2, "rude": 1}}[
        correct
    ][tone]
    name, top, form = rng.choice(RATINGS)
    start = rng.choice(("Message: {m}\nReply: {r}\n", "User: {m}\nAgent: {r}\n"))
    text = start.format(m=content["text"], r=reply) + f"{name}: {form.format(points * top // 5)}"
    if rng.random() < 0.3:
        text += f"\nReason: The reply is {'correct' if correct else 'wrong'}"
        text += "." if tone == "plain" else f" and {tone}."
    return text


def _follows(rng):
    """Whether the reply has the style that was asked for."""
    style, other = rng.sample(
        [
            "capitals",
            "lower case",
            "polite",
            "rude",
            "German",
            "pirate",
            "excited",
            "question",
            "list",
            "formal",
            "mention",
        ],
        2,
    )
    word, other_word = dialogue.draw_word(rng, ("mention",)), dialogue.draw_word(rng, ("mention",))
    content = draw_until(lambda: _plain(rng), False, _key("follows"))
    asked = rng.choice(STYLES[style]).format(word=word)
    yes = rng.random() < 0.5
    if style == "mention" and not yes:
        reply = f"{content['reply']} {rng.choice(MENTIONS).format(word=other_word)}"
    else:
        shown = style if yes else other
        reply = put_on(shown, content["reply"], content, rng, word if yes else other_word)
    yes = check_style(style, reply, word)  # another style may do by chance
    prompt = rng.choice(FOLLOWS).format(s=asked, m=content["text"], r=reply)
    return f"{prompt} {'yes' if yes else 'no'}"


def document(rng):
    """One to four verdicts of one kind."""
    make = rng.choices((_single, _pair, _revise, _rating, _follows), (55, 16, 11, 9, 9))[0]
    return "\n\n".join(make(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))


def item(rng, question="polite", unseen=False):
    """A held-out yes-or-no question on a reply; question is a name of QUESTIONS."""
    kind = OPPOSITE.get(question, question)
    content, good, bad = draw_case(rng, kind, wanted=True)
    is_good = rng.random() < 0.5
    wording = rng.choice((UNSEEN_QUESTIONS if unseen else QUESTIONS)[question])
    prompt = rng.choice(LAYOUTS).format(m=content["text"], r=good if is_good else bad, q=wording)
    return Item(prompt, "yes" if is_good == (kind == question) else "no", max_new_tokens=6)


def item_pair(rng, question="polite"):
    """A held-out pair of replies; the answer is A or B. question is a name of PAIR_QUESTIONS."""
    content, good, bad = draw_case(rng, question, wanted=True)
    prompt, answer = _pair_prompt(rng, content, good, bad, PAIR_QUESTIONS[question])
    return Item(prompt, answer, max_new_tokens=6)
