"""Several planes, or several depths, on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from ..errors import InputError
from .frame import draw_frame
from .style import GREY, axes_or_new, key, legend_beside, looks, per_nat, tidy
from .values import array, checked, checked_plane, interval, layers_of, mean, reach

Named = Sequence[tuple[Any, xr.Dataset]]


def named_planes(planes: Any) -> list[tuple[str, xr.Dataset]]:
    """(label, plane) pairs, checked; the layers must be the same where they are compared.

    Raises:
        InputError: nothing, no pairs, or no planes in them.
    """
    pairs = [] if isinstance(planes, xr.Dataset | str) else list(planes)
    if not pairs or any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in pairs):
        raise InputError("This plot needs a list of (label, plane) pairs, as in [('85 %', ds), ('5 %', other)].")
    return [(str(label), checked_plane(plane)) for label, plane in pairs]


def _same_layers(pairs: list[tuple[str, xr.Dataset]]) -> list[str]:
    names = layers_of(pairs[0][1])
    for label, plane in pairs[1:]:
        if layers_of(plane) != names:
            raise InputError(
                f"These planes must have the same layers; {pairs[0][0]} has {', '.join(names)}, {label} has "
                f"{', '.join(layers_of(plane))}."
            )
    return names


def converged(planes: Named, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """Where the layers of each run end: mean over networks at the last checkpoint, one line a run.

    Args:
        planes: (label, plane) pairs with the same layers, such as sizes of the training sample, in order.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes; bars are 95 % intervals of the mean over networks, markers the layers.

    Raises:
        InputError: no such pairs, planes with different layers, an unknown unit.
    """
    pairs = named_planes(planes)
    names = _same_layers(pairs)
    ax = axes_or_new(ax, 6.8, 4.0)
    entries = draw_frame(ax, [plane for _, plane in pairs], unit)
    marks, shades = looks(len(names)), looks(len(pairs))
    for (label, plane), shade in zip(pairs, shades, strict=True):
        last = plane.isel(epoch=-1)
        across, along = array(last, "mi_input", unit), array(last, "mi_target", unit)
        x, y = mean(across), mean(along)
        ax.plot(x, y, color=shade.colour, linewidth=1.2, label=label, zorder=3)
        bars = [np.nan_to_num(reach(*pair)) for pair in ((x, across), (y, along))]
        ax.errorbar(x, y, xerr=bars[0], yerr=bars[1], fmt="none", ecolor=shade.colour, elinewidth=1.1, zorder=3)
        for k, mark in enumerate(marks):
            ax.plot(x[k], y[k], color=shade.colour, marker=mark.marker, markersize=6, zorder=4, clip_on=False)
    if legend:
        runs = [key(label, color=shade.colour) for (label, _), shade in zip(pairs, shades, strict=True)]
        layers = [key(n, m, color="0.4", linestyle="none") for n, m in zip(names, marks, strict=True)]
        legend_beside(ax, [*runs, *layers, *entries])
    return ax


def compression(planes: Named, ax: Axes | None = None, *, unit: str = "bits", legend: bool = True) -> Axes:
    """The fall of I(X;T) after its maximum, of every layer of every run, side by side.

    Points are means over networks with 95 % intervals. A maximum over noisy values is biased up: the short grey
    lines are the falls of the same steps in shuffled order, and what does not exceed them is no trend.

    Args:
        planes: (label, plane) pairs; the layers may differ in number.
        ax: where to draw; a new figure if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes.

    Raises:
        InputError: no such pairs, an unknown unit.
    """
    factor = per_nat(unit)
    pairs = named_planes(planes)
    names = list(dict.fromkeys(name for _, plane in pairs for name in layers_of(plane)))
    styles = dict(zip(names, looks(len(names)), strict=True))
    ax = axes_or_new(ax, min(12.0, 2.6 + 1.15 * max(len(pairs), 3)), 3.8)
    for group, (_, plane) in enumerate(pairs):
        each = falls(plane) * factor
        nulls = mean(np.atleast_2d(array(plane, "compression_null", unit))) if "compression_null" in plane else None
        middle, (low, high) = mean(each), interval(each)
        for k, name in enumerate(layers_of(plane)):
            x = group + 0.72 * ((names.index(name) + 0.5) / len(names) - 0.5)
            look = styles[name]
            ax.plot([x, x], [low[k], high[k]], color=look.colour, linewidth=1.6, zorder=3)
            ax.plot(x, middle[k], color=look.colour, marker=look.marker, markersize=6, zorder=4, linestyle="none")
            if nulls is not None:
                half = 0.3 / len(names)
                ax.plot([x - half, x + half], [nulls[k], nulls[k]], color=GREY, linewidth=1.3, zorder=2)
    labels = [_two_lines(label, 11) for label, _ in pairs]
    turned = max(len(line) for label in labels for line in label.splitlines()) > 13 or len(pairs) > 8
    ax.set_xticks(range(len(pairs)), labels, rotation=25 if turned else 0, ha="right" if turned else "center")
    for between in range(1, len(pairs)):
        ax.axvline(between - 0.5, color="0.88", linewidth=0.8, zorder=1)
    ax.set_xlim(-0.5, len(pairs) - 0.5)
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(f"fall of I(X;T) after its maximum  ({unit})")
    tidy(ax)
    if legend:
        shown = [key(name, look, linewidth=1.2) for name, look in styles.items()]
        null = (
            [key("same steps, shuffled", color=GREY, linewidth=1.3)]
            if any("compression_null" in p for _, p in pairs)
            else []
        )
        legend_beside(ax, [*shown, *null])
    return ax


def falls(plane: xr.Dataset) -> np.ndarray:
    """(seed, layer) falls, taken from the dataset or worked out; nats."""
    if "compression" in plane:
        return array(plane, "compression")
    values = array(plane, "mi_input")
    top = np.where(np.isfinite(values), values, -np.inf).max(axis=1)
    return np.where(np.isfinite(top), top, np.nan) - values[:, -1]


def depth(dataset: xr.Dataset, ax: Axes | None = None, *, legend: bool = True) -> Axes:
    """Epochs to full label information against the number of hidden layers, with intervals and the fitted line.

    Args:
        dataset: over ``hidden_layers``: ``epochs_to_full`` (nan: most networks never get there), ``_lower`` and
            ``_upper`` (nan: not within the training), and, if known, ``reached``, the share of networks that get
            there, and ``epochs_by_network``. Attributes ``slope``, ``intercept`` of ln(epochs) against depth,
            ``slope_lower``, ``slope_upper``, ``quantity``, where fitted.
        ax: where to draw; a new figure if None.
        legend: whether to put a legend in the Axes.

    Returns:
        The Axes. Depths without a number have an open triangle at the top.

    Raises:
        InputError: not such a table.
    """
    checked(dataset)
    ends = ("epochs_to_full", "epochs_to_full_lower", "epochs_to_full_upper")
    missing = [name for name in ("hidden_layers", *ends) if name not in dataset]
    if missing:
        raise InputError(
            f"depth needs a table over hidden_layers with {', '.join(ends)}; it lacks {', '.join(missing)}."
        )
    ax = axes_or_new(ax, 6.4, 3.8)
    hidden = dataset.hidden_layers.to_numpy().astype(float)
    middle, low, high = (dataset[name].to_numpy().astype(float) for name in ends)
    look = looks(3)[0]
    ax.set_yscale("log")
    entries = _draw_networks(ax, dataset, hidden)
    reaching = np.nan_to_num(np.maximum(np.stack([middle - low, high - middle]), 0.0))
    style = {"fmt": look.marker, "color": look.colour, "markersize": 7, "elinewidth": 1.6, "capsize": 3, "zorder": 4}
    ax.errorbar(hidden, middle, yerr=reaching, label="median of networks", **style)
    entries = [key("median, 95 % interval", look), *entries, *_draw_fit(ax, dataset, hidden[np.isfinite(middle)])]
    lost = hidden[~np.isfinite(middle)]
    if len(lost):
        above = {"marker": "^", "color": look.colour, "markerfacecolor": "none", "markersize": 8, "linestyle": "none"}
        ax.plot(lost, np.full(len(lost), 0.97), transform=ax.get_xaxis_transform(), **above)
        entries.append(key("median not reached", **above))
    shares = dataset.reached.to_numpy() if "reached" in dataset else np.full(len(hidden), np.nan)
    labels = [
        f"{int(h)}\n{100 * share:.0f} %" if np.isfinite(share) else f"{int(h)}"
        for h, share in zip(hidden, shares, strict=True)
    ]
    ax.xaxis.set_major_locator(FixedLocator(list(hidden)))
    ax.set_xticks(hidden, labels)
    ax.set_xlim(hidden.min() - 0.5, hidden.max() + 0.5)
    ax.set_xlabel("hidden layers" + ("; share of networks that get there" if np.isfinite(shares).any() else ""))
    ax.set_ylabel(_two_lines(str(dataset.attrs.get("quantity", "epochs to full I(T;Y)")), 40))
    _round_epochs(ax)
    tidy(ax)
    if legend:
        legend_beside(ax, entries)
    return ax


def _two_lines(text: str, longest: int) -> str:
    """A long label broken after the space or hyphen nearest to its middle."""
    breaks = [i + 1 for i, letter in enumerate(text) if letter in " -"]
    if len(text) <= longest or not breaks:
        return text
    at = min(breaks, key=lambda i: abs(i - len(text) / 2))
    return f"{text[:at].rstrip()}\n{text[at:]}"


def _draw_networks(ax: Axes, dataset: xr.Dataset, hidden: np.ndarray) -> list:
    """Single networks as pale dots beside the median."""
    if "epochs_by_network" not in dataset:
        return []
    times = dataset.epochs_by_network.transpose("seed", "hidden_layers").to_numpy().astype(float)
    beside = np.linspace(-0.13, 0.13, len(times)) if len(times) > 1 else np.zeros(1)
    spread = hidden[None] + beside[:, None]
    pale = {"marker": "o", "markersize": 3, "color": "0.7", "linestyle": "none", "zorder": 2}
    ax.plot(spread.ravel(), times.ravel(), **pale)
    return [key("one network", **pale)]


def _draw_fit(ax: Axes, dataset: xr.Dataset, hidden: np.ndarray) -> list:
    """The line exp(intercept + slope * depth) over the depths it was fitted to, and what a further layer does."""
    slope, start, low, high = (
        float(dataset.attrs.get(n, np.nan)) for n in ("slope", "intercept", "slope_lower", "slope_upper")
    )
    if not (np.isfinite(slope) and np.isfinite(start) and len(hidden)):
        return []
    line = {"color": looks(3)[1].colour, "linewidth": 1.5, "linestyle": (0, (6, 2)), "zorder": 3}
    ends = np.array([hidden.min(), hidden.max()])
    ax.plot(ends, np.exp(start + slope * ends), label="fit", **line)
    spread = f"\n({np.exp(low):.2g} to {np.exp(high):.2g})" if np.isfinite(low) and np.isfinite(high) else ""
    return [key(f"fit: × {np.exp(slope):.2g} a layer{spread}", **line)]


def _round_epochs(ax: Axes) -> None:
    """Ticks at 1, 2 and 5 times powers of ten: the range is often less than a decade, which would have no number."""
    low, high = ax.get_ylim()
    marks = [d * 10.0**k for k in range(-1, 9) for d in (1, 2, 5) if low <= d * 10.0**k <= high]
    if len(marks) > 7:
        marks = [mark for mark in marks if f"{mark:e}"[0] == "1"]
    ax.set_yticks(marks, [f"{mark:g}" for mark in marks])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
