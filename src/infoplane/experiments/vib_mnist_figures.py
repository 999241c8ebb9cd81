"""The picture of ``vib-mnist``: error and bounds over training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..plots.style import epoch_axis, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RATES = {
    "rate": "rate, bounds I(X;Z)",
    "rate_mixture": "mixture's rate, bounds I(X;Z)",
    "rate_conditional": "conditional rate, bounds I(X;Z|Y)",
}


def over_training(plane: xr.Dataset) -> Figure:
    """Test error, what is known of the label, and the rates, over epochs; a line a network."""
    here = plane.isel(objective=0, beta=0)
    figure = new_figure(11.0, 3.4)
    left, middle, right = figure.subplots(1, 3)
    for name, style in (("train", "--"), ("test", "-")):
        part = here.sel(split=name)
        _lines(left, part.epoch, 100 * (1 - part.accuracy), style, "C0", name)
        _lines(middle, part.epoch, part.mi_target, style, "C0", name)
    left.set_yscale("log")
    left.set_ylabel("error, 12 draws averaged (%)")
    middle.axhline(plane.attrs["entropy_target_test"], color="0.5", linewidth=0.8)
    middle.annotate("H(Y)", (1.0, plane.attrs["entropy_target_test"]), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", fontsize="small", color="0.4")  # fmt: skip
    middle.set_ylabel("I(Z;Y), lower bound (nats)")
    test = here.sel(split="test")
    for k, (name, label) in enumerate(_RATES.items()):
        _lines(right, test.epoch, test[name], "-", f"C{k}", label)
    right.set_yscale("log")
    right.set_ylabel("rates, test (nats)")
    for ax in (left, middle, right):
        epoch_axis(ax, plane.epoch.values)
        ax.set_xlabel("epoch")
        ax.legend(frameon=False, fontsize="small")
        tidy(ax)
    return figure


def _lines(ax: Axes, epochs: xr.DataArray, values: xr.DataArray, style: str, colour: str, label: str) -> None:
    for k, one in enumerate(np.asarray(values.transpose("seed", "epoch"))):
        ax.plot(epochs, one, style, color=colour, label=label if k == 0 else None, linewidth=1.2)
