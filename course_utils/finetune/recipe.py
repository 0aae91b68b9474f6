"""How long and how fast to train, from the method, the model's size and the number of records.

    recipe.settings("lora", parameters=134_515_008, count=10)   {"epochs": …, "lr": …, "batch_size": …}

The values for large models were chosen on SmolLM2-135M with sets of ten records (see docs), those for
small ones on the course's own model. Left out: a search on your records; `--rate` and `--epochs` are yours.
"""

import math

SMALL = 20_000_000  # parameters; below, the rates of models like the course's own
RATES = {"lora": (5e-3, 5e-4), "full": (1e-3, 5e-5), "last_block": (3e-3, 1e-4), "head": (1e-2, 1e-3)}
FEW = 40  # records; below, there are none to spare for a validation curve
EVALUATED = 100  # records at most in the validation loss
PATIENCE = 3  # evaluations without a new lowest loss, after which training ends
LONGEST = 200  # steps between two evaluations, at most


def settings(method, parameters, count):
    """{"epochs", "lr", "batch_size"} for training `count` records. Raises KeyError for an unknown method."""
    small = parameters < SMALL
    rate = RATES[method][0 if small else 1]
    if small:  # few records get small batches, so that three epochs are more than three steps
        return {"epochs": 3, "lr": rate, "batch_size": min(16, max(1, count // 8))}
    return {"epochs": 5 if count < FEW else 3, "lr": rate, "batch_size": 2 if count < FEW else 8}


def steps(count, epochs, batch_size):
    """Training steps of so many epochs."""
    return epochs * math.ceil(count / batch_size)


def evaluate_every(count, batch_size):
    """Steps between two evaluations: twice an epoch, more often where an epoch is long."""
    return max(1, min(math.ceil(count / batch_size) // 2, LONGEST))
