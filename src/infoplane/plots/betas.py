"""Where layers sit along the bottleneck's curve: fitted betas, how well they fit, and critical betas beside them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..errors import InputError
from ..plane.betas import critical_betas_of, nearness
from ..plane.bounds import BETAS
from .style import GREY, axes_or_new, epoch_axis, key, legend_beside, looks, per_nat, tidy
from .values import array, checked, epochs_of, interval, layers_of, mean

_VALLEY = 0.01  # nats


def layer_betas(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """The fitted beta of every layer over epochs: geometric mean over networks, with its 95 % interval as a band.

    Grey lines are the task's critical betas, where the dataset names them; the dashed one is the end of the range
    searched: a layer there says "at least" only.

    Args:
        dataset: with ``layer_beta`` over (seed, epoch, layer), from ``infoplane.plane.layer_betas`` or a plane.
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such dataset, or no finite beta in it.
    """
    dataset = checked(dataset, "layer_beta")
    values = np.log(array(dataset, "layer_beta"))
    if not np.isfinite(values).any():
        raise InputError("This plot needs fitted betas; those of this dataset are all nan, as for a certain label.")
    ax = axes_or_new(ax, 6.6, 4.0)
    entries = []
    if len(critical := critical_betas_of(dataset)):
        thin = {"color": GREY, "linewidth": 0.5, "alpha": 0.7}
        for beta in critical:
            ax.axhline(beta, zorder=1, **thin)
        entries.append(key("critical betas", **thin))
    dashed = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3))}
    ax.axhline(BETAS[1], zorder=1, **dashed)
    entries.append(key("end of the range searched", **dashed))
    drawn = _bands(ax, dataset, values, np.exp)
    ax.set_yscale("log")
    ax.set_ylim(min(float(np.nanmin(np.exp(values))), *critical[:1], 2.0) * 0.9, BETAS[1] * 1.25)
    ax.set_ylabel(r"fitted $\beta$ of the layer (log scale)")
    if legend:
        legend_beside(ax, [*drawn, *entries], _title(dataset))
    return ax


def bound_distances(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """How far I(T;Y) of every layer is below the bound of the task at its I(X;T), over epochs.

    Mean over networks, with its 95 % interval as a band.

    Args:
        dataset: a plane with ``bound_distance``.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such plane, no bound for it, an unknown unit.
    """
    dataset = checked(dataset, "bound_distance")
    values = array(dataset, "bound_distance", unit)
    if not np.isfinite(values).any():
        raise InputError(
            "This plot needs a bound, and this plane has none; infoplane.plane.with_bound(plane, bound) gives it one."
        )
    ax = axes_or_new(ax, 6.6, 4.0)
    drawn = _bands(ax, dataset, values)
    ax.set_ylim(bottom=min(0.0, float(np.nanmin(mean(values)))))
    ax.set_ylabel(f"distance of I(T;Y) below the bound  ({unit})")
    if legend:
        legend_beside(ax, drawn, _title(dataset))
    return ax


def layer_residuals(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """How far every layer is from the bottleneck encoder of its fitted beta, as a share of I(X;T), over epochs.

    At 0 the layer solves the bottleneck's equations, at 1 their form says nothing of it. Mean over networks, with its
    95 % interval as a band.

    Args:
        dataset: with ``layer_beta_residual`` and ``mi_input`` over (seed, epoch, layer).
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such dataset.
    """
    dataset = checked(dataset, "layer_beta_residual", "mi_input")
    ax = axes_or_new(ax, 6.6, 4.0)
    rate = array(dataset, "mi_input")
    share = np.divide(array(dataset, "layer_beta_residual"), rate, out=np.full(rate.shape, np.nan), where=rate > 0)
    drawn = _bands(ax, dataset, share)
    ax.set_ylim(0, 1)
    ax.set_ylabel("residual of the fit / I(X;T)")
    if legend:
        legend_beside(ax, drawn, _title(dataset))
    return ax


def beta_profiles(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """The residual of every layer against beta: a valley where there is a fit, a level line where all fit alike.

    Args:
        dataset: with ``residual`` over (seed, layer, beta), in nats.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes; lines are means over networks, marks their least points where these are 0.01 nats below both ends.

    Raises:
        InputError: no such dataset, an unknown unit.
    """
    factor = per_nat(unit)
    if not isinstance(dataset, xr.Dataset) or "residual" not in dataset or "beta" not in dataset.dims:
        raise InputError("This plot needs a dataset with residual over (seed, layer, beta).")
    ax = axes_or_new(ax, 5.6, 4.0)
    betas = dataset["beta"].to_numpy()
    middle = mean(dataset["residual"].transpose("seed", "layer", "beta").to_numpy()) * factor
    names = layers_of(dataset)
    styles = looks(len(names))
    for name, look, line in zip(names, styles, middle, strict=True):
        ax.plot(betas, line, color=look.colour, linewidth=1.4, label=name, zorder=3)
        at = int(line.argmin())
        if line[at] < line[[0, -1]].min() - _VALLEY * factor:
            ax.plot(betas[at], line[at], color=look.colour, marker=look.marker, markersize=6, zorder=4)
    ax.set_xscale("log")
    ax.set_xlabel(r"$\beta$ (log scale)")
    ax.set_ylabel(f"residual, mean over networks  ({unit})")
    # Far from their fit residuals grow without end: the frame is that of I(X;T), where they start.
    ax.set_ylim(0, 1.25 * float(np.nanmax(middle[:, 0])))
    tidy(ax)
    if legend:
        legend_beside(ax, [key(name, look) for name, look in zip(names, styles, strict=True)], _title(dataset))
    return ax


def critical_distances(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """How far the betas of the last checkpoint are from the nearest critical one, and how far random ones would be.

    Args:
        dataset: with ``layer_beta`` (and ``layer_beta_at_edge``), and its critical betas as a JSON list in the
            attribute ``critical_betas``.
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes: bars for the layers, stacked, one colour a layer; a line for log-uniform betas from the least
        critical one to 300, scaled to as many.

    Raises:
        InputError: no such dataset, no critical betas.
    """
    dataset = checked(dataset, "layer_beta")
    critical = critical_betas_of(dataset)
    if not len(critical):
        raise InputError("This plot needs the attribute critical_betas, a JSON list of the task's critical betas.")
    ax = axes_or_new(ax, 5.6, 4.0)
    last = dataset.isel(epoch=-1)
    edge = last["layer_beta_at_edge"].transpose("seed", "layer").to_numpy() if "layer_beta_at_edge" in last else None
    found = nearness(array(last, "layer_beta"), critical, edge)
    random = np.exp(np.linspace(np.log(critical.min()), np.log(BETAS[1]), 20_001)[:-1])
    null = nearness(random, critical).distance
    bins = np.linspace(0, float(null.max()), 19)
    names = layers_of(dataset)
    styles = looks(len(names))
    parts = [column[np.isfinite(column)] for column in found.distance.T]
    ax.hist(parts, bins=bins.tolist(), stacked=True, color=[look.colour for look in styles], label=names, zorder=2)
    expected = np.histogram(null, bins)[0] / len(null) * found.counted
    line = {"color": "0.15", "linewidth": 1.4}
    ax.stairs(expected, bins, zorder=3, label="random betas", **line)
    ax.set_xlabel(r"$|\ln(\beta\,/\,\mathrm{nearest\ critical\ }\beta)|$")
    ax.set_ylabel("networks × layers")
    tidy(ax)
    if legend:
        shown = [key(name, color=look.colour, linewidth=5) for name, look in zip(names, styles, strict=True)]
        legend_beside(ax, [*shown, key("log-uniform betas", **line)], f"{found.counted} compared")
    return ax


def _bands(ax: Axes, dataset: xr.Dataset, values: np.ndarray, shown=lambda v: v) -> list:
    """Mean and interval of (seed, epoch, layer) values over epochs, as ``shown``; entries for a legend."""
    epochs = epochs_of(dataset)
    epoch_axis(ax, epochs)
    tidy(ax)
    names = layers_of(dataset)
    styles = looks(len(names))
    middle, (low, high) = mean(values), interval(values)
    every = max(1, len(epochs) // 7)
    for k, (name, look) in enumerate(zip(names, styles, strict=True)):
        ax.fill_between(
            epochs, shown(low[:, k]), shown(high[:, k]), color=look.colour, alpha=0.22, linewidth=0, zorder=2
        )
        marks = {"marker": look.marker, "markersize": 5, "markevery": (k * every // max(len(names), 1), every)}
        ax.plot(epochs, shown(middle[:, k]), color=look.colour, linewidth=1.4, label=name, zorder=3, **marks)
    return [key(name, look) for name, look in zip(names, styles, strict=True)]


def _title(dataset: xr.Dataset) -> str | None:
    many = dataset.sizes.get("seed", 1)
    return f"mean of {many} networks" if many > 1 else None
