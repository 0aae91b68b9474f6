"""A task of the scoreboard: its records, how a model is asked, and how a reply is graded.

    task = tasks.base.find("helpdesk")
    text = task.asked(tokenizer, record["prompt"])         what a trained model is sent
    marks = task.grade(record, reply)                      {"form", "team", "priority", …, "whole"}

Techniques know a task through this record alone, so that each runs on every task. The instances are in
the modules that TASKS names, and `of_records` makes one of anybody's records. Left out: several
turns in one record.
"""

import importlib
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from course_utils.prompts import few_shot, retrieval, templates
from course_utils.storage import paths
from course_utils.storage.records import read_records

TASKS = {
    "helpdesk": "course_utils.tasks.helpdesk.task",
    "toy_desk": "course_utils.tasks.toy_desk.task",
    "toy_desk_smollm2": "course_utils.tasks.toy_desk.real_model",
}
DEFAULT = "helpdesk"
PLACE = "<text>"  # stands for the free text of a reply while its form is looked at


class Budget(NamedTuple):
    """What every trained technique may use: so many records (None: all), for so many steps of a batch."""

    records: int | None
    steps: int
    batch: int


class Feedback(NamedTuple):
    """How learning from feedback runs: its start by SFT, what trains, the updates and replies of a run.

    records: demonstrations (None: all). sft_*: steps, batch and learning rate of the start. lora: (rank,
    number of last blocks) of the adapter that trains, or None for all weights. updates of `batch` replies,
    `group` of them to one prompt, each of at most `room` tokens. reward_lr, epochs, pairs (None: all),
    pair_batch: of the reward model; DPO has batches of that size, too. value_rounds: of sampling replies that
    teach a value model. verdicts, judging, judge_lr: examples that teach a judge, the steps and the rate;
    refining: those of self-refinement.
    """

    records: int | None = None
    sft_steps: int = 360
    sft_batch: int = 16
    sft_lr: float = 1e-3
    lora: tuple | None = None
    updates: int = 24
    batch: int = 64
    group: int = 8
    room: int = 64
    reward_lr: float = 1e-3
    epochs: int = 2
    pairs: int | None = None
    pair_batch: int = 16
    value_rounds: int = 12
    verdicts: int = 1000
    judging: int = 240
    judge_lr: float = 2e-3
    refining: int = 320


class Synthesis(NamedTuple):
    """Sizes of training on synthetic records: real ones, those added, those that the teacher writes.

    steps: of the student's training (None: the task's budget). teaching, lr, batch: of the teacher's; room:
    tokens of a record that it writes. lora: as in Feedback, of both.
    """

    seeds: int = 200
    added: int = 600
    written: int = 1600
    steps: int | None = None
    teaching: int = 120
    lr: float = 2e-3
    batch: int = 16
    room: int = 110
    lora: tuple | None = None


