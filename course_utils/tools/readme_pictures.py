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
from course_utils.display.figures import COLORS, FONT, MARKERS
from course_utils.experiments import rlhf_open_questions, scaling
from course_utils.scoreboard import table as scoreboard

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SIZE = (6.4, 3.4)
MODEL = "SmolLM2-135M-Instruct"
DESK = {  # technique: its name in the picture
    "constant_reply": "one constant\nreply",
    "nearest_copy": "copy the most\nsimilar reply",
    "specialists": "classifiers and\ntemplates",
    "few_shot_nearest": "similar records\nas shots",
    "lora_all": "LoRA",
    "full": "full\nfine-tuning",
}
START = dict(marker="*", color="black")


def help_desk():
    """Exact-match accuracy of the help desk: {name: (mean, low, high)}, the title, the axis."""
    values = {name: scoreboard.mean(technique, task="helpdesk") for technique, name in DESK.items()}
    names = ("nearest_copy", "few_shot_nearest", "lora_all")
    copied, shown, lora = (100 * values[DESK[name]][0] for name in names)
    title = f"Of 100 messages copying answers {copied:.0f}, a prompt {shown:.0f}, LoRA {lora:.0f}"
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
    """Rewards of the on-policy runs and their start: {run: (learned, gold)}, the title, the axes."""
    start = next(row for row in rlhf_open_questions.read("start") if row["policy"] == "start")
    runs = [row for row in rlhf_open_questions.read("methods") if row["method"] != "dpo"]
    values = {f"{row['method'].upper()} {row['seed']}": row for row in runs} | {"start": start}
    values = {name: (row["proxy"], float(np.mean(row["gold"]))) for name, row in values.items()}
    lost = sum(gold < values["start"][1] for gold in (values[name][1] for name in values))
    title = f"{len(runs)} runs are paid by a learned reward, {lost} of them lose what was wanted"
    return values, title, ("learned reward", "gold reward: what was wanted")


@plt.rc_context(FONT)
def bars(values, title, ylabel):
    """A figure with one bar a name; values: {name: (mean, low, high)}."""
    figure, ax = plt.subplots(figsize=SIZE, layout="constrained")
    _bars(ax, values)
    ax.set(ylabel=ylabel, ylim=(0, 1.15 * max(high for _, _, high in values.values())))
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(MODEL, fontsize=8)
    return figure


@plt.rc_context(FONT)
def runs_by_reward(values, title, labels):
    """A figure with a mark for each run, one shape a method; values: {"METHOD seed": (learned, gold)}."""
    figure, ax = plt.subplots(figsize=SIZE, layout="constrained")
    methods = list(dict.fromkeys(name.split()[0] for name in values))
    for i, method in enumerate(methods):
        x, y = zip(*(point for name, point in values.items() if name.split()[0] == method))
        style = dict(marker=MARKERS[i], color=COLORS[i]) if method != "start" else START
        ax.scatter(x, y, label=method, s=70, edgecolor="black", **style)
    ax.axhline(values["start"][1], color="black", linestyle=":")
    ax.set(xlabel=f"{labels[0]} ({MODEL})", ylabel=labels[1], ylim=(0, 1.05))
    ax.legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def _bars(ax, values):
    middle, low, high = np.array(list(values.values())).T
    ax.bar(range(len(values)), middle, color=COLORS[0], edgecolor="white")
    ax.errorbar(
        range(len(values)), middle, [middle - low, high - middle], fmt="none", ecolor="black", capsize=4
    )
    for x, (value, top) in enumerate(zip(middle, high)):
        ax.text(x, top, f"{value:.2f}", ha="center", va="bottom", fontsize=9)
    ax.set_xticks(range(len(values)), list(values), fontsize=8)


PICTURES = {"help_desk": (help_desk, bars), "formats": (formats, bars), "rewards": (rewards, runs_by_reward)}


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
