"""Information over training, layer by layer."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..errors import InputError, nearest
from ..plane.task_bound import certain_label
from .frame import information_label, limits
from .style import GREY, Look, axes_or_new, epoch_axis, key, legend_beside, looks, tidy
from .values import array, bounded, ceiling, checked_plane, epochs_of, interval, layers_of, mean

_WHICH = ("mi_input", "mi_target")


def information_curves(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    which: str = "mi_input",
    *,
    unit: str = "bits",
    bounds: bool = False,
    legend: bool = True,
) -> Axes:
    """I(X;T) or I(T;Y) of every layer over epochs: mean over networks, with its 95 % interval as a band.

    Args:
        dataset: a plane; values that are not finite are left out.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target".
        unit: "bits" or "nats".
        bounds: whether to draw dotted lines at the mean lower and upper bounds, where the dataset has both; what
            lies outside the frame is cut off.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. The dashed line is the ceiling at which the value says nothing more of the layer.

    Raises:
        InputError: no plane, several splits, an unknown unit or quantity.
    """
    if which not in _WHICH:
        raise InputError(f"which is 'mi_input' or 'mi_target', got {which!r}; {nearest(str(which), _WHICH)}")
    dataset = checked_plane(dataset)
    ax = axes_or_new(ax, 6.4, 3.8)
    values, epochs = array(dataset, which, unit), epochs_of(dataset)
    epoch_axis(ax, epochs)
    ax.set_ylim(*limits([dataset], which, unit))
    ax.set_ylabel(information_label([dataset], which, unit))
    tidy(ax)
    names = layers_of(dataset)
    styles = looks(len(names))
    middle = mean(values)
    low, high = interval(values)
    every = max(1, len(epochs) // 7)
    for k, (name, look) in enumerate(zip(names, styles, strict=True)):
        ax.fill_between(epochs, low[:, k], high[:, k], color=look.colour, alpha=0.22, linewidth=0, zorder=2)
        marks = {"marker": look.marker, "markersize": 5, "markevery": (k * every // max(len(names), 1), every)}
        ax.plot(epochs, middle[:, k], color=look.colour, linewidth=1.4, label=name, zorder=3, **marks)
    entries = _ceiling(ax, dataset, which, unit)
    if bounds and bounded(dataset, which):
        _draw_bounds(ax, dataset, which, unit, styles)
        entries.append(key("mean lower, upper bound", color="0.3", linewidth=0.9, linestyle=":"))
    if legend:
        shown = [key(name, look) for name, look in zip(names, styles, strict=True)]
        many = dataset.sizes["seed"]
        legend_beside(ax, [*shown, *entries], f"mean of {many} networks,\n95 % interval" if many > 1 else None)
    return ax


def _ceiling(ax: Axes, dataset: xr.Dataset, which: str, unit: str) -> list:
    top = ceiling(dataset, which, unit)
    if top is None:
        return []
    dashed = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3))}
    ax.axhline(top, zorder=1, **dashed)
    name = "log n" if which == "mi_input" else "H(Y)" if certain_label(dataset) else "I(X;Y)"
    return [key(f"ceiling {name}", **dashed)]


def _draw_bounds(ax: Axes, dataset: xr.Dataset, which: str, unit: str, styles: list[Look]) -> None:
    """The mean of either bound over networks, dotted, in its layer's colour."""
    epochs: np.ndarray = epochs_of(dataset)
    for end in ("lower", "upper"):
        middle = mean(array(dataset, f"{which}_{end}", unit))
        for k, look in enumerate(styles):
            ax.plot(epochs, middle[:, k], ":", color=look.colour, linewidth=0.9, zorder=2.5, scaley=False)
