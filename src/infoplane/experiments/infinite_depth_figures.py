"""The pictures of ``infinite-depth``: correlations through the layers, and what ensembles know against depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..plots.style import GREY, key, legend_beside, looks, new_figure, tidy
from ..plots.values import interval, mean
from .infinite_depth_claims import END, WHERE, WINDOW, at, log_time
from .value_tables import at_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SPREAD = 10.0  # nats: beyond it losses need a logarithmic axis
_FLOOR = 1e-13  # below it a distance is rounding


def kernels(table: xr.Dataset, nets: Mapping[str, xr.Dataset]) -> Figure:
    """Distances from the fixed point with the predicted decay, and the condition number of the tangent kernel."""
    figure = new_figure(10.5, 3.6)
    left, right = figure.subplots(1, 2)
    styles = dict(zip(nets, looks(len(nets)), strict=True))
    depths = table["depth"].to_numpy()
    for name in table["net"].to_numpy():
        middle = table["distance"].sel(net=name).mean("seed").to_numpy()
        shown = middle > _FLOOR
        look = {"color": styles[name].colour, "marker": styles[name].marker, "markersize": 4, "markevery": 8}
        left.plot(depths[shown], middle[shown], linewidth=1.4, **look)
        _predicted(left, depths, middle, float(table["slope_limit"].sel(net=name)))
    left.set_xlim(0, 80)
    left.set_yscale("log")
    left.set_xlabel("hidden layers")
    left.set_ylabel("distance of correlations from c*  (log scale)")
    for name, one in nets.items():
        _band(right, one["depth"].to_numpy(), one["condition"].transpose("seed", "depth").to_numpy(), styles[name])
    right.set_yscale("log")
    right.set_xlabel("hidden layers")
    right.set_ylabel("condition number of T  (log scale)")
    for ax in (left, right):
        tidy(ax)
    line = {"color": GREY, "linestyle": ":", "linewidth": 1.2}
    legend_beside(right, [*(key(_shown(n), look) for n, look in styles.items()), key("predicted rate", **line)])
    return figure


def _predicted(ax: Axes, depths: np.ndarray, middle: np.ndarray, slope: float) -> None:
    """A line of the predicted rate through the middle of the window."""
    inside = np.flatnonzero((middle < WINDOW[1]) & (middle > WINDOW[0]))
    if slope > 1.0 - 1e-6 or not inside.size:
        return
    anchor = inside[len(inside) // 2]
    line = middle[anchor] * slope ** (depths[inside] - depths[anchor])
    ax.plot(depths[inside], line * 3.0, color=GREY, linestyle=":", linewidth=1.2)


def against_depth(nets: Mapping[str, xr.Dataset]) -> Figure:
    """Six quantities of one activation."""
    figure = new_figure(11.8, 5.4)
    grid = figure.subplots(2, 3, sharex=True)
    styles = dict(zip(nets, looks(len(nets)), strict=True))
    panels = (
        ("I(X;Z|D), lower, at τ = 1  (nats)", lambda one: at(one, "mi_input_lower", 1.0)),
        ("I(X;Z|D), lower, at the end  (nats)", lambda one: at(one, "mi_input_lower", END)),
        ("I(Z;Y|D), lower, at best  (nats)", lambda one: at_best(one, "mi_target", *WHERE)),
        ("Gibbs loss, test, at best  (nats)", lambda one: at_best(one, "loss_gibbs", *WHERE)),
        ("log₁₀ of the time to learn τ", log_time),
        _parameters(nets),
    )
    for ax, (label, values) in zip(grid.flat, panels, strict=True):
        for name, one in nets.items():
            _band(ax, one["depth"].to_numpy(), values(one), styles[name])
        ax.set_ylabel(label)
        tidy(ax)
    wide = max(float(at_best(one, "loss_gibbs", *WHERE).max()) for one in nets.values()) > _SPREAD
    for ax in (grid[1, 2], *([grid[1, 0]] if wide else [])):
        ax.set_yscale("log")
        ax.set_ylabel(ax.get_ylabel().replace("(nats)", "(nats, log)"))
    for ax in grid[1]:
        ax.set_xlabel("hidden layers")
    legend_beside(grid[0, 2], [key(_shown(name), look) for name, look in styles.items()])
    return figure


def _parameters(nets: Mapping[str, xr.Dataset]) -> tuple:
    """I(Theta;D) where it is bounded, and its linearised part under that name where not."""
    whole = all("mi_parameters_data" in one["quantity"] for one in nets.values())
    name = "mi_parameters_data" if whole else "mi_parameters_data_linearised"
    return f"I(Θ;D), {'upper' if whole else 'linearised'}, at τ = 1  (nats)", lambda one: at(one, name, 1.0)


def _shown(name: str) -> str:
    return name.replace("relu", "ReLU")


def _band(ax: Axes, depths: np.ndarray, values: np.ndarray, look) -> None:
    low, high = interval(values)
    ax.fill_between(depths, low, high, color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(depths, mean(values), color=look.colour, marker=look.marker, markersize=4)
