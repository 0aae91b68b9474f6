"""Hard-prompt search: try discrete prompts on held-back training records and keep the best.

No gradient is used. Left out: wordings proposed by a language model (Zhou et al. 2022).
"""

import itertools
import random
import statistics
import time

from course_utils.prompts.few_shot import few_shot_prompt
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.techniques.base import Rung
from course_utils.techniques.prompting import INSTRUCTIONS, describe, prompted

LABELS = (None, ("Message", "Reply"), ("User", "Agent"), ("Text", "Record"), ("Mail", "Form"))
SHOTS = (0, 2, 4, 8)


def hard_prompt_search(model, tokenizer, train, seed, candidates=8, records=32, score=None):
    """The best of `candidates` prompts: instruction, labels and number of shots drawn by seed.

    Half of the candidates leave after each round and the others see twice as many records, at most
    `records` in all (successive halving, Jamieson and Talwalkar 2016). score(record, reply) -> dict of
    bools, by default the desk's. `Result.choice["trail"]` lists (variant, records, mean share of fields
    right) as measured; the winner's own figure flatters it, because it was chosen by it.
    """
    started = time.perf_counter()
    if score is None:
        from course_utils.tasks.toy_desk.gold import score
    space = list(itertools.product(INSTRUCTIONS, LABELS, SHOTS))
    draw = random.Random(seed)
    left = draw.sample(space, min(candidates, len(space)))
    judged = stratified(train, records, seed)  # the same records for all: differences are paired
    others = [record for record in train if record not in judged]
    trail, rounds = [], (len(left) - 1).bit_length()
    tried = {variant: _variant(model, tokenizer, others, seed, *variant) for variant in left}
    for to_come in reversed(range(rounds)):
        seen = max(1, records >> to_come)
        marks = {}
        for variant in left:
            given = tried[variant].reply([record["prompt"] for record in judged[:seen]])
            rights = [score(record, reply) for record, reply in zip(judged, given)]
            marks[variant] = statistics.mean(statistics.mean(map(float, right.values())) for right in rights)
            trail.append((variant, seen, marks[variant]))
        left = sorted(left, key=lambda variant: -marks[variant])[: -(-len(left) // 2)]
    best = tried[left[0]]
    best.choice |= {"variant": left[0], "trail": trail}
    best.examples += records
    best.train_seconds = time.perf_counter() - started
    return best


def _variant(model, tokenizer, train, seed, instruction, labels, k):
    """The Result of one prompt of the space."""
    head = describe(INSTRUCTIONS[instruction], train)

    def build(shots, request):
        return few_shot_prompt(shots, request, head, labels)

    return prompted(model, tokenizer, train, stratified(train, k, seed), instruction=head, build=build)


RUNGS = {
    "hard_prompt_search": Rung(
        hard_prompt_search,
        "01",
        [{"candidates": c, "records": r} for c in (4, 8, 16) for r in (16, 48)],
    ),
}
