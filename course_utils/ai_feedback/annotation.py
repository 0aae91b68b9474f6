"""Labels by a simulated annotator, from scratch or by correcting what a model proposes, and their cost.

    label, seconds = annotation.from_scratch(record)
    label, seconds = annotation.corrected(record, proposal, rng)
    rows = annotation.campaign(train, sizes, learn)          a model that improves with the labels

The annotator knows the right reply; COSTS says what each act takes. They are assumptions, stated so
that they can be changed: the speed-up is only as good as they are. Taught in lesson 06. Left out:
fatigue, several annotators, and choosing which message to label next.
"""

import random

from course_utils.tasks.toy_desk import gold, replies

COSTS = {  # seconds
    "read the message": 5.0,
    "choose from a list": 3.0,  # a team or a priority
    "type a word": 1.6,  # about 40 words a minute
    "check a word": 0.3,  # of a proposal, about 200 words a minute
    "accept": 1.0,  # the click that ends a label
}
MISSED = 0.05  # probability that a wrong field of a proposal is overlooked


def from_scratch(record, costs=COSTS):
    """(the record's own completion, seconds): read, choose team and priority, type the answer."""
    answer = replies.fields(record["completion"])["answer"]
    typed = costs["type a word"] * len(answer.split())
    seconds = costs["read the message"] + 2 * costs["choose from a list"] + typed + costs["accept"]
    return record["completion"], seconds


def corrected(record, proposal, rng, costs=COSTS, missed=MISSED):
    """(label, seconds): read message and proposal, choose or type anew what is wrong, miss some of it.

    rng: a random.Random, which decides what is overlooked. A proposal that is not in the form is read,
    discarded and written from scratch.
    """
    seconds = costs["check a word"] * len(proposal.split())
    fields, wanted = replies.fields(proposal), replies.fields(record["completion"])
    if fields is None:
        label, more = from_scratch(record, costs)
        return label, seconds + more
    right = gold.score(record, proposal)
    seconds += costs["read the message"] + costs["accept"]
    for name in replies.NAMES:
        if right[name] or rng.random() < missed:
            continue
        words = len(wanted[name].split())
        seconds += costs["type a word"] * words if name == "answer" else costs["choose from a list"]
        fields = fields | {name: wanted[name]}
    return f" {replies.written(fields)}", seconds


def limit(records, costs=COSTS):
    """The speed-up if every proposal were right: seconds from scratch over seconds of reading it.

    No model gets beyond it, however good, since its proposals must still be read.
    """
    scratch = sum(from_scratch(record, costs)[1] for record in records)
    perfect = sum(corrected(record, record["completion"], random.Random(0), costs)[1] for record in records)
    return scratch / perfect


def batch(records, proposals, seed=0, costs=COSTS, missed=MISSED):
    """(labeled records, costs) for proposals to records.

    The costs: n, seconds, scratch (seconds without proposals), right (proposals right as a whole),
    wrong_labels (labels with a mistake in them, overlooked).
    """
    rng, labeled = random.Random(f"annotator {seed}"), []
    spent = {"n": len(records), "seconds": 0.0, "scratch": 0.0, "right": 0, "wrong_labels": 0}
    for record, proposal in zip(records, proposals, strict=True):
        label, seconds = corrected(record, proposal, rng, costs, missed)
        labeled.append(record | {"completion": label})
        spent["seconds"] += seconds
        spent["scratch"] += from_scratch(record, costs)[1]
        spent["right"] += gold.score(record, proposal)["whole"]
        spent["wrong_labels"] += not gold.score(record, label)["whole"]
    return labeled, spent | {name: round(spent[name], 1) for name in ("seconds", "scratch")}


def campaign(records, sizes, learn, seed=0, costs=COSTS, missed=MISSED, timed=100):
    """The costs of batches of `timed` labels, with a model trained on ever more: [{"labels", …}].

    sizes: how many labels there are before each batch. learn(labeled, turn) -> reply(requests) ->
    proposals. The annotator's labels of a batch, mistakes included, are training data from then on; the
    others up to the next size are the records' own, to save the time of proposing them.
    """
    labeled, rows = list(records[: sizes[0]]), []
    for turn, (size, upto) in enumerate(zip(sizes, [*sizes[1:], sizes[-1] + timed])):
        waiting, rest = records[size : min(size + timed, upto)], records[size + timed : upto]
        proposals = learn(labeled, turn)([record["prompt"] for record in waiting])
        done, spent = batch(waiting, proposals, f"{seed} {turn}", costs, missed)
        labeled += done + rest
        rows.append({"labels": size} | spent)
    return rows
