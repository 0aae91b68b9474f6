"""Fine-tuning at three depths: all weights, the last block, or a head on frozen features.

Taught in lesson 04. What is not trained serves as a fixed reader of the text, whose features the
rest learns to use. Left out: a rate of its own for each depth (Howard and Ruder 2018).
"""

from course_utils.finetune.trainable import last_blocks, own_head
from course_utils.techniques.peft_methods import STEPS, trained
from course_utils.techniques.result import Rung


def full(model, tokenizer, train, seed, lr=1e-3, steps=STEPS):
    """Every weight of the model, tied ones once."""
    return trained(model, list(model.parameters()), tokenizer, train, seed, lr, steps)


def feature_last_block(model, tokenizer, train, seed, lr=3e-3, steps=STEPS, blocks=1):
    """The last block or blocks; those before it are read as they are, and so is the head."""
    return trained(model, last_blocks(model, blocks), tokenizer, train, seed, lr, steps)


def feature_head(model, tokenizer, train, seed, lr=1e-2, steps=STEPS):
    """The linear layer from the last features to the vocabulary, and nothing below it."""
    return trained(model, own_head(model), tokenizer, train, seed, lr, steps)


RUNGS = {
    "full": Rung(full, "04", [{"lr": r} for r in (5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 8e-3)]),
    "feature_last_block": Rung(
        feature_last_block, "04", [{"lr": r, "blocks": b} for r in (1e-3, 3e-3, 1e-2) for b in (1, 2)]
    ),
    "feature_head": Rung(feature_head, "04", [{"lr": r} for r in (1e-3, 3e-3, 1e-2, 2e-2, 5e-2, 0.1)]),
}
