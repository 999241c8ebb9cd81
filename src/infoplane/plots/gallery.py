"""Whole figures: panels side by side, and the standard set for one plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .comparisons import Named, named_planes
from .curves import information_curves
from .layers import plane
from .snapshots import add_colour_bar, draw_paths, layer_keys, plane_paths, plane_snapshot
from .style import figure_holding, new_figure
from .training import gradient_phases, training_curves
from .values import checked_plane, epochs_of


def figure_of(draw: Callable[..., Axes], *data: Any, **options: Any) -> Figure:
    """The figure a plot function makes for itself, to be saved.

    Args:
        draw: a plot function, such as ``plane``.
        data, options: what it is called with.
    """
    figure = figure_holding(draw(*data, **options))
    return figure if isinstance(figure, Figure) else figure.figure


def figures(dataset: xr.Dataset, *, unit: str = "bits") -> dict[str, Figure]:
    """The standard pictures of one plane, by name: save each with ``figure.savefig(f"{name}.png")``.

    Args:
        dataset: a plane.
        unit: "bits" or "nats".

    Returns:
        "plane", "snapshots", "paths" and "information"; "training" and "gradient-phases" where the dataset has losses
        and gradients.

    Raises:
        InputError: no plane, several splits, an unknown unit.
    """
    found = {
        "plane": figure_of(plane, dataset, unit=unit),
        "snapshots": snapshot_panels(dataset, unit=unit),
        "paths": figure_of(plane_paths, dataset, unit=unit),
        "information": information_panels(dataset, unit=unit),
    }
    if _has(dataset, "loss_train") or _has(dataset, "loss_test"):
        found["training"] = figure_of(training_curves, dataset, unit=unit)
    if _has(dataset, "gradient_mean") and _has(dataset, "gradient_std"):
        found["gradient-phases"] = figure_of(gradient_phases, dataset)
    return found


def _has(dataset: xr.Dataset, name: str) -> bool:
    return name in dataset and bool(np.isfinite(dataset[name].to_numpy()).any())


def snapshot_panels(dataset: xr.Dataset, epochs: tuple[float, ...] | None = None, *, unit: str = "bits") -> Figure:
    """Snapshots of the ensemble side by side.

    Args:
        dataset: a plane.
        epochs: which; the first, the middle one on a logarithmic scale, and the last if None.
        unit: "bits" or "nats".
    """
    dataset = checked_plane(dataset)
    known = epochs_of(dataset)
    if epochs is None:
        epochs = (known[0], math.sqrt(max(known[0], 1.0) * max(known[-1], 1.0)), known[-1])
    if not len(epochs):
        raise InputError("snapshot_panels needs at least one epoch.")
    figure = new_figure(2.9 * len(epochs) + 1.9, 3.1)
    panels = figure.subplots(1, len(epochs), sharex=True, sharey=True, squeeze=False)[0]
    for k, (ax, epoch) in enumerate(zip(panels, epochs, strict=True)):
        plane_snapshot(dataset, epoch, ax, unit=unit, legend=k == len(epochs) - 1)
    _outer_labels(panels[None], len(panels))
    return figure


def information_panels(dataset: xr.Dataset, *, unit: str = "bits") -> Figure:
    """I(X;T) and I(T;Y) over epochs, side by side."""
    figure = new_figure(9.8, 3.6)
    left, right = figure.subplots(1, 2)
    information_curves(dataset, left, "mi_input", unit=unit, legend=False)
    information_curves(dataset, right, "mi_target", unit=unit)
    return figure


def bin_size(planes: Named, *, unit: str = "bits") -> Figure:
    """Paths of the same networks at several resolutions.

    Args:
        planes: (number of bins, plane) pairs.
        unit: "bits" or "nats".

    Raises:
        InputError: no such pairs, an unknown unit.
    """
    pairs = named_planes(planes)
    return path_panels([(f"{bins} bins", plane) for bins, plane in pairs], unit=unit)


def path_panels(planes: Named, *, unit: str = "bits") -> Figure:
    """Paths of several runs in panels with the same axes and colours.

    Args:
        planes: (label, plane) pairs; their layers may differ in number; a name has the same marker everywhere.
        unit: "bits" or "nats".

    Raises:
        InputError: no such pairs, an unknown unit.
    """
    pairs = named_planes(planes)
    columns = len(pairs) if len(pairs) <= 3 else math.ceil(len(pairs) / math.ceil(len(pairs) / 4))
    rows = math.ceil(len(pairs) / columns)
    figure = new_figure(2.7 * columns + 2.0, 2.5 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False)
    together, lines = [plane for _, plane in pairs], []
    for k, ax in enumerate(grid.flat):
        if k >= len(pairs):
            ax.remove()
            continue
        label, shown = pairs[k]
        lines = draw_paths(ax, shown, together, unit)
        ax.set_title(label, fontsize="medium")
    _outer_labels(grid, len(pairs))
    add_colour_bar(grid[0, 0], list(figure.axes), np.concatenate([epochs_of(plane) for plane in together]))
    entries = [*layer_keys(together), *lines]
    lines_needed = math.ceil(len(entries) / (2.4 * columns))  # that many keys fit beside each other
    figure.legend(
        handles=entries,
        loc="outside lower center",
        ncols=math.ceil(len(entries) / lines_needed),
        frameon=False,
        fontsize="small",
    )
    return figure


def _outer_labels(grid: np.ndarray, used: int) -> None:
    """Labels and numbers only at the left and at the foot of a grid of panels with the same axes."""
    columns = grid.shape[1]
    for k in range(used):
        row, column = divmod(k, columns)
        ax = grid[row, column]
        if column:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
        if k + columns < used:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
