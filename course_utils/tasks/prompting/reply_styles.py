"""Instructions about how to reply, and rules that see whether a reply obeys: role, language, form, length.

    style = reply_styles.STYLES["pirate"]
    style.instruction, style.check(reply)

The rules are simple, so that a reader can check them; each can be fooled. Taught in lesson 01.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

PIRATE = re.compile(
    r"\b(?:arr+|ahoy|aye|matey|mateys|me heart\w+|ye|avast|seven seas|shiver|yer|landlubber\w*|yo ho)\b", re.I
)
GERMAN = frozenset(re.findall(r"\w+", """
    der die das und ist ein eine einen einer ich du sie wir nicht mit von zu den dem auf für sind wird es im
    kann können auch sich werden haben aus oder
"""))  # fmt: skip
ENGLISH = frozenset(re.findall(r"\w+", """
    the and is a an i you they we not with of to on for are will it in can also be have from or
"""))  # fmt: skip


class Style(NamedTuple):
    """What is asked for, of which kind it is, and check(reply) -> bool."""

    kind: str
    instruction: str
    check: Callable[[str], bool]


def is_pirate(reply):
    """Does a pirate's word stand in the reply?"""
    return bool(PIRATE.search(reply))


def is_german(reply):
    """Are there at least three of the commonest German words, and more of them than of English ones?"""
    words = re.findall(r"\w+", reply.lower())
    german = sum(word in GERMAN for word in words)
    return german >= 3 and german > sum(word in ENGLISH for word in words)


def is_numbered(reply):
    """Does a line begin with 1., and a later one with 2.?"""
    return bool(re.search(r"(?ms)^\W{0,3}1[.)].*^\W{0,3}2[.)]", reply))


def is_short(reply):
    """Is it one sentence of at most 20 words?"""
    text = reply.strip()
    return 0 < len(text.split()) <= 20 and len(re.findall(r"[.!?](?=\s|$)", text)) <= 1


def is_one_word(reply):
    """Is it a single word?"""
    return len(reply.split()) == 1


STYLES = {
    "pirate": Style("role", "You are a pirate. Talk like a pirate.", is_pirate),
    "German": Style("language", "Always answer in German.", is_german),
    "numbered list": Style("form", "Answer with a numbered list.", is_numbered),
    "short": Style("length", "Answer with one short sentence.", is_short),
    "one word": Style("length", "Answer with one word only.", is_one_word),
}
QUESTIONS = (
    "How do I make a good cup of tea?",
    "Why is the sky blue?",
    "What should I pack for a trip to the beach?",
    "How can I sleep better?",
    "What is a volcano?",
    "How do plants grow?",
    "What can I cook with potatoes?",
    "Why do we have seasons?",
    "How do I clean a bicycle?",
    "What is the purpose of a bank?",
    "How do airplanes fly?",
    "What makes a good friend?",
    "Why is exercise important?",
    "How do I learn a new language?",
    "What does a doctor do?",
    "How is bread made?",
    "Why do cats purr?",
    "What is a library?",
    "How can I save water at home?",
    "What is the moon made of?",
    "Why do people travel?",
    "How do I write a letter?",
    "What is democracy?",
    "How does a refrigerator work?",
)
