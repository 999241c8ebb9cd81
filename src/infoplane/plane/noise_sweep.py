"""The same layers seen through noise of many sizes: how far what is seen depends on the resolution."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..errors import InputError
from ..estimators import PairwiseBounds
from ..progress import Progress, silent
from ..recordings.base import Recording, Split
from .compute import information_plane

_KEPT = [f"{mi}{end}" for mi in ("mi_input", "mi_target") for end in ("_lower", "_upper")]


def noise_sweep(
    recording: Recording,
    sigmas: Sequence[float],
    *,
    relative: bool = False,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    split: Split = "all",
    progress: Progress = silent,
) -> xr.Dataset:
    """Bounds on I(X; T + noise) and I(T + noise; Y) for every sigma, by :class:`~infoplane.estimators.PairwiseBounds`.

    Args:
        recording: activations over (seed, epoch, layer).
        sigmas: standard deviations of the noise, rising.
        relative: whether they are in units of each layer's standard deviation, so that its scale does not matter.
        layers, epochs, split: as for :func:`information_plane`.
        progress: called with the number of snapshots done.

    Returns:
        Dataset over (sigma, seed, epoch, layer), nats: ``mi_input_lower``, ``mi_input_upper``, ``mi_target_lower`` and
        ``mi_target_upper``, each pair holding the truth for X uniform on the samples; attributes ``relative`` (1 or 0),
        the ceilings and the provenance of a plane.

    Raises:
        InputError: no sigmas, or some that do not rise; whatever :func:`information_plane` refuses.
    """
    sizes = np.atleast_1d(np.asarray(sigmas, np.float64))
    if sizes.ndim != 1 or not len(sizes) or (np.diff(sizes) <= 0).any():
        raise InputError(f"noise_sweep needs rising sigmas, as in np.geomspace(0.01, 10, 7), got {sigmas!r}.")
    planes: list[xr.Dataset] = []
    for done, sigma in enumerate(sizes.tolist()):
        step = lambda what, at, of, k=done: progress(what, at + k * of, of * len(sizes))  # noqa: E731
        estimator = PairwiseBounds(sigma, relative)
        planes.append(information_plane(recording, estimator, layers=layers, epochs=epochs, split=split, progress=step))
    found = xr.concat([plane[_KEPT] for plane in planes], xr.DataArray(sizes, dims="sigma", name="sigma"))
    told = [note for plane in planes for note in json.loads(str(plane.attrs["notes"])) if "exceeds" not in note]
    found.attrs = {
        **{k: v for k, v in planes[0].attrs.items() if k not in ("estimator", "channel", "method", "command")},
        "relative": int(relative),
        "notes": json.dumps(list(dict.fromkeys(told))),
        "wall_time": sum(plane.attrs["wall_time"] for plane in planes),
    }
    for name in _KEPT:
        found[name].attrs = {"unit": "nats"}
    return found
