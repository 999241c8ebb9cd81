"""Curves of several functionals side by side, and what experiments on them measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .beta import beta_axis, checked_curve, method_of, numbers
from .bottleneck import bottleneck_curve
from .clusters import bifurcation, cluster_weights
from .style import GREY, axes_or_new, key, legend_beside, looks, new_figure, tidy

_CEILINGS = {"mi_input": ("entropy_x", "I(X;T) / H(X)"), "mi_target": ("mi_joint", "I(T;Y) / I(X;Y)")}
_LEAST = 1e-12  # nats; smaller excesses are rounding and stand at the foot


def curve_panels(problems: Mapping[str, Mapping[str, xr.Dataset]], *, unit: str = "bits") -> Figure:
    """The information plane of every problem, with the curves of several functionals in each.

    Args:
        problems: curves by name, by name of the problem.
        unit: "bits" or "nats".

    Raises:
        InputError: no problems, no curves, an unknown unit.
    """
    if not problems:
        raise InputError("curve_panels needs at least one problem, got none.")
    columns = min(len(problems), 2)
    rows = math.ceil(len(problems) / columns)
    figure = new_figure(6.4 * columns, 3.6 * rows)
    for place, (name, curves) in enumerate(problems.items()):
        ax = figure.add_subplot(rows, columns, place + 1)
        bottleneck_curve(dict(curves), ax, unit=unit)
        ax.set_title(name, fontsize="medium")
    return figure


def bifurcation_panels(curves: Mapping[str, xr.Dataset], *, label: Any = None) -> Figure:
    """Bifurcation diagrams of several functionals: p(y|t) above, p(t) below, a column each, one axis of beta.

    Args:
        curves: of one problem, by name; as :func:`bifurcation` takes them.
        label: as in :func:`bifurcation`.

    Raises:
        InputError: no curves.
    """
    if not curves:
        raise InputError("bifurcation_panels needs at least one curve, got none.")
    figure = new_figure(4.6 * len(curves), 6.4)
    grid = figure.subplots(2, len(curves), squeeze=False, sharex=True, sharey="row")
    for column, (name, dataset) in enumerate(curves.items()):
        bifurcation(dataset, grid[0, column], label=label, legend=False)
        cluster_weights(dataset, grid[1, column], legend=False)
        grid[0, column].set_title(name, fontsize="medium")
        grid[0, column].set_xlabel("")
    return figure


def information_shares(
    curves: Mapping[str, xr.Dataset], ax: Axes | None = None, *, which: str = "mi_input", legend: bool = True
) -> Axes:
    """An information as a share of its ceiling against beta: I(X;T) / H(X), or I(T;Y) / I(X;Y).

    Args:
        curves: of one problem, by name, with ``entropy_x`` and ``mi_joint`` in their attributes.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target"; for the latter the dual's geometric value is dashed.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: another quantity, no curves.
    """
    if which not in _CEILINGS or not curves:
        raise InputError(f"information_shares draws mi_input or mi_target of at least one curve, got {which!r}.")
    ax = axes_or_new(ax, 6.4, 3.6)
    ceiling, text = _CEILINGS[which]
    beta_axis(ax, np.concatenate([curve["beta"].to_numpy() for curve in curves.values()]))
    entries = []
    for place, ((name, dataset), look) in enumerate(zip(curves.items(), looks(len(curves)), strict=True)):
        curve = checked_curve(dataset, which)
        betas, most = curve["beta"].to_numpy(), float(curve.attrs[ceiling])
        # Curves on one another: each later one is thinner, and shows the earlier around it.
        style = {"color": look.colour, "linewidth": 3.4 - 2.4 * place / max(len(curves) - 1, 1)}
        ax.plot(betas, numbers(curve, which) / most, label=name, zorder=3, **style)
        entries.append(key(name, **style))
        if which == "mi_target" and "mi_target_geometric" in curve and method_of(curve) == "DualIB":
            dashed = {"color": look.colour, "linewidth": 1.1, "linestyle": (0, (4, 2))}
            ax.plot(betas, numbers(curve, "mi_target_geometric") / most, zorder=2.8, label="geometric", **dashed)
            entries.append(key(f"{name}, geometric value", **dashed))
    ax.axhline(1.0, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    ax.set_ylim(-0.03, None)
    ax.set_ylabel(text)
    tidy(ax)
    if legend:
        legend_beside(ax, entries)
    return ax


def forward_panels(dataset: xr.Dataset) -> Figure:
    """By how much forward annealing misses the best cost, against beta: a panel a shape, a line a noise.

    Args:
        dataset: ``forward_excess`` over (shape, seed, noise, beta) in nats. Lines are the largest of all joints, and
            thin the median; what is below 1e-12 stands at the foot.

    Raises:
        InputError: no such dataset.
    """
    if not isinstance(dataset, xr.Dataset) or "forward_excess" not in dataset:
        raise InputError("forward_panels needs a dataset with forward_excess over shape, seed, noise and beta.")
    excess = dataset["forward_excess"].clip(min=_LEAST)
    shapes, noises = (dataset[name].values.tolist() for name in ("shape", "noise"))
    figure = new_figure(4.4 * len(shapes) + 2.2, 3.6)
    grid = figure.subplots(1, len(shapes), squeeze=False, sharey=True)[0]
    styles = looks(len(noises))
    for ax, shape in zip(grid, shapes, strict=True):
        beta_axis(ax, dataset["beta"].to_numpy())
        here = excess.sel(shape=shape)
        for noise, look in zip(noises, styles, strict=True):
            one = here.sel(noise=noise)
            marks = {"color": look.colour, "marker": look.marker, "markersize": 3.5}
            ax.plot(dataset["beta"], one.max("seed"), linewidth=1.2, zorder=3, **marks)
            ax.plot(dataset["beta"], one.median("seed"), linewidth=0.8, linestyle=(0, (2, 2)), color=look.colour)
        ax.set_yscale("log")
        joints = int(dataset["forward_excess"].sel(shape=shape).notnull().any(("noise", "beta")).sum())
        ax.set_title(f"{shape}: {joints} joints", fontsize="medium")
        tidy(ax)
    grid[0].set_ylabel("cost above the best  (nats)")
    entries = [key(f"noise {noise:g}", look) for noise, look in zip(noises, styles, strict=True)]
    entries.append(key("median of joints", color=GREY, linewidth=0.8, linestyle=(0, (2, 2))))
    legend_beside(grid[-1], entries, "forward annealing,\nlargest of joints")
    return figure


def onsets(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """The global onset against the first local critical beta of random joints: a mark a joint.

    Args:
        dataset: ``onset`` and ``first`` over (shape, seed).
        ax: where to draw; a new figure if None.
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. On the grey line both are equal.

    Raises:
        InputError: no such dataset.
    """
    if not isinstance(dataset, xr.Dataset) or not {"onset", "first"} <= set(dataset.data_vars):
        raise InputError("onsets needs a dataset with onset and first over shape and seed.")
    ax = axes_or_new(ax, 5.2, 3.8)
    shapes: Sequence[str] = [str(s) for s in dataset["shape"].values]
    entries = []
    for shape, look in zip(shapes, looks(len(shapes)), strict=True):
        marks = {"color": look.colour, "marker": look.marker, "markersize": 5, "linestyle": "none"}
        ax.plot(dataset["first"].sel(shape=shape), dataset["onset"].sel(shape=shape), zorder=3, **marks)
        entries.append(key(shape, **marks))
    most = float(dataset["first"].max())
    ax.plot([1, most], [1, most], color=GREY, linewidth=0.9, zorder=1)
    ax.set_xlabel("first local critical beta")
    ax.set_ylabel("onset")
    tidy(ax)
    if legend:
        legend_beside(ax, [*entries, key("equal", color=GREY, linewidth=0.9)])
    return ax
