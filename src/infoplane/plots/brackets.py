"""Information of networks that run with noise, whose values stand between two ends, over training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..errors import InputError, nearest
from .comparisons import Named, named_planes
from .frame import information_label
from .measures import layer_curves
from .style import Look, axes_or_new, epoch_axis, key, legend_beside, looks, new_figure, tidy
from .values import array, checked_plane, epochs_of, layers_of, mean, reach

_WHICH = ("mi_input", "mi_target")


def bracket_curves(
    dataset: xr.Dataset, ax: Axes | None = None, which: str = "mi_input", *, unit: str = "bits", legend: bool = True
) -> Axes:
    """I(X;T) or I(T;Y) of every layer over epochs between the ends of its bracket.

    Lines are means over networks, bars their 95 % intervals, bands go from the mean lower to the mean upper end.

    Args:
        dataset: a plane of :class:`~infoplane.estimators.SamplePropagation` or
            :class:`~infoplane.estimators.GaussianDropout`.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target".
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such plane, an unknown unit or quantity.
    """
    dataset = _checked(dataset, which)
    ax = axes_or_new(ax, 6.4, 3.8)
    names = layers_of(dataset)
    for name, look in zip(names, looks(len(names)), strict=True):
        _draw(ax, dataset.sel(layer=name), which, look, name, unit)
    epoch_axis(ax, epochs_of(dataset))
    ax.set_ylabel(information_label([dataset], which, unit))
    tidy(ax)
    if legend:
        legend_beside(ax, [*(key(n, look) for n, look in zip(names, looks(len(names)), strict=True)), *_meaning()])
    return ax


def bracket_runs(
    planes: Named, layer: str, ax: Axes | None = None, which: str = "mi_input", *, unit: str = "bits"
) -> Axes:
    """The same of one layer in several runs, one look a run.

    Args:
        planes: (label, plane) pairs.
        layer: name.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target".
        unit: "bits" or "nats".

    Raises:
        InputError: no such pairs, a plane without this layer, or what :func:`bracket_curves` refuses.
    """
    pairs = named_planes(planes)
    ax = axes_or_new(ax, 6.8, 3.8)
    styles = looks(len(pairs))
    for (label, plane), look in zip(pairs, styles, strict=True):
        shown = _checked(plane, which)
        if layer not in layers_of(shown):
            raise InputError(f"bracket_runs finds no layer {layer!r} in {label}; it has {', '.join(layers_of(shown))}.")
        _draw(ax, shown.sel(layer=layer), which, look, label, unit)
    epoch_axis(ax, np.concatenate([epochs_of(plane) for _, plane in pairs]))
    ax.set_ylabel(information_label([plane for _, plane in pairs], which, unit))
    ax.set_title(layer, fontsize="medium")
    tidy(ax)
    legend_beside(ax, [*(key(label, look) for (label, _), look in zip(pairs, styles, strict=True)), *_meaning()])
    return ax


def bracket_panels(
    runs: Mapping[str, tuple[xr.Dataset, xr.Dataset]],
    measures: Mapping[str, Mapping[str, Any]],
    *,
    unit: str = "bits",
) -> Figure:
    """A column a run: :func:`bracket_curves` of I(X;T), and below it other measures of the same layers.

    Args:
        runs: by title, a plane with brackets and a dataset with the measures.
        measures: options of :func:`infoplane.plots.layer_curves` by variable.
        unit: "bits" or "nats".

    Raises:
        InputError: no runs or measures, other layers in one of the datasets, or what the two functions refuse.
    """
    if not runs or not measures:
        raise InputError("bracket_panels needs at least one run and one measure.")
    names = layers_of(_checked(next(iter(runs.values()))[0], "mi_input"))
    figure = new_figure(3.1 * len(runs) + 1.9, 1.9 * (len(measures) + 1) + 0.5)
    grid = figure.subplots(len(measures) + 1, len(runs), sharex="col", sharey="row", squeeze=False)
    for column, (title, (plane, proxies)) in zip(grid.T, runs.items(), strict=True):
        for dataset in (plane, proxies):
            if "layer" not in dataset.dims or layers_of(dataset) != names:
                raise InputError(
                    f"bracket_panels needs the layers {', '.join(names)} in every dataset; {title} differs."
                )
        bracket_curves(plane, column[0], unit=unit, legend=False)
        column[0].set_ylabel(f"I(X;T)  ({unit})")
        column[0].set_title(title, fontsize="medium")
        for ax, (variable, options) in zip(column[1:], measures.items(), strict=True):
            layer_curves(proxies, variable, ax, unit=unit, legend=False, **options)
    for ax in grid[:, 1:].ravel():
        ax.set_ylabel("")
    for ax in grid[:-1].ravel():
        ax.set_xlabel("")
    figure.align_ylabels()
    entries = [key(name, look) for name, look in zip(names, looks(len(names)), strict=True)]
    legend_beside(grid[0, -1], [*entries, *_meaning()])
    return figure


def _checked(dataset: xr.Dataset, which: str) -> xr.Dataset:
    if which not in _WHICH:
        raise InputError(f"which is 'mi_input' or 'mi_target', got {which!r}; {nearest(str(which), _WHICH)}")
    dataset = checked_plane(dataset)
    if f"{which}_bracket_lower" not in dataset:
        raise InputError(
            f"This plot needs {which}_bracket_lower and _upper, as planes of SamplePropagation and GaussianDropout "
            "have them; plots.information_curves draws others."
        )
    return dataset


def _draw(ax: Axes, layer: xr.Dataset, which: str, look: Look, label: str, unit: str) -> None:
    epochs, values = epochs_of(layer), array(layer, which, unit)
    low, high = (mean(array(layer, f"{which}_bracket_{end}", unit)) for end in ("lower", "upper"))
    middle = mean(values)
    ax.fill_between(epochs, low, high, color=look.colour, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(epochs, middle, color=look.colour, linewidth=1.3, marker=look.marker, markersize=4, label=label, zorder=3)
    bars = np.nan_to_num(reach(middle, values))
    ax.errorbar(epochs, middle, yerr=bars, fmt="none", ecolor=look.colour, elinewidth=0.9, zorder=3)


def _meaning() -> list:
    return [
        Patch(color="0.4", alpha=0.3, linewidth=0, label="between the ends of\nthe bracket, means"),
        key("95 % over networks", color="0.4", marker="|", markersize=9, linestyle="none"),
    ]
