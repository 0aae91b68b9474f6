"""One piece of advice: what to try, the rows for and against it, and remarks on baselines, costs and labels.

Made by `advisor.advise`. Left out: a score for a piece of advice as a whole; the columns may disagree.
"""

from dataclasses import dataclass, field

from course_utils import evaluation
from course_utils.scoreboard import costs, curves, evidence
from course_utils.scoreboard.evidence import UNCLEAR, UNKNOWN
from course_utils.techniques import registry
from course_utils.techniques.base import DATA

MEANING = {  # of a control as a rival, since its name does not say it
    "sft_mediocre": "supervised fine-tuning on the same records of mixed quality, where RLHF begins",
    "synthetic_real_control": "the same student on real records in place of synthetic ones",
}
TUNED = ("lora_all", "full", "prompt_tuning")
UNTUNED = ("few_shot_nearest", "nearest_copy", "specialists")


@dataclass
class Advice:
    """What to try with its reason, the rows for and against it by each column, and further remarks."""

    family: str
    reason: str
    comparisons: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    @property
    def best(self):
        """The Row cited by the first column, or None."""
        return self.comparisons[0].best if self.comparisons else None

    @property
    def rival(self):
        """The Row that it is compared with by the first column, or None."""
        return self.comparisons[0].rival if self.comparisons else None

    @property
    def gap(self):
        """Their difference (value, low, high), or None."""
        return self.comparisons[0].gap if self.comparisons else None

    @property
    def sure(self):
        """One verdict where the columns agree, else each column's."""
        verdicts = {c.column: c.sure for c in self.comparisons}
        if len(set(verdicts.values())) <= 1:
            return next(iter(verdicts.values()), UNKNOWN)
        return "; ".join(f"by {evidence.TITLES[column]} {verdict}" for column, verdict in verdicts.items())

    def __str__(self):
        lines = [f"{self.family}: {self.reason}", *(f"  {c}" for c in self.comparisons)]
        missing = " (measure it on your task: own_task)" if self.sure == UNKNOWN else ""
        return "\n".join([*lines, *(f"  {note}" for note in self.notes), f"  how sure: {self.sure}{missing}"])


def remarks(board, advice, data, assumptions=None):
    """Sentences below the rows: whether the cheap baselines are beaten, what it costs, what is missing."""
    if not advice.best:
        what = f"No technique of this kind was measured on {board.task} from {DATA[data]}."
        return [] if board.missing else [what]
    notes, name = [], advice.best.technique
    if advice.rival and advice.rival.technique in MEANING:
        notes.append(f"{advice.rival.technique} is {MEANING[advice.rival.technique]}")
    # A baseline that copies clean records would not be fair where there are none.
    fair = board.baselines if data == "clean" else ("constant_reply", "majority_class", "majority")
    for pair in advice.comparisons:
        title, cited = evidence.TITLES[pair.column], pair.best.technique
        floor = board.best([base for base in fair if base != cited], pair.column)
        if floor and not (pair.rival and floor.technique == pair.rival.technique):
            value, low, high = board.compare(cited, floor.technique, pair.column)
            says = evaluation.verdict((value, low, high), "beats", "is beaten by", "cannot be told from")
            notes.append(
                f"by {title}, {cited} {says} the cheap baseline {floor.technique} {floor.value:.2f}: "
                f"{value:+.2f} ({low:+.2f} to {high:+.2f})"
            )
    known = {key: board.cost(name, key) for key in ("examples", "labels", "train_seconds", "latency_ms")}
    if None not in known.values():
        technique, assumed = registry.find(name), assumptions or costs.Assumptions()
        kind = advice.family if advice.family in costs.SETUP_HOURS else technique.family
        notes.append(f"costs: {costs.of(kind, data, known, assumed)} ({assumed})")
    if advice.family == "prompt caching":
        tokens = board.cost(name, "prompt_tokens")
        notes.append(f"{name} sends {tokens:.0f} tokens beyond each message: cached, they are computed once")
    return notes


def by_labels(labels, folder=None):
    """A sentence from the label curve: what leads with so many labels, and from how many on tuning wins."""
    measured = curves.points("label", folder)
    counts = sorted({count for values in measured.values() for count in values if count <= labels})
    if not counts:
        least = min((v[0] for v in measured.values() if v), default=None)
        if least is None:
            return "labels: the label curve is not measured yet: `python -m course_utils.experiments labels`"
        return f"labels: the label curve begins at {least}, with fewer show what you have in the prompt"
    count = counts[-1]

    def leader(names):
        there = [name for name in names if count in measured.get(name, ())]
        means = {name: curves.mean("label", name, count, folder=folder)[0] for name in there}
        return max(means, key=means.get, default=None)

    tuned, untuned = leader(TUNED), leader(UNTUNED)
    if not tuned or not untuned:
        return f"labels: at {count} the label curve has not both tuned and untuned techniques yet"
    gap = curves.compare("label", tuned, untuned, count, folder=folder)
    says = evaluation.verdict(gap, "tuning leads", "doing without tuning leads", UNCLEAR)
    first = curves.wins("label", tuned, untuned, folder=folder)
    ahead = (
        f"{tuned} beats {untuned} from {first} on"
        if first
        else f"{tuned} beats {untuned} at no number measured"
    )
    gap = f"{gap[0]:+.2f} ({gap[1]:+.2f} to {gap[2]:+.2f})"
    return f"labels: with {count}, {tuned} against {untuned} {gap}, {says}; {ahead}"
