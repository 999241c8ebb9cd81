"""Scores against the number of samples: a line each, with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..errors import InputError
from .style import GREY, Look, axes_or_new, key, legend_beside, looks, new_figure, tidy
from .values import interval, mean

Lines = Mapping[str, xr.DataArray]


def against_samples(
    lines: Lines, ax: Axes | None = None, *, label: str = "score", zero: bool = False, legend: bool = True
) -> Axes:
    """Scores against the number of samples a pattern: mean over seeds, with its 95 % interval as a band.

    Args:
        lines: (n, seed) values by name; an infinite n, where the law itself is known, stands apart on the right.
        ax: where to draw; a new figure if None.
        label: of the axis upwards, with its unit.
        zero: whether to draw a line at 0, for differences.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no lines, or values over something else than n and seed.
    """
    styles = dict(zip(lines, looks(max(len(lines), 1)), strict=False))
    return _draw(lines, ax, styles, label, zero, legend)


def sample_panels(panels: Mapping[str, Lines], label: str = "score", *, zero: bool = False) -> Figure:
    """The same for several laws side by side; lines of one name look the same in all of them.

    Args:
        panels: lines by name of the law.
        label, zero: as for :func:`against_samples`.

    Raises:
        InputError: no panels, or what :func:`against_samples` refuses.
    """
    if not panels:
        raise InputError("sample_panels needs at least one panel, got none.")
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    styles = dict(zip(names, looks(len(names)), strict=True))
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(3.9 * columns + 2.2, 2.7 * rows + 0.4)
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.ravel()[len(panels) :]:
        ax.remove()
    for place, (title, lines) in enumerate(panels.items()):
        ax = grid.ravel()[place]
        _draw(lines, ax, styles, label, zero, legend=False)
        ax.set_title(title, fontsize="medium")
        if place % columns:
            ax.set_ylabel("")
        if place == columns - 1:
            legend_beside(ax, _keys(styles), "mean of repetitions,\n95 % interval")
    return figure


def _draw(lines: Lines, ax: Axes | None, styles: Mapping[str, Look], label: str, zero: bool, legend: bool) -> Axes:
    if not lines:
        raise InputError("against_samples needs at least one line, got none.")
    for name, values in lines.items():
        if not isinstance(values, xr.DataArray) or set(values.dims) != {"n", "seed"}:
            raise InputError(f"against_samples needs values over n and seed, and {name!r} is something else.")
    ax = axes_or_new(ax, 6.4, 3.8)
    samples = np.asarray(next(iter(lines.values()))["n"], dtype=np.float64)
    places = _places(samples)
    known = np.isinf(samples)
    for name, values in lines.items():
        data, look = values.transpose("seed", "n").to_numpy(), styles[name]
        middle, (low, high) = mean(data), interval(data)
        style = {"color": look.colour, "marker": look.marker, "markersize": 4.5, "linewidth": 1.3}
        for part in (~known, known):
            ax.fill_between(places[part], low[part], high[part], color=look.colour, alpha=0.2, linewidth=0, zorder=2)
            ax.plot(places[part], middle[part], zorder=3, **style)
        ax.vlines(places[known], low[known], high[known], color=look.colour, linewidth=1.3, alpha=0.6, zorder=2)
    if zero:
        ax.axhline(0.0, color=GREY, linewidth=0.9, zorder=1)
    ax.set_xscale("log")
    ax.set_xticks(places, ["known" if np.isinf(n) else f"{n:g}" for n in samples])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("labels a pattern (log scale)")
    ax.set_ylabel(label)
    tidy(ax)
    if legend:
        legend_beside(ax, _keys(styles), "mean of repetitions,\n95 % interval")
    return ax


def _places(samples: np.ndarray) -> np.ndarray:
    """Where each number of samples stands: the known law three times as far as the last."""
    finite = samples[np.isfinite(samples)]
    return np.where(np.isinf(samples), 3.0 * (finite.max() if len(finite) else 1.0), samples)


def _keys(styles: Mapping[str, Look]) -> list:
    return [key(name, look) for name, look in styles.items()]
