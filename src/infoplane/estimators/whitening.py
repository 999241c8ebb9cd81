"""Centred, whitened coordinates of a sample, and the volume they gave up."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..samples import Variable, exponents_of

RANK_TOLERANCE = 1e-10  # eigenvalues of the correlations below this share of the largest are rounding, not data
_RESOLVED = 1e-13  # a column that varies by less, of its size, is rounding


class Whitened(NamedTuple):
    """A sample in coordinates of unit covariance.

    Attributes:
        values: (n, rank) float64, mean 0, covariance the identity.
        log_det: ln of the product of the kept eigenvalues of the covariance; h(x) = h(values) + log_det / 2.
        rank: dimensions that vary; below d where columns are constant or linear functions of others.
    """

    values: np.ndarray
    log_det: float
    rank: int


def whiten(x: np.ndarray, tolerance: float = RANK_TOLERANCE) -> Whitened:
    """Centre and whiten (n, d) samples; what does not vary linearly is dropped.

    Columns are scaled to unit variance first, so that units of measurement decide nothing about the rank. The result is
    unique up to a rotation: use it where rotations do not matter (Euclidean distances, determinants).
    """
    x = np.asarray(x, np.float64)
    exponents = exponents_of(x)
    x = np.ldexp(x, -exponents)  # no digit changes, and no square over- or underflows
    n = x.shape[0]
    centred = x - x.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    varies = scale > _RESOLVED * np.abs(x).max(axis=0, initial=0.0)
    centred, scale = centred[:, varies] / scale[varies], scale[varies]
    if not scale.size:
        return Whitened(np.zeros((n, 0)), 0.0, 0)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / n)
    kept = eigenvalues > tolerance * eigenvalues[-1]
    values = centred @ (vectors[:, kept] / np.sqrt(eigenvalues[kept]))
    sizes = np.log(scale) + math.log(2.0) * exponents[varies]
    return Whitened(values, float(np.log(eigenvalues[kept]).sum() + 2.0 * sizes.sum()), int(kept.sum()))


def unresolved(x: Variable) -> tuple[str, ...]:
    """A warning where a column varies by so little beside its size that :func:`whiten` drops it."""
    values = np.asarray(x.values, np.float64)
    values = np.ldexp(values, -exponents_of(values))
    scale = values.std(axis=0)
    lost = (values != values[0]).any(axis=0) & ~(scale > _RESOLVED * np.abs(values).max(axis=0, initial=0.0))
    if not lost.any():
        return ()
    return (
        f"{x.name}[:, {int(np.argmax(lost))}] varies by less than {_RESOLVED:g} of its size and counts as constant; "
        "if that is a signal, subtract the offset in the precision it was measured in.",
    )
