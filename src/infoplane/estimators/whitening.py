"""Centred, whitened coordinates of a sample, and the volume they gave up."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RANK_TOLERANCE = 1e-10  # eigenvalues of the correlations below this share of the largest are rounding, not data


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
    n = x.shape[0]
    centred = x - x.mean(axis=0)
    scale = np.sqrt((centred**2).mean(axis=0))
    varies = scale > 1e-13 * np.abs(x).max(axis=0, initial=0.0)
    centred, scale = centred[:, varies] / scale[varies], scale[varies]
    if not scale.size:
        return Whitened(np.zeros((n, 0)), 0.0, 0)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / n)
    kept = eigenvalues > tolerance * eigenvalues[-1]
    values = centred @ (vectors[:, kept] / np.sqrt(eigenvalues[kept]))
    log_det = float(np.log(eigenvalues[kept]).sum() + 2.0 * np.log(scale).sum())
    return Whitened(values, log_det, int(kept.sum()))
