"""How worked and direct answers look: what word problems, tracking and counting share.

A direct answer follows "Answer:" at once. A worked answer opens with a trigger phrase, states
the steps and ends with "The answer is …". The triggers are of very different frequency, so a
lesson can measure how much a phrase helps that the corpus has hundreds of times, rarely, or never.
"""

from course_utils.corpus.lexicon import first_names

TRIGGERS = {
    "Let's think step by step.": 70,
    "Let's work it out.": 15,
    "Step by step:": 8,
    "First,": 4,
    "Let me think.": 3,
}
UNSEEN_TRIGGERS = ("Take a deep breath.", "This is easy for you.", "Think about it carefully.")
TRIGGER = "Let's think step by step."

# (layout of question and answer, weight); the first one is the course's usual form.
LAYOUTS = (("Question: {q}\nAnswer: {a}", 90), ("Q: {q}\nA: {a}", 5), ("Problem: {q}\nAnswer: {a}", 5))
DIRECT = (("{a}", 94), ("The answer is {a}.", 3), ("{a}.", 3))

# Most worked answers are asked for. So after a bare "Answer:" the model answers directly, unless
# the prompt itself begins the reasoning.
REQUESTS = (
    "Show your work.",
    "Show the steps.",
    "With a worked solution:",
    "Explain how you get there.",
    "Reasoning test.",
    "Write down every step.",
)
REQUESTED = 0.98


def pick(rng, pairs):
    """One of the (value, weight) pairs by weight."""
    return rng.choices([p[0] for p in pairs], [p[1] for p in pairs])[0]


def draw_trigger(rng):
    """A trigger phrase by its frequency."""
    return pick(rng, tuple(TRIGGERS.items()))


def sentence(text):
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]


def worked(trigger, steps, answer):
    """A worked answer: the trigger, the steps in order, and the conclusion."""
    steps = list(steps)
    if trigger == "First," and steps[0].split()[0] not in first_names():
        steps[0] = steps[0][0].lower() + steps[0][1:].replace(" at first", "")
    return " ".join([trigger, *steps, f"The answer is {answer}."])


def show(rng, question, answer, layout=None):
    """Question and answer in one text; a worked answer is mostly requested (not within sheets)."""
    text = (layout or pick(rng, LAYOUTS)).format(q=question, a=answer)
    if layout is None and answer.startswith(tuple(TRIGGERS)) and rng.random() < REQUESTED:
        return f"{rng.choice(REQUESTS)}\n{text}"
    return text


def direct(rng, answer):
    """A direct answer: usually the bare word or number."""
    return pick(rng, DIRECT).format(a=answer)


def prompt(question, ending):
    """The text before the answer; `ending` is a trigger, a cue such as "The answer is", or empty."""
    return f"Question: {question}\nAnswer: {ending}".rstrip()
