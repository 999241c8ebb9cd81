"""Any number of layers over training, and several such numbers of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .style import axes_or_new, epoch_axis, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import CELLS, array, checked, epochs_of, interval, layers_of, mean


def layer_curves(
    dataset: xr.Dataset,
    variable: str,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    scale: str = "linear",
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """A variable of every layer over epochs: mean over networks, with its 95 % interval as a band.

    Args:
        dataset: with the variable over (seed, epoch, layer); a layer without finite values is not drawn.
        variable: name.
        ax: where to draw; a new figure if None.
        label: of the vertical axis; the variable's attribute ``quantity``, or its name, if None. A variable whose
            attribute ``unit`` is "nats" is drawn in ``unit``, which is written behind.
        scale: of the vertical axis, "linear" or "log".
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such variable, other dimensions, an unknown unit or scale.
    """
    per_nat(unit)
    if scale not in ("linear", "log"):
        raise InputError(f"layer_curves draws on the scales 'linear' and 'log', got {scale!r}.")
    dataset = checked(dataset, variable)
    absent = [dim for dim in CELLS if dim not in dataset[variable].dims]
    if absent:
        raise InputError(f"layer_curves needs {variable} over seed, epoch and layer; it lacks {', '.join(absent)}.")
    ax = axes_or_new(ax, 6.4, 3.8)
    informative = dataset[variable].attrs.get("unit") == "nats"
    values, epochs = array(dataset, variable, unit if informative else None), epochs_of(dataset)
    if scale == "log":
        values = np.where(values > 0, values, np.nan)
        ax.set_yscale("log")
    epoch_axis(ax, epochs)
    names = layers_of(dataset)
    middle, (low, high) = mean(values), interval(values)
    every = max(1, len(epochs) // 7)
    for k, (name, look) in enumerate(zip(names, looks(len(names)), strict=True)):
        ax.fill_between(epochs, low[:, k], high[:, k], color=look.colour, alpha=0.22, linewidth=0, zorder=2)
        marks = {"marker": look.marker, "markersize": 4.5, "markevery": (k * every // max(len(names), 1), every)}
        ax.plot(epochs, middle[:, k], color=look.colour, linewidth=1.3, label=name, zorder=3, **marks)
    said = str(dataset[variable].attrs.get("quantity", variable)) if label is None else label
    ax.set_ylabel(f"{said}  ({unit})" if informative else said)
    tidy(ax)
    if legend:
        many = dataset.sizes["seed"]
        legend_beside(ax, _layer_keys(names), f"mean of {many} networks,\n95 % interval" if many > 1 else None)
    return ax


def measure_panels(
    runs: Mapping[str, xr.Dataset], measures: Mapping[str, Mapping[str, Any]], *, unit: str = "bits"
) -> Figure:
    """A column a run, a row a variable, drawn by :func:`layer_curves`; a row has one vertical axis.

    Args:
        runs: datasets by title; all with the same layers.
        measures: options of :func:`layer_curves` by variable, such as ``{"n_codes": {"label": "codes"}}``.
        unit: "bits" or "nats".

    Raises:
        InputError: no runs or variables, runs with different layers, or what :func:`layer_curves` refuses.
    """
    if not runs or not measures:
        raise InputError("measure_panels needs at least one run and one variable.")
    names = _same_layers(runs)
    figure = new_figure(2.5 * len(runs) + 1.9, 1.85 * len(measures) + 0.5)
    grid = figure.subplots(len(measures), len(runs), sharex="col", sharey="row", squeeze=False)
    for j, (variable, options) in enumerate(measures.items()):
        for k, (title, dataset) in enumerate(runs.items()):
            ax = layer_curves(dataset, variable, grid[j, k], unit=unit, legend=False, **options)
            if k:
                ax.set_ylabel("")
            if j == 0:
                ax.set_title(title, fontsize="medium")
            if j < len(measures) - 1:
                ax.set_xlabel("")
    figure.align_ylabels()
    many = {dataset.sizes.get("seed", 1) for dataset in runs.values()}
    title = f"mean of {max(many)} networks,\n95 % interval" if len(many) == 1 and max(many) > 1 else None
    legend_beside(grid[0, -1], _layer_keys(names), title)
    return figure


def _same_layers(runs: Mapping[str, xr.Dataset]) -> list[str]:
    (first, one), *others = runs.items()
    names = layers_of(checked(one))
    for title, dataset in others:
        if layers_of(checked(dataset)) != names:
            raise InputError(
                f"These runs must have the same layers; {first} has {', '.join(names)}, {title} has "
                f"{', '.join(layers_of(dataset))}."
            )
    return names


def _layer_keys(names: Sequence[str]) -> list:
    return [key(name, look) for name, look in zip(names, looks(len(names)), strict=True)]
