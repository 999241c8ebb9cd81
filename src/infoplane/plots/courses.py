"""Single layers of one run: the plane coloured by what the loss does, and curves of several measurements together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..errors import InputError
from .style import axes_or_new, colour_map, figure_holding, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import array, checked, epochs_of, interval, layers_of, mean

_Z = 1.96
_SHORT = {"mi_input": "I(X;T)", "mi_target": "I(T;Y)"}
_MANY = 120  # points that still carry bars of their own


def loss_rates(dataset: xr.Dataset, loss: str = "loss_test") -> np.ndarray:
    """(epoch,) fall of the mean loss per epoch, over the step that ends there; the first has that of the second."""
    values, epochs = mean(array(checked(dataset, loss), loss)), epochs_of(dataset)
    rates = -np.diff(values) / np.diff(epochs)
    return np.concatenate([rates[:1], rates])


def plane_by_loss(
    dataset: xr.Dataset,
    layer: str,
    *,
    ax: Axes | None = None,
    loss: str = "loss_test",
    unit: str = "bits",
    norm: LogNorm | None = None,
) -> Axes:
    """The path of one layer through the information plane, a point a checkpoint, coloured by how fast the loss falls.

    Bars are 95 % intervals: of the mean over networks, or 1.96 standard errors of the estimate for one network. Points
    at which the loss does not fall are hollow.

    Args:
        dataset: a plane of one split, with the loss over (seed, epoch).
        layer: name.
        ax: where to draw; a new figure with a colour bar if None.
        loss: which loss.
        unit: "bits" or "nats".
        norm: of the colours, where several panels share them.

    Returns:
        The Axes.

    Raises:
        InputError: no plane, no such layer or loss, fewer than two epochs, an unknown unit.
    """
    dataset = checked(dataset, "mi_input", "mi_target", loss)
    if layer not in layers_of(dataset) or dataset.sizes["epoch"] < 2:
        raise InputError(
            f"plane_by_loss needs two epochs and a layer of {', '.join(layers_of(dataset))}, got {layer!r}."
        )
    own, ax = ax is None, axes_or_new(ax, 5.4, 4.0)
    rates = loss_rates(dataset, loss)
    norm = rate_norm([rates]) if norm is None else norm
    here = dataset.sel(layer=layer)
    x, y = (mean(array(here, name, unit)) for name in _SHORT)
    bars = [_reach(here, name, unit) for name in _SHORT]
    every = slice(None, None, 1 + len(x) // _MANY)
    pale = {"fmt": "none", "ecolor": "0.8", "elinewidth": 0.6, "zorder": 1.5}
    ax.errorbar(x[every], y[every], xerr=bars[0][:, every], yerr=bars[1][:, every], **pale)
    ax.plot(x, y, color="0.55", linewidth=0.5, zorder=2)
    shades, falls = colour_map(), rates > 0
    ax.scatter(x[falls], y[falls], c=rates[falls], cmap=shades, norm=norm, s=14, linewidth=0, zorder=3)
    ax.scatter(x[~falls], y[~falls], s=14, facecolor="none", edgecolor="0.4", linewidth=0.7, zorder=3)
    ends = {"markersize": 8, "markerfacecolor": "none", "color": "black", "linestyle": "none", "zorder": 4}
    ax.plot(x[0], y[0], marker="o", **ends)
    ax.plot(x[-1], y[-1], marker="s", **ends)
    ax.set_xlabel(f"I(X;T)  ({unit})")
    ax.set_ylabel(f"I(T;Y)  ({unit})")
    ax.set_title(layer, fontsize="medium")
    tidy(ax)
    if own:
        _rate_bar(ax, [ax], norm)
    return ax


def plane_by_loss_panels(dataset: xr.Dataset, *, loss: str = "loss_test", unit: str = "bits") -> Figure:
    """:func:`plane_by_loss` of every layer, colours alike; circles stand at the first checkpoint, squares at the last.

    Raises:
        InputError: as :func:`plane_by_loss`.
    """
    names = layers_of(checked(dataset, "mi_input", "mi_target", loss))
    norm = rate_norm([loss_rates(dataset, loss)])
    figure = new_figure(2.6 * len(names) + 1.2, 2.9)
    grid = figure.subplots(1, len(names), squeeze=False)[0]
    for ax, name in zip(grid, names, strict=True):
        plane_by_loss(dataset, name, ax=ax, loss=loss, unit=unit, norm=norm)
        ax.set_ylabel(ax.get_ylabel() if ax is grid[0] else "")
    _rate_bar(grid[-1], list(grid), norm)
    return figure


def rate_norm(rates: list[np.ndarray]) -> LogNorm:
    """Logarithmic colours over four decades at most, up to the fastest fall."""
    top = max((float(one[np.isfinite(one)].max(initial=0.0)) for one in rates), default=0.0) or 1.0
    falls = np.concatenate([one[one > 0] for one in rates])
    low = float(falls.min()) if len(falls) else top / 10
    return LogNorm(min(max(low, top * 1e-4), top / 2), top)


def course(
    planes: Mapping[str, xr.Dataset],
    layer: str,
    *,
    which: str = "mi_input",
    ax: Axes | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """One layer's I(X;T) or I(T;Y) over epochs as several measurements have it, on a linear axis, unfiltered.

    Bands are 95 % intervals: over networks where a measurement has several, else 1.96 standard errors.

    Args:
        planes: by label; anything with the quantity over (seed, epoch, layer).
        layer: name.
        which: the variable.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no measurement, no such variable, an unknown unit.
    """
    if not planes:
        raise InputError("course needs at least one plane, got none.")
    ax = axes_or_new(ax, 5.6, 3.4)
    styles = looks(len(planes))
    for plane, look in zip(planes.values(), styles, strict=True):
        here = checked(plane, which).sel(layer=layer)
        epochs, middle, bars = epochs_of(here), mean(array(here, which, unit)), _reach(here, which, unit)
        ax.fill_between(
            epochs, middle - bars[0], middle + bars[1], color=look.colour, alpha=0.22, linewidth=0, zorder=2
        )
        every = max(1, len(epochs) // 7)
        marks = {"marker": look.marker, "markersize": 4, "markevery": every}
        ax.plot(epochs, middle, color=look.colour, linewidth=1.1, zorder=3, **marks)
    ax.set_xlabel("epoch")
    ax.set_ylabel(f"{_SHORT.get(which, which)}  ({unit})")
    ax.set_title(layer, fontsize="medium")
    tidy(ax)
    if legend:
        legend_beside(ax, [key(label, look) for label, look in zip(planes, styles, strict=True)])
    return ax


def course_panels(
    planes: Mapping[str, xr.Dataset], *, loss: str | None = "loss_test", unit: str = "bits", which: tuple[str, ...] = ()
) -> Figure:
    """:func:`course` of every layer: a column a layer, a row a quantity, the losses in the last row.

    Args:
        planes: by label, of the same layers.
        loss: the variable in the last row; None leaves it out.
        unit: "bits" or "nats".
        which: quantities; I(X;T) and I(T;Y) if empty.

    Raises:
        InputError: no measurement, or a variable that one lacks.
    """
    if not planes:
        raise InputError("course_panels needs at least one plane, got none.")
    which = which or tuple(_SHORT)
    names = layers_of(next(iter(planes.values())))
    figure = new_figure(2.4 * len(names) + 2.0, 2.1 * len(which) + (1.9 if loss else 0.0) + 0.4)
    grid = figure.subplots(len(which) + bool(loss), len(names), squeeze=False, sharex=True, sharey="row")
    for k, quantity in enumerate(which):
        for ax, name in zip(grid[k], names, strict=True):
            course(planes, name, which=quantity, ax=ax, unit=unit, legend=False)
            ax.set_ylabel(ax.get_ylabel() if ax is grid[k, 0] else "")
            ax.set_title(name if k == 0 else "", fontsize="medium")
    for ax in grid[:-1].ravel():
        ax.set_xlabel("")
    if loss:
        _draw_losses(grid[-1], planes, loss)
    legend_beside(grid[0, -1], [key(label, look) for label, look in zip(planes, looks(len(planes)), strict=True)])
    return figure


def _draw_losses(row: np.ndarray, planes: Mapping[str, xr.Dataset], loss: str) -> None:
    for ax in row:
        for plane, look in zip(planes.values(), looks(len(planes)), strict=True):
            values = array(checked(plane, loss), loss)
            low, high = interval(values)
            ax.fill_between(epochs_of(plane), low, high, color=look.colour, alpha=0.22, linewidth=0)
            ax.plot(epochs_of(plane), mean(values), color=look.colour, linewidth=1.1)
        ax.set_xlabel("epoch")
        ax.set_ylabel("loss  (nats)" if ax is row[0] else "")
        tidy(ax)


def _reach(here: xr.Dataset, name: str, unit: str) -> np.ndarray:
    """(2, epoch) lengths of the bars of (seed, epoch) values."""
    values = array(here, name, unit)
    if len(values) > 1:
        low, high = interval(values)
        middle = mean(values)
        return np.nan_to_num(np.maximum(np.stack([middle - low, high - middle]), 0.0))
    error = f"{name}_stderr"
    if error not in here:
        return np.zeros((2, values.shape[1]))
    return np.nan_to_num(np.tile(_Z * array(here, error)[0] * per_nat(unit), (2, 1)))


def _rate_bar(ax: Axes, taken_from: list[Axes], norm: LogNorm) -> None:
    figure_holding(ax).colorbar(
        ScalarMappable(norm, colour_map()), ax=taken_from, pad=0.02, label="fall of the loss per epoch  (nats)"
    )
