"""The information plane: where each layer went while the network trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .frame import draw_frame, held_against
from .style import Look, axes_or_new, key, legend_beside, looks, nested_sizes
from .values import array, bounded, checked_plane, layers_of, mean, nearest_epoch, reach

if TYPE_CHECKING:
    from ..bottleneck import Joint

_STAGES = (("first checkpoint", "none"), ("maximal I(X;T)", "left"), ("last checkpoint", "full"))


def plane(
    dataset: xr.Dataset,
    *,
    ax: Axes | None = None,
    epoch: float | None = None,
    bound: Joint | xr.Dataset | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """The mean path of every layer through the information plane, over networks.

    Open, half-filled and filled markers stand at the first checkpoint, the maximum of the mean I(X;T) and the last;
    bars there are the 95 % interval of the mean over networks (none for one network). Under the layers: the ceilings,
    and the bound of the task, impossible region in grey: min(I(X;T), H(Y)) for a label that the input decides, the
    bottleneck's curve for a random one of known law. Where the values stand between bounds (``PairwiseBounds``), thin
    lines at the last checkpoint reach from the mean lower to the mean upper one; a bound outside the plane leaves the
    frame.

    Args:
        dataset: a plane; values that are not finite are left out.
        ax: where to draw; a new figure if None.
        epoch: paths end at the checkpoint nearest to it; the last if None.
        bound: another bound than the plane's own: the joint distribution of X and Y
            (:class:`infoplane.bottleneck.Joint`), or a curve such as ``infoplane.bottleneck.curve`` gives.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no plane, several splits, an unknown unit, a curve that layers can exceed.
    """
    dataset = held_against(checked_plane(dataset), bound)
    ending = nearest_epoch(dataset, epoch)
    ax = axes_or_new(ax, 6.8, 4.0)
    entries = draw_frame(ax, [dataset], unit)
    dataset = dataset.isel(epoch=slice(0, ending + 1))
    names = layers_of(dataset)
    styles = looks(len(names))
    paths = [array(dataset, name, unit) for name in ("mi_input", "mi_target")]
    sizes = nested_sizes(len(names))
    for column, (name, look) in enumerate(zip(names, styles, strict=True)):
        across, along = (values[:, :, column] for values in paths)
        _draw_layer(ax, (across, along), look, name, sizes[column])
        _draw_bounds(ax, dataset.isel(layer=column), unit, look)
    if legend:
        shown = [key(name, look) for name, look in zip(names, styles, strict=True)]
        if any(bounded(dataset, name) for name in ("mi_input", "mi_target")):
            entries.append(key("mean lower to upper bound", color="0.3", linewidth=0.7))
        many = dataset.sizes["seed"]
        legend_beside(ax, [*shown, *_stage_keys(), *entries], f"mean of {many} networks" if many > 1 else None)
    return ax


def _stage_keys() -> list[Line2D]:
    """Which filling of a marker is which stage of training."""
    plain = {"color": "0.3", "marker": "o", "markersize": 5.5, "linestyle": "none", "markerfacecoloralt": "white"}
    return [key(text, fillstyle=fill, **plain) for text, fill in _STAGES]


def _draw_layer(ax: Axes, values: tuple[np.ndarray, np.ndarray], look: Look, name: str, size: float) -> None:
    """A layer's mean path from (seed, epoch) values, with its three markers and their intervals."""
    across, along = values
    x, y = mean(across), mean(along)
    ax.plot(x, y, color=look.colour, linewidth=1.4, zorder=3, label=name)
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(there):
        return
    at = np.array([there[0], there[np.nanargmax(x[there])], there[-1]])
    left, up = reach(x[at], across[:, at]), reach(y[at], along[:, at])
    bars = {"fmt": "none", "ecolor": look.colour, "elinewidth": 1.6, "zorder": 3.5}
    ax.errorbar(x[at], y[at], xerr=_blank(left), yerr=_blank(up), **bars)
    for mark, (stage, fill) in zip(at, _STAGES, strict=True):
        ax.plot(
            x[mark],
            y[mark],
            marker=look.marker,
            markersize=size,
            color=look.colour,
            fillstyle=fill,  # type: ignore[arg-type]
            markerfacecolor=ax.get_facecolor() if fill == "none" else look.colour,
            markerfacecoloralt=ax.get_facecolor(),
            label=f"{name}, {stage}",
            zorder=4,
            clip_on=False,
        )


def _blank(lengths: np.ndarray) -> np.ndarray:
    """Bars without length where there is no interval."""
    return np.where(np.isfinite(lengths), lengths, 0.0)


def _draw_bounds(ax: Axes, layer: xr.Dataset, unit: str, look: Look) -> None:
    """A thin cross at the last checkpoint of one layer, from the mean lower to the mean upper bound."""
    last = layer.isel(epoch=-1)
    x, y = (float(mean(array(last, name, unit))) for name in ("mi_input", "mi_target"))
    thin = {"color": look.colour, "linewidth": 0.7, "zorder": 2.5, "scalex": False, "scaley": False}
    if bounded(last, "mi_input"):
        ends = [float(mean(array(last, f"mi_input_{end}", unit))) for end in ("lower", "upper")]
        ax.plot(ends, [y, y], marker="|", markersize=5, **thin)
    if bounded(last, "mi_target"):
        ends = [float(mean(array(last, f"mi_target_{end}", unit))) for end in ("lower", "upper")]
        ax.plot([x, x], ends, marker="_", markersize=5, **thin)
