"""The bottleneck's curve in the information plane, and what stands on the way along beta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .along_beta import cost_curve, gap_curve, information_against_beta
from .beta import certified, checked_curve, flags, named_curves, numbers
from .clusters import bifurcation
from .frontier import Frontier, frontier
from .style import GREY, Look, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy

Curves = xr.Dataset | Sequence[Any] | Mapping[str, xr.Dataset]
_DASHED = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3)), "zorder": 1}
_DOTTED = {**_DASHED, "linestyle": (0, (1, 2))}
_DOUBTS = {
    "gap ≤ 1e-7 nats": {"fillstyle": "full"},
    "not certified": {"fillstyle": "none"},
    "chord, interpolated": {"markersize": 2.4, "markeredgewidth": 0.0},
    "not converged": {"marker": "x", "color": "black", "markersize": 6.5},
}


def bottleneck_curve(curves: Curves, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """I(T;Y) against I(X;T): how much of Y can be kept at a rate; one curve, or several on one picture.

    Filled marks are solutions with a gap within the solver's tolerance, open ones are not certified, dots are points
    of chords, a cross stands on what has not converged. In grey, for curves of one problem: what no encoder reaches.
    With a curve of ``IB`` that is the region above its certificates, I(T;Y) <= I_k(T;Y) + (I(X;T) - I_k(X;T) +
    gap_k) / beta_k for every point k; without one, that above min(I(X;T), I(X;Y)).

    Args:
        curves: a curve; a list of curves, or of (label, curve) pairs; or a mapping from labels to curves.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no curves, an unknown unit.
    """
    factor = per_nat(unit)
    pairs = named_curves(curves)
    ax = axes_or_new(ax, 6.8, 4.0)
    entries = []
    for (label, curve), look in zip(pairs, looks(len(pairs) + 1), strict=False):  # the last is pale for small marks
        entries.append(key(label, look, markersize=4))
        _draw_points(ax, curve, look, factor)
    known = frontier([curve for _, curve in pairs])
    ceilings = _draw_plane(ax, known, [curve for _, curve in pairs], factor)
    ax.set_xlabel(f"I(X;T)  ({unit})")
    ax.set_ylabel(f"I(T;Y)  ({unit})")
    if legend:
        legend_beside(ax, [*entries, *_doubt_keys([curve for _, curve in pairs]), *ceilings])
    return ax


def _kinds(curve: xr.Dataset) -> dict[str, np.ndarray]:
    """(beta,) which points are of each kind of mark; one that has not converged has two."""
    chord, sure = flags(curve, "interpolated", False), certified(curve)
    return dict(zip(_DOUBTS, (sure & ~chord, ~sure & ~chord, chord, ~flags(curve, "converged", True)), strict=True))


def _draw_points(ax: Axes, curve: xr.Dataset, look: Look, factor: float) -> None:
    x, y = (numbers(curve, name) * factor for name in ("mi_input", "mi_target"))
    ax.plot(x, y, color=look.colour, linewidth=1.1, zorder=2.5, label="curve")
    for kind, here in _kinds(curve).items():
        if here.any():
            settings: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4, **_DOUBTS[kind]}
            if kind == "not certified":
                settings["markerfacecolor"] = ax.get_facecolor()
            ax.plot(x[here], y[here], linestyle="none", label=kind, zorder=3, clip_on=False, **settings)


def _doubt_keys(curves: Sequence[xr.Dataset]) -> list[Line2D]:
    """A key for every kind of mark there is."""
    there = [kind for kind in _DOUBTS if any(_kinds(curve)[kind].any() for curve in curves)]
    plain = {"color": "0.3", "marker": "o", "markersize": 4, "linestyle": "none"}
    return [key(kind, **{**plain, **_DOUBTS[kind]}) for kind in there]


def _draw_plane(ax: Axes, known: Frontier, curves: Sequence[xr.Dataset], factor: float) -> list[Line2D]:
    """Limits, ceilings and the region that no encoder reaches; their keys."""
    most_x = max(float(np.nanmax(numbers(curve, "mi_input"), initial=0.0)) for curve in curves)
    most_y = max([float(np.nanmax(numbers(curve, "mi_target"), initial=0.0)) for curve in curves])
    near = known.entropy_x is not None and known.entropy_x < 1.6 * most_x
    right = 1.06 * (max(most_x, known.entropy_x) if near and known.entropy_x is not None else most_x or 1.0)
    top = 1.08 * max(most_y, known.mi_joint or 0.0) or 1.0
    ax.set_xlim(-0.03 * right * factor, right * factor)
    ax.set_ylim(-0.03 * top * factor, top * factor)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    tidy(ax)
    rates = np.linspace(0, right, 800)
    ax.fill_between(rates * factor, known.above(rates) * factor, top * factor, color="0.93", linewidth=0, zorder=0.5)
    beyond = "out of reach (certificates)" if known.certified else "out of reach: I(T;Y) > I(X;T)"
    entries = [key(beyond, color="0.86", linewidth=6)]
    if known.mi_joint is not None:
        ax.axhline(known.mi_joint * factor, **_DOTTED)
        entries.append(key("ceiling I(X;Y)", **_DOTTED))
    if near and known.entropy_x is not None:
        ax.axvline(known.entropy_x * factor, **_DASHED)
        entries.append(key("ceiling H(X)", **_DASHED))
    return entries


def bottleneck_panels(dataset: xr.Dataset, *, unit: str = "bits") -> Figure:
    """The standard picture of one curve: the curve, its clusters (its cost where it has none), informations, gaps.

    Args:
        dataset: a curve.
        unit: "bits" or "nats".

    Raises:
        InputError: no curve, an unknown unit.
    """
    curve = checked_curve(dataset, "mi_input", "mi_target", "objective", "gap")
    clusters = {"marginal", "decoder"} <= set(curve.data_vars)
    figure = new_figure(13.0, 7.4)
    (first, second), (third, fourth) = figure.subplots(2, 2)
    bottleneck_curve(curve, first, unit=unit)
    if clusters:
        bifurcation(curve, second)
    else:
        cost_curve(curve, second, unit=unit)
    information_against_beta(curve, third, unit=unit)
    gap_curve(curve, fourth)
    return figure
