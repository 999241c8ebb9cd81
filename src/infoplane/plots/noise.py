"""Bounds on the information of a layer plus noise, against the size of the noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .style import GREY, axes_or_new, key, legend_beside, looks, new_figure, per_nat, tidy
from .values import checked, epochs_of, layers_of, mean, nearest_epoch

_NAMES = {"mi_input": "I(X; T + noise)", "mi_target": "I(T + noise; Y)"}


def against_noise(
    dataset: xr.Dataset,
    layer: str,
    ax: Axes | None = None,
    *,
    which: str = "mi_input",
    epochs: Sequence[float] | None = None,
    unit: str = "bits",
    legend: bool = True,
) -> Axes:
    """The mean interval over networks of one layer's information, as a band a checkpoint.

    Args:
        dataset: as :func:`infoplane.plane.noise_sweep` gives it.
        layer: name.
        ax: where to draw; a new figure if None.
        which: "mi_input" or "mi_target".
        epochs: the nearest checkpoints are drawn; the first, the middle and the last if None.
        unit: "bits" or "nats".
        legend: whether to put a legend beside the Axes.

    Returns:
        The Axes. Lines are the mean lower and upper bounds, the dashed line the ceiling; bounds that pass it, or 0, are
        cut by the frame.

    Raises:
        InputError: no such dataset, layer or quantity, an unknown unit.
    """
    factor = per_nat(unit)
    _check(dataset, layer, which)
    ax = axes_or_new(ax, 5.6, 3.6)
    here, sigmas = dataset.sel(layer=layer), dataset["sigma"].to_numpy()
    positions, entries = _positions(dataset, epochs), []
    for position, look in zip(positions, looks(len(positions)), strict=True):
        now = here.isel(epoch=position)
        low, high = (mean(_over_seeds(now[f"{which}_{end}"])) * factor for end in ("lower", "upper"))
        label = f"epoch {epochs_of(dataset)[position]:g}"
        ax.fill_between(sigmas, low, high, color=look.colour, alpha=0.25, linewidth=0, zorder=2)
        for values in (low, high):
            ax.plot(sigmas, values, color=look.colour, linewidth=1.2, zorder=3, label=label)
        entries.append(key(label, color=look.colour, linewidth=4, alpha=0.6))
    most = dataset.attrs.get(f"ceiling_{which}")
    if most is not None:
        ax.axhline(float(most) * factor, color=GREY, linewidth=0.9, linestyle=(0, (5, 3)), zorder=1)
        ax.set_ylim(-0.03 * float(most) * factor, 1.08 * float(most) * factor)
    ax.set_xscale("log")
    ax.set_xlabel("sigma / std(T)" if dataset.attrs.get("relative") else "sigma of the noise")
    ax.set_ylabel(f"{_NAMES[which]}  ({unit})")
    tidy(ax)
    if legend:
        legend_beside(ax, entries, "lower to upper bound")
    return ax


def noise_panels(
    runs: Mapping[str, xr.Dataset],
    layers: Sequence[str],
    *,
    which: str = "mi_input",
    epochs: Sequence[float] | None = None,
    unit: str = "bits",
) -> Figure:
    """A row a run, a column a layer, drawn by :func:`against_noise`.

    Args:
        runs: sweeps by title, with the same checkpoints.
        layers: names that all of them have.
        which, epochs, unit: as for :func:`against_noise`.

    Raises:
        InputError: no runs or layers, or what :func:`against_noise` refuses.
    """
    if not runs or not len(layers):
        raise InputError("noise_panels needs at least one run and one layer.")
    figure = new_figure(2.1 * len(layers) + 1.9, 2.2 * len(runs) + 0.4)
    grid = figure.subplots(len(runs), len(layers), sharex=True, sharey=True, squeeze=False)
    for j, (title, dataset) in enumerate(runs.items()):
        for k, layer in enumerate(layers):
            corner = j == 0 and k == len(layers) - 1
            ax = against_noise(dataset, layer, grid[j, k], which=which, epochs=epochs, unit=unit, legend=corner)
            ax.set_ylabel("" if k else f"{title}\n{_NAMES[which]}  ({unit})")
            if j == 0:
                ax.set_title(layer, fontsize="medium")
            if j < len(runs) - 1:
                ax.set_xlabel("")
    return figure


def _positions(dataset: xr.Dataset, epochs: Sequence[float] | None) -> list[int]:
    count = dataset.sizes["epoch"]
    if epochs is None:
        return sorted({0, count // 2, count - 1})
    return sorted({nearest_epoch(dataset, epoch) for epoch in epochs})


def _over_seeds(values: xr.DataArray) -> np.ndarray:
    """(seed, sigma) numbers."""
    values = values if "seed" in values.dims else values.expand_dims("seed")
    return values.transpose("seed", "sigma").to_numpy().astype(np.float64)


def _check(dataset: xr.Dataset, layer: str, which: str) -> None:
    if which not in _NAMES:
        raise InputError(f"against_noise draws 'mi_input' or 'mi_target', got {which!r}.")
    found = checked(dataset)
    ends = [f"{which}_lower", f"{which}_upper"]
    missing = [name for name in (*ends, "sigma") if name not in found.variables]
    if missing:
        raise InputError(
            f"against_noise needs what infoplane.plane.noise_sweep gives; this lacks {', '.join(missing)}."
        )
    if layer not in layers_of(dataset):
        raise InputError(
            f"against_noise needs a layer of this dataset, {', '.join(layers_of(dataset))}, got {layer!r}."
        )
