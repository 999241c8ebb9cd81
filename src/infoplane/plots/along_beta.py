"""What happens along beta: informations, clusters, costs, and how far from the best a cost can be."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..bottleneck.certificate import TOLERANCE
from .beta import additive, beta_axis, checked_curve, draw_critical, flags, method_of, numbers
from .style import GREY, axes_or_new, key, legend_beside, looks, per_nat, tidy

_DASHED = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3)), "zorder": 1}
_DOTTED = {**_DASHED, "linestyle": (0, (1, 2))}
_COUNTS = {"color": "0.55", "linewidth": 0.9, "marker": ".", "markersize": 3.5}
_LEAST_GAP = 1e-17  # nats; smaller ones, rounding of nothing, stand at the foot


def information_against_beta(
    dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True
) -> Axes:
    """I(X;T) and I(T;Y) against beta (left axis), and the number of clusters (right axis, grey).

    Dotted: the ceilings I(X;Y) and, where it is near, H(X). For the dual, dashed: the information of its geometric
    laws, which is no information about Y. Vertical lines: the critical betas that the curve knows. The numbers of
    clusters on chords, where two solutions are mixed, are left out.

    Args:
        dataset: a curve.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes of the informations; that of the clusters shares its betas.

    Raises:
        InputError: no curve, an unknown unit.
    """
    factor = per_nat(unit)
    curve = checked_curve(dataset, "mi_input", "mi_target")
    ax = axes_or_new(ax, 6.6, 3.9)
    betas = curve["beta"].to_numpy().astype(np.float64)
    beta_axis(ax, betas)
    entries = []
    for name, text, look in zip(("mi_input", "mi_target"), ("I(X;T)", "I(T;Y)"), looks(3), strict=False):
        ax.plot(betas, numbers(curve, name) * factor, color=look.colour, linewidth=1.4, zorder=3, label=text)
        entries.append(key(text, color=look.colour))
    if "mi_target_geometric" in curve:
        dashes = {"color": looks(3)[1].colour, "linewidth": 1.1, "linestyle": (0, (4, 2))}
        ax.plot(betas, numbers(curve, "mi_target_geometric") * factor, zorder=2.8, label="geometric", **dashes)
        entries.append(key("of geometric laws", **dashes))
    most = float(np.nanmax(numbers(curve, "mi_input"), initial=0.0))
    for ceiling in ("mi_joint", "entropy_x"):
        value = curve.attrs.get(ceiling)
        if value is not None and (ceiling == "mi_joint" or value < 1.6 * most):
            ax.axhline(float(value) * factor, **_DOTTED)
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_ylabel(f"information  ({unit})")
    entries += [key("I(X;Y), H(X)", **_DOTTED), *draw_critical(ax, curve)]
    tidy(ax)
    count = next((name for name in ("n_clusters", "n_components") if name in curve), None)
    if count is not None:
        _draw_counts(ax, curve, count)
        entries.append(key(f"{count.replace('n_', '')} (right)", **_COUNTS))
    if legend:
        legend_beside(ax, entries, method_of(curve), beyond=0.55 if count else 0.0)
    return ax


def _draw_counts(ax: Axes, curve: xr.Dataset, name: str) -> None:
    other = ax.twinx()
    other.set_zorder(ax.get_zorder() - 1)
    ax.patch.set_visible(False)
    here = ~flags(curve, "interpolated", False)
    other.plot(curve["beta"].to_numpy()[here], numbers(curve, name)[here], drawstyle="steps-mid", label=name, **_COUNTS)
    other.set_ylim(0, None)
    other.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    other.set_ylabel(name.replace("n_", ""), color="0.45")
    tidy(other, right=True)


def cost_curve(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """The method's own cost against beta, and the free energy I(X;T) + beta E[d] where the method has a distance.

    Args:
        dataset: a curve with ``objective``.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats"; a cost that is no sum of informations, as that of ``SquaredIB``, stays in nats.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. How far the cost can lie above the least one is drawn by :func:`gap_curve`.

    Raises:
        InputError: no such curve, an unknown unit.
    """
    factor = per_nat(unit)
    curve = checked_curve(dataset, "objective")
    if not additive(curve):
        factor, unit = 1.0, "its informations in nats"
    ax = axes_or_new(ax, 6.6, 3.9)
    betas = curve["beta"].to_numpy().astype(np.float64)
    beta_axis(ax, betas)
    dark, light = looks(3)[:2]
    cost, energy = (numbers(curve, name) * factor for name in ("objective", "free_energy"))
    ax.plot(betas, cost, color=dark.colour, linewidth=1.4, zorder=3, label="cost")
    entries = [key(f"cost of {method_of(curve)}", color=dark.colour)]
    if np.isfinite(energy).any() and not np.allclose(energy, cost, equal_nan=True):
        dashes = {"color": light.colour, "linewidth": 1.4, "linestyle": (0, (4, 2))}
        ax.plot(betas, energy, zorder=3, label="free energy", **dashes)
        entries.append(key("free energy", **dashes))
    ax.set_ylabel(f"cost  ({unit})")
    tidy(ax)
    entries += draw_critical(ax, curve)
    if legend:
        legend_beside(ax, entries)
    return ax


def gap_curve(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """How far the cost can lie above the least one, at most, in nats, against beta: the certificate.

    The bound is as good as the search for its maximum, from as many starts as the legend says. The dashed line is the
    tolerance above which the solver repairs; triangles at the foot are gaps of 0 or below 1e-17, which are rounding.

    Args:
        dataset: a curve with ``gap``.
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such curve.
    """
    curve = checked_curve(dataset, "gap")
    ax = axes_or_new(ax, 6.6, 3.6)
    betas, gaps = curve["beta"].to_numpy().astype(np.float64), numbers(curve, "gap")
    beta_axis(ax, betas)
    ax.set_yscale("log")
    look, small = looks(1)[0], gaps <= _LEAST_GAP
    ax.set_ylim(_LEAST_GAP / 3, 10 * max(float(np.nanmax(gaps, initial=0.0)), TOLERANCE))
    kinds = {"gap": (~small & np.isfinite(gaps), gaps, "o"), "0, or rounding": (small, 0 * gaps + _LEAST_GAP, "v")}
    entries = []
    for text, (here, heights, marker) in kinds.items():
        if here.any():
            marks = {"marker": marker, "markersize": 4, "linestyle": "none", "color": look.colour}
            ax.plot(betas[here], heights[here], zorder=3, label=text, **marks)
            entries.append(key(text, **marks))
    ax.axhline(TOLERANCE, **_DASHED)
    entries.append(key("tolerance 1e-7", **_DASHED))
    unknown = int(np.isnan(gaps).sum())
    if unknown:
        words = "no gap is known" if unknown == len(gaps) else f"no gap is known at {unknown} of {len(gaps)} betas"
        ax.text(0.98, 0.96, words, transform=ax.transAxes, ha="right", va="top", fontsize="small")
    ax.set_ylabel("gap: cost above the least one, at most  (nats)", fontsize="small")
    tidy(ax)
    starts = curve.attrs.get("starts")
    if legend:
        legend_beside(ax, entries, f"searched from\n{starts} starts" if starts else None)
    return ax
