"""The plane in a few numbers a layer, each with its interval over networks."""

from __future__ import annotations

import numpy as np
import xarray as xr

from .phases import gradient_phases

_RESAMPLES = 2000
_SHUFFLES = 100

SCALARS = ("compression", "epoch_of_maximum", "fitting_gain", "drift_to_diffusion_epoch")


def add_summary(dataset: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Add the scalars of every network and layer, and the interval of their mean over networks.

    Over (seed, layer): ``compression``, max over epochs of I(X;T) minus its last value; ``epoch_of_maximum``;
    ``fitting_gain``, last minus first I(T;Y); ``drift_to_diffusion_epoch`` where gradients were recorded (nan: never).
    Over (layer): each with ``_lower`` and ``_upper``, the 95 % bootstrap interval of the mean over networks, and
    ``compression_null``, the mean compression of the same increments without their trend and in shuffled order: a
    maximum of noisy values is biased up, and compression that exceeds this is more than noise; and
    ``drift_to_diffusion_share``, the share of networks that cross at all, over which that epoch is averaged.
    """
    mi_input, mi_target = dataset.mi_input, dataset.mi_target
    highest = mi_input.fillna(-np.inf).argmax("epoch")  # where a method refused every checkpoint there is no maximum
    scalars = {
        "compression": mi_input.max("epoch") - mi_input.isel(epoch=-1, drop=True),
        "epoch_of_maximum": dataset.epoch.isel(epoch=highest)
        .drop_vars("epoch")
        .astype(float)
        .where(mi_input.notnull().any("epoch")),
        "fitting_gain": mi_target.isel(epoch=-1, drop=True) - mi_target.isel(epoch=0, drop=True),
    }
    if "gradient_mean" in dataset:
        scalars["drift_to_diffusion_epoch"] = gradient_phases(dataset).drift_to_diffusion_epoch
    random = np.random.default_rng([seed, 0xB007])
    added = {}
    if "drift_to_diffusion_epoch" in scalars:
        crossed = np.isfinite(scalars["drift_to_diffusion_epoch"]).mean("seed")
        added["drift_to_diffusion_share"] = ("layer", crossed.to_numpy())
    for name, values in scalars.items():
        values = values.transpose("seed", "layer")
        low, high = bootstrap_interval(values.to_numpy(), random)
        added[name] = (("seed", "layer"), values.to_numpy())
        added[f"{name}_lower"], added[f"{name}_upper"] = ("layer", low), ("layer", high)
    added["compression_null"] = (
        "layer",
        _shuffled_compression(mi_input.transpose("epoch", "seed", "layer").to_numpy(), random),
    )
    return dataset.assign(added)


def bootstrap_interval(
    values: np.ndarray, random: np.random.Generator, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of the mean over the first axis (networks), nan entries left out; nan for one network."""
    n = len(values)
    if n < 2:
        nothing = np.full(values.shape[1:], np.nan)
        return nothing, nothing
    weight = random.multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(float)
    here = np.isfinite(values)
    shape = (n, -1)
    total = weight @ np.where(here, values, 0.0).reshape(shape)
    count = weight @ here.reshape(shape).astype(float)
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    ends = np.full((2, means.shape[1]), np.nan)
    some = np.isfinite(means).any(axis=0)
    if some.any():
        tail = 50 * (1 - level)
        ends[:, some] = np.nanpercentile(means[:, some], [tail, 100 - tail], axis=0)
    low, high = ends
    return low.reshape(values.shape[1:]), high.reshape(values.shape[1:])


def _shuffled_compression(mi_input: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(layer,) mean over networks and shuffles of the compression of (epoch, seed, layer) paths without trend."""
    if len(mi_input) < 3:
        return np.full(mi_input.shape[2], np.nan)
    steps = np.diff(mi_input, axis=0)
    steps = steps - steps.mean(axis=0)
    total = np.zeros(mi_input.shape[1:])
    for _ in range(_SHUFFLES):
        path = np.cumsum(steps[random.permutation(len(steps))], axis=0)
        total += np.maximum(path.max(axis=0), 0.0) - path[-1]
    return total.mean(axis=0) / _SHUFFLES


def summary(dataset: xr.Dataset) -> xr.Dataset:
    """The scalars' means over networks with their 95 % intervals, one row a layer.

    Args:
        dataset: a plane.

    Returns:
        Dataset over (layer, statistic) with statistic "mean", "lower", "upper" for compression, epoch_of_maximum,
        fitting_gain and, where recorded, drift_to_diffusion_epoch; nats and epochs.
    """
    found = {}
    for name in (n for n in SCALARS if n in dataset):
        parts = [dataset[name].mean("seed"), dataset[f"{name}_lower"], dataset[f"{name}_upper"]]
        found[name] = xr.concat(parts, xr.DataArray(["mean", "lower", "upper"], dims="statistic", name="statistic"))
    return xr.Dataset(found)
