"""The curves of all panels, side by side on logarithmic axes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from infoplane.plots.style import GREY, looks

from .cases import PANELS


def drawn(times: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Seconds by size; dashed and grey what is not ours, legends above."""
    figure = Figure(figsize=(11.5, 4.2), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    for ax, (panel, lines) in zip(axes, PANELS.items(), strict=True):
        ours = iter(looks(sum(not line.plain for line in lines)))
        for line in lines:
            colour, marker = (GREY, "x") if line.plain else next(ours)
            ax.loglog(line.sizes, times[panel][line.label], color=colour, marker=marker, markersize=4,
                      linestyle="--" if line.plain else "-", label=line.label)  # fmt: skip
        low, high = ax.get_ylim()
        ax.set(xlabel=panel, ylim=(low, high * 12))  # room for the legend
        ax.grid(alpha=0.25)
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.legend(fontsize=7.5, loc="upper left")
    axes[0].set_ylabel("seconds, least of three")
    return figure
