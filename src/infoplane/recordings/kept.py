"""What the code of a layer keeps of it and may have lost, in numbers for one snapshot."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Mapping

import numpy as np

from ..channels import OwnNoise
from ..compressors import Fitted, FittedPCA
from ..compressors.bounds import pca_loss_bound
from ..compressors.pca import blocks, moments
from ..compressors.reports import label_bound, noise_bound

NAMES = ("explained_variance", "code_dim", "loss_bound_input", "loss_bound_target", "snr", "snr_bound")
_EXACT = 512  # columns up to which all eigenvalues of a covariance are computed
_ROWS = 2000  # samples that the error of rebuilding is measured on


def kept(
    values: np.ndarray,
    code: np.ndarray,
    fitted: Fitted | None,
    own: bool,
    noise: OwnNoise | None,
    classes: np.ndarray | None,
    seed: int,
) -> dict[str, float]:
    """The numbers of :data:`NAMES`; nan where one is not known.

    - ``explained_variance``: share of the layer's variance in this snapshot that its code keeps. Variance is not
      information: a large share is no proof that little was lost.
    - ``code_dim``: columns of the code that vary.
    - ``loss_bound_input``: nats of I(X;T) that the compression lost at most, given additive noise of known size.
    - ``loss_bound_target``: nats of I(T;Y) that it lost at most, for labels Y: the held-out cross entropy of a probe.
    - ``snr``: mean power of the signal's variation over that of the noise.
    - ``snr_bound``: 1/2 sum ln(1 + lambda_i / sigma^2) over all directions of the signal, which I(X;T) never exceeds.

    Args:
        values: (n, columns) activations.
        code: (n, dim) of them.
        fitted: the map between, or None where the layer passed as it is.
        own: the map was fitted to this snapshot, so that what it says of itself holds here.
        noise: the layer's own.
        classes: (n,) labels from 0, or None.
        seed: of probes.
    """
    found: dict[str, float] = dict.fromkeys(NAMES, math.nan)
    found["code_dim"] = float((code != code[:1]).any(axis=0).sum())
    if values.dtype.kind != "f":
        return {**found, "explained_variance": 1.0}
    plain = isinstance(fitted, FittedPCA) and bool((fitted.scale == 1.0).all())
    here = fitted if own and plain and isinstance(fitted, FittedPCA) else None
    mean, total, eigenvalues = _spectrum(values, here, needed=noise is not None)
    found["explained_variance"] = _explained(values, code, fitted, own, plain, total)
    if classes is not None and fitted is not None:
        found["loss_bound_target"] = label_bound(code, classes, seed=seed).value
    elif fitted is None:
        found["loss_bound_target"] = 0.0 if classes is not None else math.nan
    if noise is None or not noise.sigma > 0:
        return found
    columns = values.shape[1]
    if noise.kind == "multiplicative":
        power = noise.sigma**2 / (1.0 + noise.sigma**2) * (total + float(mean @ mean))
        return {**found, "snr": max(total - power, 0.0) / power if power > 0 else math.nan}
    power = columns * noise.sigma**2
    found["snr"] = max(total - power, 0.0) / power
    found["snr_bound"] = _most(eigenvalues, total, columns, noise.sigma)
    if fitted is None:
        found["loss_bound_input"] = 0.0
    elif own or not plain:
        bound = noise_bound(fitted, values, noise.sigma, seed=seed)
        found["loss_bound_input"] = math.nan if bound is None else bound.bound.value
    else:
        assert isinstance(fitted, FittedPCA)
        found["loss_bound_input"] = _lost_beside(values, mean, fitted, code, total, noise.sigma)
    return found


def composed(
    before: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], passed: np.ndarray, *, projections: bool
) -> dict[str, np.ndarray]:
    """The numbers of :data:`NAMES` for codes of codes, of the layer that the first were made of.

    Shares of the variance multiply where the first codes are plain projections, and are not known otherwise; losses of
    I(X;T) add up; a probe of the last code bounds all that was lost of I(T;Y); and what is said of the signal is said
    of the layer.

    Args:
        before: of the codes that were compressed again, (seed, epoch, layer); those that are known.
        own: of the second codes, with respect to the first.
        passed: (layer,) where the first codes passed as they are.
        projections: whether the first codes are orthonormal projections of their layers.
    """
    unknown = np.full(own["code_dim"].shape, np.nan)
    first = {name: before.get(name, unknown) for name in NAMES}
    second = own["explained_variance"] if projections else np.where(passed, 1.0, np.nan)
    return {
        "explained_variance": first["explained_variance"] * second,
        "code_dim": own["code_dim"],
        "loss_bound_input": first["loss_bound_input"] + own["loss_bound_input"],
        "loss_bound_target": np.where(passed, first["loss_bound_target"], own["loss_bound_target"]),
        "snr": first["snr"],
        "snr_bound": first["snr_bound"],
    }


def _spectrum(values: np.ndarray, fitted: FittedPCA | None, *, needed: bool) -> tuple[np.ndarray, float, np.ndarray]:
    """Means, total variance, and eigenvalues of the covariance, as many as are known."""
    if fitted is not None:
        return fitted.mean, fitted.total, fitted.eigenvalues
    mean, variance = moments(values)
    if needed and values.shape[1] <= _EXACT:
        eigenvalues = np.linalg.eigvalsh(_covariance(values, mean))
        return mean, float(eigenvalues.sum()), np.maximum(eigenvalues, 0.0)
    return mean, float(variance.sum()), np.zeros(0)


def _covariance(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return _summed(blocks(values, mean)) / len(values)


def _summed(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Sum of the products (d, d) of the columns of blocks of rows."""
    return functools.reduce(operator.iadd, (part.T @ part for part in parts))


