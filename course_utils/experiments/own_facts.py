"""Ten new facts on the real model by the recipe of `finetune`: right in other words, and what else changed.

    python -m course_utils.experiments own_facts [--table NAME …] [--list]

The sets are in data/custom/ten: a person, a product, a place, the rules of a company, none of which exists.
Each fact has one question to learn from and one in other words, written before anything was trained and never
trained on. A reply is right if the fact's key stands in it. "common" are the questions of `finetune.probe`,
which rehearsal does not hold. A killed sweep goes on where it stopped. Left out: larger sets, other models.
"""

from course_utils import models
from course_utils.experiments import runner
from course_utils.finetune import few_records, probe, recipe, run
from course_utils.storage import paths

MODEL = models.REAL
FILE = paths.DATA / "results" / "own_facts.json"
PARTS = {  # what is left out of the recipe
    "rehearsal": {"anchor": 0.0},
    "other wordings": {"reworded": False},
}
TABLES = {
    "recipe": [
        {"set": name, "method": method, "copies": copies}
        for method, copies in (("full", 12), ("lora", 20), ("full", 6))
        for name in reversed(few_records.TEN)
    ],
    "without": [
        {"set": name, "left_out": part}
        for name in few_records.TEN[:2]
        for part in ("rehearsal", "other wordings")
    ],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def total(rows, column, of):
    """(sum of a column, sum of what it is a part of) over stored runs."""
    return sum(row[column] for row in rows), sum(row[of] for row in rows)


def by_recipe(set, method, copies):
    """Ten facts learned by the recipe, each question in so many wordings."""
    return learned(set, method, {"copies": copies})


def without(set, left_out):
    """Ten facts learned by full fine-tuning without one of the recipe's parts, in as many steps."""
    return learned(set, "full", PARTS[left_out])


def learned(name, method, changed):
    """Train on a set, ask before and after; what was measured, with the replies."""
    model, tokenizer = models.load()
    facts = few_records.ten(name)
    settings = recipe.settings(method, models.count_parameters(model), len(facts)) | changed
    reworded, records = settings.pop("reworded", True), facts
    if not reworded:
        records, settings["copies"] = facts * settings["copies"], 1
    before = few_records.replies(model, tokenizer, few_records.in_other_words(facts))
    common = probe.replies(model, tokenizer)
    never = {fact["asked"] for fact in facts}
    model, history = run.learn(model, tokenizer, records, method, settings, never=never, progress=False)
    after = few_records.replies(model, tokenizer, few_records.in_other_words(facts))
    common_after = probe.replies(model, tokenizer)
    return {
        "before": sum(few_records.states(facts, before)),
        "after": sum(few_records.states(facts, after)),
        "n": len(facts),
        "common_before": sum(probe.grades(common)),
        "common_after": sum(probe.grades(common_after)),
        "new_errors": len(probe.lost(common, common_after)),
        "common_n": len(common),
        "settings": settings,
        "replies": after,
        "common_replies": common_after,
        "steps": len(history.losses),
    }


RUNS = {"recipe": by_recipe, "without": without}
