"""Pairs of replies of which everybody knows the better one: a judge is judged by them.

    pairs = known_pairs.facts(40)                     {"prompt", "right", "wrong"}, one sentence each
    long_wrong = known_pairs.padded(pairs, "wrong")

One reply to a question of general knowledge is right; the other has the answer to another question of the
same kind. So the labels need no annotator, and length is set, not found. Taught in lesson 06. Left out:
questions of taste, where people differ.
"""

import random

from course_utils.tasks import one_word

SENTENCES = {  # a question's wording -> the reply to it
    "What is the capital of ": "The capital of {} is {}.",
    "What is the opposite of ": "The opposite of {} is {}.",
    "What is the plural of ": "The plural of {} is {}.",
    "What is the past tense of ": "The past tense of {} is {}.",
    "What color is ": "The color of {} is {}.",
}
PADDING = (  # says nothing: it makes a reply longer and no better
    "That is a good question, and there is a lot that one could say about it, since it has been asked by "
    "many people before."
)


def opened(part):
    """[(question, the beginning of its reply)] of the questions that have a sentence.

    part: of course_utils.tasks.one_word; the beginning ends before the answer, "The capital of Peru is".
    """
    rows = []
    for question in one_word.questions(part):
        for start, sentence in SENTENCES.items():
            if question.text.startswith(start):
                subject = question.text.removeprefix(start).rstrip("?")
                rows.append((question, sentence.format(subject, "").removesuffix(" .")))
    return rows


def facts(count, seed=0):
    """`count` pairs {"prompt", "right", "wrong"}, the kinds of questions in turn."""
    kinds = {}
    for question, opening in opened("train"):
        kinds.setdefault(question.kind, []).append((question.text, opening, question.answers))
    rng, pairs = random.Random(f"known pairs {seed}"), []
    for place in range(count):
        rows = kinds[list(kinds)[place % len(kinds)]]
        text, opening, answers = rows[(place // len(kinds)) % len(rows)]
        wrong = rng.choice([row[2][0] for row in rows if row[2][0] not in answers])
        pairs.append({"prompt": text, "right": f"{opening} {answers[0]}.", "wrong": f"{opening} {wrong}."})
    return pairs


def padded(pairs, side, padding=PADDING):
    """The pairs with a sentence behind their "right" or their "wrong" reply; None: the reply once more."""
    return [pair | {side: f"{pair[side]} {padding or pair[side].strip()}"} for pair in pairs]


def shown(pairs, seed=0):
    """(prompts, a, b, gold): each pair in a random order, gold 1 if `a` is the right reply, else -1."""
    gold = [random.Random(f"{seed} {place}").choice((1, -1)) for place in range(len(pairs))]
    sides = [("right", "wrong") if sign > 0 else ("wrong", "right") for sign in gold]
    a, b = ([pair[names[place]] for pair, names in zip(pairs, sides)] for place in (0, 1))
    return [pair["prompt"] for pair in pairs], a, b, gold
