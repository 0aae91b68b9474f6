"""Word problems as a verifiable task: a program checks the final number, and no labels are needed.

    prompts, reward_fn = word_problems.task(steps=(4, 5), count=400)
    trl_trainers.grpo(model, tokenizer, prompts, reward_fn, steps=24)
    word_problems.accuracy(model, tokenizer, steps=range(1, 9))      {steps: (right, problems)}

The pretraining corpus contains problems of up to four steps, so longer ones are out of distribution.
Those trained on are never among those asked. Taught in lesson 05. Left out: partial credit.
Sources: Shao et al. 2024 (GRPO for mathematics); Lambert et al. 2024 (Tulu 3, "verifiable rewards").
"""

import random

from course_utils import evaluation
from course_utils.corpus.families import problems
from course_utils.generation import generate
from course_utils.tasks import abilities

ABILITY = "word problem, {n} steps, reasoning"
ROOM = 140  # tokens of a worked answer of eight steps


def items(steps, count):
    """`count` problems that the base model's corpus does not hold, always the same, asked step by step."""
    return abilities.items(ABILITY.format(n=steps), count)


def task(steps=(4, 5), count=400, seed=0, asked=100):
    """(prompts, reward function): new problems with a checker; none of the first `asked` items is among them.

    The reward is 1 for the right final number and 0 otherwise, whatever the way there. A reply is its first
    line: after it the base model continues with a problem of its own.
    """
    rng, known = random.Random(f"verifiable {seed}"), {}
    closed = {item.prompt for n in steps for item in items(n, asked)}
    while len(known) < count:
        item = problems.item(rng, steps=rng.choice(steps), reasoning=True)
        if item.prompt not in closed:
            known[item.prompt] = item

    def reward(prompts, replies):
        firsts = [reply.strip().split("\n")[0] for reply in replies]
        return [float(evaluation.grade(known[prompt], first)) for prompt, first in zip(prompts, firsts)]

    return list(known), reward


def accuracy(model, tokenizer, steps=range(1, 9), count=100, temperature=0.0, tries=4, seed=0):
    """{number of steps: (right, answers)}, greedy; at a temperature, `tries` answers to each problem."""
    counts = {}
    for n in steps:
        asked = items(n, count)
        if temperature:
            asked = [item for item in asked for _ in range(tries)]
            options = dict(max_new_tokens=ROOM, stop="\n", temperature=temperature, seed=seed)
            replies = generate(model, tokenizer, [item.prompt for item in asked], **options)
            hits = [evaluation.grade(item, reply) for item, reply in zip(asked, replies)]
        else:
            hits = evaluation.evaluate(model, tokenizer, asked)
        counts[n] = (sum(hits), len(hits))
    return counts
