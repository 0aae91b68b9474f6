"""Fine-tuning at three depths: all weights, the last block, or a head on frozen features.

Taught in lesson 04. What is not trained serves as a fixed reader of the text, whose features the
rest learns to use. Left out: a rate of its own for each depth (Howard and Ruder 2018).
"""

from course_utils.finetune.trainable import last_blocks, own_head
from course_utils.techniques.base import Technique
from course_utils.techniques.peft import grid, trained


def full(model, tokenizer, train, seed, task, lr=1e-3, steps=None):
    """Every weight of the model, tied ones once."""
    return trained(model, list(model.parameters()), tokenizer, train, seed, task, lr, steps)


def feature_last_block(model, tokenizer, train, seed, task, lr=3e-3, steps=None, blocks=1):
    """The last block or blocks; those before it are read as they are, and so is the head."""
    return trained(model, last_blocks(model, blocks), tokenizer, train, seed, task, lr, steps)


def feature_head(model, tokenizer, train, seed, task, lr=1e-2, steps=None):
    """The linear layer from the last features to the vocabulary, and nothing below it."""
    return trained(model, own_head(model), tokenizer, train, seed, task, lr, steps)


TECHNIQUES = (
    Technique(
        "full",
        "fine-tuning",
        "04",
        full,
        {
            "toy_desk": grid(lr=(5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 8e-3)),
            "toy_desk_smollm2": grid(lr=(1e-4, 2e-4, 4e-4, 8e-4)),
            "helpdesk": grid(lr=(1e-4, 2e-4, 4e-4, 8e-4)),
        },
    ),
    Technique(
        "feature_last_block",
        "fine-tuning",
        "04",
        feature_last_block,
        {
            "toy_desk": grid(lr=(1e-3, 3e-3, 1e-2), blocks=(1, 2)),
            "helpdesk": grid(lr=(3e-4, 1e-3, 3e-3, 1e-2), blocks=(2,)),
        },
    ),
    Technique(
        "feature_head",
        "fine-tuning",
        "04",
        feature_head,
        {
            "toy_desk": grid(lr=(1e-3, 3e-3, 1e-2, 2e-2, 5e-2, 0.1)),
            "helpdesk": grid(lr=(3e-4, 1e-3, 3e-3, 1e-2)),
        },
    ),
)
