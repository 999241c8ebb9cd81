"""Heat maps of calibrations and benchmarks: the bias of an estimator on laws with known mutual information."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch, Rectangle
from matplotlib.transforms import ScaledTranslation

from ..calibration.tables import cells, number
from ..calibration.verdicts import checked
from ..errors import InputError
from .style import GREY, axes_or_new, figure_holding, new_figure, per_nat

_STEPS = (0.05, 0.1, 0.2, 0.5, 1.0)  # nats; within the first is white
_PALE = "0.93"
_CELL = (0.52, 0.29)  # inches a cell


def calibration(dataset: xr.Dataset, ax: Axes | None = None, *, unit: str = "nats", legend: bool = True) -> Axes:
    """The bias of one estimator at one size, a row a law, a column a true mutual information.

    Every cell has its number: in brackets where half of the estimates or more carried a warning, a cross where the
    estimator refused, a black frame where estimates without a warning have intervals that hold the truth in fewer than
    85 % of the repetitions: there it errs and does not say so.

    Args:
        dataset: of ``calibrate``, or of a benchmark with one estimator, dimension and n chosen.
        ax: where to draw; a new figure if None.
        unit: "nats", as estimates are printed, or "bits".
        legend: whether to draw the colour bar and the key.

    Returns:
        The Axes.

    Raises:
        InputError: no such dataset, several estimators, sizes or n, an unknown unit.
    """
    whole = checked(dataset)
    factor = per_nat(unit)
    for name in ("estimator", "dimension", "n"):
        if whole.sizes[name] != 1:
            first = whole[name].values.tolist()[0]
            raise InputError(f"This plot shows one {name}; choose one, as in dataset.sel({name}={first!r}).")
    estimator, dimension, n = (whole[name].values.tolist()[0] for name in ("estimator", "dimension", "n"))
    shown = cells(whole, estimator, dimension, n)
    height, width = shown["bias"].shape
    ax = axes_or_new(ax, max(_CELL[0] * width + 2.6, 6.6), max(_CELL[1] * height + 1.7, 3.4))
    _draw(ax, shown, factor)
    ax.set_title(f"{estimator}, {dimension}, n = {n:,}", fontsize="medium")
    ax.set_xlabel(f"true mutual information ({unit})")
    ax.set_ylabel(f"law  (bias in {unit})")
    if legend:
        figure = figure_holding(ax)
        _bar(figure, [ax], factor, unit, 1.0)
        below = ax.transAxes + ScaledTranslation(0.0, -0.5, figure.dpi_scale_trans)
        place = {"loc": "upper left", "bbox_to_anchor": (0.0, 0.0), "bbox_transform": below, "borderaxespad": 0.0}
        ax.legend(handles=_keys(), frameon=False, fontsize="small", **place)
    return ax


def calibration_panels(dataset: xr.Dataset, *, unit: str = "nats") -> Figure:
    """The same for all estimators side by side and all dimensions one below the other, at one n.

    Args:
        dataset: of a benchmark, one n chosen.
        unit: "nats" or "bits".

    Raises:
        InputError: no such dataset, several n, an unknown unit.
    """
    whole = checked(dataset)
    factor = per_nat(unit)
    if whole.sizes["n"] != 1:
        raise InputError(f"This plot shows one n; choose one, as in dataset.sel(n=[{whole['n'].values[0]}]).")
    n = int(whole["n"].values[0])
    names = [[str(v) for v in whole[d].values] for d in ("dimension", "estimator")]
    grid = [[cells(whole, estimator, dimension, n) for estimator in names[1]] for dimension in names[0]]
    rows = [k for k, row in enumerate(grid) if any(one["laws"] for one in row)]
    columns = [j for j in range(len(names[1])) if any(grid[k][j]["laws"] for k in rows)]
    wide = [max(len(grid[k][j]["mis"]) for k in rows) for j in columns]
    high = [max(len(one["laws"]) for one in grid[k]) for k in rows]
    figure = new_figure(
        max(_CELL[0] * sum(wide) + 0.25 * len(wide) + 1.6, 6.6), _CELL[1] * sum(high) + 0.4 * len(high) + 1.9
    )
    panels = figure.subplots(len(rows), len(columns), squeeze=False, width_ratios=wide, height_ratios=high)
    for (r, k), (c, j) in ((a, b) for a in enumerate(rows) for b in enumerate(columns)):
        ax, shown = panels[r, c], grid[k][j]
        if not shown["laws"]:
            ax.set_axis_off()
        else:
            _draw(ax, shown, factor)
            same = c > 0 and shown["laws"] == grid[k][columns[0]]["laws"]
            ax.tick_params(labelleft=not same)
        if r == 0:
            ax.set_title(_two_lines(names[1][j]), fontsize="medium")
        if c == 0:
            ax.set_ylabel(names[0][k].replace("+label ", "+label\n"), fontsize="medium")
    figure.align_ylabels(panels[:, 0])
    figure.suptitle(f"Bias at n = {n:,}, in {unit}; across: the true mutual information, in {unit}", fontsize="medium")
    _bar(figure, list(panels.flat), factor, unit, min(1.0, 4.0 / figure.get_figheight()))
    narrow = figure.get_figwidth() < 11
    figure.legend(
        handles=_keys(), loc="outside lower center", ncols=1 if narrow else 3, frameon=False, fontsize="small"
    )
    return figure


def _two_lines(name: str) -> str:
    """A long name broken after its first bracket, so that it stands over its own panel."""
    return name.replace("(", "(\n", 1) if len(name) > 18 else name


def _colours() -> ListedColormap:
    """Eleven steps from blue (too low) over white to red (too high)."""
    return ListedColormap(matplotlib.colormaps["RdBu_r"](np.linspace(0.08, 0.92, 2 * len(_STEPS) + 1)), name="bias")


def shade(bias: float) -> tuple[str, str]:
    """Colour of a cell with this bias in nats, and of the ink on it, as "#rrggbb"."""
    finite = float(np.clip(bias, -1e6, 1e6))
    return to_hex(_colours()(_norm(1.0)(finite))), "#ffffff" if abs(finite) > _STEPS[3] else "#000000"


def _norm(factor: float) -> BoundaryNorm:
    steps = np.array(_STEPS) * factor
    return BoundaryNorm([-1e9, *-steps[::-1], *steps, 1e9], 2 * len(_STEPS) + 1)


def _draw(ax: Axes, shown: dict[str, Any], factor: float) -> None:
    bias = shown["bias"] * factor
    bias = np.where(np.isinf(bias), np.sign(bias) * 1e6, bias)
    colours, norm = _colours(), _norm(factor)
    ax.set_facecolor("white")
    ax.pcolormesh(np.ma.masked_invalid(bias), cmap=colours, norm=norm, edgecolors="white", linewidth=1.0)
    for (row, column), value in np.ndenumerate(shown["bias"] * factor):
        place = (column + 0.5, row + 0.5)
        if np.isnan(value):
            if shown["asked"][row, column]:
                ax.add_patch(Rectangle((column, row), 1, 1, facecolor=_PALE, edgecolor="white"))
                ax.text(*place, "×", ha="center", va="center", color=GREY, fontsize=7.5)
            continue
        text = number(float(value), sign=True)
        text = f"({text})" if shown["warned"][row, column] else text
        dark = abs(value) > _STEPS[3] * factor
        ax.text(*place, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
        if shown["missed"][row, column]:
            frame = {"fill": False, "edgecolor": "black", "linewidth": 1.3, "zorder": 3}
            ax.add_patch(Rectangle((column + 0.03, row + 0.05), 0.94, 0.9, **frame))
    ax.set_xticks(np.arange(len(shown["mis"])) + 0.5, [f"{mi * factor:.3g}" for mi in shown["mis"]], fontsize=8)
    ax.set_yticks(np.arange(len(shown["laws"])) + 0.5, shown["laws"], fontsize=8)
    ax.set_ylim(len(shown["laws"]), 0)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def _bar(figure: Figure | SubFigure, axes: list[Axes], factor: float, unit: str, shrink: float) -> None:
    """The colour bar, to the right of all panels."""
    steps = np.array(_STEPS) * factor
    steps = np.array([*-steps[::-1], *steps])
    edges = [2 * steps[0], *steps, 2 * steps[-1]]
    scale = ScalarMappable(BoundaryNorm(edges, 2 * len(_STEPS) + 1), _colours())
    bar = figure.colorbar(scale, ax=axes, ticks=steps, spacing="uniform", pad=0.02, aspect=22, shrink=shrink)
    bar.set_label(f"mean estimate less truth ({unit})", fontsize="small")
    bar.ax.set_yticklabels([number(float(step), sign=True) for step in steps], fontsize=7.5)
    bar.ax.tick_params(length=0)
    bar.ax.tick_params(length=0, which="minor")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _keys() -> list[Patch]:
    framed = {"facecolor": "white", "edgecolor": "black", "linewidth": 1.3}
    return [
        Patch(**framed, label="no warning, yet over 15 % of the 95 % intervals miss the truth"),
        Patch(facecolor="white", edgecolor="white", label="(…) half of the estimates or more carry a warning"),
        Patch(facecolor=_PALE, edgecolor="white", label="× refused"),
    ]
