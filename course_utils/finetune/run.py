"""The fine-tuning itself: hold back, train with early stop, measure before and after.

    learned, held = run.held_back(records)
    model, history = run.learn(model, tokenizer, learned, held=held)     by the recipe
    model, history = run.tune(model, tokenizer, learned, lr=1e-3)        just the records, as they stand

Left out: packing, several devices, and a search for the best rate.
"""

import random

import torch

from course_utils import losses, models, training
from course_utils.batching import context_length
from course_utils.finetune import augment, chat_format, recipe, rehearsal, trainable
from course_utils.finetune.own_data import asked

HELD_BACK = 0.1  # of the records, where there are enough
MOST_HELD = 200
BATCH = 8  # rows at once when a loss is measured


def held_back(records, seed=0, share=HELD_BACK):
    """(records to learn from, records to ask): a tenth of the prompts, at most 200, is held back.

    Below recipe.FEW different prompts nothing can be spared, and the same records serve for both.
    """
    count = len({asked(record) for record in records})
    if count < recipe.FEW or share <= 0:
        return records, records
    kept = min(max(1, round(share * count)), MOST_HELD, count - 1)
    chosen = set(random.Random(seed).sample(sorted({asked(record) for record in records}), kept))
    learned = [record for record in records if asked(record) not in chosen]
    return learned, [record for record in records if asked(record) in chosen]


def learn(model, tokenizer, records, method="lora", settings=None, seed=0, held=(), never=(), progress=True):
    """Train on the records by the recipe; returns (model, History). With "lora" the model is PEFT's.

    settings: as `recipe.settings` gives them, or changed. Each question is learned in so many wordings
    (never in one of `never`, which are kept for the test), while a penalty holds the model to what it
    says to common questions now. held: records on which the loss is measured twice an epoch
    (History.evaluations holds its negative); training ends when it has stopped falling, and the best
    weights are kept. Raises BadRecords for records that do not fit the model's context.
    """
    settings = settings or recipe.settings(method, models.count_parameters(model), len(records))
    reworded = augment.reworded(records, settings["copies"], seed, never)
    penalty = None
    if settings["anchor"]:
        penalty = rehearsal.anchor(model, tokenizer, settings["anchor"], seed=seed)
    return _train(model, tokenizer, reworded, method, settings, seed, progress, held, penalty)


def tune(
    model, tokenizer, records, method="lora", epochs=None, lr=None, seed=0, batch_size=None, progress=True
):
    """Train on the records as they stand, and on nothing else; returns (model, History).

    method: lora (the model is PEFT's then), full, last_block or head. epochs, lr, batch_size: by default
    what suits the method, the model's size and the number of records (`recipe`). Raises as `learn` does.
    """
    usual = recipe.settings(method, models.count_parameters(model), len(records), copies=1)
    settings = {
        "epochs": epochs or usual["epochs"],
        "lr": lr or usual["lr"],
        "batch_size": batch_size or usual["batch_size"],
    }
    return _train(model, tokenizer, records, method, settings, seed, progress)


def _train(model, tokenizer, records, method, settings, seed, progress, held=(), penalty=None):
    """The training of `learn` and `tune`."""
    examples = chat_format.encoded(tokenizer, records, context_length(model))
    model, parameters = trainable.choose(model, method, seed)
    size, early_stop = settings["batch_size"], {}
    if held:
        sample = held[: recipe.EVALUATED]
        early_stop = {
            "evaluate": lambda model: -loss_on(model, tokenizer, sample),
            "evaluate_every": recipe.evaluate_every(len(examples), size),
            "patience": recipe.PATIENCE,
        }
    history = training.train(
        model,
        examples,
        lr=settings["lr"],
        steps=recipe.steps(len(examples), settings["epochs"], size),
        batch_size=size,
        seed=seed,
        parameters=parameters,
        penalty=penalty,
        progress=progress,
        pad_id=tokenizer.pad_token_id,
        **early_stop,
    )
    return model, history


@torch.inference_mode()
def loss_on(model, tokenizer, records):
    """Mean cross-entropy of what the records' assistant says, in nats per token."""
    examples = sorted(chat_format.encoded(tokenizer, records), key=lambda e: len(e["input_ids"]))
    total, count = 0.0, 0
    for start in range(0, len(examples), BATCH):
        logits, targets = training.predictions(model, examples[start : start + BATCH], tokenizer.pad_token_id)
        total += losses.next_token(logits, targets).item() * len(targets)
        count += len(targets)
    return total / count
