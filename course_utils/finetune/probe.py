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

QUESTIONS = (  # question, what must stand in the reply (a regular expression, case aside)
    ("What is the capital of France?", r"\bparis\b"),
    ("What is the capital of Germany?", r"\bberlin\b"),
    ("What is the capital of Japan?", r"\btokyo\b"),
    ("In which country is the city of Tokyo?", r"\bjapan\b"),
    ("Who was Albert Einstein?", r"physic|scientist|relativity"),
    ("Who was Isaac Newton?", r"physic|scientist|mathemat|gravit"),
    ("Who wrote Romeo and Juliet?", r"shakespeare"),
    ("How many days are in a week?", r"\b(seven|7)\b"),
    ("What is the opposite of hot?", r"\bcold\b"),
    ("What is the chemical symbol for gold?", r"\bau\b"),
    ("What do cows eat?", r"\bgrass|\bhay\b|\bplants?\b"),
    ("What color is the sky on a clear day?", r"\bblue\b"),
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
