"""Histograms of activations over training, as maps: a column a checkpoint, dark where many values are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..errors import InputError
from .style import axes_or_new, epoch_axis, figure_holding, new_figure
from .values import checked, epochs_of, layers_of

_FAINT = 1e-3  # shares of activations down to which the map tells them apart
_COLOURS = "viridis_r"  # dark on white paper where there are many


def activity_map(dataset: xr.Dataset, layer: str, ax: Axes | None = None, *, colour_bar: bool = True) -> Axes:
    """The histogram of one layer's activations over epochs: colours are shares of all pairs of unit and input.

    Args:
        dataset: as :func:`infoplane.plane.layer_activity` gives it.
        layer: name.
        ax: where to draw; a new figure if None.
        colour_bar: whether to say which colour is which share; it takes its room from ``ax``.

    Returns:
        The Axes. Bins with less than 0.1 % of the activations stay white.

    Raises:
        InputError: no such dataset or layer.
    """
    _check(dataset, layer)
    ax = axes_or_new(ax, 5.4, 3.4)
    here = dataset.sel(layer=layer)
    shares = here["histogram"].transpose("bin", "epoch").to_numpy()
    low, high = float(here["low"]), float(here["high"])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    epochs = epochs_of(dataset)
    epoch_axis(ax, epochs)
    edges = _edges(epochs)
    ax.set_xlim(edges[0], edges[-1])
    shown = np.where(shares >= _FAINT, shares, np.nan)
    levels = np.linspace(low, high, shares.shape[0] + 1)
    ax.pcolormesh(edges, levels, shown, norm=_norm(), cmap=_COLOURS, rasterized=True)
    ax.set_ylim(low, high)
    ax.set_ylabel("activation")
    if colour_bar:
        _add_bar(ax, [ax])
    return ax


def activity_panels(runs: Mapping[str, xr.Dataset], layers: Sequence[str]) -> Figure:
    """A row a run, a column a layer, drawn by :func:`activity_map`.

    Args:
        runs: datasets by title.
        layers: names that all of them have.

    Raises:
        InputError: no runs or layers, or what :func:`activity_map` refuses.
    """
    if not runs or not len(layers):
        raise InputError("activity_panels needs at least one run and one layer.")
    figure = new_figure(2.2 * len(layers) + 1.6, 2.2 * len(runs) + 0.4)
    grid = figure.subplots(len(runs), len(layers), sharex=True, squeeze=False)
    for j, (title, dataset) in enumerate(runs.items()):
        for k, layer in enumerate(layers):
            ax = activity_map(dataset, layer, grid[j, k], colour_bar=False)
            ax.tick_params(labelsize="small")
            ax.set_ylabel("" if k else f"{title}: activation")
            if j == 0:
                ax.set_title(layer, fontsize="medium")
            if j < len(runs) - 1:
                ax.set_xlabel("")
    _add_bar(grid[0, 0], list(grid.flat))
    return figure


def _check(dataset: xr.Dataset, layer: str) -> None:
    found = checked(dataset)
    missing = [name for name in ("histogram", "low", "high") if name not in found]
    if missing:
        raise InputError(
            f"activity_map needs what infoplane.plane.layer_activity gives; this lacks {', '.join(missing)}."
        )
    if layer not in layers_of(dataset):
        raise InputError(f"activity_map needs a layer of this dataset, {', '.join(layers_of(dataset))}, got {layer!r}.")


def _norm() -> LogNorm:
    return LogNorm(_FAINT, 1.0)


def _add_bar(ax: Axes, taken_from: list[Axes]) -> None:
    bar = figure_holding(ax).colorbar(ScalarMappable(_norm(), _COLOURS), ax=taken_from, pad=0.02, aspect=28)
    bar.set_label("share of activations")
    bar.set_ticks([1e-3, 1e-2, 1e-1, 1.0], labels=["0.1 %", "1 %", "10 %", "100 %"])
    bar.ax.minorticks_off()


def _edges(epochs: np.ndarray) -> np.ndarray:
    """(epochs + 1,) ends of the columns: half-way to their neighbours on the axis of :func:`epoch_axis`."""
    if len(epochs) == 1:
        return np.array([epochs[0] - 0.5, epochs[0] + 0.5]) if epochs[0] < 1 else epochs[0] * np.array([0.7, 1.4])
    between = np.where(epochs[:-1] < 1, (epochs[:-1] + epochs[1:]) / 2, np.sqrt(epochs[:-1] * epochs[1:]))
    first = epochs[0] - (between[0] - epochs[0]) if epochs[0] < 1 else epochs[0] ** 2 / between[0]
    return np.concatenate([[first], between, [epochs[-1] ** 2 / between[-1]]])
