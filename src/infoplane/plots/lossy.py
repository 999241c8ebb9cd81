"""Estimates against the truth, where the truth is known: one curve a route, the truth in red."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from ..errors import InputError
from .style import GREY, Look, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import interval, mean, reach

_TRUTH = {"color": "red", "linewidth": 1.2, "zorder": 2.2}
_REACH = (-1.6, 1.1)  # nats around the truth that a picture of errors shows at most


def against_truth(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    *,
    routes: Sequence[str] | None = None,
    difference: bool = False,
    unit: str = "nats",
    legend: bool = True,
) -> Axes:
    """Estimates of one law against its true mutual information: mean over seeds, with its 95 % interval as a band.

    Args:
        dataset: ``mi_estimate`` over (route, mi, seed) in nats, ``mi`` the truth; nan where nothing was measured.
        ax: where to draw; a new figure if None.
        routes: which; all that have values if None.
        difference: draw the estimate less the truth; what is further than about a nat from it is cut off.
        unit: "nats", as the laws are named, or "bits".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. The red line is the truth.

    Raises:
        InputError: no such dataset, several laws, a route there is not, an unknown unit.
    """
    values = _checked(dataset)
    factor = per_nat(unit)
    known = [str(r) for r in values["route"].values if bool(np.isfinite(values.sel(route=r)).any())]
    asked = known if routes is None else list(routes)
    if missing := [r for r in asked if r not in values["route"].values]:
        raise InputError(f"The dataset has no route {missing[0]!r}; it has {', '.join(known)}.")
    ax = axes_or_new(ax, 6.4, 3.9)
    styles = dict(zip(asked, looks(len(asked)), strict=True))  # of all that were asked for: panels agree
    for route in (r for r in asked if r in known):
        _curve(ax, values.sel(route=route), styles[route], factor, difference)
    _frame(ax, values, factor, difference, unit)
    if legend:
        many = values.sizes["seed"]
        legend_beside(ax, _keys(styles), f"mean of up to {many} seeds,\n95 % interval" if many > 1 else None)
    return ax


def against_truth_panels(dataset: xr.Dataset, *, difference: bool = False, unit: str = "nats") -> Figure:
    """The same for several laws, one below the other, and what was given to the estimator from left to right.

    Args:
        dataset: as for :func:`against_truth`, over ``law`` too; what stands before the colon of a route's name says
            what was given to it. All kinds of codes share a column.
        difference: draw the estimate less the truth.
        unit: "nats" or "bits".

    Raises:
        InputError: no such dataset, an unknown unit.
    """
    if not isinstance(dataset, xr.Dataset) or "law" not in dataset.dims or "mi_estimate" not in dataset:
        raise InputError("against_truth_panels needs a dataset with mi_estimate over law, route, mi and seed.")
    columns: dict[str, list[str]] = {}
    measured = dataset["mi_estimate"].notnull().any([d for d in dataset["mi_estimate"].dims if d != "route"])
    for route in map(str, dataset["route"].values[measured]):
        columns.setdefault(route.partition(":")[0].split()[-1], []).append(route)
    laws = [str(law) for law in dataset["law"].values]
    figure = new_figure(3.3 * len(columns) + 0.4, 2.4 * len(laws) + 1.3)
    grid = figure.subplots(len(laws), len(columns), sharex=True, sharey=True, squeeze=False)
    for row, law in enumerate(laws):
        for column, (group, routes) in enumerate(columns.items()):
            ax = grid[row, column]
            against_truth(dataset.sel(law=law), ax, routes=routes, difference=difference, unit=unit, legend=False)
            ax.set_title(f"{law}: {group}", fontsize="medium")
            if column:
                ax.set_ylabel("")
            if row < len(laws) - 1:
                ax.set_xlabel("")
            else:
                _legend_below(ax, routes)
    return figure


def latent_sizes(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "nats", legend: bool = True) -> Axes:
    """Mean absolute error of estimates on codes of several latent sizes: a curve a law, a ring around the true size.

    Args:
        dataset: ``mi_estimate`` over (law, latent, route, mi, seed), of which the first route is drawn, with the latent
            sizes ``found`` and ``true`` over (law, seed).
        ax: where to draw; a new figure if None.
        unit: "nats" or "bits".
        legend: whether to put a legend beside the Axes.

    Raises:
        InputError: no such dataset, an unknown unit.
    """
    if not isinstance(dataset, xr.Dataset) or not {"mi_estimate", "found", "true"} <= set(dataset.data_vars):
        raise InputError(
            "latent_sizes needs a dataset with mi_estimate over latent sizes, and the sizes found and true."
        )
    factor = per_nat(unit)
    ax = axes_or_new(ax, 6.2, 3.6)
    value = dataset["mi_estimate"].isel(route=0)
    error = abs(value - value["mi"]).mean("mi").transpose("law", "latent", "seed") * factor
    laws = [str(law) for law in dataset["law"].values]
    entries = []
    for law, look in zip(laws, looks(len(laws)), strict=True):
        one = error.sel(law=law).dropna("latent", how="all")
        low, high = interval(one.to_numpy().T)
        middle, dims = mean(one.to_numpy().T), one["latent"].to_numpy()
        ax.errorbar(dims, middle, [middle - low, high - middle], color=look.colour, elinewidth=0.8, linewidth=1.4)
        ax.plot(dims, middle, look.marker, color=look.colour, markersize=5.5)
        true = int(dataset["true"].sel(law=law).max())
        at_true = float(np.interp(true, dims, middle))
        ax.plot(true, at_true, "o", color="red", markersize=12, fillstyle="none", markeredgewidth=1.2)
        found = sorted({int(v) for v in dataset["found"].sel(law=law).to_numpy().ravel()})
        entries.append(key(f"{law}\n(found: {', '.join(map(str, found))})", look))
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("latent size of the autoencoder")
    ax.set_ylabel(f"mean absolute error  ({unit})")
    tidy(ax)
    if legend:
        ring = {"marker": "o", "fillstyle": "none", "markersize": 10, "linestyle": "none"}
        legend_beside(ax, [*entries, key("true size", color="red", **ring)])
    return ax


def against_dimension(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "nats", legend: bool = True) -> Axes:
    """Estimates of one true mutual information against the number of dimensions: a curve a route, the truth in red.

    Means over seeds with their 95 % intervals. A route ends where it refuses.

    Args:
        dataset: ``mi_estimate`` of one law over (dim, route, mi, seed) in nats, of which the first ``mi`` is drawn.
        ax: where to draw; a new figure if None.
        unit: "nats" or "bits".
        legend: whether to put a legend beside the Axes.

    Raises:
        InputError: no such dataset, several laws, an unknown unit.
    """
    if not isinstance(dataset, xr.Dataset) or "dim" not in dataset.dims:
        raise InputError("against_dimension needs a dataset with mi_estimate over dim, route, mi and seed.")
    values, factor = _checked(dataset).isel(mi=0), per_nat(unit)
    ax = axes_or_new(ax, 6.4, 3.9)
    known = [str(r) for r in values["route"].values if bool(np.isfinite(values.sel(route=r)).any())]
    styles = dict(zip(known, looks(len(known)), strict=True))
    for route, look in styles.items():
        one = values.sel(route=route).dropna("dim", how="all").transpose("seed", "dim")
        data, dims = one.to_numpy() * factor, one["dim"].to_numpy()
        middle = mean(data)
        ax.errorbar(dims, middle, reach(middle, data), color=look.colour, elinewidth=0.8, linewidth=1.3)
        ax.plot(dims, middle, look.marker, color=look.colour, markersize=4.5)
    ax.axhline(float(values["mi"]) * factor, **_TRUTH)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 4.0)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("dimensions of X, and of Y (log scale)")
    ax.set_ylabel(f"estimate  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, _keys(styles))
    return ax


def _checked(dataset: Any) -> xr.DataArray:
    """(route, mi, seed) estimates."""
    if not isinstance(dataset, xr.Dataset) or "mi_estimate" not in dataset:
        raise InputError("against_truth needs a dataset with mi_estimate over route, mi and seed.")
    values = dataset["mi_estimate"]
    if "law" in values.dims:
        raise InputError("against_truth shows one law; choose it with dataset.sel(law=...).")
    if missing := [d for d in ("route", "mi") if d not in values.dims]:
        raise InputError(f"against_truth needs mi_estimate over route, mi and seed, and it lacks {missing[0]}.")
    return values if "seed" in values.dims else values.expand_dims(seed=[0])


def _curve(ax: Axes, values: xr.DataArray, look: Look, factor: float, difference: bool) -> None:
    values = values.dropna("mi", how="all").dropna("seed", how="all")
    truth = values["mi"].to_numpy()
    data = values.transpose("seed", "mi").to_numpy() - (truth if difference else 0.0)
    data = np.where(np.isfinite(data), data, np.nan) * factor
    middle = mean(data)
    x = truth * factor
    if len(data) > 1:
        low, high = interval(data)
        ax.fill_between(x, low, high, color=look.colour, alpha=0.22, linewidth=0, zorder=2)
    marks = {"marker": look.marker, "markersize": 4, "markevery": max(1, len(x) // 10)}
    ax.plot(x, middle, color=look.colour, linewidth=1.3, zorder=3, **marks)


def _frame(ax: Axes, values: xr.DataArray, factor: float, difference: bool, unit: str) -> None:
    truth = values["mi"].to_numpy() * factor
    ends = np.array([truth.min(), truth.max()])
    ax.plot(ends, 0 * ends if difference else ends, **_TRUTH)
    if difference:
        ax.set_ylim(_REACH[0] * factor, _REACH[1] * factor)
        ax.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
    else:
        ax.set_ylim(ends[0] - 0.12 * np.ptp(ends), ends[1] + 0.15 * np.ptp(ends))
    ax.set_xlabel(f"true mutual information  ({unit})")
    ax.set_ylabel(f"{'estimate less truth' if difference else 'estimate'}  ({unit})")
    tidy(ax)


def _keys(styles: dict[str, Look]) -> list:
    return [
        key("truth", **{k: v for k, v in _TRUTH.items() if k != "zorder"}),
        *(key(r, look) for r, look in styles.items()),
    ]


def _legend_below(ax: Axes, routes: list[str]) -> None:
    """Routes of a column, under its last panel."""
    styles = dict(zip(routes, looks(len(routes)), strict=True))
    ax.legend(
        handles=_keys(styles),
        loc="upper left",
        bbox_to_anchor=(0.0, -0.3),
        borderaxespad=0.0,
        frameon=False,
        fontsize="small",
    )
