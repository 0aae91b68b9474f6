"""The README's pictures of three results on SmolLM2, drawn from data/results.

    python -m course_utils.tools.readme_pictures      draws all of them into docs/pictures

Each PNG names in its description the values that it shows, and a test compares them with today's tables.
Left out: the picture of all techniques (course_utils.scoreboard.plots).
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from course_utils import evaluation
from course_utils.display.figures import COLORS, FONT, HATCHES
from course_utils.experiments import rlhf_open_questions, scaling
from course_utils.scoreboard import table as scoreboard

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SIZE = (6.4, 3.4)
MODEL = "SmolLM2-135M-Instruct"
DESK = {  # technique: its name in the picture
    "constant_reply": "one constant\nreply",
    "nearest_copy": "copy the most\nsimilar reply",
    "specialists": "classifiers and\ntemplates",
    "lora_all": "LoRA",
    "full": "full\nfine-tuning",
}
POLICIES = {"start": "fine-tuned", "untouched": "before\nfine-tuning", "constant": "one constant\nreply"}


def help_desk():
    """Exact-match accuracy of the help desk: {name: (mean, low, high)}, the title, the axis."""
    values = {name: scoreboard.mean(technique, task="helpdesk") for technique, name in DESK.items()}
    copied, lora = (100 * values[DESK[name]][0] for name in ("nearest_copy", "lora_all"))
    title = f"Copying a reply answers {copied:.0f} of 100 messages, ten minutes of LoRA {lora:.0f}"
    return values, title, "whole reply right"


def formats():
    """Right answers of the retention suite by number format, as `help_desk`."""
    hits = {row["format"]: [int(mark) for mark in row["hits"]] for row in scaling.read("formats")}
    values = {
        name: (sum(own) / len(own), *evaluation.interval(sum(own), len(own))) for name, own in hits.items()
    }
    lost = values["fp32"][0] - values["4 bits (NF4)"][0]
    title = f"8 bits cost this model nothing, 4 bits {100 * lost:.0f} of 100 answers"
    return values, title, "right answers"


def rewards():
    """Rewards of three policies: {name: ((gold, low, high), learned)}, the title, the axes."""
    rows = {row["policy"]: row for row in rlhf_open_questions.read("start")}
    values = {
        name: (evaluation.bootstrap_mean(rows[policy]["gold"], seed=0), rows[policy]["proxy"])
        for policy, name in POLICIES.items()
    }
    return (
        values,
        "A reward model pays most for replies that are worth less",
        ("gold reward", "learned reward"),
    )


@plt.rc_context(FONT)
def bars(values, title, ylabel):
    """A figure with one bar a name; values: {name: (mean, low, high)}."""
    figure, ax = plt.subplots(figsize=SIZE, layout="constrained")
    _bars(ax, values, COLORS[0])
    ax.set(ylabel=ylabel, ylim=(0, 1.15 * max(high for _, _, high in values.values())))
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(MODEL, fontsize=8)
    return figure


@plt.rc_context(FONT)
def two_rewards(values, title, ylabels):
    """A figure with two panels of bars: the gold reward with intervals, and the learned one."""
    figure, axes = plt.subplots(1, 2, figsize=SIZE, layout="constrained")
    _bars(axes[0], {name: gold for name, (gold, _) in values.items()}, COLORS[0])
    learned = {name: (reward, reward, reward) for name, (_, reward) in values.items()}
    _bars(axes[1], learned, COLORS[1], HATCHES[1])
    for ax, label in zip(axes, ylabels):
        ax.set_title(label, fontsize=10)
        ax.margins(y=0.15)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(MODEL, fontsize=8)
    return figure


def _bars(ax, values, color, hatch=None):
    middle, low, high = np.array(list(values.values())).T
    ends = [middle - low, high - middle]
    ax.bar(range(len(values)), middle, color=color, hatch=hatch, edgecolor="white")
    if np.any(low < high):
        ax.errorbar(range(len(values)), middle, ends, fmt="none", ecolor="black", capsize=4)
    for x, (value, top) in enumerate(zip(middle, high)):
        ax.text(x, top, f"{value:.2f}", ha="center", va="bottom", fontsize=9)
    ax.set_xticks(range(len(values)), list(values), fontsize=8)


PICTURES = {"help_desk": (help_desk, bars), "formats": (formats, bars), "rewards": (rewards, two_rewards)}


def described(name):
    """The values of a picture as text, which its PNG carries."""
    values, title, _ = PICTURES[name][0]()
    plain = {key: np.round(np.hstack(value), 3).tolist() for key, value in values.items()}
    return json.dumps({"title": title, "values": plain})


def draw(name, folder=FOLDER):
    """Draw one picture as PNG into a folder; its path."""
    found, picture = PICTURES[name]
    figure = picture(*found())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=130, metadata={"Description": described(name)})
    plt.close(figure)
    return path


if __name__ == "__main__":
    for picture in PICTURES:
        print(draw(picture))
