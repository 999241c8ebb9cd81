"""What layers know along the depth of a network: one line a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError, nearest
from .frame import information_label
from .style import GREY, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import array, ceiling, checked_plane, epochs_of, interval, layers_of, mean

_WHICH = ("mi_input", "mi_target")
_Z = 1.96
_MANY = 8  # layers whose names still stand upright


def layer_profile(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    which: str = "mi_input",
    *,
    floors: xr.DataArray | None = None,
    chain: Sequence[str] | None = None,
    step: str = "epoch",
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """I(X;T) or I(T;Y) against depth, a line a checkpoint, from dark to light.

    Bars are 95 % intervals: of the mean over networks, or 1.96 standard errors of the estimate for one network.

    Args:
        dataset: a plane, its layers in the order of the network.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target".
        floors: (epoch,) nats that are proved of every layer of the chain, drawn dotted.
        chain: layers that everything passes through; the others, as inside a residual block, are hollow and not joined
            by the line. All if None.
        step: what the checkpoints count.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no plane, an unknown unit, quantity or layer.
    """
    if which not in _WHICH:
        raise InputError(f"which is 'mi_input' or 'mi_target', got {which!r}; {nearest(str(which), _WHICH)}")
    dataset = checked_plane(dataset)
    names, epochs = layers_of(dataset), epochs_of(dataset)
    for name in chain or ():
        if name not in names:
            raise InputError(f"chain names {name!r}, which the plane does not have; {nearest(name, names)}")
    if floors is not None and (floors.dims != ("epoch",) or not set(epochs) <= set(floors["epoch"].to_numpy())):
        raise InputError("floors needs one value for every checkpoint, over (epoch,), with its epochs as coordinate.")
    joined = np.array([chain is None or name in chain for name in names])
    ax = axes_or_new(ax, 2.6 + 0.32 * len(names), 3.6)
    values, error = array(dataset, which, unit), _errors(dataset, which, unit)
    middle, places = mean(values), np.arange(len(names))
    styles = looks(len(epochs))
    for row, look in enumerate(styles):
        drawn = {"color": look.colour, "zorder": 3}
        bars = error[:, row]
        ax.errorbar(places, middle[row], bars, fmt="none", ecolor=look.colour, elinewidth=0.8, zorder=2)
        ax.plot(places[joined], middle[row, joined], marker=look.marker, markersize=4.5, linewidth=1.2, **drawn)
        ax.plot(places[~joined], middle[row, ~joined], look.marker, markersize=4.5, markerfacecolor="white", **drawn)
        if floors is not None:
            floor = float(floors.sel(epoch=epochs[row])) * per_nat(unit)
            ax.axhline(floor, color=look.colour, linewidth=1.0, linestyle=":", zorder=1.5)
    top = ceiling(dataset, which, unit) if which == "mi_target" else None
    if top is not None:
        ax.axhline(top, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
    _layer_axis(ax, names)
    ax.set_ylabel(information_label([dataset], which, unit))
    tidy(ax)
    if legend:
        legend_beside(ax, _keys(dataset, step, not joined.all(), floors is not None, top is not None))
    return ax


def layer_profile_panels(
    planes: Mapping[str, xr.Dataset],
    *,
    floors: xr.DataArray | None = None,
    chain: Sequence[str] | None = None,
    step: str = "epoch",
    unit: str = "bits",
) -> Figure:
    """:func:`layer_profile` of both quantities, a column an estimator.

    Args:
        planes: of the same layers and checkpoints, by title.
        floors, chain, step, unit: as there; floors are of I(T;Y).

    Raises:
        InputError: no planes, or as there.
    """
    if not planes:
        raise InputError("layer_profile_panels needs at least one plane.")
    first = next(iter(planes.values()))
    for title, plane in planes.items():
        if not all(np.array_equal(plane[name], first[name]) for name in ("seed", "epoch", "layer")):
            raise InputError(
                f"layer_profile_panels needs planes of the same networks, checkpoints and layers; see {title!r}."
            )
    layers = first.sizes["layer"]
    figure = new_figure((1.2 + 0.26 * layers) * len(planes) + 1.6, 6.2)
    grid = figure.subplots(2, len(planes), sharex=True, sharey="row", squeeze=False)
    for column, (title, plane) in enumerate(planes.items()):
        for row, which in enumerate(_WHICH):
            last = column == len(planes) - 1 and row == 1
            known = floors if which == "mi_target" else None
            layer_profile(plane, grid[row, column], which, floors=known, chain=chain, step=step, unit=unit, legend=last)
        grid[0, column].set_title(title, fontsize="medium")
    for row in range(2):
        for ax in grid[row, 1:]:
            ax.set_ylabel("")
    for ax in grid[0]:
        ax.tick_params(labelbottom=False)
    return figure


def _errors(dataset: xr.Dataset, which: str, unit: str) -> np.ndarray:
    """(2, epoch, layer) lengths of bars."""
    values = array(dataset, which, unit)
    if len(values) > 1:
        low, high = interval(values)
        return np.maximum(np.stack([mean(values) - low, high - mean(values)]), 0.0)
    name = f"{which}_stderr"
    known = array(dataset, name, unit)[0] if name in dataset else np.full(values.shape[1:], np.nan)
    return np.stack([_Z * known, _Z * known])


def _layer_axis(ax: Axes, names: list[str]) -> None:
    ax.set_xticks(range(len(names)), names)
    if len(names) > _MANY:
        ax.tick_params(axis="x", labelrotation=90, labelsize="small")


def _keys(dataset: xr.Dataset, step: str, hollow: bool, floors: bool, top: bool) -> list:
    epochs = epochs_of(dataset)
    found = [key(f"{step} {epoch:g}", look) for epoch, look in zip(epochs, looks(len(epochs)), strict=True)]
    found += [key("passed by", color="0.3", marker="o", markerfacecolor="white", linestyle="none")] if hollow else []
    found += [key("proved by the output", color="0.3", linewidth=1.0, linestyle=":")] if floors else []
    found += [key("H(Y)", color=GREY, linewidth=0.9, linestyle=(0, (5, 3)))] if top else []
    many = dataset.sizes["seed"]
    return [*found, *([key(f"mean of {many}, 95 %", linestyle="none", color="white")] if many > 1 else [])]
