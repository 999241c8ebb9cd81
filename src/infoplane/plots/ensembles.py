"""Infinitely wide ensembles over training time: quantities as curves, and the path through the information plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .frontier import frontier
from .style import GREY, Look, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import interval, mean

Ensembles = xr.Dataset | Mapping[str, xr.Dataset]
LABELS = {
    "loss_gibbs": "Gibbs loss, test",
    "loss_bayes": "Bayes loss, test",
    "loss_gibbs_train": "Gibbs loss, training",
    "accuracy": "accuracy",
    "mi_input": "I(X;Z|D), upper",
    "mi_input_lower": "I(X;Z|D), lower",
    "mi_target": "I(Z;Y|D), lower",
    "mi_output_data": "I(Z;D|X), upper",
    "mi_parameters_data": "I(Θ;D), upper",
    "fisher_trace": "trace of the Fisher information",
    "parameter_distance": "E|θ - θ₀|²",
    "effective_dimension": "effective dimension",
    "generalisation_gap": "gap, test less training loss",
    "generalisation_gap_redrawn": "gap, same law of labels",
    "fisher_energy": "Fisher energy",
}
_INFORMATION = ("mi_", "loss_", "generalisation_gap")  # what has a unit of information


def over_time(
    ensembles: Ensembles, name: str, ax: Axes | None = None, *, unit: str = "nats", legend: bool = True
) -> Axes:
    """A quantity of ensembles over training time, a curve an ensemble.

    Means over data sets where there are several (dimension ``seed``), with their 95 % interval as a band. Times are
    logarithmic; 0 and infinity are dots at the ends.

    Args:
        ensembles: one dataset over ``time``, or several by name.
        name: of the variable.
        ax: where to draw; a new figure if None.
        unit: "nats" or "bits", of informations.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such dataset or variable, an unknown unit.
    """
    named = _named(ensembles, name)
    informative = name.startswith(_INFORMATION)
    factor = per_nat(unit) if informative else 1.0
    ax = axes_or_new(ax, 6.0, 3.6)
    styles = dict(zip(named, looks(len(named)), strict=True))
    for label, dataset in named.items():
        _curve(ax, dataset, name, styles[label], factor)
    ax.set_xscale("log")
    ax.set_xlabel("training time τ (log scale)")
    shown = LABELS.get(name, name.replace("_", " "))
    ax.set_ylabel(f"{shown}  ({unit})" if informative else shown)
    tidy(ax)
    if legend and len(named) > 1:
        legend_beside(ax, [key(label, look) for label, look in styles.items()])
    return ax


def over_time_panels(ensembles: Ensembles, names: Sequence[str], *, unit: str = "nats") -> Figure:
    """:func:`over_time` of several quantities, three a row.

    Raises:
        InputError: no quantities, or as there.
    """
    if not names:
        raise InputError("over_time_panels needs the name of at least one variable.")
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = new_figure(3.4 * columns + 1.6, 2.7 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for k, ax in enumerate(grid.flat):
        if k >= len(names):
            ax.remove()
            continue
        over_time(ensembles, names[k], ax, unit=unit, legend=k == columns - 1)
        if k + columns < len(names):
            ax.set_xlabel("")
        else:
            ax.tick_params(labelbottom=True)
    return figure


def ensemble_plane(
    ensembles: Ensembles,
    ax: Axes | None = None,
    *,
    curve: xr.Dataset | None = None,
    unit: str = "nats",
    legend: bool = True,
) -> Axes:
    """The path of ensembles through the information plane: I(Z;Y|D), a lower value, against I(X;Z|D).

    The line is at the upper value of I(X;Z|D), so that a point can only understate the ensemble; thin bars reach to the
    lower one. A circle marks the first time, a square the last.

    Args:
        ensembles: one dataset over ``time``, or several by name.
        ax: where to draw; a new figure if None.
        curve: the optimum, as :func:`infoplane.bottleneck.gaussian_curve` gives it; what lies above is grey.
        unit: "nats" or "bits".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such dataset, an unknown unit.
    """
    named = _named(ensembles, "mi_input", "mi_target")
    factor = per_nat(unit)
    ax = axes_or_new(ax, 6.4, 4.0)
    styles = dict(zip(named, looks(len(named)), strict=True))
    right, top = 0.0, 0.0
    for label, dataset in named.items():
        x, y = (mean(_over_seeds(dataset, name)) * factor for name in ("mi_input", "mi_target"))
        right, top = max(right, float(np.nanmax(x))), max(top, float(np.nanmax(y)))
        look = styles[label]
        if "mi_input_lower" in dataset:
            low = mean(_over_seeds(dataset, "mi_input_lower")) * factor
            reach = np.stack([np.maximum(x - low, 0.0), np.zeros_like(x)])
            ax.errorbar(x, y, xerr=reach, fmt="none", ecolor=look.colour, elinewidth=0.5, alpha=0.5, zorder=1.5)
        ax.plot(x, y, color=look.colour, marker=".", markersize=4, linewidth=1.1, zorder=3)
        ends = {"color": look.colour, "markersize": 8, "markerfacecolor": "none", "zorder": 4}
        ax.plot(x[0], y[0], marker="o", **ends)
        ax.plot(x[-1], y[-1], marker="s", **ends)
    entries = [key(label, color=look.colour, marker=".") for label, look in styles.items()]
    hollow = {"color": "0.3", "markerfacecolor": "none", "markersize": 8, "linestyle": "none"}
    entries += [key("first time", marker="o", **hollow), key("last time", marker="s", **hollow)]
    entries += _draw_optimum(ax, curve, right, top, factor)
    ax.set_xlabel(f"I(X;Z|D), upper  ({unit})")
    ax.set_ylabel(f"I(Z;Y|D), lower  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, entries)
    return ax


def _draw_optimum(ax: Axes, curve: xr.Dataset | None, right: float, top: float, factor: float) -> list:
    ax.set_xlim(-0.03 * right, 1.06 * right or 1.0)
    if curve is None:
        return []
    rates = np.linspace(0.0, 1.06 * right / factor, 600)
    above = frontier([curve]).above(rates) * factor
    end = 1.1 * max(top, float(above.max()))
    ax.set_ylim(min(-0.03 * end, ax.get_ylim()[0]), end)
    ax.fill_between(rates * factor, above, end, color="0.93", linewidth=0, zorder=0.5)
    line = {"color": GREY, "linewidth": 1.2}
    ax.plot(rates * factor, above, zorder=1, **line)
    return [key("Information Bottleneck", **line)]


def _named(ensembles: Ensembles, *names: str) -> dict[str, xr.Dataset]:
    """Datasets over time by name, with these variables."""
    named = {"": ensembles} if isinstance(ensembles, xr.Dataset) else dict(ensembles)
    if not named:
        raise InputError("There is no ensemble to draw.")
    for label, dataset in named.items():
        if not isinstance(dataset, xr.Dataset) or "time" not in dataset.dims:
            raise InputError(
                f"A plot of ensembles needs datasets over time, as Ensemble.information gives; see {label!r}."
            )
        for name in names:
            if name not in dataset:
                raise InputError(f"The ensemble {label!r} has no {name}; it has {', '.join(map(str, dataset))}.")
    return named


def _over_seeds(dataset: xr.Dataset, name: str) -> np.ndarray:
    """(seed, time) values; nan where not finite."""
    values = dataset[name]
    values = values if "seed" in values.dims else values.expand_dims("seed")
    found = values.transpose("seed", "time").to_numpy().astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _curve(ax: Axes, dataset: xr.Dataset, name: str, look: Look, factor: float) -> None:
    values = _over_seeds(dataset, name) * factor
    times = dataset["time"].to_numpy().astype(np.float64)
    inner = np.isfinite(times) & (times > 0)
    middle = mean(values)
    if len(values) > 1:
        low, high = interval(values)
        ax.fill_between(times[inner], low[inner], high[inner], color=look.colour, alpha=0.2, linewidth=0, zorder=2)
    every = max(1, int(inner.sum()) // 8)
    ax.plot(times[inner], middle[inner], color=look.colour, marker=look.marker, markersize=4, markevery=every, zorder=3)
    if not inner.any():
        return
    first, last = times[inner].min(), times[inner].max()
    for time, place in ((0.0, first / 3.0), (np.inf, last * 3.0)):
        here = times == time
        ax.plot(np.full(here.sum(), place), middle[here], ".", color=look.colour, markersize=6, zorder=3)
