"""What one neuron knows of its input against its weight: truths as lines, estimates as points, bounds as bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from .style import axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import interval, mean

_DASHES = ("solid", (0, (6, 2)), (0, (2, 1.2)), (0, (6, 2, 1.5, 2)), (0, (1, 2)))


def against_weight(
    curves: xr.DataArray,
    ax: Axes | None = None,
    *,
    estimates: xr.DataArray | None = None,
    bounds: tuple[xr.DataArray, xr.DataArray] | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """Information against the weight, one line an activation.

    Args:
        curves: (activation, weight) in nats.
        ax: where to draw; a new figure if None.
        estimates: (activation, weight, seed) of some weights: mean over repetitions and its 95 % interval, where that
            is larger than the marker.
        bounds: two such arrays, a lower and an upper bound, whose means over repetitions make a band.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: arrays over other dimensions, an unknown unit.
    """
    factor = per_nat(unit)
    for values, more in ((curves, set()), *(((v, {"seed"})) for v in (estimates, *(bounds or ())) if v is not None)):
        if not isinstance(values, xr.DataArray) or set(values.dims) != {"activation", "weight"} | more:
            raise InputError(
                f"against_weight needs arrays over {', '.join(['activation', 'weight', *more])}, got "
                f"{getattr(values, 'dims', type(values).__name__)}."
            )
    ax = axes_or_new(ax, 6.4, 3.8)
    names = [str(name) for name in curves.activation.values]
    entries = []
    for name, look, dashes in zip(names, looks(len(names)), _DASHES * len(names), strict=False):
        line = {"color": look.colour, "linewidth": 1.5, "linestyle": dashes}
        shown = curves.sel(activation=name)
        ax.plot(shown.weight, shown * factor, zorder=3, **line)
        entries.append(key(name, look if estimates is not None else None, **line))
        if estimates is not None:
            points = estimates.sel(activation=name).transpose("seed", "weight")
            data = points.to_numpy() * factor
            low, high = interval(data)
            ax.vlines(points.weight, low, high, color=look.colour, linewidth=1.4, zorder=4)
            marks = {"color": look.colour, "marker": look.marker, "markersize": 4.5, "linestyle": "none"}
            ax.plot(points.weight, mean(data), zorder=4, clip_on=False, **marks)
        if bounds is not None:
            low, high = (end.sel(activation=name).mean("seed") * factor for end in bounds)
            ax.fill_between(low.weight, low, high, color=look.colour, alpha=0.16, linewidth=0, zorder=2)
    ax.set_xscale("log")
    ax.set_xlim(float(curves.weight.min()), float(curves.weight.max()))
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    ax.set_xlabel("weight w (log scale)")
    ax.set_ylabel(f"I(X;T)  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, [*entries, *_meanings(estimates is not None, bounds is not None)])
    return ax


def _meanings(points: bool, bands: bool) -> list[Any]:
    """What points and bands are, for a legend."""
    found: list[Any] = [key("from samples", color="0.4", marker="o", markersize=5, linestyle="none")] if points else []
    return [*found, Patch(color="0.4", alpha=0.25, linewidth=0, label="bounds from samples")] if bands else found


def weight_panels(panels: Mapping[str, tuple[xr.DataArray, Mapping[str, Any]]], *, unit: str = "bits") -> Figure:
    """Panels of :func:`against_weight` on the same axes, two beside each other.

    Args:
        panels: by title, the curves and the further arguments of each.
        unit: "bits" or "nats".

    Raises:
        InputError: no panel, or one that :func:`against_weight` refuses.
    """
    if not panels:
        raise InputError("weight_panels needs at least one panel, got none.")
    rows, columns = -(-len(panels) // 2), min(len(panels), 2)
    figure = new_figure(3.1 * columns + 1.4, 2.5 * rows + 0.3)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for k, (ax, (title, (curves, more))) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        against_weight(curves, ax, unit=unit, legend=False, **more)
        ax.set_title(title, fontsize="medium")
        if k % columns:
            ax.set_ylabel("")
        if k < len(panels) - columns:
            ax.set_xlabel("")
    for ax in list(grid.flat)[len(panels) :]:
        ax.remove()
    names = [str(name) for name in next(iter(panels.values()))[0].activation.values]
    entries = [
        key(
            name,
            look if any("estimates" in more for _, more in panels.values()) else None,
            color=look.colour,
            linestyle=dashes,
        )
        for name, look, dashes in zip(names, looks(len(names)), _DASHES * len(names), strict=False)
    ]
    shown = [any(name in more for _, more in panels.values()) for name in ("estimates", "bounds")]
    legend_beside(grid[0, -1], [*entries, *_meanings(*shown)])
    return figure
