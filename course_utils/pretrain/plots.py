"""Pictures of lesson 00: abilities over training, and over size at equal tokens, from stored measurements."""

import json

import matplotlib.pyplot as plt

from course_utils.display import figures
from course_utils.evaluation import bootstrap_mean, interval
from course_utils.pretrain.train import PHASES
from course_utils.storage import paths


def over_training(size, ability):
    """{tokens seen: (accuracy, low, high)} of a size's milestones (data/results/base_model.json)."""
    stored = json.loads((paths.DATA / "results" / "base_model.json").read_text(encoding="utf-8"))
    points = {int(seen): row[ability] for seen, row in stored[size]["milestones"].items() if ability in row}
    return {
        seen: (point["right"] / point["n"], *interval(point["right"], point["n"]))
        for seen, point in sorted(points.items())
    }


def restarts(million_tokens):
    """Million tokens at which the learning rate is raised again: where the schedule's later phases start."""
    ends, seen = [], 0.0
    for phase in PHASES[:-1]:
        seen += million_tokens * phase["tokens"]
        ends.append(seen)
    return ends


def abilities_over_training(shown, title=None):
    """Exact match of {label: ability} over training, with the restarts of the learning rate; the Axes."""
    series = {label: over_training("base", ability) for label, ability in shown.items()}
    tokens = [seen / 1e6 for seen in next(iter(series.values()))]
    lines = {label: list(points.values()) for label, points in series.items()}
    ylabel = "exact match (glass box)"
    ax = figures.curves(tokens, lines, "million tokens of training", ylabel, logx=True, title=title)
    for number, place in enumerate(restarts(162)):
        label = "learning rate raised again" if number == 0 else None
        ax.axvline(place, color="black", linewidth=1, linestyle=(0, (4, 3)), label=label)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


@plt.rc_context(figures.FONT)
def two_metrics(rows, title=None):
    """Exact match (left) and log-probability (right) over size, at equal tokens; returns both Axes.

    rows: as from equal_tokens.summary; the last measurement of each size is drawn.
    """
    last = {}
    for _, parameters, seen, ability, hits, logps in rows:
        last.setdefault(ability, {}).setdefault(parameters, {})[seen] = (hits, logps)
    _, both = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for number, (ability, sizes) in enumerate(last.items()):
        final = {size: sizes[size][max(sizes[size])] for size in sorted(sizes)}
        matches = [(sum(h) / len(h), *interval(sum(h), len(h))) for h, _ in final.values()]
        means = [bootstrap_mean(logps, seed=0) for _, logps in final.values()]
        for ax, points in zip(both, (matches, means), strict=True):
            middle, low, high = zip(*points, strict=True)
            style = figures.LINES[number % 4] + figures.MARKERS[number]
            ax.plot(list(final), middle, style, color=figures.COLORS[number], label=ability)
            ax.fill_between(list(final), low, high, color=figures.COLORS[number], alpha=0.15, linewidth=0)
    for ax in both:
        ax.set(xscale="log", xlabel="parameters (glass box)")
        ax.set_xticks(list(final), [f"{size / 1e6:.2f} M" for size in final], minor=False)
        ax.minorticks_off()
    both[0].set(ylabel="exact match", ylim=(0, 1))
    both[1].set(ylabel="log-probability of the answer (nats)")
    both[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    both[0].figure.suptitle(title or "")
    return both
