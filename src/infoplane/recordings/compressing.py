"""The verb that puts codes in place of a recording's layers and inputs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..compressors import Compressor, Fitted
from ..compressors.frozen import Frozen, as_compressor
from ..errors import InputError, nearest
from ..rows import picked
from ..samples import is_real, whole
from .base import Probe, Recording
from .codes import CodeRecording, Fit, size_of, training_rows


def compressed(
    recording: Recording,
    x: Compressor | Fitted | None = None,
    layers: Compressor | Fitted | Mapping[str, Compressor | Fitted] | None = None,
    fit: Fit = "snapshot",
    reference: int | None = None,
    sigma: float | Mapping[str, float] | None = None,
    *,
    seed: int = 0,
) -> CodeRecording:
    """The recording with codes in place of its layers and inputs, computed once for all estimators.

    I(E(X);E(T)) never exceeds I(X;T). What is lost has no bound without noise; with additive Gaussian noise of known
    size ``scalars`` hold one for every seed, epoch and layer.

    Frozen or refitted? ``fit="snapshot"`` fits each layer's compressor anew at every epoch: the code always looks where
    the variance is, but its coordinates jump when directions change places, and the loss changes with them. A change of
    the estimate may then be one of the compressor; ``explained_variance`` tells when. ``fit="reference"`` fits once, at
    one epoch, and looks at all epochs through the same map: changes are the network's, but directions that carry
    information early and little variance at the reference are never seen; a note says how much variance is kept. Where
    both show the same curve it is not made by the compressor. They agree at the reference epoch.

    Codes are computed when they are asked for and kept (8 bytes a number); of the wrapped recording one snapshot is
    held at a time. Layers with no more columns than the code, and layers of integers, pass as they are. A code of
    fewer dimensions than asked for, as that of a dead layer, has constant columns.

    Args:
        recording: what is compressed.
        x: compressor of the inputs, fitted once, or one fitted elsewhere, as to training images; None leaves them.
        layers: one compressor for all layers, or by layer, also fitted elsewhere; None leaves them.
        fit: "snapshot" or "reference". Where the recording knows which samples were trained on, these are fitted to.
        reference: epoch that frozen compressors are fitted at; the last if None.
        sigma: standard deviation of additive Gaussian noise that layers carry, for the loss bounds; None takes what the
            recording knows of its own noise.
        seed: of whatever is random in fitting.

    Raises:
        InputError: no recording, a compressor that is none or sees both sides, an unknown layer, epoch or fit, no
            inputs to compress, or a map fitted to another number of columns.
    """
    if not isinstance(recording, Recording):
        raise InputError(f"compressed needs a recording, got {type(recording).__name__}; from_arrays(...) gives one.")
    if fit not in ("snapshot", "reference"):
        raise InputError(f"compressed has no fit={fit!r}; {nearest(str(fit), ['snapshot', 'reference'])}")
    if reference is not None and fit == "snapshot":
        raise InputError("compressed takes a reference epoch with fit='reference' only; leave it out, or add that.")
    at = int(recording.epochs[-1]) if reference is None else reference
    recording.position("epoch", at)
    given = layers if isinstance(layers, Mapping) else {} if layers is None else dict.fromkeys(recording.layers, layers)
    makers = {}
    for layer, maker in given.items():
        recording.position("layer", layer)
        makers[layer] = _checked(maker, f"layer {layer!r}")
        if fit == "snapshot" and not isinstance(makers[layer], Frozen) and not size_of(makers[layer]):
            raise InputError(
                f"{makers[layer]} finds its size anew at every fit, and codes of all epochs need one size; give it a "
                "dim, as PCA(dim=4), or use fit='reference'."
            )
    probe, fitted = _input(recording.probe, x, seed)
    sizes = _sigmas(recording, sigma)
    chosen: Fit = "reference" if fit == "reference" else "snapshot"
    return CodeRecording(recording, probe, fitted, makers, chosen, at, sizes, whole(seed, "compressed's seed"))


def _checked(given: Any, what: str) -> Compressor:
    maker = as_compressor(given)
    if not isinstance(maker, Compressor):
        raise InputError(f"compressed needs a compressor for {what}, such as PCA(4) or PCA(4).fit(x), got {given!r}.")
    if maker.supervised:
        raise InputError(
            f"{maker} looks at the other side and finds dependence that is not there in the samples it is fitted to; "
            f"use PCA(...) or Autoencoder(...) for {what}, or fit it to other samples and pass what that returns."
        )
    return maker


def _input(probe: Probe, x: Any, seed: int) -> tuple[Probe, Fitted | None]:
    """The probe with the code of its inputs, and the map."""
    if x is None:
        return probe, None
    maker = _checked(x, "the input")
    if probe.x is None:
        raise InputError(
            "compressed cannot compress inputs that the recording does not have; record x, or leave x out."
        )
    values = np.asarray(probe.x).reshape(probe.n, -1)
    if values.shape[1] <= size_of(maker) and not isinstance(maker, Frozen):
        return probe, None
    rows = None if probe.train is None else training_rows(probe.train, range(len(probe.train)))
    fitted = maker.fit(values if rows is None else picked(values, rows), seed=seed)
    return dataclasses.replace(probe, x=fitted.encode(values)), fitted


def _sigmas(recording: Recording, sigma: Any) -> dict[str, float]:
    if sigma is None:
        return {}
    given: dict[str, Any] = dict(sigma) if isinstance(sigma, Mapping) else dict.fromkeys(recording.layers, sigma)
    for layer, value in given.items():
        recording.position("layer", layer)
        if not is_real(value) or not 0.0 < value < math.inf:
            raise InputError(f"compressed needs a sigma above 0 for layer {layer!r}, got {value!r}.")
    return {layer: float(value) for layer, value in given.items()}
