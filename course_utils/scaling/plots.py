"""The figures of lesson 08: number formats, memory planned and on each device, and a pipeline's schedule.

The values come from the lesson. Left out: measured network speeds, which need several machines.
"""

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullLocator

from course_utils.display.figures import COLORS, FONT, HATCHES, MARKERS


@plt.rc_context(FONT)
def formats(sizes, gaps, title):
    """Two panels, one bar a number format: megabytes {name: bytes}, and what it costs in loss; the Axes.

    gaps: {name: (nats per token more than in fp32, low, high)}; the line at 0 is fp32.
    """
    _, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    for i, (name, size) in enumerate(sizes.items()):
        gap, low, high = gaps[name]
        style = dict(color=COLORS[0], edgecolor="white", alpha=0.9)
        axes[0].barh(i, size / 1e6, **style)
        axes[0].text(size / 1e6, i, f" {size / 1e6:,.0f}", va="center")
        axes[1].errorbar(gap, i, xerr=[[gap - low], [high - gap]], fmt="o", color="black", capsize=4)
        place = dict(xytext=(6, 5), textcoords="offset points")
        axes[1].annotate(f"{gap:+.3f}", (gap, i), **place)
    for ax in axes:
        ax.set_yticks(range(len(sizes)), list(sizes))
        ax.set_ylim(len(sizes) - 0.5, -0.7)
    axes[0].set(xlabel="megabytes of weights (SmolLM2-135M)", xlim=(0, 1.15 * max(sizes.values()) / 1e6))
    axes[1].axvline(0, color="black", linestyle="--")
    axes[1].set(xlabel="loss more than in fp32 (nats per token), 95 % intervals")
    axes[1].margins(x=0.12)
    plt.gcf().suptitle(title)
    return axes


@plt.rc_context(FONT)
def planned(rows, title):
    """Planned against measured gigabytes, a mark for each model and method; the diagonal, and 15 % around it.

    rows: of the table "planner" of course_utils.experiments.scaling; the Axes.
    """
    _, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    kinds = list(dict.fromkeys((row["name"], row["method"]) for row in rows))
    for i, kind in enumerate(kinds):
        own = [row for row in rows if (row["name"], row["method"]) == kind]
        x, y = ([row[key] / 1e9 for row in own] for key in ("resident", "planned"))
        face = COLORS[0] if kind[0] == "smollm2" else "white"
        style = dict(color=COLORS[0], markerfacecolor=face, marker=MARKERS[i % 3], linestyle="none")
        ax.plot(x, y, label=f"{'SmolLM2' if kind[0] == 'smollm2' else 'glass box'}, {kind[1]}", **style)
    sizes = [row["resident"] / 1e9 for row in rows]
    ends = [0.7 * min(sizes), 1.4 * max(sizes)]
    ax.plot(ends, ends, color="black", linestyle="--", linewidth=1, label="planned = measured")
    ax.fill_between(
        ends, [0.85 * e for e in ends], [1.15 * e for e in ends], color="0.85", label="within 15 %"
    )
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title=title)
    ax.set(xlabel="measured: memory of the process (GB)", ylabel="planned (GB)")
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10) if ends[0] < tick < ends[1]]
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    ax.legend(frameon=False, fontsize=9)
    return ax


@plt.rc_context(FONT)
def memory_bars(memory, unit=1e6, ylabel="megabytes in each process", limit=None, title=None):
    """A stacked bar per name, {name: {kind: bytes}}; a dashed line at `limit` bytes; the Axes."""
    _, ax = plt.subplots(figsize=(min(11, 2.2 + 1.5 * len(memory)), 3.8), layout="constrained")
    for i, kinds in enumerate(memory.values()):
        floor = 0
        for k, (kind, size) in enumerate(kinds.items()):
            style = dict(color=COLORS[k % 7], hatch=HATCHES[k % 7], edgecolor="white")
            ax.bar(i, size / unit, bottom=floor / unit, label=kind if i == 0 else None, **style)
            floor += size
        ax.text(i, floor / unit, f"{floor / unit:,.3g}", ha="center", va="bottom")
    if limit is not None:
        ax.axhline(limit / unit, color="black", linestyle="--", label=f"limit: {limit / unit:,.0f}")
    ax.set_xticks(range(len(memory)), list(memory))
    ax.set_ylabel(ylabel)
    ax.set_title(title or "")
    ax.margins(y=0.15)
    ax.legend(frameon=False, fontsize=9)
    return ax


@plt.rc_context(FONT)
def pipelines(schedules):
    """A panel per title: which device works when, as {title: parallelism.pipeline_schedule(…)}; the Axes.

    A batch is the same work in every panel: the more micro-batches, the shorter each.
    """
    _, axes = plt.subplots(
        1, len(schedules), figsize=(11, 2.6), layout="constrained", sharey=True, squeeze=False
    )
    for ax, (title, steps) in zip(axes[0], schedules.items()):
        count = 1 + max(micro_batch for _, _, micro_batch in steps)
        for device, time, micro_batch in steps:
            hatch = HATCHES[micro_batch % 7] if count <= len(HATCHES) else None  # too fine in narrow bars
            style = dict(color=COLORS[micro_batch % 6], hatch=hatch, edgecolor="white")
            ax.barh(device, 1 / count, left=time / count, height=0.8, **style)
        devices = 1 + max(device for device, _, _ in steps)
        ax.set(title=title, xlabel="time (1: a batch in one stage)", xlim=(0, devices))
        ax.set_yticks(range(devices), [f"device {d + 1}" for d in range(devices)])
        ax.invert_yaxis() if ax is axes[0][0] else None
    return axes[0]
