"""What a technique costs in hours of people and in money, by assumptions that are stated and can be changed.

    board = costs.added(scoreboard.read())                           three columns more
    costs.of("PEFT", "clean", row, costs.Assumptions(wage=60))       Cost(hours, once, per_thousand)

Hours are the labels and the work of setting a technique up; money is those hours and the machine. What every
technique needs alike is left out: a test set, and records of dev for its settings. Left out, too: licences,
the price of an outage, and a large model's price per token.
"""

from typing import NamedTuple

from course_utils.techniques import registry

SETUP_HOURS = {  # until a first version runs, for one who has done it before: assumed, not measured
    "prompting": 4,
    "soft prompts": 8,
    "PEFT": 8,
    "fine-tuning": 8,
    "RLHF": 40,
    "AI feedback": 24,
    "synthetic data": 16,
    "specialists": 8,
    "control": 1,
    "retrieval": 12,
    "constrained decoding": 6,
    "prompt caching": 2,
}


class Assumptions(NamedTuple):
    """Prices in dollars: of an hour of people and of the machine; minutes of a person."""

    wage: float = 40.0
    record_minutes: float = 3.0  # to write one right reply
    preference_minutes: float = 0.5  # to choose between two replies
    machine: float = 0.10  # an hour of the machine that the rows were measured on

    def __str__(self):
        return (
            f"assumed: ${self.wage:g} an hour of people, {self.record_minutes:g} minutes a record, "
            f"{self.preference_minutes:g} a preference, ${self.machine:g} an hour of the machine"
        )


class Cost(NamedTuple):
    """Hours of people and dollars, once; dollars for a thousand messages."""

    hours: float
    once: float
    per_thousand: float

    def __str__(self):
        return (
            f"{self.hours:.0f} hours of people, ${self.once:,.0f} once, "
            f"${self.per_thousand:.2g} per 1,000 messages"
        )


def of(family, data, row, assumptions=None):
    """The Cost of a row ("examples", "labels", "train_seconds", "latency_ms"), of a family and its data.

    Records of mixed quality cost nobody an hour: they are what a shop's own replies leave behind.
    """
    assumed = assumptions or Assumptions()
    written = 0 if data == "mixed quality" else float(row["examples"])
    minutes = written * assumed.record_minutes + float(row["labels"]) * assumed.preference_minutes
    hours = minutes / 60 + SETUP_HOURS[family]
    machine_hours = float(row["train_seconds"]) / 3600
    once = hours * assumed.wage + machine_hours * assumed.machine
    return Cost(hours, once, float(row["latency_ms"]) / 3600 * assumed.machine)  # 1,000 ms are 1 s


def added(board, assumptions=None):
    """The scoreboard (a DataFrame) with human_hours, money_once and money_per_1000 as further columns."""
    cells = []
    for _, row in board.iterrows():
        technique = registry.find(row["technique"])
        cells.append(of(technique.family, technique.data, row, assumptions))
    names = ("human_hours", "money_once", "money_per_1000")
    return board.assign(**{name: [cost[i] for cost in cells] for i, name in enumerate(names)})
