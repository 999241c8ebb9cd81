"""The pictures of ``variational-plane``: three planes, orders at equal rate, bounds beside one another, predictions."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ..plots.style import GREY, colour_map, key, legend_beside, looks, new_figure, tidy
from ..plots.values import interval
from ..plots.variational import plain_log, variational_plane
from .variational_plane_orders import AXES, betas, between, held_out, names, of
from .verdicts import mean_over_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INPUT = {"rate": "rate, m(z) = N(0, I)", "rate_mixture": "rate, m(z) the classes' mixture"}
_TARGET = {
    "own": "classifier or read-out of the fit",
    "generative": "classes' laws b(z|y)",
    "common": "one network for all",
}
_SHORT = {
    "conditional": "conditional rate, bounds I(X;Z|Y)  (nats)",
    "marginal": "rate, bounds I(X;Z)  (nats)",
    "sandwich": "I(X;Z), without a prior  (nats)",
}


def figures_of(plane: xr.Dataset) -> dict[str, Figure]:
    """By file name."""
    models = held_out(plane)
    return {
        "planes": planes(models),
        "orders": orders(models),
        "bounds": bounds(models),
        "predictions": predictions(plane),
    }


def planes(models: xr.Dataset) -> Figure:
    """I(Z;Y), the largest lower bound, against the honest rate, the sandwiched I(X;Z), and the conditional rate."""
    figure = new_figure(12.6, 3.7)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    variational_plane(models, left, legend=False)
    left.set_title("the smaller marginal rate", fontsize="medium")
    if np.isfinite(models.mi_sandwich).any():
        variational_plane(models.assign(mi_input=models.mi_sandwich), middle, legend=False)
    else:  # as in short runs, whose few images cannot tell so many nats
        middle.text(0.5, 0.5, "bounds too far apart", transform=middle.transAxes, ha="center", color=GREY)
        middle.set_xticks([])
        tidy(middle)
    middle.set_xlabel("I(X;Z), between bounds without a prior  (nats, log scale)")
    middle.set_title("no prior", fontsize="medium")
    variational_plane(models, right, against="conditional", legend=False)
    right.set_title("the conditional rate: not I(X;Z)", fontsize="medium")
    for ax in (middle, right):
        ax.set_ylabel("")
    entries = [key(name, look) for name, look in zip(names(models), looks(len(names(models))), strict=True)]
    entries += [key("H(Y)", color=GREY, linestyle="--", linewidth=1.0)]
    entries += [key("I(Z;Y) = I(X;Z)", color=GREY, linewidth=1.0)]
    legend_beside(right, entries)
    return figure


def orders(models: xr.Dataset) -> Figure:
    """Differences of I(Z;Y) at equal rate; bands are 95 % Student intervals over seeds."""
    figure = new_figure(12.6, 3.5)
    row = figure.subplots(1, 3, sharey=True)
    pairs = [(one, other) for other, one in itertools.combinations(names(models), 2)]
    styles = looks(len(pairs))
    for ax, axis in zip(row, AXES, strict=True):
        for (one, other), look in zip(pairs, styles, strict=True):
            found = between(models, one, other, axis)
            middle = found.values.mean(axis=0)
            low, high = _student(found.values)
            ax.fill_between(found.rates, low, high, color=look.colour, alpha=0.2, linewidth=0)
            ax.plot(found.rates, middle, color=look.colour, marker=look.marker, markersize=4, markevery=4)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
        low, high = ax.get_xlim()
        drawn = np.isfinite(ax.dataLim.intervalx).all()  # not where no rate is common to two curves
        if drawn and high > 5.0 * low:  # a part of a decade has few round numbers
            ax.set_xscale("log")
            plain_log(ax.xaxis)
        ax.set_xlabel(_SHORT[axis])
        tidy(ax)
    row[0].set_ylabel("difference of I(Z;Y) at equal rate  (nats)")
    legend_beside(row[-1], [key(f"{one} less {other}", look)
                            for (one, other), look in zip(pairs, styles, strict=True)])  # fmt: skip
    return figure


def bounds(models: xr.Dataset) -> Figure:
    """Above: rates beside the interval that needs no prior. Below: three lower bounds of I(Z;Y). Over beta."""
    found = names(models)
    figure = new_figure(11.6, 5.6)
    grid = figure.subplots(2, len(found), sharey="row", squeeze=False)
    shades = [colour_map()(shade) for shade in (0.0, 0.5, 0.95)]
    marks = ("o", "s", "^")
    ceiling = float(np.log(models.attrs["n_encoders"]))
    for column, name in enumerate(found):
        at = betas(models, name)
        top, bottom = grid[:, column]
        ends = [of(models, name, f"sandwich_{end}").mean(axis=0) for end in ("lower", "upper")]
        top.fill_between(at, *ends, color="0.8", linewidth=0)
        top.plot(at, ends[0], color="0.5", linewidth=0.8)
        top.plot(at, ends[1], color="0.5", linewidth=0.8)
        top.axhline(ceiling, color=GREY, linestyle=":", linewidth=1.0)
        for shade, mark, variable in zip(shades, marks, _INPUT, strict=False):
            _over_beta(top, at, of(models, name, variable), color=shade, marker=mark)
        for shade, mark, variable in zip(shades, marks, _TARGET, strict=True):
            _over_beta(bottom, at, of(models, name, variable), color=shade, marker=mark)
        bottom.axhline(models.attrs["entropy_target_test"], color=GREY, linestyle="--", linewidth=1.0)
        top.set_title(name, fontsize="medium")
        bottom.set_xlabel("beta")
        top.set_yscale("log")
        plain_log(top.yaxis)
        for ax in (top, bottom):
            ax.set_xscale("log")
            plain_log(ax.xaxis)
            tidy(ax)
    grid[0, 0].set_ylabel("I(X;Z), test  (nats)")
    grid[1, 0].set_ylabel("I(Z;Y), lower, test  (nats)")
    lines = [key(label, color=shade, marker=mark, markersize=5)
             for shade, mark, label in zip(shades, marks, _INPUT.values(), strict=False)]  # fmt: skip
    between_ends = key("between bounds without a prior", color="0.8", linewidth=6)
    legend_beside(grid[0, -1], [*lines, between_ends, key("ln n, the lower one's ceiling", color=GREY, linestyle=":")])
    lines = [key(label, color=shade, marker=mark, markersize=5)
             for shade, mark, label in zip(shades, marks, _TARGET.values(), strict=True)]  # fmt: skip
    legend_beside(grid[1, -1], [*lines, key("H(Y)", color=GREY, linestyle="--", linewidth=1.0)])
    return figure


def predictions(plane: xr.Dataset) -> Figure:
    """Accuracy and calibration over the honest rate, on both parts."""
    last = plane.isel(epoch=-1)
    figure = new_figure(10.6, 3.6)
    left, right = figure.subplots(1, 2)
    styles = dict(zip(names(plane), looks(len(names(plane))), strict=True))
    for part, line in (("test", "-"), ("train", ":")):
        models = last.sel(split=part)
        for name, look in styles.items():
            rates = of(models, name, "mi_input").mean(axis=0)
            settings: dict[str, Any] = {"color": look.colour, "linestyle": line, "linewidth": 1.1}
            if part == "test":
                settings |= {"marker": look.marker, "markersize": 4.5}
            _over_beta(left, rates, 100 * (1 - of(models, name, "accuracy")), **settings)
            _over_beta(right, rates, of(models, name, "calibration_error"), **settings)
    left.set_ylabel("error, 12 draws averaged  (%)")
    right.set_ylabel("expected calibration error")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_yscale("log")
        for axis in (ax.xaxis, ax.yaxis):
            plain_log(axis)
        ax.set_xlabel("rate, bounds I(X;Z)  (nats)")
        tidy(ax)
    entries = [key(name, look) for name, look in styles.items()]
    entries += [key("test", color=GREY), key("training images", color=GREY, linestyle=":")]
    legend_beside(right, entries)
    return figure


def _over_beta(ax: Axes, at: np.ndarray, values: np.ndarray, **settings: Any) -> None:
    """A line through means over seeds, with bars of their 95 % interval."""
    settings = {"markersize": 4.5, "linewidth": 1.1, **settings}
    ax.plot(at, values.mean(axis=0), **settings)
    low, high = interval(values)
    ax.vlines(at, low, high, color=settings["color"], linewidth=0.9)


def _student(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = [mean_over_seeds(column) for column in values.T]
    return np.array([one.lower for one in found]), np.array([one.upper for one in found])
