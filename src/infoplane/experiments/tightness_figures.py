"""The pictures of ``variational-tightness``: the plane, and what each part of a model costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..plots.style import colour_map, key, legend_beside, looks, new_figure, tidy
from .tightness_gaps import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WORDS = {"prior": "prior", "decoder": "classifier", "encoder": "normal encoder"}


def plane(datasets: Mapping[str, xr.Dataset]) -> Figure:
    """The certified curve; tables on it; networks, what they know and what their bounds say of it."""
    curve, tables, networks = (datasets[name] for name in ("curve", "tables", "networks"))
    figure = new_figure(8.2, 4.6)
    ax = figure.add_subplot()
    order = np.argsort(curve.mi_input.values)
    ax.plot(curve.mi_input.values[order], curve.mi_target.values[order], color="0.3", linewidth=1.2)
    ax.plot(np.ravel(tables.table_input), np.ravel(tables.table_target), "o", mfc="none", mec="0.3", ms=9)
    grey = {"color": "0.3", "linewidth": 0}
    entries = [key("optimum, certified", color="0.3", linewidth=1.2)]
    entries += [key("tables trained by gradient", **grey, marker="o", mfc="none", markersize=8)]
    for name, look in zip(networks.objective.values, looks(networks.sizes["objective"] + 1), strict=False):
        one = networks.sel(objective=name).mean("seed")
        ax.plot(one.true_input, one.true_target, look.marker, color=look.colour, ms=5.5)
        ends = [(one.true_input, one.rate), (one.true_target, one.mi_target_bound)]
        ax.plot(*(np.stack([np.ravel(a), np.ravel(b)]) for a, b in ends), "-", color=look.colour, linewidth=0.8)
        ax.plot(one.rate, one.mi_target_bound, look.marker, mfc="white", mec=look.colour, ms=4)
        entries.append(key(str(name), look))
    entries += [key("networks: what they know", **grey, marker="s", markersize=5.5)]
    entries += [key("their bounds", **grey, marker="s", markersize=4, mfc="white")]
    ax.set_xlabel("I(X;Z) or the rate that bounds it (nats)")
    ax.set_ylabel("I(Z;Y) or what is shown of it (nats)")
    tidy(ax)
    legend_beside(ax, entries)
    return figure


def gaps(networks: xr.Dataset) -> Figure:
    """Loss above the least possible, in three parts, over beta; a panel an objective, bars of the range over seeds."""
    figure = new_figure(11.0, 3.0)
    row = figure.subplots(1, networks.sizes["objective"], sharey=True)
    colours = [colour_map()(shade) for shade in (0.1, 0.5, 0.85)]
    for ax, name in zip(row, networks.objective.values, strict=True):
        one = networks.sel(objective=name)
        places, foot = np.arange(one.sizes["point"]), np.zeros(one.sizes["point"])
        for part, colour in zip(PARTS, colours, strict=True):
            heights = np.maximum(np.asarray(one[part].mean("seed")), 0.0)
            ax.bar(places, heights, 0.7, foot, color=colour, label=_WORDS[part])
            foot = foot + heights
        low, high = one.gap.min("seed"), one.gap.max("seed")
        ax.vlines(places, low, high, color="0.2", linewidth=1.0)
        ax.set_xticks(places, [f"{beta:g}" for beta in one.beta.values])
        ax.set_xlabel("beta")
        ax.set_title(str(name), fontsize="medium")
        tidy(ax)
    row[0].set_ylabel("loss above the least (nats)")
    row[0].legend(frameon=False, fontsize="small")
    return figure
