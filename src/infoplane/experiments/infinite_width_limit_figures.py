"""The pictures of ``infinite-width-limit``: distances from the infinite networks against width, with their powers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.ticker import NullFormatter, ScalarFormatter

from ..plots.style import GREY, Look, key, legend_beside, looks, new_figure, tidy
from ..plots.values import interval, mean
from .infinite_width_limit_claims import QUANTITIES, relative, shift

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES = {-0.5: ":", -0.75: "-.", -1.0: "--"}
_POWERS = {-0.5: "width$^{-1/2}$", -0.75: "width$^{-3/4}$", -1.0: "width$^{-1}$"}


def kernels(tables: Mapping[str, xr.Dataset]) -> Figure:
    """One network's kernels above, and below the mean over networks, open markers where it is not told from noise."""
    figure = new_figure(9.6, 6.4)
    grid = figure.subplots(2, 2, sharex=True, sharey="row")
    styles = dict(zip(tables, looks(len(tables)), strict=True))
    for column, (kind, letter) in enumerate((("nngp", "K"), ("ntk", "T"))):
        for name, one in tables.items():
            widths = one["width"].to_numpy()
            _band(grid[0, column], widths, _over_seeds(one[f"error_{kind}"]), styles[name])
            _shift(
                grid[1, column],
                widths,
                one[f"shift_{kind}"].transpose("width", "seed", "pair").to_numpy(),
                styles[name],
            )
        _axes(grid[0, column], f"error of {letter} of one network  (relative, log)", -0.5)
        _axes(grid[1, column], f"error of the mean of {letter}  (relative, log)", -1.0)
        grid[1, column].set_xlabel("width  (log scale)")
    _legend(grid[0, 1], styles, (-0.5, -1.0), seen=True)
    return figure


def training(tables: Mapping[str, xr.Dataset]) -> Figure:
    """At the end of training: single networks, mean, covariance and drift."""
    figure = new_figure(9.6, 6.4)
    grid = figure.subplots(2, 2, sharex=True)
    styles = dict(zip(tables, looks(len(tables)), strict=True))
    for name, one in tables.items():
        widths, look = one["width"].to_numpy(), styles[name]
        last = one.isel(time=-1)
        _band(grid[0, 0], widths, _over_seeds(last["twin"]), look)
        _band(grid[0, 1], widths, _over_seeds(last["drift"]), look)
        _shift(grid[1, 0], widths, relative(one, "mean", -1), look)
        _shift(grid[1, 1], widths, relative(one, "covariance", -1), look)
    _axes(grid[0, 0], "distance from the twin  (log)", -0.5)
    _axes(grid[0, 1], "drift of T  (relative, log)", -1.0, -0.75)
    _axes(grid[1, 0], "error of the mean  (relative, log)", -1.0)
    _axes(grid[1, 1], "error of the covariance  (relative, log)", -1.0)
    for ax in grid[1]:
        ax.set_xlabel("width  (log scale)")
    _legend(grid[0, 1], styles, (-0.5, -0.75, -1.0), seen=True)
    return figure


def information(tables: Mapping[str, xr.Dataset]) -> Figure:
    """Errors of quantities that are computed from one network's kernels, at the last time."""
    figure = new_figure(12.4, 5.8)
    grid = figure.subplots(2, 3, sharex=True)
    styles = dict(zip(tables, looks(len(tables)), strict=True))
    for ax, (name, label) in zip(grid.flat, QUANTITIES.items(), strict=True):
        for net, one in tables.items():
            found = one["information_error"].sel(quantity=name).isel(time=-1).dropna("width")
            _band(ax, found["width"].to_numpy(), _over_seeds(found), styles[net])
        _axes(ax, f"{label}  ({'nats, ' * name.startswith(('mi', 'loss'))}log)", -0.5)
    for ax in grid[1]:
        ax.set_xlabel("width  (log scale)")
    figure.suptitle("Error from the kernels of one random network, at the last time", fontsize="medium")
    _legend(grid[0, 2], styles, (-0.5,))
    return figure


def _over_seeds(values: xr.DataArray) -> np.ndarray:
    """(seed, width)."""
    return values.transpose("seed", "width").to_numpy()


def _band(ax: Axes, widths: np.ndarray, values: np.ndarray, look: Look) -> None:
    low, high = interval(values)
    ax.fill_between(widths, low, high, color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(widths, mean(values), color=look.colour, marker=look.marker, markersize=5)


def _shift(ax: Axes, widths: np.ndarray, values: np.ndarray, look: Look) -> None:
    """Filled and joined where the mean stands out of its noise, with the noise as error; elsewhere the noise, open."""
    found = shift(values)
    seen = found.seen
    reach = np.minimum(found.noise, 0.95 * np.nan_to_num(found.size))
    ax.errorbar(
        widths[seen], found.size[seen], np.stack([reach, found.noise])[:, seen],
        color=look.colour, marker=look.marker, markersize=5, linewidth=1.4, elinewidth=1.0,
    )  # fmt: skip
    ax.plot(
        widths[~seen], found.noise[~seen], linestyle="none", marker=look.marker, markersize=5,
        markerfacecolor="none", markeredgecolor=look.colour, alpha=0.7,
    )  # fmt: skip


def _axes(ax: Axes, label: str, *powers: float) -> None:
    """Logarithmic axes with lines of the powers above what is drawn."""
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    drawn = [
        line for line in ax.get_lines() if line.get_linestyle() not in ("None", "none") and np.size(line.get_xdata())
    ]
    if drawn:
        widths = np.unique(np.concatenate([np.asarray(line.get_xdata(), float) for line in drawn]))
        for power in powers:
            scale = max(
                float(np.nanmax(np.asarray(line.get_ydata(), float) * np.asarray(line.get_xdata(), float) ** -power))
                for line in drawn
            )
            ax.plot(widths, 1.5 * scale * widths**power, color=GREY, linestyle=_DASHES[power], linewidth=1.2)
    ax.set_ylabel(label)
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    tidy(ax)


def _legend(ax: Axes, styles: Mapping[str, Look], powers: tuple[float, ...], seen: bool = False) -> None:
    entries = [key(_shown(name), look) for name, look in styles.items()]
    entries += [key(_POWERS[p], color=GREY, linestyle=_DASHES[p], linewidth=1.2) for p in powers]
    if seen:
        open_marker: dict[str, Any] = {"color": GREY, "marker": "o", "markerfacecolor": "none", "linestyle": "none"}
        entries.append(key("noise, where nothing\nstands out of it", **open_marker))
    legend_beside(ax, entries)


def _shown(name: str) -> str:
    kind, depth = name.rsplit("-", 1)
    layers = "1 hidden layer" if depth == "1" else f"{depth} hidden layers"
    return f"{kind.replace('conv-relu', 'conv. ReLU').replace('relu', 'ReLU')}, {layers}"
