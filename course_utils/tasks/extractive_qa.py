"""Extractive question answering: a passage and a question in, a span of the passage out.

The passages are notes ("Zoe: bedroom, a green glove."): the pretraining corpus states the same
facts in sentences, and asks for them in other words. Grades are exact match and F1, as usual for
such data. Taught in lesson 03. Left out: questions that the passage cannot answer.
"""

import random
from collections import Counter

from course_utils.corpus.families import passages
from course_utils.evaluation import exact_match
from course_utils.generation import generate


def records(count, seed, facts=8):
    """`count` different records: {"prompt", "completion"}; their facts are held out from the corpus.

    The prompt ends with "Answer:", the completion is a span of the passage. Different seeds share
    wordings, but no passage.
    """
    rng, by_prompt = random.Random(f"reading {seed}"), {}
    while len(by_prompt) < count:
        if record := _record(rng, facts):
            by_prompt[record["prompt"]] = record
    return list(by_prompt.values())


def _record(rng, count):
    """One record, or None if what was drawn gives no question with one answer."""
    try:
        _, facts, _, people = passages._draw(rng, count, wanted=True)
    except RuntimeError:  # few values and none of them held out for these people
        return None
    notes = []
    for name, _ in people:
        own = [fact for fact in facts if fact[0][0] == name]
        if len({attribute.values for _, attribute, _ in own}) < len(own):
            return None  # two numbers, say: nothing would tell which is which
        values = [value for _, _, value in rng.sample(own, len(own))]
        notes += [f"{name}: {', '.join(values)}."] if own else []
    asked = [fact for fact in facts if passages._rivals(facts, fact)]
    if not asked:
        return None
    question, value = passages._question(rng, rng.choice(asked), unseen=True)
    prompt = f"Passage: {' '.join(notes)}\nQuestion: {question}\nAnswer:"
    return {"prompt": prompt, "completion": f" {value}"}


def words(text):
    """The words of a text in small letters, without articles."""
    return [word for word in text.lower().split() if word not in ("a", "an", "the")]


def f1(reply, answer):
    """How far two lists of words overlap: the harmonic mean of precision and recall, 0 to 1.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1.
    """
    common = sum((Counter(reply) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(reply), common / len(answer)
    return 2 * precision * recall / (precision + recall)


def grade(model, tokenizer, items):
    """(exact matches [bool], F1 [float]) of the model's answers to records, in their order."""
    replies = generate(model, tokenizer, [r["prompt"] for r in items], max_new_tokens=16, stop="\n")
    answers = [r["completion"].strip() for r in items]
    replies = [text.strip().removesuffix(".").strip() for text in replies]
    return exact_match(replies, answers), [f1(words(g), words(a)) for g, a in zip(replies, answers)]