@dataclass(frozen=True)
class Task:
    """One task. Only `name`, `grade` and `model` must be given; what is missing, a task does not offer.

    names: the fields of a reply, the free text last. parse(reply) -> {name: value} or None, written(values)
    -> reply. statements() -> {key: statement} of the facts. facts_for(message, k) -> statements, the nearest
    last. rationale(record) -> a line of reasoning. kind: the record's field by which shots alternate.
    instructions, systems: {name: text}, where {form}, {teams} and {priorities} are filled in. decline: a
    reply's free text that answers nothing. room: tokens of a reply. chat: the tokenizer's chat template is
    used, with `system` as its system turn. trial: the budget while settings are tried, on the first
    `dev_items` of dev; `seeds`: how many are reported; `latencies`: single requests that are timed;
    mixed_quality(records, seed) -> demonstrations, some of them worsened; worsener(records) -> worsen(record,
    rng) -> a completion with a fault. principles: questions about a reply whose answer is yes if it is good;
    problems(records) -> check(record) -> what a program finds wrong with a synthetic record. feedback,
    synthesis: sizes of what learns from feedback and from synthetic records; trial_feedback, trial_synthesis:
    while settings are tried, where they differ. bf16: training computes in bf16 where the hardware does
    (`number_formats.bf16_is_native`). `kl_items`: replies over which the divergence from the base model is
    averaged. retention(model, tokenizer) -> {ability: hits}, or {ability: {"strict": hits, "lenient": hits}}
    where it grades twice. suffix: of its files in data/results. offers: what techniques may need beside
    records.
    """

    name: str
    grade: Callable
    model: str
    gold_reward: Callable | None = None
    folder: Path | None = None
    names: tuple = ()
    parse: Callable = lambda reply: None
    written: Callable | None = None
    statements: Callable = dict
    facts_for: Callable | None = None
    rationale: Callable | None = None
    kind: str = "skill"
    instructions: dict = field(default_factory=lambda: {"none": ""})
    systems: dict = field(default_factory=dict)
    decline: str = ""
    room: int = 90
    chat: bool = False
    system: str = ""
    budget: Budget = Budget(None, 240, 16)
    trial: Budget = Budget(None, 240, 16)
    dev_items: int = 250
    seeds: int = 5
    latencies: int = 12
    kl_items: int = 100
    bf16: bool = False
    mixed_quality: Callable | None = None
    worsener: Callable | None = None
    principles: tuple = ()
    problems: Callable | None = None
    feedback: Feedback = Feedback()
    trial_feedback: Feedback | None = None
    synthesis: Synthesis = Synthesis()
    trial_synthesis: Synthesis | None = None
    retention: Callable | None = None
    suffix: str = ""
    offers: frozenset = frozenset()

    def read(self, part):
        """The records of "train", "dev" or "test". Raises BadRecords if there is no such file."""
        return read_records(self.folder / f"{part}.jsonl")

    def in_folder(self, folder):
        """The same task with the records of another folder."""
        return replace(self, folder=Path(folder))

    def pairs(self, split=None):
        """The stored preferences, all or those of a split. Raises FileNotFoundError if the task has none."""
        file = self.folder / "preferences.jsonl"
        if not file.is_file():
            raise FileNotFoundError(
                f"The task {self.name} has no preferences: there is no {file.name} in {file.parent}."
            )
        pairs = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        return [pair for pair in pairs if split in (None, pair["split"])]

    def for_trials(self):
        """The same task with the budget of a trial."""
        feedback, synthesis = self.trial_feedback or self.feedback, self.trial_synthesis or self.synthesis
        return replace(self, budget=self.trial, feedback=feedback, synthesis=synthesis)

    @property
    def half(self):
        """`bf16` as training.train takes it: None, where the hardware has it, or False."""
        return None if self.bf16 else False

    # ---- how a model is asked ----------------------------------------------------------------

    def asked(self, tokenizer, request):
        """The text after which a trained model gives its reply: the request alone, open at its end."""
        return self.conversation(tokenizer, [], request) if self.chat else few_shot.open_end(request)

    def said(self, completion):
        """A completion as it follows what `asked` gives: in a chat without the space in front."""
        return completion.strip() if self.chat else f" {completion.strip()}"

    def conversation(self, tokenizer, shots, request, instruction="", system=None):
        """Shots and request as turns of a chat, the instruction at the head of the first user's turn."""
        turns = [{"role": "system", "content": system or self.system}] if system or self.system else []
        for shot in shots:
            turns.append({"role": "user", "content": few_shot.bare(shot["prompt"])})
            turns.append({"role": "assistant", "content": shot["completion"].strip()})
        turns.append({"role": "user", "content": few_shot.bare(request)})
        if instruction:
            first = next(turn for turn in turns if turn["role"] == "user")
            first["content"] = f"{instruction}\n\n{first['content']}"
        return templates.render_chat(tokenizer, turns)

    def training_records(self, tokenizer, records):
        """Records for `data.encode`, each prompt as `asked` gives it and each completion as it follows."""
        return [
            record
            | {
                "prompt": self.asked(tokenizer, record["prompt"]),
                "completion": self.said(record["completion"]) if self.chat else record["completion"],
            }
            for record in records
        ]

    def training_pairs(self, tokenizer, pairs):
        """Pairs for training, each prompt as `asked` gives it and both replies as they follow."""
        return [
            pair
            | {"prompt": self.asked(tokenizer, pair["prompt"])}
            | {side: self.said(pair[side]) for side in ("chosen", "rejected")}
            for pair in pairs
        ]

    # ---- what is in the records --------------------------------------------------------------

    def common(self, records, name):
        """The values of one field in the records' completions, the most frequent first (ties by alphabet)."""
        counts = Counter(values[name] for r in records if (values := self.parse(r["completion"])))
        return sorted(counts, key=lambda value: (-counts[value], value))

    def sample(self, records, k, seed):
        """k different records, shuffled: kinds in turn, and teams not yet shown before the others."""
        return stratified(records, k, seed, lambda record: record.get(self.kind, ""), self.team)

    def subset(self, train, seed):
        """The records that the budget allows to train on: all, or a sample by seed."""
        count = self.budget.records
        return train if count is None or count >= len(train) else self.sample(train, count, seed)

    def team(self, record):
        """The first field of a record's completion, or None."""
        values = self.parse(record["completion"])
        return values[self.names[0]] if values else None

    def described(self, instruction, records):
        """An instruction with {form}, {teams} and {priorities} filled in, from the records."""
        if "{" not in instruction:
            return instruction
        teams, priorities = (", ".join(sorted(self.common(records, name))) for name in self.names[:2])
        form = self.written({name: name for name in self.names})
        return instruction.format(form=form, teams=teams, priorities=priorities)

    def heads(self, records):
        """([what a reply may begin with, up to its free text], what closes it), of all values in records."""
        teams, priorities = (self.common(records, name) for name in self.names[:2])
        pairs = itertools.product(teams, priorities)
        forms = [self.written(dict(zip(self.names, (*pair, PLACE)))).split(PLACE) for pair in pairs]
        return [head.rstrip() for head, _ in forms], forms[0][1]


