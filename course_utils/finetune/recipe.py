"""How long and how fast to train, from the method, the model's size and the number of records.

    recipe.settings("lora", parameters=134_515_008, count=10)
    {"epochs": 1, "lr": …, "batch_size": …, "copies": …, "anchor": …}

The values for large models were chosen on SmolLM2-135M with sets of ten records, those for small ones on
the course's own model. Left out: a search on your records; `--rate` and `--epochs` are yours.
"""

import math

SMALL = 20_000_000  # parameters; below, the rates of models like the course's own
RATES = {"lora": (5e-3, 1e-3), "full": (1e-3, 5e-5), "last_block": (3e-3, 3e-4), "head": (1e-2, 1e-3)}
FEW_RECORDS = {  # below FEW records: (rate, wordings of each question), beside rehearsal
    "lora": (1e-3, 20),
    "full": (2e-4, 12),
    "last_block": (3e-4, 20),
    "head": (1e-3, 20),
}
FEW = 40  # records; below, there are none to spare for a validation curve
MANY = 200  # records; from here on, their own variety serves for other wordings
EVALUATED = 100  # records at most in the validation loss
PATIENCE = 3  # evaluations without a new lowest loss, after which training ends
LONGEST = 200  # steps between two evaluations, at most


def settings(method, parameters, count, copies=None):
    """What suits `count` records. Raises ValueError for an unknown method.

    epochs: passes over the records in all their wordings; copies: wordings of each question (`augment`);
    anchor: the weight that holds the model to what it says already (`rehearsal`); lr; batch_size.
    """
    if method not in RATES:
        raise ValueError(f"There is no method {method!r}: use one of {', '.join(RATES)}.")
    if parameters < SMALL:
        # It understands no question from one wording (lesson 04), and has little to rehearse.
        copies = copies or (64 if count < FEW else 1)
        size = min(16, max(1, count * copies // 8))  # three epochs are more than three steps
        return {"epochs": 3, "lr": RATES[method][0], "batch_size": size, "copies": copies, "anchor": 0.0}
    lr = RATES[method][1]
    if (
        count < FEW and copies is None
    ):  # rehearsal bears a higher rate, and wordings are worth more than passes
        lr, copies = FEW_RECORDS[method]
    return {
        "epochs": 1 if count < FEW else 3,
        "lr": lr,
        "batch_size": 2 if count < FEW else 8,
        "copies": copies or (5 if count < MANY else 1),
        "anchor": 1.0,
    }


def described(settings, count):
    """A sentence on what the settings come to for so many records."""
    copies, size = settings["copies"], settings["batch_size"]
    worded = f"each question in up to {copies} wordings, " if copies > 1 else ""
    most = steps(count * copies, settings["epochs"], size)
    return f"Training: {worded}at most {most} steps of {size} records, rate {settings['lr']:g}."


def steps(count, epochs, batch_size):
    """Training steps of so many epochs."""
    return epochs * math.ceil(count / batch_size)


def evaluate_every(count, batch_size):
    """Steps between two evaluations: twice an epoch, more often where an epoch is long."""
    return max(1, min(math.ceil(count / batch_size) // 2, LONGEST))
