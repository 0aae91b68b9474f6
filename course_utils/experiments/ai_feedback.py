"""The long runs of lesson 06: labels of a judge and of people, synthetic records, annotation, model collapse.

    python -m course_utils.experiments ai_feedback [--table NAME …] [--list]

Each table is a list of runs in data/results/ai_feedback.json. A run that is there is skipped, so a
killed sweep continues where it stopped. Measured on dev and on held-out pairs, never on test. Left out:
a search for the best learning rate of each run.
"""

import functools
import random

from course_utils import models
from course_utils.ai_feedback import annotation, judge_training, llm_judge, model_collapse, synthetic_data
from course_utils.experiments import runner
from course_utils.rlhf import preferences, reward_model, training_cache
from course_utils.storage import paths
from course_utils.tasks.toy_desk import gold
from course_utils.tasks.toy_desk.replies import stratified
from course_utils.tasks.toy_desk.task import TASK
from course_utils.techniques import synthetic
from course_utils.techniques.ai_feedback import labeled
from course_utils.techniques.finetune import full

FILE = paths.DATA / "results" / "ai_feedback.json"
ITEMS, STEPS, RATE = 200, 160, 2e-3  # questions of dev; steps of a student and their learning rate
COLLAPSE_ITEMS, ANNOTATING = 100, 100  # questions to each generation; steps before a batch of annotation
SEEDS, COUNT = TASK.synthesis.seeds, TASK.synthesis.added  # real records of a student, and those added
VERDICTS, UNLABELLED = 1000, 600  # training verdicts of the judge; messages for pseudo-labels
THRESHOLDS = (0.0, 0.5, 0.9)
SIZES = (50, 100, 200, 400, 800, 1600)  # labels before each batch of annotation
SOURCES = ("people", "judge", "expected", "itself", "principles")
TABLES = {
    "reward_models": [
        {"source": source, "labels": count, "seed": seed}
        for seed in range(5)
        for count in (100, 400)
        for source in SOURCES
    ],
    "synthetic": [
        {"added": name, "seed": seed}
        for seed in range(5)
        for name in ("nothing", "unfiltered", "filtered", "random replies", "real")
    ],
    "pseudo": [{"threshold": least, "seed": seed} for seed in range(3) for least in THRESHOLDS],
    "annotation": [{"seed": seed} for seed in range(3)],
    "lineage": [{"fresh": fresh, "seed": seed} for seed in range(3) for fresh in (0.0, 0.5)],
}


def read(table):
    """The stored runs of a table, each its setting with what was measured."""
    return runner.read(FILE, table)


# ---- the runs of each table ------------------------------------------------------------------


def reward_models(source, labels, seed):
    """A reward model from labels of people (one in ten is wrong) or of a judge (see `relabeled`).

    It begins, as in lesson 05, from the policy that wrote most of the replies.
    """
    pairs, held_out = preferences.read("train"), preferences.read("held_out")
    sampled = random.Random(f"labels {seed}").sample(pairs, labels)
    policy, tokenizer = writer()
    judge = {"principles": models.load, "itself": writer}.get(source, trained_judge)
    labeled_pairs = sampled if source == "people" else relabeled(*judge(), sampled, source)
    agreed = sum(a["chosen"] == right(b) for a, b in zip(labeled_pairs, sampled))
    model = reward_model.start(policy, seed)
    reward_model.train(model, tokenizer, labeled_pairs, seed=seed)
    margins = reward_model.margins(model, tokenizer, held_out)
    hits = "".join(str(int(margin > 0)) for margin in margins)
    return {"hits": hits, "right": hits.count("1"), "n": len(hits), "labels_right": agreed}


def synthetic_run(added, seed):
    """A student of 200 real records and 600 of another kind."""
    seeds, others, written = record_groups(seed)
    records = {
        "nothing": [],
        "unfiltered": [record for record in written if record["completion"].strip()],
        "filtered": synthetic_data.deduplicated(synthetic_data.valid(written, seeds), seeds),
        "random replies": shuffled(written, seed),
        "real": others,
    }[added][:COUNT]
    return student(seeds + records, seed) | {"records": len(records)}


def pseudo(threshold, seed):
    """A student of 200 real records, and of other messages with its teacher's confident replies."""
    seeds, others, _ = record_groups(seed)
    kept = [record for record in pseudo_labels(seed) if record["confidence"] >= threshold]
    known = {record["prompt"]: record for record in others}
    right = sum(gold.score(known[r["prompt"]], r["completion"])["whole"] for r in kept)
    return student(seeds + kept, seed) | {"records": len(kept), "labels_right": right}


