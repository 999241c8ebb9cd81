"""Networks trained for the bottleneck, over their trade-off: the information plane at a rate of either kind."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from ..errors import InputError, nearest
from ..results import is_variational, kept_models
from .style import GREY, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import mean, reach

Against = Literal["marginal", "conditional"]
_AXES = {"marginal": ("mi_input", "I(X;Z), upper"), "conditional": ("rate_conditional", "I(X;Z|Y), upper")}


def variational_plane(
    models: Any,
    ax: Axes | None = None,
    *,
    against: Against = "marginal",
    split: str = "test",
    unit: str = "nats",
    legend: bool = True,
) -> Axes:
    """I(Z;Y), a lower bound, against a rate, after training: a line an objective, a marker a trade-off.

    Means over seeds where there are several, with bars of their 95 % interval both ways. The dashed line is H(Y). With
    the marginal rate, which bounds I(X;Z), what lies above I(Z;Y) = I(X;Z) is grey: no representation is there. With
    the conditional rate, which bounds I(X;Z|Y) and not I(X;Z), nothing is forbidden, and nothing is grey.

    Args:
        models: a Fitted, or its dataset over (objective, beta, seed, epoch, split).
        ax: where to draw; a new figure if None.
        against: "marginal", the smaller of the rates with the objective's own marginal and with the mixture of the
            classes' laws; or "conditional".
        split: "test" or "train".
        unit: "nats" or "bits".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes, its rates on a logarithmic axis.

    Raises:
        InputError: no such models, split or axis, no noisy encoder among them, an unknown unit.
    """
    if against not in _AXES:
        raise InputError(f"variational_plane knows no axis {against!r}; {nearest(str(against), _AXES)}")
    variable, label = _AXES[against]
    factor = per_nat(unit)
    last, entropy = _kept(models, split)
    curves = {name: _curve(last.sel(objective=name), variable, factor) for name in last.objective.values}
    curves = {str(name): curve for name, curve in curves.items() if curve is not None}
    if not curves:
        raise InputError("variational_plane needs an objective with a noisy encoder; a rate of the others is infinite.")
    ax = axes_or_new(ax, 6.4, 4.0)
    entries = []
    for (name, (x, y)), look in zip(curves.items(), looks(len(curves)), strict=True):
        middle_x, middle_y = mean(x), mean(y)
        bars = {"ecolor": look.colour, "elinewidth": 0.8, "fmt": "none", "zorder": 2.5}
        ax.errorbar(middle_x, middle_y, xerr=reach(middle_x, x), yerr=reach(middle_y, y), **bars)
        ax.plot(middle_x, middle_y, color=look.colour, marker=look.marker, markersize=5, linewidth=1.1, zorder=3)
        entries.append(key(name, look))
    ax.set_xscale("log")
    plain_log(ax.xaxis)
    entries += _limits(ax, entropy * factor, against == "marginal")
    ax.set_xlabel(f"{label}  ({unit}, log scale)")
    ax.set_ylabel(f"I(Z;Y), lower  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, entries)
    return ax


def variational_panels(models: Any, *, split: str = "test", unit: str = "nats") -> Figure:
    """:func:`variational_plane` against both rates, side by side.

    Raises:
        InputError: as there.
    """
    figure = new_figure(10.6, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    variational_plane(models, left, against="marginal", split=split, unit=unit, legend=False)
    variational_plane(models, right, against="conditional", split=split, unit=unit)
    right.set_ylabel("")
    return figure


def plain_log(axis: Axis) -> None:
    """Ticks of a logarithmic axis as plain numbers, fewer where it is long, so that none stands on another."""
    low, high = axis.get_view_interval()
    subs = (1.0,) if high > 400 * low else (1.0, 3.0) if high > 20 * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _kept(models: Any, split: str) -> tuple[xr.Dataset, float]:
    """Models as they are kept, on one part of the data, and H(Y) of that part."""
    dataset = getattr(models, "dataset", models)
    if not is_variational(dataset):
        raise InputError(f"This plot needs what variational.fit gives, or its dataset, got {type(models).__name__}.")
    if "split" in dataset.dims:
        known = [str(name) for name in dataset.split.values]
        if split not in known:
            raise InputError(f"These models were measured on no part {split!r}; {nearest(str(split), known)}")
        dataset = dataset.sel(split=split)
    entropy = float(dataset.attrs.get(f"entropy_target_{split}", dataset.attrs["ceiling_mi_target"]))
    return kept_models(dataset), entropy


def _curve(one: xr.Dataset, variable: str, factor: float) -> tuple[np.ndarray, np.ndarray] | None:
    """(seed, beta) rates and I(Z;Y) of one objective, where it has models; None where it has none with a rate."""
    one = one if "seed" in one.dims else one.expand_dims("seed")
    x, y = (one[name].transpose("seed", "beta").to_numpy() * factor for name in (variable, "mi_target"))
    have = (np.isfinite(x) & np.isfinite(y) & (x > 0)).any(axis=0)
    return (x[:, have], y[:, have]) if have.any() else None


def _limits(ax: Axes, entropy: float, forbidden: bool) -> list[Line2D]:
    """The ceiling H(Y), and where I(Z;Y) would exceed I(X;Z)."""
    left, right = ax.get_xlim()
    bottom, top = min(ax.get_ylim()[0], -0.03 * entropy), 1.08 * entropy
    ax.axhline(entropy, color=GREY, linestyle="--", linewidth=1.0, zorder=1)
    entries = [key("H(Y)", color=GREY, linestyle="--", linewidth=1.0)]
    if forbidden:
        rates = np.geomspace(left, right, 400)
        ax.plot(rates, np.minimum(rates, top), color=GREY, linewidth=1.0, zorder=1)
        ax.fill_between(rates, np.minimum(rates, top), top, color="0.93", linewidth=0, zorder=0.5)
        entries.append(key("I(Z;Y) = I(X;Z)", color=GREY, linewidth=1.0))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return entries
