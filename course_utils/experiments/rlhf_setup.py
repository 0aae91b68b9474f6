"""Where every run of lesson 05's sweep begins, and what is measured at its end.

A run begins with the policy that training_cache.sft keeps for its seed, and with the stored pairs, so that
runs of one seed compare. Measured on dev. Left out: a search for the best settings of each run.
"""

import functools

from course_utils import models
from course_utils.rlhf import metrics, training_cache
from course_utils.tasks.toy_desk import noisy_demonstrations
from course_utils.tasks.toy_desk.records import read as read_desk

SFT_STEPS = noisy_demonstrations.STEPS
ITEMS, QUESTIONS, KL_PROMPTS = 500, 400, 64  # records of dev; new questions; prompts on which a KL is taken


def desk():
    """The toy desk's records: (train, dev)."""
    train, dev = map(read_desk, ("train", "dev"))
    return train, dev[:ITEMS]


def start(seed, sft_steps=SFT_STEPS):
    """(policy, tokenizer, train, dev): the fine-tuned model of a seed, and the toy desk's records."""
    (model, tokenizer), (train, dev) = models.load("glass-box"), desk()
    training_cache.sft(model, tokenizer, train, seed, steps=sft_steps)
    return model, tokenizer, train, dev


@functools.cache
def messages():
    """(records that policies practice on, questions for facts asked afterwards), all in known wordings."""
    train = read_desk("train")
    new = noisy_demonstrations.messages(train, "questions")
    questions = [record for record in new if record["skill"] == "facts"]
    return noisy_demonstrations.messages(train), questions[:QUESTIONS]


def outcome(policy, ref, tokenizer, dev):
    """A policy graded on dev, and its KL to its reference and to the base model, as JSON values.

    "verdicts" are those of new questions in known wordings, "unseen" those of dev.
    """
    prompts = [record["prompt"] for record in dev[:KL_PROMPTS]]
    kl = metrics.kl(policy, ref, tokenizer, prompts) if ref is not policy else 0.0
    kl_base = metrics.kl(policy, models.load("glass-box")[0], tokenizer, prompts)
    grades = metrics.graded(policy, tokenizer, dev)
    questions = metrics.graded(policy, tokenizer, messages()[1])
    verdicts = {"verdicts": questions["verdicts"], "unseen": grades["verdicts"]}
    return grades | {"kl": round(kl, 3), "kl_base": round(kl_base, 3)} | verdicts
