"""The plane itself: its axes, limits, ceilings and the bound under the layers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..plane.task_bound import Bound, bound_of_plane, with_bound
from .style import GREY, key, per_nat, tidy
from .values import array, ceiling

if TYPE_CHECKING:
    from ..bottleneck import Joint

_SHORT = {"mi_input": "I(X;T)", "mi_target": "I(T;Y)"}
_LINE = 34  # letters


def information_label(planes: Sequence[xr.Dataset], name: str, unit: str) -> str:
    """What an axis shows: the quantity that was measured, what it stands for, and the unit; long words in two lines.

    Where the planes measure different quantities, only what they stand for.
    """
    quantities = list(dict.fromkeys(str(plane[name].attrs.get("quantity", _SHORT[name])) for plane in planes))
    # The entropy of a code is the code's information on the input.
    entropy = all(quantity.startswith("H(") for quantity in quantities)
    stands_for = r"$I(X;\hat{T})$" if entropy else _SHORT[name]
    if len(quantities) > 1:
        return f"{stands_for}  ({unit})"
    quantity = re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.3g}", quantities[0])
    return _in_lines(f"{stands_for} = {quantity}" if entropy else quantity, f"  ({unit})")


def _in_lines(text: str, end: str) -> str:
    """The text in lines of about equal length, none longer than a small panel is high; ``end`` is not broken."""
    seen = re.sub(r"[$\\{}]|hat", "", text)  # mathematics is longer as it is written than as it is read
    count = -(-len(seen + end) // _LINE)
    lines = textwrap.wrap(text, -(-len(text) // count) + 5, break_long_words=False) if count > 1 else [text]
    return "\n".join(lines) + end


def limits(planes: Sequence[xr.Dataset], name: str, unit: str) -> tuple[float, float]:
    """Ends of an axis that holds all values of all planes and their ceilings, from 0 where nothing is negative."""
    tops = [top for top in (ceiling(plane, name, unit) for plane in planes) if top is not None]
    values = np.concatenate([array(plane, name, unit).ravel() for plane in planes])
    values = np.concatenate([values[np.isfinite(values)], tops, [0.0]])
    if name == "mi_target" and (bound := bound_of_plane(planes[0])) is not None:
        values = np.append(values, bound.mi_target[-1] * per_nat(unit))
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + (margin if name == "mi_input" else 2 * margin)


def held_against(plane: xr.Dataset, bound: Joint | xr.Dataset | None) -> xr.Dataset:
    """The plane with another bound to draw, where one is given."""
    return plane if bound is None else with_bound(plane, bound)


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
    bound = bound_of_plane(first)
    if bound is not None:
        entries.append(_draw_bound(ax, bound, per_nat(unit), (across[1], along[1])))
    if most_target is not None and (bound is None or not bound.certain):
        dotted = {**dashed, "linestyle": (0, (1, 2))}
        ax.axhline(most_target, **dotted)
        entries.append(key("ceiling I(X;Y)", **dotted))
    return entries


def _draw_bound(ax: Axes, bound: Bound, per_nat: float, end: tuple[float, float]) -> Line2D:
    """The curve that no layer can exceed, as far as ``end``; what lies above its lines in grey."""
    last = max(end[0] / per_nat, bound.mi_input[-1])
    line = {"color": "0.25", "linewidth": 1.1}
    x, y = np.append(bound.mi_input, last), np.append(bound.mi_target, bound(last))
    ax.plot(x * per_nat, y * per_nat, zorder=1.2, scalex=False, scaley=False, label="bound", **line)
    x = np.sort(np.concatenate([x, bound.corners]))
    ax.fill_between(
        x * per_nat, bound(x) * per_nat, max(end[1], bound(last) * per_nat), color="0.93", linewidth=0, zorder=0.5
    )
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    return key("bound min(I(X;T), H(Y))" if bound.certain else "bound (IB curve)", **line)
