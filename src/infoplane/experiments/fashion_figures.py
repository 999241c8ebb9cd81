"""Pictures of networks that are trained for several objectives: dots, and accuracy against what is made harder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..plots.style import colour_map, key, legend_beside, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FAMILIES = ("cross-entropy", "smoothed", "VIB", "CEB", "dual")
_STYLES = ("-", "--", ":")


def dots(panels: Mapping[str, xr.DataArray], label: str, *, chance: float) -> Figure:
    """(arm, seed) values as dots, a row an arm; panels side by side with a line at chance."""
    figure = new_figure(3.0 * len(panels) + 1.6, 3.4)
    row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for ax, (title, values) in zip(row, panels.items(), strict=True):
        arms = [str(name) for name in values["arm"].values]
        for place, name in enumerate(arms):
            here = np.ravel(values.sel(arm=name))
            ax.plot(here, np.full(len(here), place), "o", color=_look(name)[0], ms=4, alpha=0.6)
            ax.plot([here.mean()], [place], "|", color=_look(name)[0], ms=14, mew=2)
        ax.axvline(chance, color="0.6", linewidth=0.8)
        ax.set_yticks(range(len(arms)), arms)
        ax.set_ylim(len(arms) - 0.5, -0.5)
        ax.set_title("\n".join(_broken(title)), fontsize="small")
        ax.set_xlabel(label, fontsize="small")
        tidy(ax)
    return figure


def lines(panels: Mapping[str, xr.DataArray], along: str, labels: tuple[str, str], *, log: bool = False) -> Figure:
    """(arm, seed, along) values as a line an arm, bars over seeds' range, panels side by side."""
    figure = new_figure(3.6 * len(panels) + 2.2, 3.4)
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    entries = {}
    for ax, (title, values) in zip(row, panels.items(), strict=True):
        for name in map(str, values["arm"].values):
            one = values.sel(arm=name)
            colour, style = _look(name)
            middle, low, high = (np.asarray(part) for part in (one.mean("seed"), one.min("seed"), one.max("seed")))
            ax.plot(one[along], middle, style, color=colour, linewidth=1.4, marker=".", markersize=5)
            ax.fill_between(one[along], low, high, color=colour, alpha=0.15, linewidth=0)
            entries[name] = key(name, color=colour, linestyle=style, linewidth=1.4)
        if log:
            ax.set_xscale("log")
        ax.set_title(title, fontsize="small")
        ax.set_xlabel(labels[0])
        tidy(ax)
    row[0].set_ylabel(labels[1])
    legend_beside(row[-1], list(entries.values()))
    return figure


def _look(arm: str) -> tuple[tuple[float, float, float, float], str]:
    """Colour of an arm's family and the line of its beta."""
    family = next(k for k, name in enumerate(_FAMILIES) if arm.startswith(name))
    beta = arm.rsplit(" ", 1)[-1] if "beta" in arm else "100"
    shade = colour_map()(family / len(_FAMILIES))
    return shade, _STYLES[("100", "10", "1,000").index(beta)]


def _broken(title: str) -> list[str]:
    """In two lines, at the blank next to the middle."""
    blanks = [k for k, letter in enumerate(title) if letter == " "]
    if len(title) < 24 or not blanks:
        return [title]
    cut = min(blanks, key=lambda k: abs(k - len(title) / 2))
    return [title[:cut], title[cut + 1 :]]
