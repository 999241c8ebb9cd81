"""One layer as several estimators see it: over training, and over the noise of the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..channels import AdditiveGaussian
from ..errors import InputError
from ..plane.agreement import agreement
from ..plane.methods import Method, channel_of, method_of, told_apart
from ..plane.several import apart
from .style import GREY, Look, axes_or_new, epoch_axis, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import array, bounded, ceiling, checked_plane, epochs_of, interval, layers_of, mean

_GROUPS = ("bins that stay", "bins that move with T", "noise that stays", "noise that moves with T", "other estimators")
_KINDS = ((False, "noise that stays", "-"), (True, "noise in units of std(T)", (0, (5, 2))))


def estimator_panels(planes: xr.Dataset | Sequence[xr.Dataset], layer: str, *, unit: str = "bits") -> Figure:
    """I(X;T) of one layer over epochs, a curve an estimator: panels of bins and noise, fixed and moving.

    Args:
        planes: of one recording, as a list or along the dimension ``estimator``.
        layer: which.
        unit: "bits" or "nats".

    Returns:
        The figure: means over networks; where an estimator has bounds, a band from the mean lower to the mean upper
        one; elsewhere a band for the 95 % interval of the mean.

    Raises:
        InputError: no planes, a layer they do not have, an unknown unit.
    """
    per_nat(unit)
    given = [planes] if isinstance(planes, xr.Dataset) else list(planes)
    shown = [checked_plane(plane) for dataset in given for plane in apart(dataset).values()]
    if not shown:
        raise InputError("This plot needs at least one plane, got none.")
    for plane in shown:
        if layer not in layers_of(plane):
            raise InputError(f"There is no layer {layer!r}; this plane has {', '.join(layers_of(plane))}.")
    methods = told_apart([method_of(plane) for plane in shown])
    groups: dict[str, list[tuple[Method, xr.Dataset]]] = {name: [] for name in _GROUPS}
    for method, plane in zip(methods, shown, strict=True):
        groups[_group(method)].append((method, plane.sel(layer=layer)))
    used = {name: members for name, members in groups.items() if members}
    figure = new_figure(7.6, 2.35 * len(used) + 0.3)
    axes = figure.subplots(len(used), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (name, members) in zip(axes, used.items(), strict=True):
        _curves(ax, members, unit)
        ax.set_title(name, fontsize="medium", loc="left")
        if ax is not axes[-1]:
            ax.set_xlabel("")
    figure.supylabel(f"I(X;T) of {layer}  ({unit})", fontsize="medium")
    return figure


def _group(method: Method) -> str:
    if method.settings.startswith(("Binned(", "Plugin(")):
        return _GROUPS[1 if method.follows_scale else 0]
    if method.settings.startswith("PairwiseBounds("):
        return _GROUPS[3 if method.follows_scale else 2]
    return _GROUPS[4]


def _curves(ax: Axes, members: Sequence[tuple[Method, xr.Dataset]], unit: str) -> None:
    """One panel, its estimators from dark to light."""
    entries = []
    for look, (method, plane) in zip(looks(len(members)), members, strict=True):
        epochs, values = epochs_of(plane), array(plane, "mi_input", unit)
        if bounded(plane, "mi_input"):
            low, high = (mean(array(plane, f"mi_input_{end}", unit)) for end in ("lower", "upper"))
        else:
            low, high = interval(values)
        ax.fill_between(epochs, low, high, color=look.colour, alpha=0.22, linewidth=0, zorder=2)
        every = max(1, len(epochs) // 7)
        marks = {"marker": look.marker, "markersize": 4.5, "markevery": every}
        ax.plot(epochs, mean(values), color=look.colour, linewidth=1.3, zorder=3, **marks)
        entries.append(key(method.label.removeprefix("pairwise, "), look, linewidth=1.3))
    epoch_axis(ax, epochs_of(members[0][1]))
    top = ceiling(members[0][1], "mi_input", unit)
    if top is not None:
        dashed = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3))}
        ax.axhline(top, zorder=1, **dashed)
        entries.append(key("ceiling log n", **dashed))
    tidy(ax)
    if any(bounded(plane, "mi_input") for _, plane in members):
        entries.append(Patch(color=GREY, alpha=0.35, linewidth=0, label="mean lower to upper bound"))
    legend_beside(ax, entries)


def fall_against_noise(
    table: xr.Dataset | Sequence[xr.Dataset],
    layer: str,
    ax: Axes | None = None,
    *,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """The fall of I(X; T + noise) after its maximum against the noise, with what the bounds alone say of it.

    Args:
        table: what :func:`infoplane.plane.agreement` gives, or the planes it takes; their ``PairwiseBounds`` are drawn.
        layer: which.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. Lines: the fall of the value that is drawn in a plane, with the 95 % interval of its mean over
        networks; bands: from the least to the greatest fall that the bounds allow. Filled markers are compression.

    Raises:
        InputError: no sweep of the noise, no such layer, an unknown unit.
    """
    factor = per_nat(unit)
    table = table if isinstance(table, xr.Dataset) and "verdict" in table else agreement(table)
    if layer not in table.layer:
        raise InputError(f"There is no layer {layer!r}; it has {', '.join(map(str, table.layer.to_numpy()))}.")
    sweeps = [_sweep(table, moves) for moves, _, _ in _KINDS]
    if not any(len(sigmas) > 1 for sigmas, _ in sweeps):
        raise InputError("This plot needs PairwiseBounds at two noises or more, such as sigma = 0.01, 0.1 and 1.")
    ax = axes_or_new(ax, 6.2, 3.8)
    entries: list[Any] = []
    for look, (_, name, line), (sigmas, places) in zip(looks(3)[:2], _KINDS, sweeps, strict=True):
        if len(sigmas):
            _draw_sweep(ax, table.isel(estimator=places).sel(layer=layer), sigmas, (look, line), factor)
            entries.append(key(name, look, linestyle=line))
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    ax.set_xscale("log")
    ax.set_xlabel("noise sigma, of T or of std(T)  (log scale)")
    ax.set_ylabel(f"fall of I(X; T + noise)  ({unit})")
    tidy(ax)
    if legend:
        open_ = {"color": "0.3", "marker": "o", "linestyle": "none", "markersize": 5.5, "markerfacecolor": "white"}
        entries += [
            Patch(color=GREY, alpha=0.3, linewidth=0, label="by the bounds alone"),
            key("no compression, or unclear", **open_),
        ]
        legend_beside(ax, entries)
    return ax


def fall_panels(table: xr.Dataset | Sequence[xr.Dataset], *, unit: str = "bits") -> Figure:
    """The same for every layer side by side, on one scale.

    Args:
        table: as :func:`fall_against_noise` takes it.
        unit: "bits" or "nats".

    Raises:
        InputError: no sweep of the noise, an unknown unit.
    """
    table = table if isinstance(table, xr.Dataset) and "verdict" in table else agreement(table)
    names = [str(name) for name in table.layer.to_numpy()]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(2.9 * columns + 2.2, 2.5 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for k, ax in enumerate(grid.flat):
        if k >= len(names):
            ax.remove()
            continue
        fall_against_noise(table, names[k], ax, unit=unit, legend=k == columns - 1)
        ax.set_title(names[k], fontsize="medium")
        if k % columns:
            ax.set_ylabel("")
        if k + columns < len(names) or k % columns != columns // 2:
            ax.set_xlabel("")
    return figure


def _sweep(table: xr.Dataset, moves: bool) -> tuple[np.ndarray, list[int]]:
    """The noises of the pairwise bounds that stay, or that move with the layer, rising; and their rows."""
    found = []
    for row, (text, settings) in enumerate(zip(table.channel.to_numpy(), table.settings.to_numpy(), strict=True)):
        channel = channel_of(str(text))
        pairwise = str(settings).startswith("PairwiseBounds(")
        if pairwise and isinstance(channel, AdditiveGaussian) and channel.relative == moves:
            found.append((float(channel.sigma), row))
    found.sort()
    return np.array([sigma for sigma, _ in found]), [row for _, row in found]


def _draw_sweep(ax: Axes, rows: xr.Dataset, sigmas: np.ndarray, style: tuple[Look, Any], factor: float) -> None:
    look, line = style
    least, most = (rows[name].to_numpy() * factor for name in ("least", "most"))
    ax.fill_between(sigmas, least, most, color=look.colour, alpha=0.18, linewidth=0, zorder=2)
    middle, low, high = (rows[f"fall{end}"].to_numpy() * factor for end in ("", "_lower", "_upper"))
    reach = np.nan_to_num(np.maximum(np.stack([middle - low, high - middle]), 0.0))
    ax.errorbar(sigmas, middle, yerr=reach, color=look.colour, linestyle=line, linewidth=1.4, elinewidth=1.2, zorder=3)
    seen = rows.verdict.to_numpy() == "holds"
    marks = {"color": look.colour, "marker": look.marker, "markersize": 5.5, "linestyle": "none", "zorder": 4}
    ax.plot(sigmas[seen], middle[seen], **marks)
    ax.plot(sigmas[~seen], middle[~seen], markerfacecolor="white", **marks)