def _explained(
    values: np.ndarray, code: np.ndarray, fitted: Fitted | None, own: bool, plain: bool, total: float
) -> float:
    if fitted is None or not total > 0:
        return 1.0
    if plain:  # an orthonormal projection: its variance is what it keeps, whichever snapshot it was fitted to
        return min(float(code.var(axis=0).sum()) / total, 1.0)
    if own and "explained_variance" in fitted.details:
        return float(fitted.details["explained_variance"])
    if not fitted.rebuilds:
        return math.nan
    rows = values[:: len(values) // _ROWS + 1]
    error = ((fitted.decode(fitted.encode(rows)) - rows) ** 2).sum(axis=1).mean()
    return 1.0 - float(error) / float(rows.var(axis=0, dtype=np.float64).sum())


def _most(eigenvalues: np.ndarray, total: float, columns: int, sigma: float) -> float:
    """1/2 sum ln(1 + lambda / sigma^2), over the layer before its noise; by Jensen where not all are known."""
    signal = np.maximum(eigenvalues - sigma**2, 0.0)
    before = max(total - columns * sigma**2, float(signal.sum()))
    return pca_loss_bound(signal, 0, sigma, total=before, columns=columns).value


def _lost_beside(
    values: np.ndarray, mean: np.ndarray, fitted: FittedPCA, code: np.ndarray, total: float, sigma: float
) -> float:
    """The loss bound of a projection on directions that are not those of this snapshot.

    The same proof with the covariance of what is left beside the directions kept. Where there are too many columns for
    all its eigenvalues, Jensen's bound from their sum.
    """
    rest = fitted.columns - fitted.dim
    if rest <= 0:
        return 0.0
    if fitted.columns <= _EXACT:
        onto = fitted.components
        left = _summed(c - (c @ onto) @ onto.T for c in blocks(values, mean))
        eigenvalues = np.linalg.eigvalsh(left / len(values))[fitted.dim :]
        return pca_loss_bound(np.maximum(eigenvalues - sigma**2, 0.0), 0, sigma).value
    error = max(total - float(code.var(axis=0).sum()) - rest * sigma**2, 0.0)
    return pca_loss_bound(np.zeros(0), 0, sigma, total=error, columns=rest).value