def find(name):
    """The Task of a name. Raises ValueError for a name that is none, with those that there are."""
    if name not in TASKS:
        raise ValueError(f"There is no task {name!r}. There are: {', '.join(TASKS)}.")
    return importlib.import_module(TASKS[name]).TASK


def of_records(model, chat=False, score=None, room=90):
    """A Task for records of one's own. score(record, reply) -> bool, by default equal, spaces aside."""
    score = score or (lambda record, reply: reply.strip() == record["completion"].strip())
    return Task(
        "own", lambda record, reply: {"whole": bool(score(record, reply))}, model, chat=chat, room=room
    )


def results_file(task, kind, folder=None):
    """Where a task's results are: kind "scoreboard.csv", "tuning.json" or "items" (a folder).

    folder: in place of data/results.
    """
    path = (Path(folder) if folder else paths.DATA / "results") / kind
    return path.with_name(f"{path.stem}{task.suffix}{path.suffix}")


def fact_finder(statements):
    """facts_for(message, k) over a dictionary of statements: by TF-IDF and cosine, the nearest last."""
    find_nearest = retrieval.retriever(list(statements.values()))
    return lambda message, k: find_nearest(message, k)


def vote(task, replies):
    """One reply from several: each field takes its most frequent value, the earliest at a tie.

    Replies that lack a field do not vote; if all do, the first reply stands.
    Source: Wang et al. 2022, "Self-consistency improves chain of thought reasoning", section 2.
    """
    ballots = [values for reply in replies if (values := task.parse(reply))]
    if not ballots:
        return replies[0]
    winner = {name: Counter(b[name] for b in ballots).most_common(1)[0][0] for name in task.names}
    return task.written(winner)


def stratified(records, k, seed, kind_of, team_of):
    """k different records, shuffled: the kinds in turn, and teams not yet shown before the others.

    Raises ValueError if there are fewer than k.
    """
    if k > len(records):
        raise ValueError(f"{k} shots from {len(records)} records")
    rng, by_kind = random.Random(seed), defaultdict(list)
    for record in rng.sample(records, len(records)):
        by_kind[kind_of(record)].append(record)
    turns, chosen, shown = rng.sample(sorted(by_kind), len(by_kind)), [], set()
    while len(chosen) < k:
        for kind in turns:
            if by_kind[kind]:
                new = (i for i, record in enumerate(by_kind[kind]) if team_of(record) not in shown)
                chosen.append(by_kind[kind].pop(next(new, -1)))
                shown.add(team_of(chosen[-1]))
    return rng.sample(chosen[:k], k)
