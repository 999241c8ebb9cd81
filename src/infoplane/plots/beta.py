"""What pictures over beta share: checked curves, their axis, critical betas, and which label to show."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from ..bottleneck.certificate import TOLERANCE
from ..errors import InputError, nearest
from ..results import is_curve
from .style import GREY, key

_OTHER_UNITS = ("SquaredIB", "ConvexIB")  # their costs are no sums of information, and nats cannot become bits
_TICKS = (tuple(np.arange(1, 10, 0.5)), (1.0, 2.0, 3.0, 5.0), (1.0, 2.0, 5.0))  # of a decade; from narrow to wide
_OWN = {"onset": "onset", "first": "first local critical beta"}


def checked_curve(dataset: Any, *names: str) -> xr.Dataset:
    """The dataset, if it is a curve over beta with these variables and some points.

    Raises:
        InputError: no curve, a variable missing, or nothing in it.
    """
    if not is_curve(dataset) or "beta" not in dataset.dims:
        what = "another dataset" if isinstance(dataset, xr.Dataset) else type(dataset).__name__
        raise InputError(f"This plot needs a curve over beta such as bottleneck.curve gives, got {what}.")
    missing = [name for name in names if name not in dataset]
    if missing:
        have = ", ".join(map(str, dataset)) or "nothing"
        raise InputError(f"This plot needs {', '.join(missing)}; the curve has {have}.")
    if dataset.sizes["beta"] == 0:
        raise InputError("There is nothing to plot: the curve has no points.")
    return dataset


def named_curves(curves: Any) -> list[tuple[str, xr.Dataset]]:
    """(label, curve) pairs of one curve, several, pairs, or a mapping; without labels, the names of their methods.

    Raises:
        InputError: nothing, or no curves in them.
    """
    if isinstance(curves, xr.Dataset):
        curves = [curves]
    given = list(curves.items()) if isinstance(curves, Mapping) else curves
    if not isinstance(given, list | tuple) or not given:
        raise InputError("This plot needs a curve, a list of them, or a mapping from labels to them.")
    pairs = [one if isinstance(one, list | tuple) and len(one) == 2 else (method_of(one), one) for one in given]
    checked = [(str(label), checked_curve(curve, "mi_input", "mi_target")) for label, curve in pairs]
    seen: dict[str, int] = {}
    found = []
    for label, curve in checked:
        seen[label] = seen.get(label, 0) + 1
        found.append((label if seen[label] == 1 else f"{label} ({seen[label]})", curve))
    return found


def method_of(curve: Any) -> str:
    """The method as legends name it: "IB", "GeneralizedIB(alpha=0.5)"."""
    return str(getattr(curve, "attrs", {}).get("method") or "curve").removesuffix("()")


def numbers(curve: xr.Dataset, name: str) -> np.ndarray:
    """(beta,) values in nats; nan where there are none."""
    if name not in curve:
        return np.full(curve.sizes["beta"], np.nan)
    values = curve[name].to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def flags(curve: xr.Dataset, name: str, default: bool) -> np.ndarray:
    """(beta,) whether."""
    return curve[name].to_numpy().astype(bool) if name in curve else np.full(curve.sizes["beta"], default)


def certified(curve: xr.Dataset) -> np.ndarray:
    """(beta,) whether the gap is known and within the solver's tolerance."""
    return numbers(curve, "gap") <= TOLERANCE


def additive(curve: xr.Dataset) -> bool:
    """Whether the cost is a sum of informations, so that it can be told in bits."""
    return not method_of(curve).startswith(_OTHER_UNITS)


def solved(curve: xr.Dataset) -> xr.Dataset:
    """Without the chords, whose clusters are those of two solutions."""
    return curve.isel(beta=~flags(curve, "interpolated", False))


