"""The figures of lesson 08: memory on each device, and the schedule of a pipeline.

The values come from the lesson. Left out: measured network speeds, which need several machines.
"""

import matplotlib.pyplot as plt

from course_utils.display.figures import COLORS, FONT, HATCHES


@plt.rc_context(FONT)
def memory_bars(memory, unit=1e6, ylabel="megabytes in each process", limit=None):
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
        ax.axhline(limit / unit, color="black", linestyle="--", label=f"{limit / unit:,.0f}")
    ax.set_xticks(range(len(memory)), list(memory))
    ax.set_ylabel(ylabel)
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
