"""The phases of training as claims on one plane: fitting, compression, drift and diffusion of the gradients."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..plane import gradient_phases
from .base import Claim
from .verdicts import (
    BITS,
    Mean,
    all_of,
    compresses,
    compression,
    excess_compression,
    hidden,
    last_hidden,
    mean_over_seeds,
)


def fits(plane: xr.Dataset, layer: str, source: str, where: str = "") -> Claim:
    """Whether a layer gains label information.

    Args:
        plane: of an ensemble, summarised.
        layer: its name.
        source: of the statement.
        where: what the sentence names besides, such as " (binned)"; likewise below.
    """
    gain = mean_over_seeds(plane.fitting_gain.sel(layer=layer) * BITS)
    text = f"Fitting: {layer} gains information on the label{where}."
    return Claim(text, gain.above(0.0), {"gain of I(T;Y), bits": str(gain)}, source)


def falls(plane: xr.Dataset, layer: str, source: str, where: str = "") -> Claim:
    """Whether a layer's I(X;T) falls after its maximum."""
    excess = excess_compression(plane, layer)
    return Claim(
        f"Compression: I(X;T) of {layer} falls after its maximum{where}.",
        compresses(plane, layer),
        {"fall, bits": str(compression(plane, layer)), "fall above shuffled steps, bits": str(excess)},
        source,
    )


def every_layer_falls(plane: xr.Dataset, source: str, where: str = "") -> Claim:
    """Whether every hidden layer's I(X;T) falls after its maximum."""
    every = {name: (compression(plane, name), excess_compression(plane, name)) for name in hidden(plane)}
    return Claim(
        f"Every hidden layer compresses{where}.",
        all_of([compresses(plane, name) for name in every]),
        {f"{name}: fall, and above shuffled steps, bits": f"{a}, {b}" for name, (a, b) in every.items()},
        source,
    )


def longer_than_fitting(plane: xr.Dataset, layer: str, source: str, where: str = "") -> Claim:
    """Whether nine tenths of the fall take more epochs than the way up to the maximum, where there is a fall."""
    path = plane.mi_input.sel(layer=layer)
    peak = plane.epoch_of_maximum.sel(layer=layer)
    level = path.max("epoch") - 0.9 * plane.compression.sel(layer=layer)
    fallen = (path <= level) & (plane.epoch >= peak)
    arrival = plane.epoch.isel(epoch=fallen.argmax("epoch")).drop_vars("epoch")
    ratio = mean_over_seeds(np.log10(np.maximum(arrival - peak, 1.0) / np.maximum(peak, 1.0)))
    return Claim(
        f"Most epochs go to compression: nine tenths of the fall of {layer} take longer than the way to its "
        f"maximum{where}.",
        all_of([compresses(plane, layer), ratio.above(0.0)]),
        {
            "log10(epochs of the fall / epochs to the maximum)": str(ratio),
            "epoch of the maximum": str(mean_over_seeds(peak)),
        },
        source,
    )


def drift_then_diffusion(plane: xr.Dataset, source: str, where: str) -> Claim:
    """Whether the gradients of every layer pass from drift to diffusion; ``where`` stands inside the brackets."""
    start, end = crossings(plane)
    return Claim(
        f"Every layer goes from drift (gradient mean above its deviation) to diffusion (below; {where}).",
        all_of([*(m.above(0.0) for m in start.values()), *(m.below(0.0) for m in end.values())]),
        {f"{k}: ln(mean/std) at first, at last": f"{start[k]}, {end[k]}" for k in start},
        source,
    )


def crosses_near_compression(plane: xr.Dataset, source: str, where: str) -> Claim:
    """Whether most networks' last hidden layer crosses within a factor of 2 of its maximal I(X;T)."""
    near, crossed = _near_the_maximum(plane)
    return Claim(
        f"In most networks {last_hidden(plane)} crosses within a factor of 2 of its compression ({where}).",
        near.above(0.5),
        {"share of networks within a factor of 2": str(near), "share that cross at all": str(crossed)},
        source,
    )


def crossings(plane: xr.Dataset) -> tuple[dict[str, Mean], dict[str, Mean]]:
    """ln(m/s) of every layer at the start of training and at its end, geometric mean over a few checkpoints."""
    ratio = np.log(gradient_phases(plane).signal_to_noise)
    ratio = ratio.where(np.isfinite(ratio))
    first, last = ratio.isel(epoch=slice(0, 3)).mean("epoch"), ratio.isel(epoch=slice(-5, None)).mean("epoch")
    names = [str(name) for name in plane.layer.values]
    return tuple({n: mean_over_seeds(part.sel(layer=n)) for n in names} for part in (first, last))  # type: ignore[return-value]


def _near_the_maximum(plane: xr.Dataset) -> tuple[Mean, Mean]:
    """Share of networks whose last hidden layer crosses within a factor of 2 of its maximal I(X;T); share that cross.

    A network that never crosses is not near.
    """
    layer = last_hidden(plane)
    crossing = plane.drift_to_diffusion_epoch.sel(layer=layer)
    peak = plane.epoch_of_maximum.sel(layer=layer)
    ratio = np.log2(np.maximum(crossing, 1.0) / np.maximum(peak, 1.0))
    near = (np.abs(ratio) <= 1).astype(float)
    return mean_over_seeds(near), mean_over_seeds(np.isfinite(crossing).astype(float))
