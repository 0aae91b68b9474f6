"""Hard-prompt search: try discrete prompts on held-back training records and keep the best.

No gradient is used. Left out: wordings proposed by a language model (Zhou et al. 2022).
"""

import itertools
import random
import statistics
import time

from course_utils.prompts.few_shot import few_shot_prompt
from course_utils.techniques.base import Technique
from course_utils.techniques.prompting import prompted

LABELS = (None, ("Message", "Reply"), ("User", "Agent"), ("Text", "Record"), ("Mail", "Form"))
SHOTS = (0, 2, 4, 8)


def hard_prompt_search(model, tokenizer, train, seed, task, candidates=8, records=32):
    """The best of `candidates` prompts: instruction, labels and number of shots drawn by seed.

    Half of the candidates leave after each round and the others see twice as many records, at most
    `records` in all (successive halving, Jamieson and Talwalkar 2016). `Result.choice["trail"]` lists
    (variant, records, mean share of fields right) as measured; the winner's own figure flatters it, because
    it was chosen by it.
    """
    started = time.perf_counter()
    space = list(itertools.product(task.instructions, LABELS, SHOTS))
    left = random.Random(seed).sample(space, min(candidates, len(space)))
    judged = task.sample(train, records, seed)  # the same records for all: differences are paired
    others = [record for record in train if record not in judged]
    trail, rounds = [], (len(left) - 1).bit_length()
    tried = {variant: _variant(model, tokenizer, others, seed, task, *variant) for variant in left}
    for to_come in reversed(range(rounds)):
        seen = max(1, records >> to_come)
        marks = {}
        for variant in left:
            replies = tried[variant].reply([record["prompt"] for record in judged[:seen]])
            rights = [marks_of(task, record, reply) for record, reply in zip(judged, replies)]
            marks[variant] = statistics.mean(statistics.mean(map(float, right.values())) for right in rights)
            trail.append((variant, seen, marks[variant]))
        left = sorted(left, key=lambda variant: -marks[variant])[: -(-len(left) // 2)]
    best = tried[left[0]]
    best.choice |= {"variant": left[0], "trail": trail}
    best.examples += records
    best.train_seconds = time.perf_counter() - started
    return best


def marks_of(task, record, reply):
    """{field: is it right?}, and "whole"; the form, which every other mark needs, does not count again."""
    return {name: right for name, right in task.grade(record, reply).items() if name != "form"}


def _variant(model, tokenizer, train, seed, task, instruction, labels, k):
    """The Result of one prompt of the space, as plain text."""
    text, shown = task.instructions[instruction], task.sample(train, k, seed)
    head = task.described(text, train)

    def build(shots, request):
        return few_shot_prompt(shots, request, head, labels)

    return prompted(model, tokenizer, train, task, shown, instruction=text, build=build)


SETTINGS = [{"candidates": c, "records": r} for c in (4, 8, 16) for r in (16, 48)]
TECHNIQUES = (
    Technique(
        "hard_prompt_search",
        "prompting",
        "01",
        hard_prompt_search,
        {"toy_desk": SETTINGS, "helpdesk": SETTINGS[:4]},
        frozenset(("fields",)),
    ),
)
