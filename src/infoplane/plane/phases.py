"""The two phases of gradient descent: drift, then diffusion."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ..errors import InputError


def gradient_phases(dataset: xr.Dataset) -> xr.Dataset:
    """Gradient statistics relative to the weights, their ratio, and where drift gives way to diffusion.

    Args:
        dataset: with ``gradient_mean`` and ``gradient_std`` over (seed, epoch, layer) and, for the normalised pair,
            ``weight_norm``; a plane of a trained ensemble, or ``recording.scalars``.

    Returns:
        Dataset over (seed, epoch, layer): ``mean`` and ``std``, both over the Frobenius norm of the layer's weights;
        ``signal_to_noise`` m/s, infinite where the batch is the whole sample (s = 0); ``gaussian_channel``
        ln(1 + m^2/s^2) in nats. Over (seed, layer): ``drift_to_diffusion_epoch``, the first checkpoint with m/s < 1,
        nan where there is none. The crossing depends on the batch size, as s falls like its root.

    Raises:
        InputError: no gradient statistics.
    """
    missing = [n for n in ("gradient_mean", "gradient_std") if n not in dataset]
    if missing:
        raise InputError(
            f"gradient_phases needs {' and '.join(missing)}; networks trained by train_ensemble have them."
        )
    mean, std = dataset.gradient_mean, dataset.gradient_std
    # Where batches do not differ by more than rounding there is no noise to speak of.
    ratio = xr.where(std > 1e-6 * mean, mean / std.where(std > 0, np.nan), np.inf)
    ratio = ratio.where(~((mean == 0) & (std == 0)), np.nan)
    crossed = ratio < 1
    first = dataset.epoch.isel(epoch=crossed.argmax("epoch")).drop_vars("epoch").where(crossed.any("epoch"))
    found = {"signal_to_noise": ratio, "gaussian_channel": np.log1p(ratio**2), "drift_to_diffusion_epoch": first}
    if "weight_norm" in dataset:
        found |= {"mean": mean / dataset.weight_norm, "std": std / dataset.weight_norm}
    return xr.Dataset(found)
