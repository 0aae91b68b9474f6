"""What else changed: a dozen common questions before and after, so that nobody ships a model that has
learned ten records and forgotten who Einstein was.

    before = probe.replies(model, tokenizer)
    ...
    print("\\n".join(probe.report(before, probe.replies(model, tokenizer))))

A reply is right if a key word stands in it and no other answer of the kind. It is a smoke alarm, not a
measurement: `course_utils.tasks.retention` measures. Left out: abilities, languages, manners.
"""

import re

from course_utils.finetune import chat_format

# Question, and what must stand in the reply (a regular expression, case aside). The real model answers them
# rightly and with a clear first choice, so that a change is a change and not a toss-up.
QUESTIONS = (
    ("What is the capital of Egypt?", r"\bcairo\b"),
    ("What is the capital of England?", r"\blondon\b"),
    ("What is the capital of China?", r"\bbeijing\b"),
    ("Who was Albert Einstein?", r"physic|scientist|relativity"),
    ("Who was Isaac Newton?", r"physic|scientist|mathemat|gravit"),
    ("Who was Marie Curie?", r"physic|chemi|scientist|radio"),
    ("What do bees collect from flowers?", r"\bnectar\b|\bpollen\b"),
    ("Which animal gives milk?", r"\bcows?\b|\bgoats?\b"),
    ("Where do penguins live?", r"antarctic|southern"),
    ("What is the opposite of hot?", r"\bcold\b"),
    ("What is the chemical symbol for gold?", r"\bau\b"),
    ("What is the chemical formula of water?", r"\bh2o\b|h₂o"),
)
ROOM = 40  # new tokens of a reply: a sentence or two


def replies(model, tokenizer):
    """The model's replies to the QUESTIONS, in their order."""
    records = [{"prompt": prompt, "completion": ""} for prompt, _ in QUESTIONS]
    stop = chat_format.ending(tokenizer, records)
    return chat_format.ask(model, tokenizer, records, stop, ROOM)


def grades(answers):
    """[bool] per reply: its key word stands in it."""
    return [
        bool(re.search(wanted, reply, re.IGNORECASE))
        for (_, wanted), reply in zip(QUESTIONS, answers, strict=True)
    ]


def lost(before, after):
    """[(question, reply before, reply after)] of those that were right before and are no longer."""
    kept = zip(QUESTIONS, before, after, grades(before), grades(after), strict=True)
    return [(asked, old, new) for (asked, _), old, new, was, is_now in kept if was and not is_now]


def report(before, after, width=60):
    """Lines on how many are right before and after, and those that were lost, with their replies."""

    def cut(text):
        text = " ".join(text.split())
        return text if len(text) <= width else text[: width - 1] + "…"

    gone = lost(before, after)
    lines = [
        f"what else changed: of {len(QUESTIONS)} common questions {sum(grades(before))} right before, "
        f"{sum(grades(after))} after"
    ]
    for asked, old, new in gone:
        lines += [f"  lost: {asked}", f"    before: {cut(old)}", f"    after:  {cut(new)}"]
    if gone:
        lines.append(
            "  Fewer epochs or a lower rate (--epochs, --rate), or more varied records disturb less."
        )
    return lines
