"""Extractive question answering: a passage and a question in, a span of the passage out.

    records = extractive_qa.read("train", tokenizer)         natural passages, for the real model
    exact, f1 = extractive_qa.grade(records, replies)

The passages in data/extractive_qa were written for this course; train and test share none. `notes` makes as
many as one likes for the glass box, from facts that its corpus states in sentences. Grades are exact match
and F1, as usual for such data. Taught in lesson 03. Left out: questions that the passage cannot answer.
"""

import json
import random
from collections import Counter

from course_utils.corpus.families import passages
from course_utils.generation import generate
from course_utils.prompts import templates
from course_utils.storage import paths

FOLDER = paths.DATA / "extractive_qa"
INSTRUCTION = "Answer with a few words copied from the passage."
ROOM = 24  # tokens of an answer


def read(part, tokenizer):
    """The records of "train" or "test": {"passage", "question", "answers", "prompt", "completion"}.

    The prompt is a user's turn in the tokenizer's chat template, the completion the first of the answers
    that count. Raises FileNotFoundError for another part.
    """
    lines = (FOLDER / f"{part}.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line) for line in lines]
    return [
        {
            "passage": text["passage"],
            **asked,
            "prompt": templates.render_chat(
                tokenizer, [{"role": "user", "content": content(text["passage"], asked["question"])}]
            ),
            "completion": asked["answers"][0],
        }
        for text in texts
        for asked in text["questions"]
    ]


def content(passage, question):
    """What the user writes."""
    return f"{passage}\nQuestion: {question}\n{INSTRUCTION}"


def replies(model, tokenizer, records):
    """What the model says, greedily: the first line of each reply."""
    prompts = [record["prompt"] for record in records]
    return [text.strip() for text in generate(model, tokenizer, prompts, ROOM, stop="\n")]


def words(text):
    """The words of a text in small letters, without articles, nor punctuation at their ends."""
    bare = (word.strip(".,;:!?\"'()") for word in text.lower().split())
    return [word for word in bare if word and word not in ("a", "an", "the")]


def f1(reply, answer):
    """How far two lists of words overlap: the harmonic mean of precision and recall, 0 to 1.

    Source: Rajpurkar et al. 2016 (SQuAD), section 6.1.
    """
    common = sum((Counter(reply) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(reply), common / len(answer)
    return 2 * precision * recall / (precision + recall)


def grade(records, replies):
    """(exact matches [bool], F1 [float]) of replies; of several answers that count, the best one does."""
    exact, overlap = [], []
    for record, reply in zip(records, replies, strict=True):
        answers = [words(answer) for answer in record.get("answers", [record["completion"]])]
        exact.append(words(reply) in answers)
        overlap.append(max(f1(words(reply), answer) for answer in answers))
    return exact, overlap


def contained(records, replies):
    """[bool]: does one of the answers stand in the reply, with whatever else around it?"""
    texts = [f" {' '.join(words(reply))} " for reply in replies]
    return [
        any(f" {' '.join(words(answer))} " in text for answer in record["answers"])
        for record, text in zip(records, texts, strict=True)
    ]


# ---- for the glass box -------------------------------------------------------------------------


def notes(count, seed, facts=8):
    """`count` different records: {"prompt", "completion"}; their facts are held out from the corpus.

    The passages are notes ("Zoe: bedroom, a green glove."): the corpus states such facts in sentences, and
    asks for them in other words. Different seeds share wordings, but no passage.
    """
    rng, by_prompt = random.Random(f"reading {seed}"), {}
    while len(by_prompt) < count:
        if record := _note(rng, facts):
            by_prompt[record["prompt"]] = record
    return list(by_prompt.values())


def _note(rng, count):
    """One record, or None if what was sampled gives no question with one answer."""
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
