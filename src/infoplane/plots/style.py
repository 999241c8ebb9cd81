"""What all pictures share: colours, markers, units, labels, axes over epochs.

Colours come from viridis, whose luminance rises all along: they stay apart in grey and for every kind of colour vision.
Markers say the same once more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, SymLogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from ..errors import InputError, nearest

MARKERS = ("o", "s", "^", "D", "v", "p", "<", "h", ">", "8", "P", "X", "*", "d", "H")
GREY = "0.45"
_LIGHTEST = 0.9  # the last tenth of viridis is too pale on white paper
_PER_NAT = {"bits": 1 / math.log(2), "nats": 1.0}


class Look(NamedTuple):
    """Colour and marker of one layer or one run."""

    colour: tuple[float, float, float, float]
    marker: str


def per_nat(unit: str) -> float:
    """What a value in nats is multiplied by.

    Raises:
        InputError: a unit other than "bits" and "nats".
    """
    if unit not in _PER_NAT:
        raise InputError(f"A plot's unit is 'bits' or 'nats', got {unit!r}; {nearest(str(unit), _PER_NAT)}")
    return _PER_NAT[unit]


def colour_map() -> ListedColormap:
    """Viridis without its palest tenth."""
    whole = matplotlib.colormaps["viridis"]
    return ListedColormap(whole(np.linspace(0, _LIGHTEST, 256)), name="viridis on paper")


def looks(count: int) -> list[Look]:
    """Colours from dark to light and markers for ``count`` layers or runs, in their order."""
    shades = colour_map()(np.linspace(0, 1, count) if count > 1 else [0.0])
    whole = [(float(r), float(g), float(b), float(a)) for r, g, b, a in shades]
    return [Look(shade, MARKERS[k % len(MARKERS)]) for k, shade in enumerate(whole)]


def nested_sizes(count: int, largest: float = 12.0, smallest: float = 6.0) -> list[float]:
    """Marker sizes from large to small, so that what stands on one spot shows one around the other; points."""
    return [float(size) for size in np.linspace(largest, smallest, count)] if count > 1 else [smallest]


def new_figure(width: float, height: float) -> Figure:
    """A figure that no global list knows of; inches."""
    return Figure(figsize=(width, height), layout="constrained", dpi=150)


def axes_or_new(ax: Axes | None, width: float = 6.2, height: float = 4.0) -> Axes:
    """The Axes given, or one in a figure of its own.

    Raises:
        InputError: something that is no Axes.
    """
    if ax is None:
        return new_figure(width, height).add_subplot()
    if not isinstance(ax, Axes):
        raise InputError(f"ax must be a matplotlib Axes or None, got {type(ax).__name__}; pass ax=axes[0, 0], say.")
    return ax


def figure_holding(ax: Axes) -> Figure | SubFigure:
    """The figure or part of one that an Axes is in."""
    figure = ax.figure
    assert isinstance(figure, Figure | SubFigure)
    return figure


def tidy(ax: Axes, *, right: bool = False) -> None:
    """Leave out the frame's lines that carry nothing."""
    ax.spines["top"].set_visible(False)
    ax.spines["right"].set_visible(right)


def epoch_axis(ax: Axes, epochs: np.ndarray) -> None:
    """Epochs on a logarithmic axis; linear below 1 where there is a checkpoint 0, the untrained network."""
    if epochs.min() < 1:
        ax.set_xscale("symlog", linthresh=1, linscale=0.35)
        ax.set_xlim(-0.12, max(float(epochs.max()), 1.0) * 1.15)
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.set_xscale("log")
    ax.set_xlabel("epoch (log scale)")


def epoch_norm(epochs: np.ndarray) -> SymLogNorm:
    """Epochs to [0, 1], logarithmic above 1, so that epoch 0 has a place."""
    return SymLogNorm(linthresh=1, linscale=0.3, base=10, vmin=float(epochs.min()), vmax=max(float(epochs.max()), 1.0))


def legend_beside(ax: Axes, handles: Sequence[Any], title: str | None = None, *, beyond: float = 0.0) -> None:
    """A legend to the right of the Axes, where it hides no data; constrained layout makes room for it.

    Args:
        ax: beside which.
        handles: its entries.
        title: above them.
        beyond: inches further to the right, where an axis has its numbers there.
    """
    beside = ax.legend(
        handles=list(handles),
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        bbox_transform=ax.transAxes + ScaledTranslation(beyond, 0.0, figure_holding(ax).dpi_scale_trans),
        borderaxespad=0.0,
        frameon=False,
        fontsize="small",
        title=title,
        title_fontsize="small",
        alignment="left",
    )
    beside.set_zorder(10)


def key(label: str, look: Look | None = None, **settings: Any) -> Line2D:
    """An entry of a legend."""
    shown = {} if look is None else {"color": look.colour, "marker": look.marker, "markersize": 5.5}
    return Line2D([], [], label=label, **{"linewidth": 1.6, **shown, **settings})
