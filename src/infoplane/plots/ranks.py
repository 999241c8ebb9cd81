"""Rank correlations as a table of colours: which quantity orders things as a measure does."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap

from ..errors import InputError
from .style import axes_or_new

_DARK = 0.65  # beyond it ink is white


def rank_table(
    dataset: xr.Dataset, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None, names: bool = True
) -> Axes:
    """Rank correlations of quantities (rows) with a measure, along several axes (columns).

    Means over ``seed``, where there is one; blue falls with the measure, red rises with it. Where there is no number
    the cell is empty.

    Args:
        dataset: with ``correlation`` over (quantity, along) and perhaps seed.
        ax: where to draw; a new figure if None.
        labels: how quantities and axes are written; their names if None.
        names: whether to write them at the left.

    Returns:
        The Axes.

    Raises:
        InputError: no such variable or other dimensions.
    """
    if "correlation" not in dataset or set(dataset["correlation"].dims) - {"seed"} != {"quantity", "along"}:
        raise InputError("rank_table needs a dataset with 'correlation' over (quantity, along), perhaps with seed.")
    found = dataset["correlation"]
    values = (found.mean("seed") if "seed" in found.dims else found).transpose("quantity", "along").to_numpy()
    ax = axes_or_new(ax, 4.6, 0.6 + 0.26 * len(values))
    ax.pcolormesh(values, cmap=_colours(), vmin=-1.0, vmax=1.0, edgecolors="white", linewidth=1.0)
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if abs(value) > _DARK else "black"
        text = "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−") if np.isfinite(value) else ""
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=ink)
    quantities, along = (dataset[name].to_numpy() for name in ("quantity", "along"))
    shown = [(labels or {}).get(str(q), str(q)) for q in quantities]
    ax.set_xticks(np.arange(len(along)) + 0.5, [(labels or {}).get(str(a), str(a)) for a in along], fontsize=8)
    ax.set_yticks(np.arange(len(shown)) + 0.5, shown if names else [""] * len(shown), fontsize=8)
    ax.set_ylim(len(values), 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def _colours() -> Colormap:
    return ListedColormap(matplotlib.colormaps["RdBu_r"](np.linspace(0.06, 0.94, 256)), name="rank correlation")
