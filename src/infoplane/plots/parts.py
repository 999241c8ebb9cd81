"""What layers know of parts of the input over training: closed forms as lines, what was measured as points."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..errors import InputError
from .style import axes_or_new, epoch_axis, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import array, checked_plane, epochs_of, interval, layers_of, mean

_LOSSES = {"loss_population": "population", "loss_train": "training"}


def information_parts(
    exact: xr.Dataset,
    layer: str,
    parts: Mapping[str, str],
    ax: Axes | None = None,
    *,
    measured: xr.Dataset | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """Several informations of one layer over epochs: mean over networks, and its 95 % interval as a band.

    Args:
        exact: a plane, with the variables of ``parts`` over (seed, epoch, layer).
        layer: name.
        parts: what to draw: labels by variable.
        ax: where to draw; a new figure if None.
        measured: another plane with these variables, whose means over networks are drawn as points.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no plane, a layer or variable it lacks, an unknown unit.
    """
    for plane in (exact, *([] if measured is None else [measured])):
        missing = [name for name in parts if name not in checked_plane(plane)]
        if missing or layer not in layers_of(plane):
            raise InputError(
                f"This plane has the layers {', '.join(layers_of(plane))}, and lacks "
                f"{', '.join(missing) or repr(layer)}; linear_plane(..., parts=...) makes informations of parts."
            )
    per_nat(unit)
    ax = axes_or_new(ax, 5.6, 3.6)
    for (name, label), look in zip(parts.items(), looks(len(parts)), strict=True):
        values = array(exact.sel(layer=layer), name, unit)
        low, high = interval(values)
        epochs = epochs_of(exact)
        ax.fill_between(epochs, low, high, color=look.colour, alpha=0.2, linewidth=0, zorder=2)
        ax.plot(epochs, mean(values), color=look.colour, linewidth=1.4, label=label, zorder=3)
        if measured is not None:
            marks = {"color": look.colour, "marker": look.marker, "markersize": 3.5, "linestyle": "none"}
            ax.plot(epochs_of(measured), mean(array(measured.sel(layer=layer), name, unit)), zorder=4, **marks)
    epoch_axis(ax, epochs_of(exact))
    ax.set_ylabel(f"information  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, _entries(parts, measured is not None))
    return ax


def part_panels(
    planes: Mapping[str, tuple[xr.Dataset, xr.Dataset | None]], parts: Mapping[str, str], *, unit: str = "bits"
) -> Figure:
    """A row a run: its losses, then :func:`information_parts` of every layer.

    Args:
        planes: by title, a plane of closed forms with ``loss_population`` and ``loss_train``, and one that was
            measured or None; all of the same layers.
        parts: labels by variable.
        unit: "bits" or "nats".

    Raises:
        InputError: no planes, planes without losses, or what :func:`information_parts` refuses.
    """
    if not planes:
        raise InputError("part_panels needs at least one plane, got none.")
    layers = layers_of(next(iter(planes.values()))[0])
    figure = new_figure(2.7 * (len(layers) + 1) + 1.7, 2.4 * len(planes) + 0.3)
    grid = figure.subplots(len(planes), len(layers) + 1, sharex=True, sharey="col", squeeze=False)
    for row, (title, (exact, measured)) in zip(grid, planes.items(), strict=True):
        _draw_losses(row[0], exact)
        row[0].set_ylabel(f"{title}\nhalf squared error")
        for ax, layer in zip(row[1:], layers, strict=True):
            information_parts(exact, layer, parts, ax, measured=measured, unit=unit, legend=False)
            ax.set_ylabel(f"information  ({unit})" if layer == layers[0] else "")
    for ax, name in zip(grid[0], ["loss", *layers], strict=True):
        ax.set_title(name, fontsize="medium")
    for ax in grid[:-1].ravel():
        ax.set_xlabel("")
    points = any(measured is not None for _, measured in planes.values())
    legend_beside(grid[0, -1], _entries(parts, points))
    grid[0, 0].legend(frameon=False, fontsize="small")
    return figure


def _draw_losses(ax: Axes, plane: xr.Dataset) -> None:
    missing = [name for name in _LOSSES if name not in plane]
    if missing:
        raise InputError(f"part_panels draws losses, and a plane lacks {', '.join(missing)}.")
    for (name, label), dashes in zip(_LOSSES.items(), ("solid", (0, (4, 2))), strict=True):
        values = array(plane, name)
        low, high = interval(values)
        ax.fill_between(epochs_of(plane), low, high, color="0.4", alpha=0.2, linewidth=0)
        ax.plot(epochs_of(plane), mean(values), color="0.2", linewidth=1.4, linestyle=dashes, label=label)
    epoch_axis(ax, epochs_of(plane))
    ax.set_ylim(bottom=0)
    tidy(ax)


def _entries(parts: Mapping[str, str], points: bool) -> list:
    named = [
        key(label, look if points else None, color=look.colour)
        for label, look in zip(parts.values(), looks(len(parts)), strict=True)
    ]
    meant = [key("closed form", color="0.4"), Patch(color="0.4", alpha=0.25, linewidth=0, label="95 % over networks")]
    measured = [key("measured", color="0.4", marker="o", markersize=4, linestyle="none")] if points else []
    return [*named, *meant, *measured]
