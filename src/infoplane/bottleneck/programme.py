"""A quadratic programme over non-negative weights: the inner problem of every step on p(t)."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, blas, lapack
from scipy.optimize import nnls


def quadratic_programme(matrix: np.ndarray, linear: np.ndarray, limit: int = 40) -> np.ndarray:
    """argmin over u >= 0 of u' M u / 2 - linear' u for a positive definite M, by block principal pivoting.

    Only the lower triangle of M is read. Source: Kim & Park 2011 (non-negative least squares by exchanging whole
    blocks, with a single exchange as backup).
    """
    k = len(linear)
    fixed = np.zeros(k, dtype=bool)
    fewest, patience, u = k + 1, 3, np.zeros(k)
    for _ in range(limit):
        free = ~fixed
        u = np.zeros(k)
        u[free] = _solved(matrix[np.ix_(free, free)] if fixed.any() else matrix, linear[free])
        slack = _times(matrix, u) - linear
        wrong = (free & (u < -1e-14)) | (fixed & (slack < -1e-12))
        count = int(wrong.sum())
        if count == 0:
            return u
        if count < fewest:
            fewest, patience = count, 3
            fixed ^= wrong
        elif patience > 0:
            patience -= 1
            fixed ^= wrong
        else:
            last = int(np.flatnonzero(wrong)[-1])
            fixed[last] = not fixed[last]
    return _by_least_squares(matrix, linear)


class Factor:
    """Multiplication by the inverse of a positive definite M: LAPACK's own, whose wrappers take longer than small M.

    Args:
        lower: M, of which the lower triangle is read; overwritten.

    Raises:
        LinAlgError: M is not positive definite to rounding.
    """

    def __init__(self, lower: np.ndarray) -> None:
        self._factor, failed = lapack.dpotrf(lower.T, lower=0, clean=0, overwrite_a=1)  # pyright: ignore[reportAttributeAccessIssue]
        if failed:
            raise LinAlgError("not positive definite")

    def __call__(self, right: np.ndarray) -> np.ndarray:
        return lapack.dpotrs(self._factor, right, lower=0)[0]  # pyright: ignore[reportAttributeAccessIssue]


def _times(lower: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """M v of a symmetric M whose lower triangle is given."""
    return blas.dsymv(1.0, lower.T, vector, lower=0)  # pyright: ignore[reportAttributeAccessIssue]


def _solved(lower: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """M^-1 b of a symmetric M, positive definite up to rounding, whose lower triangle is given."""
    try:
        return Factor(lower.copy())(linear)
    except LinAlgError:
        return np.linalg.solve(np.tril(lower) + np.tril(lower, -1).T, linear)


def _by_least_squares(lower: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The same by an active set, slow but sure, for where exchanges of blocks run in circles."""
    whole = np.tril(lower) + np.tril(lower, -1).T
    values, vectors = np.linalg.eigh(whole)
    root = np.sqrt(np.maximum(values, 1e-14 * values[-1]))
    found, _ = nnls((vectors * root).T, (vectors.T @ linear) / root)
    return found


def best_weights(matrix: np.ndarray, mass: np.ndarray, downhill: np.ndarray) -> np.ndarray:
    """Weights >= 0 that minimise a quadratic model with this second derivative, and minus its slope, at ``mass``."""
    scale = np.sqrt(np.diag(matrix))
    matrix = matrix / scale
    matrix /= scale[:, None]
    matrix[np.diag_indices(len(scale))] += 1e-12
    return quadratic_programme(matrix, downhill / scale + _times(matrix, mass * scale)) / scale


def gram(columns: np.ndarray) -> np.ndarray:
    """Lower triangle of A' A, at half the cost of the product and without a copy of A."""
    rows = columns.flags.f_contiguous
    half = blas.dsyrk(1.0, columns if rows else columns.T, trans=int(rows), lower=0)  # pyright: ignore[reportAttributeAccessIssue]
    return half.T
