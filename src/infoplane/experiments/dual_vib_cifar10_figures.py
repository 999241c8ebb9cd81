"""The pictures of ``dual-vib-cifar10``: those of ``variational-plane``, and what training to the end costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..plots.style import GREY, colour_map, key, legend_beside, new_figure, tidy
from .variational_plane_figures import figures_of as common_figures
from .variational_plane_orders import betas, held_out, names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS = {"mi_target": "I(Z;Y), lower  (nats)", "accuracy": "accuracy"}


def figures_of(plane: xr.Dataset) -> dict[str, Figure]:
    """By file name."""
    return common_figures(plane) | {"training": training(plane)}


def training(plane: xr.Dataset) -> Figure:
    """What is shown of I(Z;Y), and accuracy, over epochs on both parts; a column an objective, a colour a beta."""
    models = held_out(plane)
    found = names(plane)
    figure = new_figure(11.2, 5.0)
    grid = figure.subplots(len(_ROWS), len(found), sharex=True, sharey="row", squeeze=False)
    shades = [colour_map()(shade) for shade in np.linspace(0.0, 0.95, max(len(betas(models, name)) for name in found))]
    for column, name in enumerate(found):
        for row, variable in enumerate(_ROWS):
            ax = grid[row, column]
            for beta, shade in zip(betas(models, name), shades, strict=False):
                course = plane[variable].sel(objective=name, beta=beta).mean("seed")
                for part, line in (("test", "-"), ("train", ":")):
                    values = course.sel(split=part)
                    ax.plot(plane.epoch, values, line, color=shade, linewidth=1.2)
            ax.set_xticks(plane.epoch.values)
            tidy(ax)
        grid[0, column].set_title(name, fontsize="medium")
        grid[0, column].axhline(plane.attrs["entropy_target_test"], color=GREY, linestyle="--", linewidth=1.0)
        grid[-1, column].set_xlabel("epoch")
    for row, label in enumerate(_ROWS.values()):
        grid[row, 0].set_ylabel(label)
    entries = [key(_betas(models, found, rank), color=shade) for rank, shade in enumerate(shades)]
    entries += [key("test", color=GREY), key("training images", color=GREY, linestyle=":")]
    legend_beside(grid[0, -1], [*entries, key("H(Y)", color=GREY, linestyle="--", linewidth=1.0)])
    return figure


def _betas(models: xr.Dataset, found: list[str], rank: int) -> str:
    """A rank of the trade-offs in words: objectives that share a beta stand together."""
    whose: dict[float, list[str]] = {}
    for name in found:
        whose.setdefault(float(betas(models, name)[rank]), []).append(name)
    if len(whose) == 1:
        return f"beta {next(iter(whose)):g}"
    return "; ".join(f"beta {beta:g}, {' and '.join(some)}" for beta, some in whose.items())
