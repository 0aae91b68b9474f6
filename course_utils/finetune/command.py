"""The steps of `python -m course_utils.finetune`, one function each; `__main__` has the options."""

import hashlib
from pathlib import Path

import torch

from course_utils import data, models
from course_utils.finetune import base_model, card, chat_format, own_data, probe, recipe, report, run, save
from course_utils.storage.files import write_atomically

MOST_ASKED = 40  # questions answered before and after; the loss is measured on all
LAST_STEPS = 5  # the last loss in training is the mean over so many


def run_command(options, out, own, questions):
    """Train, ask and write, with what `inputs` made of the options. Raises OSError or ValueError."""
    torch.set_num_threads(models.choose_threads())
    model, tokenizer = models.load(base_model.chosen(options.model))
    check_lengths(model, tokenizer, own)
    learned, held = run.held_back(own.records, options.seed, options.hold_back)
    held = [] if held is learned else held
    asked, what = choose_asked(learned, held, questions)
    say([f"{len(learned)} records to learn from, {len(held)} held back; method {options.method}. {what}"])
    say(report.shared_questions(learned, asked) if questions else [])

    say(["Asking before training …"])
    before = measure(model, tokenizer, asked, own.records)
    settings = chosen_settings(options, models.count_parameters(model), len(learned))
    never = {own_data.asked(record) for record in asked if asked is not learned}
    say([recipe.described(settings, len(learned))])
    say(["Writing the replies to rehearse, then training …"] if settings["anchor"] else [])
    model, history = run.learn(model, tokenizer, learned, options.method, settings, options.seed, held, never)
    say(["Asking again …"])
    after = measure(model, tokenizer, asked, own.records)

    facts = collect(options, own, settings, (learned, held, asked, what), (before, after), history)
    base = base_model.describe(options.model)
    write(model, tokenizer, out, facts, base, options.merge)
    show(facts, asked, before, after, history)
    say(["", *next_steps(out, options)])


def say(lines):
    """Print lines, or nothing if there are none."""
    for line in lines:
        print(line)


def check_lengths(model, tokenizer, own):
    """Raises BadRecords for the rows that do not fit the model's context: none is cut in silence."""
    check = chat_format.too_long(tokenizer, model)
    problems = [(row, reason) for row, record in zip(own.rows, own.records) if (reason := check(record))]
    if problems:
        raise data.BadRecords(own.name, problems)


def choose_asked(learned, held, questions):
    """(the records to ask, a sentence that says which they are)."""
    if questions:
        return questions, "Your questions are asked before and after."
    if held:
        return held, "The held-back records are asked before and after, and decide when training stops."
    return learned, (
        f"With fewer than {recipe.FEW} prompts none is held back: the same records are asked before and "
        "after, which shows what is remembered. To see whether it is understood, ask in other words (--ask)."
    )


def measure(model, tokenizer, asked, records):
    """{"replies", "loss", "probe"} of a model: its replies to the first questions, the loss on all that
    have answers (None without any), and its replies to the common questions.
    """
    answered = [record for record in asked if own_data.answer(record)]
    stop = chat_format.ending(tokenizer, records)
    return {
        "replies": chat_format.ask(model, tokenizer, asked[:MOST_ASKED], stop),
        "loss": run.loss_on(model, tokenizer, answered) if answered else None,
        "probe": probe.replies(model, tokenizer),
    }


def chosen_settings(options, parameters, count):
    """The recipe's settings, with those that the options give in their place."""
    settings = recipe.settings(options.method, parameters, count, options.copies)
    overrides = {
        "epochs": options.epochs,
        "lr": options.rate,
        "batch_size": options.batch_size,
        "anchor": options.anchor,
    }
    return settings | {name: value for name, value in overrides.items() if value is not None}


def collect(options, own, settings, sets, measured, history):
    """The facts of a run, for training.json and the card; no path of this machine is among them."""
    learned, held, asked, what = sets
    before, after = measured
    replies = [
        {"question": own_data.asked(r), "wanted": own_data.answer(r), "before": old, "after": new}
        for r, old, new in zip(asked, before["replies"], after["replies"])
    ]
    return {
        "data": {
            "file": own.name,
            "sha256": hashlib.sha256(Path(options.data).read_bytes()).hexdigest(),
            "columns": own.mapping,
            "used": len(own.records),
            "empty_rows_skipped": len(own.empty),
            "repeated_rows_used_once": len(own.repeated),
            "learned": len(learned),
            "held_back": len(held),
        },
        "settings": {"method": options.method, **settings, "seed": options.seed, "merged": options.merge},
        "steps": len(history.losses),
        "seconds": round(history.seconds, 1),
        "loss": {
            "first": history.losses[0],
            "last": sum(history.losses[-LAST_STEPS:]) / len(history.losses[-LAST_STEPS:]),
            "before": before["loss"],
            "after": after["loss"],
            "training": [round(value, 4) for value in history.losses],
            "held_back": [[step, round(-value, 4)] for step, value in history.evaluations],
        },
        "asked": {
            "what": what,
            "scores": report.scores(asked[:MOST_ASKED], before["replies"], after["replies"]),
            "replies": replies,
        },
        "probe": {
            "before": sum(probe.grades(before["probe"])),
            "after": sum(probe.grades(after["probe"])),
            "report": probe.report(before["probe"], after["probe"]),
            "replies": [
                {"question": asked, "before": old, "after": new}
                for (asked, _), old, new in zip(probe.QUESTIONS, before["probe"], after["probe"])
            ],
        },
        "versions": card.versions(),
    }


def write(model, tokenizer, out, facts, base, merge):
    """Write the folder: the weights or the adapter, the tokenizer, the card, and the record of the run."""

    def fill(draft):
        save.model(model, tokenizer, draft, base.name)
        write_atomically(draft / "README.md", card.card(facts, base, out.name))
        write_atomically(draft / "training.json", card.training_json(facts))
        if merge:
            save.merged(model, tokenizer, draft / "merged")

    save.folder(out, fill)


def show(facts, asked, before, after, history):
    """Print the replies, the scores, the losses and what else changed."""
    loss = facts["loss"]
    say(["", *report.replies(asked[:MOST_ASKED], before["replies"], after["replies"])])
    say([*facts["asked"]["scores"]])
    if loss["before"] is not None:
        say(
            [
                "loss on these answers, nats per token (lower is better): "
                f"{loss['before']:.2f} before, {loss['after']:.2f} after"
            ]
        )
    say(["", *report.curve(history)] if history.evaluations else [])
    say([f"loss in training: {loss['first']:.2f} at first, {loss['last']:.2f} at the end"])
    say(["", *facts["probe"]["report"], "All replies stand in training.json."])
    say(["", f"{facts['steps']} steps in {facts['seconds']:.0f} s."])


def next_steps(out, options):
    """Lines: where the model is, and the commands that one will want next."""
    model = f" --model {options.model}" if options.model else ""
    kind = "adapter" if options.method == "lora" else "model"
    lines = [
        f"The {kind} is in {out}; its README.md says how to load it.",
        f'Ask it:    python -m course_utils.finetune.ask {out} "your question"{model}',
    ]
    if options.method == "lora" and not options.merge:
        lines.append("Whole weights, for other programs: the same command with --merge and another --out.")
    return lines
