"""All networks at one epoch, and the mean paths of all layers over all epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from .frame import draw_frame, held_against
from .style import Look, axes_or_new, colour_map, epoch_norm, figure_holding, key, legend_beside, looks, nested_sizes
from .values import array, checked_plane, epochs_of, layers_of, mean, nearest_epoch

if TYPE_CHECKING:
    from ..bottleneck import Joint

_JOINED = 60  # thin lines between layers are drawn for at most so many epochs: more would be a solid patch


def plane_snapshot(
    dataset: xr.Dataset,
    epoch: float | None = None,
    ax: Axes | None = None,
    *,
    bound: Joint | xr.Dataset | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """Every network of the ensemble as one point a layer, at one epoch.

    Args:
        dataset: a plane; values that are not finite are left out.
        epoch: the nearest checkpoint is drawn and named in the title; the last if None.
        ax: where to draw; a new figure if None.
        bound: another bound than the plane's own, as for :func:`plane`.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes; its limits hold the values of all epochs, so that snapshots compare.

    Raises:
        InputError: no plane, several splits, an unknown unit, a curve that layers can exceed.
    """
    dataset = held_against(checked_plane(dataset), bound)
    position = nearest_epoch(dataset, epoch)
    ax = axes_or_new(ax, 6.4, 4.0)
    entries = draw_frame(ax, [dataset], unit)
    now = dataset.isel(epoch=position)
    across, along = array(now, "mi_input", unit), array(now, "mi_target", unit)
    names = layers_of(dataset)
    styles = looks(len(names))
    for column, (name, look) in enumerate(zip(names, styles, strict=True)):
        ax.scatter(
            across[:, column],
            along[:, column],
            s=26,
            color=[look.colour],
            marker=look.marker,
            edgecolor=ax.get_facecolor(),
            linewidth=0.5,
            alpha=0.9,
            label=name,
            zorder=3,
            clip_on=False,
        )
    ax.set_title(f"epoch {epochs_of(dataset)[position]:g}", fontsize="medium")
    if legend:
        shown = [key(name, look, linestyle="none") for name, look in zip(names, styles, strict=True)]
        many = dataset.sizes["seed"]
        legend_beside(ax, [*shown, *entries], f"{many} network{'s' * (many > 1)}")
    return ax


def plane_paths(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    *,
    bound: Joint | xr.Dataset | None = None,
    unit: str = "bits",
    legend: bool = True,
    colour_bar: bool = True,
) -> Axes:
    """Mean path over networks of every layer, coloured by epoch; thin lines join the layers of one epoch.

    Args:
        dataset: a plane; values that are not finite are left out.
        ax: where to draw; a new figure if None.
        bound: another bound than the plane's own, as for :func:`plane`.
        unit: "bits" or "nats".
        legend: whether to say beside the Axes which marker is which layer.
        colour_bar: whether to say which colour is which epoch; it takes its room from ``ax``.

    Returns:
        The Axes.

    Raises:
        InputError: no plane, several splits, an unknown unit, a curve that layers can exceed.
    """
    dataset = held_against(checked_plane(dataset), bound)
    own, ax = ax is None, axes_or_new(ax, 7.4, 4.0)
    entries = draw_paths(ax, dataset, [dataset], unit)
    if colour_bar:
        add_colour_bar(ax, [ax], epochs_of(dataset))
    handles = [*layer_keys([dataset]), *entries]
    if legend and own:  # beyond the colour bar
        figure_holding(ax).legend(handles=handles, loc="outside right upper", frameon=False, fontsize="small")
    elif legend:
        legend_beside(ax, handles)
    return ax


def draw_paths(ax: Axes, dataset: xr.Dataset, together: list[xr.Dataset], unit: str) -> list[Line2D]:
    """Paths of one plane, on axes and colours that fit all planes shown together.

    Returns:
        Entries for a legend.
    """
    entries = draw_frame(ax, [dataset, *together], unit)
    across, along = mean(array(dataset, "mi_input", unit)), mean(array(dataset, "mi_target", unit))
    epochs = epochs_of(dataset)
    norm, shades = epoch_norm(np.concatenate([epochs_of(plane) for plane in together])), colour_map()
    joined = np.unique(np.linspace(0, len(epochs) - 1, min(_JOINED, len(epochs))).astype(int))
    lines = np.stack([across[joined], along[joined]], axis=-1)
    colours = shades(norm(epochs[joined]))
    ax.add_collection(LineCollection(list(lines), colors=colours, linewidths=0.5, alpha=0.45, zorder=2), autolim=False)
    names, marks = layers_of(dataset), _markers(together)
    sizes = nested_sizes(len(names), 9.0, 5.5)
    for column, name in enumerate(names):
        points = (across[:, column], along[:, column])
        settings = {"cmap": shades, "norm": norm, "marker": marks[name].marker, "clip_on": False}
        ax.scatter(*points, c=epochs, s=15, linewidth=0, zorder=3, label=name, **settings)
        ends = [0, len(epochs) - 1]
        edge = {"edgecolor": "black", "linewidth": 0.8, "zorder": 4}
        ax.scatter(
            *(p[ends] for p in points),
            c=epochs[ends],
            s=sizes[column] ** 2,
            label=f"{name}, first and last",
            **edge,
            **settings,
        )
    return entries


def _markers(planes: list[xr.Dataset]) -> dict[str, Look]:
    """A look for every layer of several planes, by name: networks of different depth may share a picture."""
    deepest_first = sorted(planes, key=lambda plane: -plane.sizes["layer"])
    names = list(dict.fromkeys(name for plane in deepest_first for name in layers_of(plane)))
    return dict(zip(names, looks(len(names)), strict=True))


def layer_keys(planes: list[xr.Dataset]) -> list[Line2D]:
    """Which marker is which layer."""
    return [key(name, look, color="0.4", linestyle="none") for name, look in _markers(planes).items()]


def add_colour_bar(ax: Axes, taken_from: list[Axes], epochs: np.ndarray) -> None:
    """A bar that says which colour is which epoch, beside the Axes that give it room."""
    bar = figure_holding(ax).colorbar(
        ScalarMappable(epoch_norm(epochs), colour_map()), ax=taken_from, pad=0.02, aspect=28, label="epoch (log scale)"
    )
    last = int(epochs.max())
    marks = [float(epochs.min())] + [10.0**k for k in range(12) if epochs.min() < 10**k < 0.6 * last] + [float(last)]
    bar.set_ticks(marks, labels=[f"{mark:g}" for mark in marks], minor=False)
    bar.ax.minorticks_off()
