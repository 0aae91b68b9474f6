"""Everyday requests of four kinds with one short answer each, for one assistant or several specialists.

Capitals, plurals and past tenses come from the tables in data/corpus (real words), reviews are composed of
their clauses. Taught in lesson 00.
"""

import random

from course_utils.corpus import lexicon
from course_utils.corpus.families.reviews import draw_review
from course_utils.corpus.split import Item

KINDS = ("animal", "clothing", "fruit", "furniture", "kitchen", "tool", "vehicle")  # of nouns


def requests(reviews=300, seed=0):
    """{"capital", "plural", "review", "past tense": [Item]}, each shuffled and without repeated requests."""
    rng = random.Random(f"everyday requests {seed}")
    countries = [row for row in lexicon.table("countries") if row.tier == "common"]
    nouns = [row for row in lexicon.table("nouns") if row.plural and row.category in KINDS]
    texts = {}
    while len(texts) < reviews:
        review = draw_review(rng, mixed=False, one_topic=True)
        texts[review["text"]] = review["polarity"]
    pairs = {
        "capital": {f"capital of {row.country}": row.capital for row in countries},
        "plural": {f"plural of {row.noun}": row.plural for row in nouns},
        "review": {f"review: {text}": polarity for text, polarity in texts.items()},
        "past tense": {f"past tense of {row.verb}": row.past for row in lexicon.table("verbs")},
    }
    skills = {}
    for skill, answers in pairs.items():
        skills[skill] = [Item(f"{asked} ->", answer, max_new_tokens=8) for asked, answer in answers.items()]
        rng.shuffle(skills[skill])
    return skills


def subject(prompt):
    """What a request is about: "capital of Peru ->" gives "Peru"."""
    return prompt.removesuffix(" ->").split(" of ", 1)[-1]


def one_prompt(examples):
    """Solved requests as the beginning of a few-shot prompt, one kind after the other in turn.

    examples: {skill: [Item]}, lists of one length.
    """
    turns = zip(*examples.values(), strict=True)
    return "".join(f"{item.prompt} {item.answer}\n" for turn in turns for item in turn)
