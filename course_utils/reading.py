"""Extractive question answering: a passage and a question in, a span of the passage out.

The questions are worded as no question of the base model's library is. Grades are exact match and
F1, as usual for such data. Taught in lesson 03. Left out: questions that the passage cannot answer.
"""

import random
from collections import Counter

from course_utils.evaluation import exact_match
from course_utils.generation import generate
from course_utils.world import passages


def records(count, seed, sentences=6):
    """`count` different records: {"prompt", "completion"}; no passage of them is in the library.

    The prompt ends with "Answer:", the completion is a span of the passage. Different seeds share
    wordings, but no passage.
    """
    rng, found = random.Random(f"reading {seed}"), {}
    while len(found) < count:
        item = passages.item(rng, sentences=sentences, unseen=True)
        found[item.prompt] = {"prompt": item.prompt, "completion": f" {item.answer}"}
    return list(found.values())


def words(text):
    """The words of a text in small letters, without articles."""
    return [word for word in text.lower().split() if word not in ("a", "an", "the")]


def f1(given, answer):
    """How far two lists of words overlap: the harmonic mean of precision and recall, 0 to 1.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1.
    """
    common = sum((Counter(given) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(given), common / len(answer)
    return 2 * precision * recall / (precision + recall)


def grade(model, tokenizer, items):
    """(exact matches [bool], F1 [float]) of the model's answers to records, in their order."""
    given = generate(model, tokenizer, [r["prompt"] for r in items], max_new_tokens=16, stop="\n")
    answers = [r["completion"].strip() for r in items]
    given = [text.strip().removesuffix(".").strip() for text in given]
    return exact_match(given, answers), [f1(words(g), words(a)) for g, a in zip(given, answers)]
