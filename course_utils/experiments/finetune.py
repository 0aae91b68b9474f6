"""Fine-tuning under other conditions: examples, noise, forgetting, instructions, own records, LoRA's rank.

    python -m course_utils.experiments finetune [--table NAME …] [--list]

Each table is a list of runs in data/results/fine_tuning.json. A run that is there is skipped, so a
killed sweep goes on where it stopped. Measured on dev. Left out: a search for the best rate of each run.
"""

import functools
import itertools
import random

from course_utils import data, evaluation, generation, models, training
from course_utils.corpus import mix
from course_utils.experiments import runner
from course_utils.finetune import few_records
from course_utils.finetune.trainable import last_blocks, own_head
from course_utils.peft import lora
from course_utils.storage import paths
from course_utils.tasks import instructions, retention
from course_utils.tasks.toy_desk import gold
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.tasks.toy_desk.task import TASK

FILE = paths.DATA / "results" / "fine_tuning.json"
ITEMS, ON_TRAIN, KEPT, PER_FAMILY = 200, 100, 60, 40
ROOM = TASK.room
STEPS, LONGER, BATCH = 120, 160, 16  # LONGER where the records are the question
TOLD, RATE = 1200, 3e-4  # instruction records, and their learning rate
REPLAYED, WIDTH = 400, 128  # documents of the corpus, and the tokens kept of each
DEPTHS = {  # the parameters that train, and the learning rate
    "head": (own_head, 1e-2),
    "last block": (last_blocks, 3e-3),
    "last two blocks": (lambda model: last_blocks(model, 2), 3e-3),
    "lora_all": (lambda model: lora.add(model, targets="all"), 5e-3),
    "full": (lambda model: list(model.parameters()), 1e-3),
    "full with replay": (lambda model: list(model.parameters()), 1e-3),
}
TABLES = {
    "examples": [{"count": c, "seed": s} for c in (50, 100, 200, 500, 1000, 2000) for s in range(5)],
    "noise": [{"noise": share, "seed": seed} for share in (0.0, 0.1, 0.3) for seed in range(3)],
    "forgetting": [
        {"depth": "untouched", "seed": 0},
        *({"depth": depth, "seed": seed} for depth in DEPTHS for seed in range(3)),
    ],
    "instructions": [{"mixture": name, "seed": s} for name in instructions.MIXTURES for s in range(3)],
    "custom": [
        {"method": method, "form": form, "seed": seed}
        for method in ("full", "lora")
        for form in ("once", "repeated", "reworded")
        for seed in range(5 if form == "reworded" else 3)
    ],
    "lora": [
        {"rank": rank, "steps": steps, "seed": seed}
        for rank in (16, 64, None)
        for steps in (240, 480)
        for seed in range(2)
    ],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


def retention_drop(row):
    """(drop, low, high) of a row of "forgetting": the untouched model's rate less this one's, same items.

    Positive is forgetting; paired, 95 %. Raises LookupError before the untouched model was measured.
    """
    whole = next((r for r in read("forgetting") if r["depth"] == "untouched"), None)
    if whole is None:
        raise LookupError("the untouched model was not measured: python -m course_utils.experiments finetune")
    before, after = ([int(hit) for hits in r["retention"].values() for hit in hits] for r in (whole, row))
    return evaluation.paired_difference(before, after)


# ---- the runs of each table ------------------------------------------------------------------


def examples(count, seed):
    """Full fine-tuning on few records, for the same number of steps."""
    train, dev = desk()
    chosen = stratified(train, count, seed)
    return desk_run("full", chosen, chosen, dev, seed, LONGER)[1]


def noise(noise, seed):
    """Full fine-tuning on 500 records, a share of whose completions belongs to another record."""
    train, dev = desk()
    chosen = stratified(train, 500, seed)
    return desk_run("full", swapped(chosen, noise, seed), chosen, dev, seed, LONGER)[1]


def forgetting(depth, seed):
    """What each depth learns of the desk, and what it loses of the retention suite."""
    train, dev = desk()
    if depth == "untouched":
        model, tokenizer = models.load("glass-box")
        measured = {**shares(model, tokenizer, dev[:ITEMS]), "trained": 0, "seconds": 0.0}
    else:
        (model, tokenizer), measured = desk_run(depth, train, train, dev, seed, STEPS)
    kept = retention.measure(model, tokenizer, KEPT)
    return measured | {"retention": {name: "".join(map(str, map(int, hits))) for name, hits in kept.items()}}


def instructions_run(mixture, seed):
    """Full fine-tuning on a mixture of instructions; all families before and after."""
    model, tokenizer = models.load("glass-box")
    records = instructions.mixture(instructions.MIXTURES[mixture], TOLD, seed)
    history = train_on(model, tokenizer, data.encode(tokenizer, records), None, RATE, seed, TOLD // BATCH)
    after = instructions.measure(model, tokenizer, instructions.FAMILIES, PER_FAMILY)
    return {"before": untouched(), "after": after, "n": PER_FAMILY, "seconds": round(history.seconds, 1)}


@functools.cache
def untouched():
    """{family: hits} of the untouched model."""
    return instructions.measure(*models.load("glass-box"), instructions.FAMILIES, PER_FAMILY)


def own_records(method, form, seed):
    """The ten example records, asked in unseen wordings (and in their own) before and after.

    form: each record once in an epoch, repeated as it stands, or reworded as many times.
    """
    model, tokenizer = models.load("glass-box")
    records, unseen = data.read_records(few_records.EXAMPLE), data.read_records(few_records.UNSEEN)

    def hits(model):
        return [sum(few_records.right(model, tokenizer, asked)) for asked in (unseen, records)]

    before = hits(model)
    copied = records * few_records.COPIES if form == "repeated" else records
    copies = few_records.COPIES if form == "reworded" else 1
    model, history = few_records.tune(
        model, tokenizer, copied, method, copies=copies, seed=seed, progress=False
    )
    after = hits(model)
    return {
        "before": before[0],
        "after": after[0],
        "n": len(unseen),
        "records_before": before[1],
        "records_after": after[1],
        "records_n": len(records),
        "seconds": round(history.seconds, 1),
    }


def lora_by_rank(rank, steps, seed):
    """LoRA on all layers, or all weights if rank is None, at the rates that the scoreboard chose."""
    train, dev = desk()
    model, tokenizer = models.load("glass-box")
    if rank is None:
        chosen, lr = list(model.parameters()), 1e-3
    else:
        chosen, lr = lora.add(model, rank=rank, alpha=2.0 * rank, targets="all", seed=seed), 2e-3
    history = train_on(model, tokenizer, data.encode(tokenizer, train), chosen, lr, seed, steps)
    trained = sum(parameter.numel() for parameter in chosen)
    return shares(model, tokenizer, dev) | {"trained": trained, "seconds": round(history.seconds, 1)}


RUNS = {
    "examples": examples,
    "noise": noise,
    "forgetting": forgetting,
    "instructions": instructions_run,
    "custom": own_records,
    "lora": lora_by_rank,
}


# ---- what they share -------------------------------------------------------------------------


def desk():
    """The desk's records: (train, dev)."""
    return TASK.read("train"), TASK.read("dev")


def desk_run(depth, records, clean, dev, seed, steps):
    """Train one depth on records; ((model, tokenizer), what was measured on dev and on clean records)."""
    model, tokenizer = models.load("glass-box")
    choose, lr = DEPTHS[depth]
    chosen = choose(model)
    examples = data.encode(tokenizer, records)
    if depth.endswith("replay"):
        examples = examples + replay(tokenizer, REPLAYED, seed)
        steps = round(steps * len(examples) / len(records))  # as often over the desk as without
    history = train_on(model, tokenizer, examples, chosen, lr, seed, steps)
    seen = shares(model, tokenizer, clean[:ON_TRAIN])
    measured = shares(model, tokenizer, dev[:ITEMS]) | {
        "train_right": seen["right"],
        "train_n": seen["n"],
        "trained": sum(parameter.numel() for parameter in chosen),
        "loss": round(sum(history.losses[-10:]) / len(history.losses[-10:]), 4),
        "seconds": round(history.seconds, 1),
    }
    return (model, tokenizer), measured


def train_on(model, tokenizer, examples, chosen, lr, seed, steps):
    """The course's loop with this module's batch size; its History."""
    return training.train(
        model,
        examples,
        lr=lr,
        steps=steps,
        batch_size=BATCH,
        seed=seed,
        parameters=chosen,
        progress=False,
        pad_id=tokenizer.pad_token_id,
    )


def shares(model, tokenizer, records):
    """{"right", "team_right", "n"}: replies that are right as a whole, and those with the right team."""
    prompts = [record["prompt"] for record in records]
    replies = generation.generate(model, tokenizer, prompts, ROOM, stop="\n")
    scores = [gold.score(record, reply) for record, reply in zip(records, replies)]
    whole, team = (sum(score[name] for score in scores) for name in ("whole", "team"))
    return {"right": whole, "team_right": team, "n": len(records)}


def swapped(records, share, seed):
    """The records, with the completions of a share of them passed on, each to the next of the chosen."""
    rng, made = random.Random(f"swapped {seed}"), list(records)
    chosen = rng.sample(range(len(records)), round(share * len(records)))
    for place, other in zip(chosen, chosen[1:] + chosen[:1]):
        made[place] = records[place] | {"completion": records[other]["completion"]}
    return made


def replay(tokenizer, count, seed):
    """Documents of the kind that the base model was trained on, as examples in which every token counts."""
    texts = itertools.islice(mix.documents(f"replay {seed}", 0), count)
    rows = [tokenizer(text)["input_ids"][:WIDTH] for _, text in texts]
    return [{"input_ids": row, "mask": [1] * len(row)} for row in rows if len(row) > 1]
