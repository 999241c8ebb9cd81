"""The pictures of ``infinite-sample-size``: the gap against the sample size, and what ranks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from .. import plots
from ..plots.style import GREY, key, legend_beside, looks, new_figure, tidy
from .sample_size_table import ALONG, SHOWN, TASKS, TOLD, rank_correlations
from .value_tables import at_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BOUNDS = {
    "bound_parameters": ("√(2 I(Θ;D) / N), then", "--"),
    "bound_input": ("√(exp I(X;Z|D) / 2N), then", ":"),
}

_TOP = 3e3  # nats: what a bound is above it does not matter


def ranks(tables: Mapping[str, xr.Dataset]) -> Figure:
    """Tables of colours: by task and measure of generalisation."""
    panels = [(task, told) for task in tables for told in TOLD]
    figure = new_figure(3.0 + 2.1 * len(panels), 1.0 + 0.27 * len(SHOWN))
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for k, (task, told) in enumerate(panels):
        plots.rank_table(rank_correlations(tables[task], told), row[k], labels=SHOWN | ALONG, names=k == 0)
        row[k].set_title(f"{TASKS[task]}\n{TOLD[told].split(',')[0]}", fontsize="medium")
    figure.suptitle("Rank correlation along one axis, the others held fixed", fontsize="medium")
    return figure


def gaps(tables: Mapping[str, xr.Dataset]) -> Figure:
    """The gap late and at the least test loss, and two proposed bounds at the least test loss; a row a task."""
    scales = next(iter(tables.values()))["scale"].to_numpy()
    figure = new_figure(2.6 * len(scales) + 2.4, 2.6 * len(tables))
    grid = figure.subplots(len(tables), len(scales), squeeze=False, sharex=True, sharey="row")
    styles = looks(2)
    for row, (task, table) in zip(grid, tables.items(), strict=True):
        for ax, scale in zip(row, scales, strict=True):
            _gap(ax, table.sel(scale=scale), [style.colour for style in styles])
            ax.set_title(f"{TASKS[task]}, weights {scale:g}", fontsize="medium")
        row[0].set_ylabel("nats (log scale)")
        row[0].set_ylim(top=_TOP)
    for ax in grid[-1]:
        ax.set_xlabel("training samples N (log scale)")
    legend_beside(
        grid[0, -1],
        [
            key("gap, late", color=styles[0].colour, marker="o"),
            key("gap, least test loss", color=styles[1].colour, marker="s"),
            *(key(label, color=GREY, linestyle=line) for label, line in _BOUNDS.values()),
        ],
    )
    return figure


def _gap(ax: Axes, table: xr.Dataset, colours: list) -> None:
    sizes = table["size"].to_numpy()
    gap = table["value"].sel(quantity="generalisation_gap").isel(time=-1).transpose("seed", "size").to_numpy()
    for found, colour, marker in zip(
        (gap, at_best(table, "generalisation_gap", "seed", "size")), colours, "os", strict=True
    ):
        ax.plot(sizes, found.T, color=colour, linewidth=0.4, alpha=0.4)
        ax.plot(sizes, found.mean(axis=0), color=colour, marker=marker, markersize=4, linewidth=1.3)
    for name, (_, line) in _BOUNDS.items():
        ax.plot(
            sizes, np.median(at_best(table, name, "seed", "size"), axis=0), color=GREY, linestyle=line, linewidth=1.2
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    tidy(ax)
