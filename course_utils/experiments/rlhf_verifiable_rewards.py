"""GRPO with a verifiable reward: a program checks the number at the end of a word problem."""

from course_utils import models
from course_utils.rlhf import trl_trainers
from course_utils.tasks import word_problems

UPDATES, BATCH = 36, 64
SAMPLED = (3, 4, 5, 6)  # numbers of steps of the problems whose answers are also sampled


def problems(lr, seed, updates=UPDATES, batch_size=BATCH):
    """TRL's GRPO on word problems longer than the corpus's, with a checker; accuracy before and after.

    Greedy by the number of steps, and of answers that are sampled, as they are in training.
    """
    model, tokenizer = models.load("glass-box")
    decoding = {"": {}, "_drawn": {"temperature": 1.0, "steps": SAMPLED}}

    def accuracies(when):
        return {f"{when}{n}": word_problems.accuracy(model, tokenizer, **d) for n, d in decoding.items()}

    before = accuracies("before")
    prompts, reward_fn = word_problems.task(seed=seed)
    settings = dict(lr=lr, steps=updates, batch_size=batch_size, seed=seed)
    room = word_problems.ROOM
    history = trl_trainers.grpo(model, tokenizer, prompts, reward_fn, max_new_tokens=room, **settings)
    curve = [round(value, 3) for value in history.column("reward")]
    return before | accuracies("after") | {"reward": curve, "seconds": round(history.seconds, 1)}
