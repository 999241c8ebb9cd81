"""The plane itself: its axes, limits, ceilings and the bound under the layers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .style import GREY, key, tidy
from .values import array, ceiling, certain_label

_SHORT = {"mi_input": "I(X;T)", "mi_target": "I(T;Y)"}


def information_label(planes: Sequence[xr.Dataset], name: str, unit: str) -> str:
    """What an axis shows: the quantity that was measured, what it stands for, and the unit.

    Where the planes measure different quantities, only what they stand for.
    """
    quantities = list(dict.fromkeys(str(plane[name].attrs.get("quantity", _SHORT[name])) for plane in planes))
    # The entropy of a code is the code's information on the input.
    entropy = all(quantity.startswith("H(") for quantity in quantities)
    stands_for = r"$I(X;\hat{T})$" if entropy else _SHORT[name]
    if len(quantities) > 1:
        return f"{stands_for}  ({unit})"
    quantity = re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.3g}", quantities[0])
    return f"{stands_for} = {quantity}  ({unit})" if entropy else f"{quantity}  ({unit})"


def limits(planes: Sequence[xr.Dataset], name: str, unit: str) -> tuple[float, float]:
    """Ends of an axis that holds all values of all planes and their ceilings, from 0 where nothing is negative."""
    tops = [top for top in (ceiling(plane, name, unit) for plane in planes) if top is not None]
    values = np.concatenate([array(plane, name, unit).ravel() for plane in planes])
    values = np.concatenate([values[np.isfinite(values)], tops, [0.0]])
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + (margin if name == "mi_input" else 2 * margin)


def draw_frame(ax: Axes, planes: Sequence[xr.Dataset], unit: str) -> list[Line2D]:
    """Axes of a plane, with what no layer can pass; planes on one frame share their ceilings.

    Returns:
        Entries for a legend.
    """
    first = planes[0]
    across, along = limits(planes, "mi_input", unit), limits(planes, "mi_target", unit)
    ax.set_xlim(*across)
    ax.set_ylim(*along)
    ax.set_xlabel(information_label(planes, "mi_input", unit))
    ax.set_ylabel(information_label(planes, "mi_target", unit))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    tidy(ax)
    most_input, most_target = ceiling(first, "mi_input", unit), ceiling(first, "mi_target", unit)
    dashed = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (5, 3)), "zorder": 1}
    entries = []
    if most_input is not None:
        ax.axvline(most_input, **dashed)
        entries.append(key("ceiling log n", **dashed))
    if most_target is not None and certain_label(first):
        corner = ([0.0, most_target, across[1]], [0.0, most_target, most_target])
        ax.plot(*corner, color="0.25", linewidth=1.1, zorder=1.2, scalex=False, scaley=False, label="bound")
        ax.fill_between(*corner, along[1], color="0.93", linewidth=0, zorder=0.5)
        entries.append(key("bound min(I(X;T), H(Y))", color="0.25", linewidth=1.1))
    elif most_target is not None:
        ax.axhline(most_target, **{**dashed, "linestyle": (0, (1, 2))})
        entries.append(key("ceiling I(X;Y)", **{**dashed, "linestyle": (0, (1, 2))}))
    return entries
