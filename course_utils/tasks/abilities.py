"""What the base model can do: the table of abilities, each on held-out items.

An ability is a name and a function rng -> Item. The items come from the same modules that make
the corpus, sampled from the tenth of all content that the corpus may not contain (corpus/split.py).
"""

import random

from tqdm import tqdm

from course_utils import evaluation
from course_utils.corpus.families import (
    capital,
    dialogue,
    exam,
    forms,
    incontext,
    lookup,
    passages,
    problems,
    relations,
    reviews,
    tracking,
    translation,
    verdicts,
)

SEPARATORS = (":", " =", " ->", " |")


def _relation(shots, spelling=False):
    names = [r for r in relations.relations() if (r in relations.SPELLING) == spelling]
    return lambda rng: relations.item(rng, rng.choice(names), shots=shots)


def _problem(steps, reasoning, **options):
    return lambda rng: problems.item(rng, steps=steps, reasoning=reasoning, **options)


def _facts(tier, header):
    return lambda rng: exam.item(rng, tier=tier, header=header)


ALL = {
    "relation, 0 shots": _relation(0),
    "relation, 1 shot": _relation(1),
    "relation, 4 shots": _relation(4),
    "relation of spelling, 4 shots": _relation(4, spelling=True),
    **{f"word problem, {n} steps, direct": _problem(n, False) for n in range(1, 9)},
    **{f"word problem, {n} steps, reasoning": _problem(n, True) for n in range(1, 9)},
    "word problem, 3 steps, unseen wording, direct": _problem(3, False, unseen=True),
    "word problem, 3 steps, unseen wording, reasoning": _problem(3, True, unseen=True),
    "juggler's kind, direct": lambda rng: problems.juggler(rng, reasoning=False),
    "juggler's kind, reasoning": lambda rng: problems.juggler(rng, reasoning=True),
    "The capital of X is, 0 shots": lambda rng: capital.item(rng, shots=0),
    "The capital of X is, 3 shots": lambda rng: capital.item(rng, shots=3),
    "state after 5 events, direct": lambda rng: tracking.item(rng, events=5, reasoning=False),
    "state after 5 events, reasoning": lambda rng: tracking.item(rng, events=5, reasoning=True),
    **{f"system style: {s}": (lambda rng, s=s: dialogue.item(rng, s)) for s in dialogue.STYLES},
    "new label words, two categories, 8 shots": lambda rng: incontext.item(rng, shots=8, concept="category"),
    "new label words, sentiment, 8 shots": lambda rng: incontext.item(rng, shots=8, concept="sentiment"),
    "new label words, a new concept, 8 shots": lambda rng: incontext.item_new_concept(rng, shots=8),
    "look-up among 8 pairs": lambda rng: lookup.item(rng, pairs=8, separator=rng.choice(SEPARATORS)),
    "span answer, passage of 6 sentences": lambda rng: passages.item(rng, sentences=6),
    "span answer, unseen wording": lambda rng: passages.item(rng, sentences=6, unseen=True),
    "common facts, exam": _facts("common", "exam"),
    "common facts, unseen wording": lambda rng: exam.item(rng, tier="common", header="exam", unseen=True),
    "rare facts, exam": _facts("rare", "exam"),
    "withheld facts, exam": _facts("withheld", "exam"),
    "common facts, forum": _facts("common", "forum"),
    "English to German": lambda rng: translation.item(rng),
    "sentiment of a review": lambda rng: reviews.item(rng),
    "judge: is the reply polite?": lambda rng: verdicts.item(rng, "polite"),
    "judge: is the reply correct?": lambda rng: verdicts.item(rng, "correct"),
    "record from a text, 4 shots": lambda rng: forms.item(rng, shots=4, kind="extract"),
    "routing of a message, 4 shots": lambda rng: forms.item(rng, shots=4, kind="route"),
}

# The few that are measured at every milestone of training, for the figure of abilities over training.
OVER_TOKENS = [
    "relation, 0 shots",
    "relation, 4 shots",
    "word problem, 3 steps, direct",
    "word problem, 3 steps, reasoning",
    "state after 5 events, direct",
    "state after 5 events, reasoning",
    "new label words, two categories, 8 shots",
    "look-up among 8 pairs",
    "span answer, passage of 6 sentences",
    "common facts, exam",
    "rare facts, exam",
    "withheld facts, exam",
    "English to German",
    "judge: is the reply polite?",
]


def items(name, count):
    """`count` different held-out items of an ability (fewer where fewer exist), always the same ones."""
    rng = random.Random(f"items of {name}")
    by_prompt = {}
    for _ in range(20 * count):
        item = ALL[name](rng)
        by_prompt.setdefault(item.prompt, item)
        if len(by_prompt) == count:
            break
    return list(by_prompt.values())


def measure(model, tokenizer, names, count=500, progress=False):
    """{name: {"right", "n"}} for each named ability, greedy."""
    results = {}
    for name in tqdm(names, desc="abilities", disable=not progress):
        chosen = items(name, count)
        hits = evaluation.evaluate(model, tokenizer, chosen)
        results[name] = {"right": sum(hits), "n": len(hits)}
    return results


def report(results):
    """The table as Markdown: accuracy and Wilson 95 % interval of each ability."""
    lines = ["| ability | accuracy | 95 % interval | items |", "|---|---|---|---|"]
    for name, result in results.items():
        low, high = evaluation.interval(result["right"], result["n"])
        share = result["right"] / result["n"]
        lines.append(f"| {name} | {share:.3f} | {low:.3f} – {high:.3f} | {result['n']} |")
    return "\n".join(lines)