def beta_axis(ax: Axes, betas: np.ndarray) -> None:
    """Beta on a logarithmic axis; linear below the smallest positive one where a beta is 0."""
    positive = betas[betas > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (0.5, 2.0)
    room = max((high / low) ** 0.03, 1.02)
    # The locator of a logarithmic axis would move the limits of an axis that holds 0, so its ticks are given.
    ticks = LogLocator(subs=_TICKS[int(high / low > 3) + int(high / low > 40)]).tick_values(low / room, high * room)
    shown = [tick for tick in ticks if low / room <= tick <= high * room]
    if betas.min() <= 0:
        ax.set_xscale("symlog", linthresh=low, linscale=0.3)
        ax.set_xlim(-0.15 * low, high * room)
        shown.insert(0, 0.0)
    else:
        ax.set_xscale("log")
        ax.set_xlim(low / room, high * room)
    if high / low < 500:
        ax.xaxis.set_major_locator(FixedLocator(shown))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("beta (log scale)")


def critical_betas(curve: xr.Dataset) -> Iterator[tuple[str, float]]:
    """(what, beta) of the finite critical betas that the attributes tell, rising; no two alike."""
    told = [(text, curve.attrs.get(name)) for name, text in _OWN.items()]
    try:
        listed = json.loads(str(curve.attrs.get("critical_betas", "[]")))
    except ValueError:
        listed = []
    told += [("critical beta", value) for value in (listed if isinstance(listed, list) else [])]
    known: list[float] = []
    for text, value in told:
        if isinstance(value, int | float | np.number) and math.isfinite(value) and value > 0:
            beta = float(value)
            if not any(abs(beta - other) <= 1e-6 * beta for other in known):
                known.append(beta)
                yield text, beta


def draw_critical(ax: Axes, curve: xr.Dataset) -> list[Line2D]:
    """Vertical lines at the critical betas within the frame; their entries for a legend."""
    styles = {"onset": "-", "first local critical beta": (0, (5, 3)), "critical beta": (0, (1, 2))}
    low, high = ax.get_xlim()
    entries: dict[str, Line2D] = {}
    told = dict(critical_betas(curve))
    digits = 4 if len({f"{told.get(text, 0.0):.4g}" for text in _OWN.values()}) > 1 else 7  # enough to tell them apart
    for text, beta in critical_betas(curve):
        if low <= beta <= high:
            look = {"color": GREY, "linewidth": 0.9, "linestyle": styles[text]}
            ax.axvline(beta, zorder=1, **look)
            others = "other critical betas" if entries else "critical betas"
            name = others if text == "critical beta" else f"{text}, {beta:.{digits}g}"
            entries.setdefault(text, key(name, **look))
    return list(entries.values())


def label_shown(curve: xr.Dataset, label: Any) -> tuple[int, str]:
    """Position and name of the label to show: the one given, else the one whose p(y|t) varies most among clusters.

    A label is given by its name, where the curve has names, or its position.

    Raises:
        InputError: no such label.
    """
    names, count = label_names(curve), curve.sizes["y"]
    if label is None:
        chosen = int(by_spread(curve)[0])
    elif "y" in curve.coords and str(label) in names:
        chosen = names.index(str(label))
    elif isinstance(label, int | np.integer) and not isinstance(label, bool) and 0 <= label < count:
        chosen = int(label)
    else:
        known = nearest(str(label), names) if "y" in curve.coords else f"the labels are 0 to {count - 1}."
        raise InputError(f"There is no label {label!r}; {known}")
    return chosen, names[chosen]


def label_names(curve: xr.Dataset) -> list[str]:
    """The names of y, else its positions."""
    return [str(name) for name in (curve["y"].to_numpy() if "y" in curve.coords else range(curve.sizes["y"]))]


def by_spread(curve: xr.Dataset) -> np.ndarray:
    """(y,) labels, the one first whose p(y|t) varies most over the clusters of the largest beta; the last of equals."""
    last = solved(curve).isel(beta=-1)
    there = last["marginal"].to_numpy() > 0
    weights, laws = last["marginal"].to_numpy()[there], last["decoder"].transpose("cluster", "y").to_numpy()[there]
    laws = np.nan_to_num(laws)
    weights = weights / weights.sum()
    variance = weights @ (laws - weights @ laws) ** 2
    return np.lexsort((-np.arange(len(variance)), -np.round(variance, 9)))
