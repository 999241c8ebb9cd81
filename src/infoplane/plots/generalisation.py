"""What a layer forgets against how well its network does on samples it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from ..errors import InputError
from .comparisons import Named, falls, named_planes
from .style import Look, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import array, checked, layers_of

_NEAR = 0.3  # percentage points: errors below are not told apart
_MARKS = (0, 20, 50, 70, 80, 90, 95, 98, 99, 100)


def against_accuracy(
    planes: Named, layer: str, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True
) -> Axes:
    """Fall of a layer's I(X;T) against test accuracy at the last checkpoint: one point a network, one look a run.

    A run whose name is that of another and ", L2" has its look, open where the other is filled.

    Args:
        planes: (label, plane) pairs with ``accuracy_test``.
        layer: its name.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such pairs, a plane without this layer or without test accuracy, an unknown unit.
    """
    pairs = named_planes(planes)
    ax = axes_or_new(ax, 6.0, 4.0)
    factor = per_nat(unit)
    styles = _styles([label for label, _ in pairs])
    for label, plane in pairs:
        checked(plane, "accuracy_test")
        names = layers_of(plane)
        if layer not in names:
            raise InputError(f"against_accuracy finds no layer {layer!r} in {label}; it has {', '.join(names)}.")
        across = falls(plane)[:, names.index(layer)] * factor
        ax.plot(across, 100 * array(plane, "accuracy_test")[:, -1], **_mark(label, styles))
    ax.set_xlabel(f"fall of I(X;T) after its maximum  ({unit})")
    _stretch(ax)
    tidy(ax)
    if legend:
        legend_beside(ax, [key(label, **_mark(label, styles)) for label, _ in pairs])
    return ax


def accuracy_panels(planes: Named, layers: Sequence[str], *, unit: str = "bits") -> Figure:
    """The same for several layers side by side.

    Args:
        planes: as for :func:`against_accuracy`.
        layers: names.
        unit: "bits" or "nats".

    Raises:
        InputError: no layers, or what :func:`against_accuracy` refuses.
    """
    if isinstance(layers, str) or not len(layers):
        raise InputError(f"accuracy_panels needs a list of layers, such as ['hidden 5'], got {layers!r}.")
    figure = new_figure(3.0 * len(layers) + 1.6, 3.4)
    panels = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    for k, (ax, layer) in enumerate(zip(panels, layers, strict=True)):
        against_accuracy(planes, layer, ax, unit=unit, legend=k == len(layers) - 1)
        ax.set_title(layer, fontsize="medium")
        if k:
            ax.set_ylabel("")
        if k != len(layers) // 2:
            ax.set_xlabel("")
    return figure


def _stretch(ax: Axes) -> None:
    """Test accuracy upwards on a logarithmic scale of the error, which tells good networks apart."""
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in ax.lines])
    low, high = (float(end(values[np.isfinite(values)], initial=50.0)) for end in (np.min, np.max))
    ax.set_yscale("function", functions=(lambda v: -np.log(_NEAR + 100 - v), lambda v: _NEAR + 100 - np.exp(-v)))
    ax.set_ylim(low - 0.1 * (100 - low), 100 if high > 99 else high + 0.4 * (100 - high))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticks([mark for mark in _MARKS if ax.get_ylim()[0] <= mark <= ax.get_ylim()[1]])
    ax.set_ylabel("test accuracy  (%, log scale of the error)")


def _styles(labels: list[str]) -> dict[str, Look]:
    """One look for each name, whether with L2 or without."""
    names = list(dict.fromkeys(label.removesuffix(", L2") for label in labels))
    return dict(zip(names, looks(len(names)), strict=True))


def _mark(label: str, styles: dict[str, Look]) -> dict[str, Any]:
    look = styles[label.removesuffix(", L2")]
    filled = label in styles
    return {
        "color": look.colour,
        "marker": look.marker,
        "markersize": 5.0,
        "markerfacecolor": look.colour if filled else "none",
        "markeredgewidth": 1.0,
        "linestyle": "none",
        "clip_on": False,
    }