def annotation_run(seed):
    """Seconds for labels as the model that proposes them improves."""
    train, _ = desk()
    order = random.Random(f"annotation {seed}").sample(train, len(train))

    def learn(labeled, turn):
        model, tokenizer = models.load("glass-box")
        return full(model, tokenizer, labeled, 10 * seed + turn, TASK, RATE, ANNOTATING).reply

    return {"batches": annotation.campaign(order, SIZES, learn, seed)}


def model_collapse_run(fresh, seed):
    """Model collapse: six generations of students, with and without fresh real records."""
    train, dev = desk()
    base, tokenizer = models.load("glass-box")
    order = random.Random(f"lineage {seed}").sample(train, len(train))
    return {"students": model_collapse.run(base, tokenizer, order, dev[:COLLAPSE_ITEMS], seed, fresh)}


RUNS = {
    "reward_models": reward_models,
    "synthetic": synthetic_run,
    "pseudo": pseudo,
    "annotation": annotation_run,
    "lineage": model_collapse_run,
}


# ---- what they share -------------------------------------------------------------------------


@functools.cache
def desk():
    """The desk's records: (train, dev)."""
    return TASK.read("train"), TASK.read("dev")


@functools.cache
def writer():
    """(policy, tokenizer) of lesson 05, fine-tuned on noisy demonstrations."""
    model, tokenizer = models.load("glass-box")
    training_cache.sft(model, tokenizer, desk()[0])
    return model, tokenizer


@functools.cache
def trained_judge():
    """(judge, tokenizer): the base after the desk's records and verdicts on them (judge_training.train)."""
    model, tokenizer = models.load("glass-box")
    return judge_training.train(model, tokenizer, desk()[0], VERDICTS), tokenizer


@functools.lru_cache(1)
def record_groups(seed):
    """(200 real records, the other real ones in an order of their own, synthetic ones by a teacher)."""
    train, _ = desk()
    base, tokenizer = models.load("glass-box")
    seeds = stratified(train, SEEDS, seed)
    names = {record["id"] for record in seeds}
    others = [record for record in train if record["id"] not in names]
    written = synthetic.written(base, tokenizer, seeds, seed, 1.0, TASK, TASK.synthesis)
    return seeds, random.Random(f"others {seed}").sample(others, len(others)), written


@functools.lru_cache(1)
def pseudo_labels(seed):
    """Other real messages with the replies of a teacher of 200 records."""
    seeds, others, _ = record_groups(seed)
    model, tokenizer = models.load("glass-box")
    full(model, tokenizer, seeds, seed, TASK, RATE, STEPS)
    prompts = [record["prompt"] for record in others[:UNLABELLED]]
    return synthetic_data.pseudo_labeled(model, tokenizer, prompts)


def student(records, seed):
    """Full fine-tuning on these records: hits on dev."""
    model, tokenizer = models.load("glass-box")
    reply, (_, dev) = full(model, tokenizer, records, seed, TASK, RATE, STEPS).reply, desk()
    replies = reply([record["prompt"] for record in dev[:ITEMS]])
    scores = [gold.score(record, text) for record, text in zip(dev, replies)]
    hits = "".join(str(int(score["whole"])) for score in scores)
    return {
        "hits": hits,
        "right": hits.count("1"),
        "team_right": sum(score["team"] for score in scores),
        "n": len(hits),
    }


def shuffled(records, seed):
    """The records with their replies exchanged at random: the matched random control."""
    records = [record for record in records if record["completion"].strip()]
    replies = [record["completion"] for record in records]
    random.Random(f"shuffled {seed}").shuffle(replies)
    return [record | {"completion": reply} for record, reply in zip(records, replies)]


def right(pair):
    """The reply of a pair that is better by gold, whatever its label says."""
    return pair["rejected"] if pair["flipped"] else pair["chosen"]


def relabeled(judge, tokenizer, pairs, source="judge"):
    """The pairs as a model labels them.

    source: "judge", by the question that it was trained on; "expected", by its log-probability of the
    replies ("itself" is the same, of the policy that wrote them); or "principles", by several questions.
    """
    scores = {
        "judge": functools.partial(llm_judge.yes, question=llm_judge.GOOD),
        "expected": llm_judge.expected,
        "itself": llm_judge.expected,
        "principles": llm_judge.principled,
    }
    return labeled(lambda prompts, replies: scores[source](judge, tokenizer, prompts, replies), pairs)
