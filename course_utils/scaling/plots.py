"""The pictures of lesson 08: what each device keeps, and a pipeline that fills and empties.

The values come from the lesson. Left out: measured speeds of networks, which this machine does not have.
"""

import matplotlib.pyplot as plt

from course_utils.display.figures import COLOURS, FONT, HATCHES


@plt.rc_context(FONT)
def kept(found, unit=1e6, ylabel="megabytes in each process", limit=None):
    """A stacked bar per name, {name: {kind: bytes}}; a dashed line at `limit` bytes; the Axes."""
    _, ax = plt.subplots(figsize=(min(11, 2.2 + 1.5 * len(found)), 3.8), layout="constrained")
    for i, kinds in enumerate(found.values()):
        floor = 0
        for k, (kind, size) in enumerate(kinds.items()):
            style = dict(color=COLOURS[k % 7], hatch=HATCHES[k % 7], edgecolor="white")
            ax.bar(i, size / unit, bottom=floor / unit, label=kind if i == 0 else None, **style)
            floor += size
        ax.text(i, floor / unit, f"{floor / unit:,.3g}", ha="center", va="bottom")
    if limit is not None:
        ax.axhline(limit / unit, color="black", linestyle="--", label=f"{limit / unit:,.0f}")
    ax.set_xticks(range(len(found)), list(found))
    ax.set_ylabel(ylabel)
    ax.margins(y=0.15)
    ax.legend(frameon=False, fontsize=9)
    return ax


@plt.rc_context(FONT)
def pipelines(schedules):
    """A panel per title: who works when, as {title: parallel.schedule(…)}; the Axes.

    A batch takes the same work in every panel: the more parts, the shorter each.
    """
    _, axes = plt.subplots(
        1, len(schedules), figsize=(11, 2.6), layout="constrained", sharey=True, squeeze=False
    )
    for ax, (title, steps) in zip(axes[0], schedules.items()):
        parts = 1 + max(part for _, _, part in steps)
        for device, time, part in steps:
            hatch = HATCHES[part % 7] if parts <= len(HATCHES) else None  # too fine to be seen in narrow ones
            style = dict(color=COLOURS[part % 6], hatch=hatch, edgecolor="white")
            ax.barh(device, 1 / parts, left=time / parts, height=0.8, **style)
        devices = 1 + max(device for device, _, _ in steps)
        ax.set(title=title, xlabel="time (1: a batch in one stage)", xlim=(0, devices))
        ax.set_yticks(range(devices), [f"device {d + 1}" for d in range(devices)])
        ax.invert_yaxis() if ax is axes[0][0] else None
    return axes[0]
